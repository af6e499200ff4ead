import { type Fault, RpcError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import { DEFAULT_LIMITS } from "../../core/limits.ts";
import { textOf } from "../../core/text.ts";
import { envelopeOf, requestFault } from "./envelope.ts";
import { faultOf } from "./faults.ts";
import { idOf, membersOf, memberText } from "./id-text.ts";

/** One request as a record holds it. */
export interface ParsedMessage {
  /** The id's source text, quotes included; `undefined` for a notification, and for an id that cannot be one. */
  readonly id: string | undefined;
  readonly method: string | undefined;
  /** `undefined` when there are none, or `null`. */
  readonly params: unknown;
  /** It stood in a list. */
  readonly batch: boolean;
  /** Why it cannot be served; absent for a sound request. A reply is no sound request. */
  readonly error?: Fault;
}

/**
 * Reads one record without serving it, for bridges and taps: a message, or each member of a list (jrpc2's
 * `ParseRequests`). An empty list gives an empty list. Throws `RpcError` `invalid_argument` (-32700) for text that is no
 * JSON, and `resource_exhausted` for nesting above `maxDepth` (default 128).
 */
export function parseMessages(
  record: string | Uint8Array,
  options: { readonly maxDepth?: number } = {},
): ParsedMessage[] {
  const { text, value } = parsed(record, options.maxDepth ?? DEFAULT_LIMITS.maxDepth);
  if (!Array.isArray(value)) return [messageOf(value, text, false)];
  const { texts } = membersOf(text);
  return value.map((member: unknown, index) => messageOf(member, texts[index] ?? "", true));
}

function parsed(record: string | Uint8Array, maxDepth: number): { readonly text: string; readonly value: unknown } {
  try {
    const text = textOf(record);
    return { text, value: parseJson(text, maxDepth) };
  } catch (cause) {
    if (RpcError.is(cause)) throw cause;
    throw new RpcError("invalid_argument", "invalid request value", { wireCode: -32700, cause });
  }
}

function messageOf(value: unknown, text: string, batch: boolean): ParsedMessage {
  const it = envelopeOf(value);
  if (it === undefined) {
    const error = faultOf(-32700, "request is not a JSON object");
    return { id: undefined, method: undefined, params: undefined, batch, error };
  }
  const source = memberText(text, "id");
  const id = idOf(it.id, source);
  const error = id === undefined ? faultOf(-32600, "invalid request ID") : requestFault(it, false);
  const method = typeof it.method === "string" ? it.method : undefined;
  const fields = {
    id: id === null || id === undefined ? undefined : source,
    method,
    params: it.params ?? undefined,
    batch,
  };
  return error === undefined ? fields : { ...fields, error };
}
