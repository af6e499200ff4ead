const EMPTY = new Uint8Array(0);

/**
 * Gathers a body up to a bound. It is copied into one piece of memory as it comes, because a sender that cuts it into single
 * bytes would cost a hundred times its size otherwise.
 */
export class BodyReader {
  readonly #maxBytes: number;
  #bytes: Uint8Array = EMPTY;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Says whether more may come. */
  take(chunk: Uint8Array): boolean {
    const before = this.#length;
    this.#length += chunk.length;
    // Mostly there is no second one.
    if (before === 0) this.#bytes = chunk;
    else this.#append(chunk, before);
    return !this.isTooLarge;
  }

  get isTooLarge(): boolean {
    return this.#length > this.#maxBytes;
  }

  /** All that was taken, without a copy. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #append(chunk: Uint8Array, at: number): void {
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, at);
  }
}
