/** Bytes of one piece of memory that small arrays share. */
const PIECE_BYTES = 64 << 10;
/** An array above this has memory of its own: it must not keep a whole piece alive for long, nor waste its end. */
const LARGEST_SHARED = PIECE_BYTES >> 2;

/**
 * Gives out byte arrays that share larger pieces of memory, which is cheaper than memory for each. For bytes
 * that are soon written or decoded: an array that is kept keeps its piece. Nobody gets the same bytes twice.
 */
export class Arena {
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** An array of so many bytes; `keep` gives back what of it is not used. */
  reserve(bytes: number): Uint8Array {
    if (bytes > LARGEST_SHARED) return new Uint8Array(bytes);
    if (this.#at + bytes > this.#piece.length) {
      this.#piece = new Uint8Array(PIECE_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += bytes;
    return this.#piece.subarray(start, this.#at);
  }

  /** The first bytes of an array that was reserved; the rest of it goes to others, if nothing was reserved after it. */
  keep(reserved: Uint8Array, bytes: number): Uint8Array {
    if (bytes === reserved.length) return reserved;
    const { buffer, byteOffset, length } = reserved;
    if (buffer === this.#piece.buffer && byteOffset + length === this.#at) this.#at = byteOffset + bytes;
    return reserved.subarray(0, bytes);
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copied = this.reserve(bytes.length);
    copied.set(bytes);
    return copied;
  }
}
