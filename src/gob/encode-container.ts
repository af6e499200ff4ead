import { printable } from "../core/text.ts";
import { kindOf, Unfit } from "../core/unfit.ts";
import { type Encode, mismatch } from "./encode-basic.ts";
import { TypedValue } from "./type.ts";
import type { Writer } from "./writer.ts";

/** A struct of which no field is given. */
export const EMPTY: object = Object.freeze({});

/** How values of a type are written. Filled in after it is made, since a type may hold itself. */
export interface Operations {
  /** Writes a value in full, as an element has it. */
  element: Encode;
  /** The same for a field, where the value is neither null nor undefined. */
  inField: Encode;
  /** Writes the zero value in full. */
  zero: () => void;
  /** A field whose value comes to just this is left out. */
  omitted: Uint8Array | undefined;
  /** A field is sent although its value is absent. */
  kept: boolean;
}

/** A field of a struct, as its encoder needs it. */
export interface Part {
  readonly name: string;
  readonly index: number;
  readonly operations: Operations;
  readonly omitted: Uint8Array | undefined;
  readonly kept: boolean;
}

/** How deep the value stands that is being written, counted as a decoder counts. */
export class Depth {
  readonly #max: number;
  #now = 0;

  constructor(max: number) {
    this.#max = max;
  }

  reset(): void {
    this.#now = 0;
  }
  enter(): void {
    if (++this.#now > this.#max) throw new Unfit(`nested in more than ${this.#max} levels, does it hold itself?`);
  }
  leave(): void {
    this.#now--;
  }
}

/** Each field that is sent, behind how far it is from the one before; then a zero. */
export function encodeStruct(to: Writer, depth: Depth, parts: readonly Part[], typeName: string): Encode {
  const expected = `an object with the fields of ${typeName}`;
  return function encode(value) {
    if (typeof value !== "object" || value === null) {
      mismatch(encode, expected, value);
      return;
    }
    depth.enter();
    const begin = to.length;
    const source = value as Readonly<Record<string, unknown>>;
    let given = false;
    let last = -1;
    let name = "";
    try {
      for (const part of parts) {
        const { operations, omitted, index } = part;
        name = part.name;
        const field = source[name];
        if (field === undefined || field === null) {
          if (!part.kept) continue;
          to.unsigned(index - last);
          operations.zero();
        } else {
          given = true;
          const start = to.length;
          to.unsigned(index - last);
          const from = to.length;
          operations.inField(field);
          if (omitted !== undefined && to.endsWith(from, omitted)) {
            to.truncate(start);
            continue;
          }
        }
        last = index;
      }
    } catch (error) {
      throw under(error, `.${name}`);
    }
    depth.leave();
    if (given || value === EMPTY || isPlain(value)) {
      to.byte(0);
      return;
    }
    to.truncate(begin);
    mismatch(encode, expected, value);
  };
}

/** A slice; or an array, which has a `length`. */
export function encodeList(to: Writer, depth: Depth, operations: Operations, length?: number): Encode {
  return function encode(value) {
    if (!Array.isArray(value)) {
      mismatch(encode, "an array", value);
      return;
    }
    const count = value.length;
    if (length !== undefined && count !== length) throw new Unfit(`expected ${length} elements, not ${count}`);
    depth.enter();
    to.unsigned(count);
    let i = 0;
    try {
      for (; i < count; i++) operations.element(value[i]);
    } catch (error) {
      throw under(error, `[${i}]`);
    }
    depth.leave();
  };
}

/** A map: its keys and values, in their order. */
export function encodeMap(to: Writer, depth: Depth, keys: Operations, items: Operations): Encode {
  return function encode(value) {
    if (!(value instanceof Map)) {
      mismatch(encode, "a Map", value);
      return;
    }
    depth.enter();
    to.unsigned(value.size);
    for (const [key, item] of value) {
      try {
        keys.element(key);
      } catch (error) {
        throw under(error, `${step(key)} (its key)`);
      }
      try {
        items.element(item);
      } catch (error) {
        throw under(error, step(key));
      }
    }
    depth.leave();
  };
}

/** An array that is absent. */
export function encodeZeros(to: Writer, depth: Depth, elements: Operations, length: number): () => void {
  return () => {
    depth.enter();
    to.unsigned(length);
    for (let i = 0; i < length; i++) elements.zero();
    depth.leave();
  };
}

/** Adds to the path of an error, on its way up through a value. */
function under(error: unknown, step: string): unknown {
  return error instanceof Unfit ? error.under(step) : error;
}

function step(key: unknown): string {
  return `[${typeof key === "object" && key !== null ? kindOf(key) : printable(String(key), 40)}]`;
}

/** Whether a value without any field of a struct may be meant as one: an array or a Promise may not. */
function isPlain(value: object): boolean {
  return !(value instanceof TypedValue) && kindOf(value) === "an object";
}
