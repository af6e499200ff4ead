import { printable } from "./text.ts";

/** How much of a path is told: a value that holds itself has one without end. */
const MAX_PATH = 200;

/**
 * A value that its type cannot take, on the way up through what holds it: everyone on the way puts the step to its own
 * part in front, so that the path costs nothing as long as all goes well.
 */
export class Unfit extends TypeError {
  #reason: string;
  /** From the part at fault outwards: `.Name`, `[3]`, `.Items`. */
  #steps: string[] = [];

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.#reason = reason;
  }

  /** Adds the step that led to where it was thrown. */
  under(step: string): this {
    this.#steps.push(step);
    return this;
  }

  /**
   * The same with the path in its message. The value that `inside` steps from the outermost lead to is called `root`;
   * 0 is the outermost one.
   */
  at(root: string, inside = 0): Unfit {
    const path = this.#steps.toReversed().slice(inside).join("");
    const told = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
    const { cause } = this;
    const error = new Unfit(`${root}${told}: ${this.#reason}`, cause === undefined ? undefined : { cause });
    error.#reason = this.#reason;
    error.#steps = this.#steps;
    return error;
  }
}

/** What a value is, for people: `a string`, `null`, `an array`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "symbol" ? "a symbol" : `a ${typeof value}`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return `${/^[AEIOU]/.test(tag) ? "an" : "a"} ${tag === "Object" || tag === "Array" ? tag.toLowerCase() : printable(tag, 40)}`;
}
