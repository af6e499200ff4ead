/**
 * What did not fit its place while a value was read. The first counts. Where it was is said by the containers around it, on
 * the way out, up to the field of a struct: that is enough to find it, and costs nothing while all fits.
 */
export class Misfit {
  #reason: string | undefined = undefined;
  #place = "";
  #open = false;

  /** Whether there is one whose place is not told yet. */
  get open(): boolean {
    return this.#open;
  }

  /** Begins another value. */
  clear(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#place = "";
    this.#open = false;
  }

  /** Notes why something does not fit. */
  note(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#open = true;
  }

  /** Says in which element of a container it is. */
  within(element: string): void {
    this.#place = `[${element}]${this.#place}`;
  }

  /** Says in which field of which struct it is. */
  place(struct: string, field: string): void {
    this.#place = `${struct}.${field}${this.#place}`;
    this.#open = false;
  }

  /** The place and the reason. */
  get text(): string | undefined {
    if (this.#reason === undefined) return undefined;
    return `${this.#open ? "value" : ""}${this.#place}: ${this.#reason}`;
  }
}
