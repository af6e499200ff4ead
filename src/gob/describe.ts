import {
  type AnyType,
  any,
  bool,
  bytes,
  complex128,
  float64,
  GobType,
  int64,
  type Names,
  type Shape,
  string,
  uint64,
} from "./type.ts";
import type { WireTypes } from "./wire-type.ts";

const MOST_DESCRIBED = 4096;

/**
 * Describes the types of a stream that nobody described here, so that their values can be encoded again as they came. Their
 * integers are taken as numbers and as bigints, and structs and arrays inside of others as pointers, which may be null.
 */
export class Describer {
  readonly #types: WireTypes;
  /** Each type once: one that holds itself holds the same one. */
  readonly #described = new Map<string, AnyType>();

  constructor(types: WireTypes) {
    this.#types = types;
  }

  /** The type of this id, under the name that it had in an interface. */
  describe(id: number, name: string): AnyType {
    const type = this.#types.get(id);
    const short = "name" in type ? type.name : "";
    return this.#once(id, { registered: name, printed: name, short }, () => this.#shape(id));
  }

  #once(id: number, names: Names, shape: () => Shape): AnyType {
    const key = `${id} ${names.registered}`;
    let described = this.#described.get(key);
    if (described !== undefined) return described;
    described = new GobType<unknown, boolean>(() => names, shape);
    // Names come from the other side, in any number.
    if (this.#described.size >= MOST_DESCRIBED) this.#described.clear();
    this.#described.set(key, described);
    return described;
  }

  #shape(id: number): Shape {
    const type = this.#types.get(id);
    switch (type.kind) {
      case "slice":
        return { kind: "slice", element: this.#inner(type.element) };
      case "array":
        return { kind: "array", element: this.#inner(type.element), length: type.length };
      case "map":
        return { kind: "map", key: this.#inner(type.key), value: this.#inner(type.value) };
      case "struct":
        return { kind: "struct", fields: type.fields.map(({ name, type: id }) => ({ name, type: this.#inner(id) })) };
      case "opaque":
        return { kind: "opaque", form: type.form, coder: SAME_BYTES };
      default:
        return BASIC[type.kind].shape;
    }
  }

  #inner(id: number): AnyType {
    const type = this.#types.get(id);
    if (!("name" in type)) return BASIC[type.kind];
    const described = this.describe(id, type.name);
    if (type.kind !== "struct" && type.kind !== "array") return described;
    const name = `*${type.name}`;
    const names = { registered: name, printed: name, short: described.names.short };
    return this.#once(id, names, () => ({ kind: "pointer", to: described }));
  }
}

const BASIC = {
  bool,
  int: int64,
  uint: uint64,
  float: float64,
  bytes,
  string,
  complex: complex128,
  interface: any,
} as const satisfies Readonly<Record<string, AnyType>>;

/** For types that encode themselves: their bytes. */
const SAME_BYTES = {
  encode: (value: unknown) => {
    if (value instanceof Uint8Array) return value;
    throw new TypeError("is no Uint8Array");
  },
  decode: (bytes: Uint8Array) => bytes.slice(),
  zero: () => new Uint8Array(),
};
