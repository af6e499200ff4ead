import { protocolError, RpcError } from "../core/errors.ts";

/** The most bytes that a number takes behind its first one. */
const NUMBER_BYTES = 8;

/**
 * Where the message ends that begins at `at`, its count included: gob puts the count of a message's bytes in front of it.
 * Infinity when the count itself is not complete. Throws `resource_exhausted` for more than `maxBytes`, before there is
 * anything else of the message, and a protocol error for a count that is none.
 */
export function messageEnd(bytes: Uint8Array, at: number, maxBytes: number): number {
  const first = bytes[at];
  if (first === undefined) return Infinity;
  const size = first < 128 ? 0 : 256 - first;
  if (size > NUMBER_BYTES)
    throw protocolError(`A gob message begins with a count of ${size} bytes: none has more than 8`);
  const body = at + 1 + size;
  if (body > bytes.length) return Infinity;
  let length = size === 0 ? first : 0;
  // Loses the last digits of what is far above any limit, and nothing of what is not.
  for (let each = at + 1; each < body; each++) length = length * 256 + (bytes[each] ?? 0);
  if (length > maxBytes) {
    throw new RpcError(
      "resource_exhausted",
      `A gob message of ${length} bytes is above the limit of ${maxBytes} bytes: send less at once or raise maxMessageBytes`,
    );
  }
  return body + length;
}

/** Where the message itself begins, behind its count; for a message that is there. */
export function messageBody(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  return first < 128 ? at + 1 : at + 257 - first;
}
