import type { Role } from "../../core/channel.ts";
import type { Id } from "../../core/message.ts";

/** What an alias begins with, and what ends its number. */
const MARK = "\u0000";
const DECIMAL = /^[1-9]\d{0,15}$/;
/** What the ids of the accepter's calls begin with. */
const ACCEPTER = "s";

/**
 * The id of a call of this end as the wire has it: `1`, and `s1` of the end that accepted. Hemi's clients count their calls
 * from 1 too, and take whatever has the id of one of them for its answer.
 */
export function callIdOf(id: Id, role: Role): string {
  return role === "server" ? `${ACCEPTER}${id}` : String(id);
}

/** The number of a call of this end. `undefined` for a text that no call of this end has. */
export function ownIdOf(text: string, role: Role): number | undefined {
  if (role === "server") return text.startsWith(ACCEPTER) ? numberOf(text.slice(ACCEPTER.length)) : undefined;
  return numberOf(text);
}

/** Whether a text is the id of a call of this end, or what Hemi's clients count. */
export function isCallId(text: string, role: Role): boolean {
  return numberOf(text) !== undefined || ownIdOf(text, role) !== undefined;
}

function numberOf(text: string): number | undefined {
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
