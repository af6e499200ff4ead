import type { Id } from "../../core/message.ts";

/** What an alias begins with, and what ends its number. */
const MARK = "\u0000";
const DECIMAL = /^[1-9]\d{0,15}$/;

/** The id of a call of this end: they count up from 1. `undefined` for a text that no call of ours has. */
export function ownIdOf(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : undefined;
}

/**
 * Another name for the id of a request while one with the same id runs: people paste one id again and again, and some give
 * none. Each is answered under the id that it came with.
 */
export function aliasOf(text: string, number: number): string {
  return `${MARK}${number}${MARK}${text}`;
}

/** Whether the text of an id could be taken for an alias. */
export function isMarked(text: string): boolean {
  return text.startsWith(MARK);
}

/** The id as the wire has it. */
export function wireIdOf(id: Id): string {
  if (typeof id === "number") return String(id);
  return isMarked(id) ? id.slice(id.indexOf(MARK, MARK.length) + 1) : id;
}
