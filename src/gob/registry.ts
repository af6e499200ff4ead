import { protocolError } from "../core/errors.ts";
import { textOf } from "../core/text.ts";
import type { Reader } from "./reader.ts";
import {
  type AnyType,
  bool,
  bytes,
  complex64,
  complex128,
  float32,
  float64,
  int,
  int8,
  int16,
  int32,
  int64,
  pointer,
  slice,
  string,
  uint,
  uint8,
  uint16,
  uint32,
  uint64,
  uintptr,
} from "./type.ts";

/** As long as Go takes them. */
const MAX_NAME_BYTES = 1024;
/** Places for names that were seen. A power of two. */
const SEEN_PLACES = 64;

/** The types whose integers have 64 bits: without a description of one's own they are numbers where they fit, else bigints. */
const WIDE: readonly AnyType[] = [int, int64, uint, uint64, uintptr];
const NARROW: readonly AnyType[] = [
  ...[bool, string, int8, int16, int32, uint8, uint16, uint32],
  ...[float32, float64, complex64, complex128],
];
/** What Go knows without being told; `[]uint8` is `bytes`. */
const BUILT_IN: ReadonlyMap<string, Registered> = new Map<string, Registered>(
  [
    ...WIDE.flatMap((type) => [type, slice(type)]).map((type) => ({ type, plain: true })),
    ...NARROW.flatMap((type) => [type, type === uint8 ? bytes : slice(type)]).map((type) => ({ type, plain: false })),
  ].map((entry) => [entry.type.names.registered, { ...entry, exact: entry.type }]),
);

/** What a name stands for. */
export interface Registered {
  readonly type: AnyType;
  /** The type that has just this name, where the name is an alias: what came by value goes back by value. */
  readonly exact: AnyType;
  /** Its values are checked against the type, but are read as if nothing were described. */
  readonly plain: boolean;
}

/** What the values inside interfaces may be, by the names under which Go registers them. */
export class Registry {
  readonly #types = new Map<string, Registered>();

  /** Throws for two types of one name. */
  constructor(types: readonly AnyType[]) {
    for (const type of types) {
      const name = type.names.registered;
      const other = this.#types.get(name);
      if (other !== undefined && other.type !== type) throw new TypeError(`Two types are described as ${name}`);
      this.#types.set(name, { type, exact: type, plain: false });
    }
    for (const type of types) {
      const { base } = type;
      this.#alias(base.names.registered, type, base);
      this.#alias(`*${base.names.printed}`, type, pointer(base));
    }
  }

  /** What a name stands for: with or without its `*`, either description is found. */
  find(name: string): Registered | undefined {
    return this.#types.get(name) ?? BUILT_IN.get(name);
  }

  #alias(name: string, type: AnyType, exact: AnyType): void {
    if (!this.#types.has(name)) this.#types.set(name, { type, exact, plain: false });
  }
}

/** A name as it came. */
interface Seen<Entry> {
  readonly bytes: Uint8Array;
  readonly entry: Entry;
}

/** Remembers names by their bytes, so that a name that comes again is not made into a text again. */
export class NameCache<Entry> {
  readonly #make: (name: string) => Entry;
  readonly #seen: (Seen<Entry> | undefined)[] = new Array<undefined>(SEEN_PLACES).fill(undefined);

  constructor(make: (name: string) => Entry) {
    this.#make = make;
  }

  /** Reads a name. Nothing for an empty one, which stands for nil. */
  read(reader: Reader): Entry | undefined {
    const length = reader.count();
    if (length === 0) return undefined;
    if (length > MAX_NAME_BYTES) throw protocolError(`A gob message has the name of a type in ${length} bytes`);
    const mixed = length * 7 + reader.ahead(length - 1) + reader.ahead(length >> 1) * 3;
    const place = mixed & (SEEN_PLACES - 1);
    const seen = this.#seen[place];
    if (seen !== undefined && seen.bytes.length === length && reader.takeSame(seen.bytes)) return seen.entry;
    const bytes = reader.take(length).slice();
    const entry = this.#make(nameOf(bytes));
    this.#seen[place] = { bytes, entry };
    return entry;
  }
}

function nameOf(bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch {
    throw protocolError("A gob message has the name of a type that is no UTF-8");
  }
}
