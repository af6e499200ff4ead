import { envelopeOf, hasOutcome, isReply } from "../../codecs/jsonrpc/envelope.ts";
import { idOf, membersOf, memberText } from "../../codecs/jsonrpc/id-text.ts";
import { type ParsedMessage, parseMessages } from "../../codecs/jsonrpc/messages.ts";
import type { Frame } from "../../core/channel.ts";
import { textOf } from "../../core/text.ts";

/** A record as the engine shall have it, and how its replies become those that the caller awaits. */
export interface Arranged {
  readonly record: Frame;
  /** There is nothing in it. */
  readonly isEmpty: boolean;
  /** Gives the caller's own ids back. */
  restore(reply: string): string;
}

const OPEN_LIST = 0x5b;
const same = (reply: string): string => reply;

/**
 * Arranges a record in jrpc2's way. Of a batch the invalid members come first, so that their errors do; members with the
 * same id, which the engine refuses because nobody could tell the replies apart, get ids of their own for the time: over
 * HTTP there is only one who waits, and the order tells. Anything but a batch stays as it is.
 */
export function arrange(record: Frame): Arranged {
  const messages = startsList(record) ? read(record) : undefined;
  if (messages === undefined) return { record, isEmpty: false, restore: same };
  if (messages.length === 0) return { record, isEmpty: true, restore: same };
  const texts = membersOf(textOf(record)).texts;
  const members = messages.map(({ error }, at) => ({ text: texts[at] ?? "null", isSound: error === undefined }));
  const names = renamed(messages.map(({ id }) => id));
  const isOrdered = members.every(({ isSound }, at) => isSound || at === 0 || members[at - 1]?.isSound === false);
  if (isOrdered && names.size === 0) return { record, isEmpty: false, restore: same };
  const named = members.map(({ text, isSound }, at) => ({ isSound, text: withId(text, names.get(at)?.now) }));
  const sorted = [...named.filter(({ isSound }) => !isSound), ...named.filter(({ isSound }) => isSound)];
  const owners = new Map([...names.values()].map(({ now, own }) => [now, own]));
  return {
    record: `[${sorted.map(({ text }) => text).join(",")}]`,
    isEmpty: false,
    restore: owners.size === 0 ? same : (reply) => restored(reply, owners),
  };
}

/** Whether anybody waits for an answer to the record: it has a call, or a mistake. A reply is none, whatever it replies to. */
export function wantsAnswer(record: Frame): boolean {
  const messages = read(record) ?? [];
  if (messages.every(({ id, error }) => id === undefined && error === undefined)) return false;
  const value: unknown = JSON.parse(textOf(record));
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return messages.some(({ id, error }, at) => (error === undefined ? id !== undefined : !isOutcome(values[at])));
}

function isOutcome(value: unknown): boolean {
  const it = envelopeOf(value);
  return it !== undefined && isReply(it) && hasOutcome(it) && idOf(it.id, undefined) !== undefined;
}

/** What each call of the record is answered with when its time is over (jrpc2, case 198). */
export function lateAnswer(record: Frame): string | undefined {
  const calls = (read(record) ?? []).filter(({ id, error }) => id !== undefined && error === undefined);
  if (calls.length === 0) return undefined;
  const error = '{"code":-32096,"message":"context deadline exceeded"}';
  const replies = calls.map(({ id }) => `{"jsonrpc":"2.0","id":${id},"error":${error}}`);
  return calls[0]?.batch === true ? `[${replies.join(",")}]` : replies[0];
}

/** Joins the lists into which a reply was cut that is too long for a frame: HTTP knows no frames. */
export function joinReplies(replies: readonly string[]): string {
  if (replies.length === 1) return replies[0] ?? "";
  return `[${replies.map((each) => (each.startsWith("[") ? each.slice(1, -1) : each)).join(",")}]`;
}

/** Nothing for what is no JSON, or too deep: the engine says so. */
function read(record: Frame): ParsedMessage[] | undefined {
  try {
    return parseMessages(record);
  } catch {
    return undefined;
  }
}

function startsList(record: Frame): boolean {
  for (let at = 0; at < record.length; at++) {
    const unit = typeof record === "string" ? record.charCodeAt(at) : record[at];
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return unit === OPEN_LIST;
  }
  return false;
}

/** New ids for those that were there before, by their places. */
function renamed(ids: readonly (string | undefined)[]): Map<number, { readonly now: string; readonly own: string }> {
  const taken = new Set<string>();
  const again = ids.map((id) => {
    const isTaken = id !== undefined && taken.has(id);
    if (id !== undefined) taken.add(id);
    return isTaken;
  });
  const names = new Map<number, { readonly now: string; readonly own: string }>();
  let last = 0;
  for (const [at, own] of ids.entries()) {
    if (own === undefined || again[at] !== true) continue;
    let now: string;
    do now = `"${++last}.again"`;
    while (taken.has(now));
    names.set(at, { now, own });
  }
  return names;
}

/** Of two members with one name the last one counts, for the codec as for `JSON.parse`. */
function withId(request: string, id: string | undefined): string {
  return id === undefined ? request : `${request.trimEnd().slice(0, -1)},"id":${id}}`;
}

function restored(reply: string, owners: ReadonlyMap<string, string>): string {
  if (!reply.startsWith("[")) return reply;
  const members = membersOf(reply).texts.map((text) => {
    const id = memberText(text, "id") ?? "";
    const own = owners.get(id);
    // It stands at the beginning, before anything of the user's.
    return own === undefined ? text : text.replace(`"id":${id}`, () => `"id":${own}`);
  });
  return `[${members.join(",")}]`;
}
