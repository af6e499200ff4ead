import type { Id } from "../../core/message.ts";

/** The largest first id that an agent may ask for: what is left above it is enough for centuries of plain numbers. */
export const MAX_FIRST_ID: bigint = 2n ** 52n;

const MAX_NUMBER = BigInt(Number.MAX_SAFE_INTEGER);

/** The id of a uint64: a number where it is exact, else its decimal digits. */
export function idOf(wire: bigint): Id {
  return wire <= MAX_NUMBER ? Number(wire) : String(wire);
}

/** The uint64 of an id. Throws for a text that is no number. */
export function wireIdOf(id: Id): bigint {
  return BigInt(id);
}
