/** What came of a message that is not complete. It grows by what comes, and not by what a count says. */
export class Rest {
  #bytes: Uint8Array = new Uint8Array();
  length = 0;

  /** What there is now; valid until `keep`. */
  joined(chunk: Uint8Array): Uint8Array {
    if (this.length === 0) return chunk;
    const length = this.length + chunk.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.length);
    this.length = length;
    return this.#bytes.subarray(0, length);
  }

  /** Keeps what is behind `at` of what `joined` gave. */
  keep(bytes: Uint8Array, at: number): void {
    if (at === bytes.length && this.length === 0) return;
    if (at === 0 && this.length > 0 && bytes.buffer === this.#bytes.buffer) return;
    this.#bytes = bytes.slice(at);
    this.length = this.#bytes.length;
  }
}
