import type { Reader } from "./reader.ts";

/** Reads one value at this depth. What throws ends the stream. */
export type Decode = (reader: Reader, depth: number) => unknown;

/** Makes the value of a field that was left out. */
export type Zero = Decode;

/**
 * A decoder that was compiled for one type of the stream and one of here. Others hold the node and not its function, so
 * that a type may hold itself.
 */
export class Node {
  /** Whether it stands alone with a mark before it, at the top and in interfaces: whatever is no struct. */
  readonly single: boolean;
  /** Whether its values are within one message: a count of them is bound by what is left of it. */
  readonly flat: boolean;
  decode: Decode = unready;

  constructor(single: boolean, flat: boolean) {
    this.single = single;
    this.flat = flat;
  }
}

function unready(): never {
  throw new TypeError("A decoder is used while it is compiled");
}
