import { membersOf, memberText } from "../../codecs/jsonrpc/id-text.ts";
import { parseJson } from "../../core/json.ts";
import { textOf } from "../../core/text.ts";
import type { Failure } from "./outgoing-record.ts";
import type { HttpReply } from "./reply.ts";
import { isMessage } from "./statuses.ts";

/** What the body of an answer says of the calls that were asked. */
export interface Replies {
  /** The calls that it answers, by their ids as JSON text. */
  readonly ids: ReadonlySet<string>;
  /** The error of the request as a whole, whose ids the server could not read. */
  readonly failure: Failure | undefined;
}

/** The statuses that stand beside an error of the request itself: 200, and those of "JSON-RPC over HTTP", draft of 2008, section 3.6.2. */
const OF_REQUESTS: ReadonlySet<number> = new Set([200, 400, 404, 500]);
const JSON_TYPE = /^\s*application\/(?:[\w.-]+\+)?json(?:-rpc|request)?\s*(?:;|$)/i;

/** Whether an answer with an error status may have a JSON-RPC message in it. */
export function mayAnswer(reply: HttpReply): boolean {
  return reply.status >= 400 && JSON_TYPE.test(reply.header("content-type") ?? "");
}

/**
 * Reads the JSON-RPC replies in an answer, also in one with an error status: some servers say their errors by the status as
 * well (aria2 does). `undefined` for what is none.
 */
export function repliesIn(status: number, bytes: Uint8Array, maxDepth: number): Replies | undefined {
  if (!isMessage(bytes)) return undefined;
  const ids = new Set<string>();
  let failure: Failure | undefined;
  for (const [text, reply] of membersIn(bytes, maxDepth)) {
    if (!isReply(reply)) continue;
    const id = memberText(text, "id") ?? "null";
    if (id !== "null") ids.add(id);
    else if (OF_REQUESTS.has(status)) failure ??= failureOf(reply.error);
  }
  return ids.size === 0 && failure === undefined ? undefined : { ids, failure };
}

function membersIn(bytes: Uint8Array, maxDepth: number): readonly (readonly [text: string, value: unknown])[] {
  try {
    const text = textOf(bytes);
    const value = parseJson(text, maxDepth);
    if (!Array.isArray(value)) return [[text, value]];
    const { texts } = membersOf(text);
    return value.map((member: unknown, at) => [texts[at] ?? "", member]);
  } catch {
    return [];
  }
}

function isReply(value: unknown): value is { readonly error?: unknown } {
  if (typeof value !== "object" || value === null) return false;
  return "jsonrpc" in value && value.jsonrpc === "2.0" && ("error" in value || "result" in value);
}

function failureOf(error: unknown): Failure | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const number = "code" in error && typeof error.code === "number" ? error.code : -32603;
  const message = "message" in error && typeof error.message === "string" ? error.message : "";
  return { number, message, executed: "unknown" };
}
