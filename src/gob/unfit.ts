import { printable } from "../core/text.ts";

/** How much of a path is told: a value that holds itself has one without end. */
const MAX_PATH = 200;

/**
 * A value that its type cannot take, on the way up through what holds it: everyone on the way puts the step to its own
 * part in front, so that the path costs nothing as long as all goes well.
 */
export class Unfit extends TypeError {
  /** From the outermost value that has seen it: `.Items[3].Name`. */
  path = "";
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }

  /** Adds the step that led to where it was thrown. */
  under(step: string): this {
    const path = `${step}${this.path}`;
    this.path = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path;
    return this;
  }

  /** What the caller gets, when the outermost value is called `root`. */
  at(root: string): TypeError {
    return new TypeError(
      `${root}${this.path}: ${this.reason}`,
      this.cause === undefined ? undefined : { cause: this.cause },
    );
  }
}

/** What a value is, for people: `a string`, `null`, `an array`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value === "symbol" ? "a symbol" : `a ${typeof value}`;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return `${/^[AEIOU]/.test(tag) ? "an" : "a"} ${tag === "Object" || tag === "Array" ? tag.toLowerCase() : printable(tag, 40)}`;
}
