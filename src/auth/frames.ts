import { RpcError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { textOf } from "../core/text.ts";
import type { Exchange } from "../core/wire.ts";
import { type ErrorRecord, refusal, refusedByOther } from "./refusal.ts";

/** Frames of a handshake are flat. */
const MAX_DEPTH = 8;

/** An object from the wire: it has these members or not, and they are anything. */
export type Fields<Name extends string> = { readonly [Each in Name]?: unknown };

/**
 * Receives a frame that is one JSON object. Rejects with `unauthenticated` for anything else; one above `maxLength` (bytes,
 * or units of text) is not even read.
 */
export async function receiveFields<Name extends string>(exchange: Exchange, maxLength: number): Promise<Fields<Name>> {
  const frame = await exchange.receive();
  if (frame.length > maxLength) throw refusal(`A frame of the handshake has at most ${maxLength} bytes`);
  let value: unknown;
  try {
    value = parseJson(textOf(frame), MAX_DEPTH);
  } catch (cause) {
    throw refusal("A frame of the handshake is not JSON", undefined, cause);
  }
  return fieldsOf(value);
}

/** Takes a value from the wire for an object. Throws `unauthenticated` for what is none. */
export function fieldsOf<Name extends string>(value: unknown): Fields<Name> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw refusal("A frame of the handshake is not an object");
}

/** Takes a value from the wire for a text. Throws `unauthenticated` for what is none. */
export function textField(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw refusal(`The handshake has no text "${name}"`);
}

/**
 * Runs one half of a handshake. Whatever refuses is told to the other side before it is thrown, because not every transport
 * can say why it closes; what the other side has refused itself is not told back.
 */
export async function explained<Value>(
  exchange: Exchange,
  frameOf: (error: RpcError) => string,
  half: () => Promise<Value>,
): Promise<Value> {
  try {
    return await half();
  } catch (thrown) {
    const error = RpcError.from(thrown);
    if (!error.remote) await exchange.send(frameOf(error));
    throw error;
  }
}

/** The frame that refuses, in the handshakes that are Convoke's own: `{"error":{"code","message","closeCode"}}`. */
export function errorFrame({ code, message, wireCode }: RpcError): string {
  return JSON.stringify({ error: { code, message, ...(typeof wireCode === "number" && { closeCode: wireCode }) } });
}

/** Receives the next frame of such a handshake. Rejects with what the other side says when it refuses. */
export async function receiveOwn<Name extends string>(exchange: Exchange, maxLength: number): Promise<Fields<Name>> {
  const fields = await receiveFields<Name | "error">(exchange, maxLength);
  if (fields.error !== undefined) throw refusedByOther(fieldsOf<keyof ErrorRecord>(fields.error));
  return fields;
}
