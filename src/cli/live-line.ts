/** Where a live line goes: `process.stderr`, or a stand-in. */
export interface LiveOutput {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** A line of a terminal that is written over again and again; where there is no terminal it says nothing. */
export class LiveLine {
  readonly #out: LiveOutput;
  #length = 0;

  constructor(out: LiveOutput) {
    this.#out = out;
  }

  /** Whether there is a terminal to show it. */
  get isShown(): boolean {
    return this.#out.isTTY === true;
  }

  show(text: string): void {
    if (!this.isShown) return;
    this.#out.write(`\r${text.padEnd(this.#length)}`);
    this.#length = text.length;
  }

  /** Leaves an empty line, with the cursor at its beginning, for whatever is printed next. */
  clear(): void {
    if (this.#length === 0) return;
    this.show("");
    this.#out.write("\r");
  }
}
