/**
 * What a stream may cost beside the reading of its bytes, in proportion to them: so much at first and so much for each
 * byte. What a value leaves of it is there for the next one up to `atFirst`, so that nothing can be saved for one blow.
 */
export class Allowance {
  readonly #atFirst: number;
  readonly #perByte: number;
  #left: number;

  constructor(atFirst: number, perByte: number) {
    this.#atFirst = atFirst;
    this.#perByte = perByte;
    this.#left = atFirst;
  }

  /** Tells that bytes came; `again` when they belong to the value of those before. */
  came(bytes: number, again: boolean): void {
    this.#left = (again ? this.#left : Math.min(this.#left, this.#atFirst)) + bytes * this.#perByte;
  }

  /** Takes some of it; tells whether there was as much. */
  spend(cost: number): boolean {
    this.#left -= cost;
    return this.#left >= 0;
  }
}
