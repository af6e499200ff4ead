/** How a self-encoding type announces itself on the wire. */
export type OpaqueForm = "gob" | "binary" | "text";

/** A field of a struct. Its name is Go's, and matching goes by it. */
export interface Field {
  readonly name: string;
  readonly type: AnyType;
}

/** What a type is made of. The encoder and the decoder switch on `kind`. */
export type Shape =
  | { readonly kind: "bool" | "string" | "bytes" | "interface" }
  | { readonly kind: "int" | "uint"; readonly bits: 8 | 16 | 32 | 64; readonly as: "number" | "bigint" }
  | { readonly kind: "float" | "complex"; readonly bits: 32 | 64 }
  | { readonly kind: "slice"; readonly element: AnyType }
  | { readonly kind: "array"; readonly element: AnyType; readonly length: number }
  | { readonly kind: "map"; readonly key: AnyType; readonly value: AnyType }
  | { readonly kind: "struct"; readonly fields: readonly Field[] }
  | { readonly kind: "pointer"; readonly to: AnyType }
  | { readonly kind: "opaque"; readonly form: OpaqueForm; readonly coder: Coder<unknown> };

/** Turns the values of a self-encoding type into bytes and back. What it throws is the error of the value. */
export interface Coder<Value> {
  encode(value: Value): Uint8Array;
  /** The bytes are the decoder's own: what is kept of them must be copied. */
  decode(bytes: Uint8Array): Value;
  /** What a field of this type has that was left out. */
  zero(): Value;
}

/** The names of a type. */
export interface Names {
  /** Under which Go knows it inside an interface: `int`, `[]string`, `main.Pair`, `*main.Pair`. */
  readonly registered: string;
  /** As Go prints it inside the name of another type: the package's name, and not its path. */
  readonly printed: string;
  /** What a definition says for people: the name without its package; empty for a type without a name. */
  readonly short: string;
}

/** How Go calls the package of a type, where the path in the type's name does not tell. */
export interface PackageOptions {
  /** The name in its files' `package`: by default the path's last part, but `shop` of `…/shop/v2` and of `…/shop.v2`. */
  readonly packageName?: string;
}

/** Any described type. */
export type AnyType = GobType<unknown, boolean>;

/** Behind the name of a package in its path: `/v2`, and `.v2` as gopkg.in has it. */
const VERSION = /(?:\/v(?:[2-9]|[1-9]\d+)|\.v\d+)$/;

/** Marks the prototype of a struct's values with their type. */
const TYPE: unique symbol = Symbol("gob type");

/**
 * A Go type, described once: its values' TypeScript type is `Infer<typeof type>`. `Nil` tells that a field of this type
 * may be null, which is so for pointers and interfaces. Immutable; may be used in any number of streams.
 */
export class GobType<out Value, out Nil extends boolean = false> {
  /** Only for the compiler: what a value is, and whether a field may be null. */
  declare readonly infer: { readonly value: Value; readonly nil: Nil };
  readonly #names: () => Names;
  readonly #shape: () => Shape;
  #prototype: object | undefined = undefined;

  /** Made by the functions of this module only. They are functions because a type may speak of itself. */
  constructor(names: () => Names, shape: () => Shape) {
    this.#names = once(names);
    this.#shape = once(shape);
  }

  get names(): Names {
    return this.#names();
  }
  get shape(): Shape {
    return this.#shape();
  }

  /** What a pointer points at in the end; the type itself where it is none. */
  get base(): AnyType {
    const { shape } = this;
    return shape.kind === "pointer" ? shape.to.base : this;
  }

  /**
   * A value that remembers its type, for the places where Go has an interface: requests, responses and `any`. A struct's
   * is a copy of its fields; that of any other type stands in a `TypedValue`.
   */
  of(value: Value): Value {
    if (this.base.shape.kind !== "struct") return new TypedValue(this, value) as unknown as Value;
    return Object.assign(Object.create(this.prototype), value) as Value;
  }

  /** The prototype of a struct's values: by it they are known again. Only for structs and pointers to them. */
  get prototype(): object {
    this.#prototype ??= Object.create(Object.prototype, { [TYPE]: { value: this } }) as object;
    return this.#prototype;
  }
}

/** A value with its type, where the value alone would not tell it. */
export class TypedValue {
  readonly type: AnyType;
  readonly value: unknown;

  constructor(type: AnyType, value: unknown) {
    this.type = type;
    this.value = value;
  }
}

/** The type of a value that remembers it, by `of` or because a decoder made it. */
export function typeOf(value: unknown): AnyType | undefined {
  if (value instanceof TypedValue) return value.type;
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { readonly [TYPE]?: AnyType })[TYPE];
}

/** The TypeScript type of a described type's values. */
export type Infer<Type> = Type extends GobType<infer Value, boolean> ? Value : never;

/** What a field may have: null too, where Go has a pointer or an interface. */
type InField<Type> = Type extends GobType<infer Value, infer Nil> ? (true extends Nil ? Value | null : Value) : never;

/** The values of a struct with these fields. */
export type StructOf<Fields> = { -readonly [Name in keyof Fields]: InField<Fields[Name]> };

/** What is given of a struct: a field that is left out or `undefined` has its zero value. */
type Given<Value> = { readonly [Name in keyof Value]?: Value[Name] | undefined };

/** A struct, or a pointer to one: `of` takes some of its fields. What is left out is absent here, and zero for who reads it. */
export type StructType<Value, Nil extends boolean = false> = {
  readonly of: (fields: Given<Value>) => Value;
} & GobType<Value, Nil>;

export const bool: GobType<boolean> = basic("bool", { kind: "bool" });
export const string: GobType<string> = basic("string", { kind: "string" });
/** `[]byte`. What a decoder gives is a copy. */
export const bytes: GobType<Uint8Array> = basic("[]uint8", { kind: "bytes" });
/** Go's everyday integer: a number. One that a number cannot hold exactly is refused; `int64` takes those. */
export const int: GobType<number> = basic("int", { kind: "int", bits: 64, as: "number" });
export const int8: GobType<number> = basic("int8", { kind: "int", bits: 8, as: "number" });
export const int16: GobType<number> = basic("int16", { kind: "int", bits: 16, as: "number" });
/** Also Go's `rune`. */
export const int32: GobType<number> = basic("int32", { kind: "int", bits: 32, as: "number" });
/** Always a bigint. Fits fields that Go has as `int` too; `time.Duration` is one, in nanoseconds. */
export const int64: GobType<bigint> = basic("int64", { kind: "int", bits: 64, as: "bigint" });
/** A number, like `int`; `uint64` takes all values. */
export const uint: GobType<number> = basic("uint", { kind: "uint", bits: 64, as: "number" });
export const uint8: GobType<number> = basic("uint8", { kind: "uint", bits: 8, as: "number" });
export const uint16: GobType<number> = basic("uint16", { kind: "uint", bits: 16, as: "number" });
export const uint32: GobType<number> = basic("uint32", { kind: "uint", bits: 32, as: "number" });
/** Always a bigint. */
export const uint64: GobType<bigint> = basic("uint64", { kind: "uint", bits: 64, as: "bigint" });
/** Always a bigint. */
export const uintptr: GobType<bigint> = basic("uintptr", { kind: "uint", bits: 64, as: "bigint" });
export const float32: GobType<number> = basic("float32", { kind: "float", bits: 32 });
export const float64: GobType<number> = basic("float64", { kind: "float", bits: 64 });
export const complex64: GobType<Complex> = basic("complex64", { kind: "complex", bits: 32 });
export const complex128: GobType<Complex> = basic("complex128", { kind: "complex", bits: 64 });
/** `interface{}`: any value; null is nil. */
export const any: GobType<unknown, true> = basic("interface {}", { kind: "interface" });

/** A complex number. */
export interface Complex {
  readonly real: number;
  readonly imaginary: number;
}

/** `[]element`. An absent one is empty: gob does not tell nil from empty. `slice(uint8)` is `bytes`. */
export function slice<Value>(element: GobType<Value, boolean>): GobType<Value[]> {
  return unnamed(
    () => `[]${element.names.printed}`,
    () => ({ kind: "slice", element }),
  );
}

/** `[length]element`; also `[n]byte`, which is not `bytes`. */
export function array<Value>(length: number, element: GobType<Value, boolean>): GobType<Value[]> {
  if (!Number.isSafeInteger(length) || length < 0)
    throw new RangeError(`length must be a whole number of at least 0, not ${String(length)}`);
  return unnamed(
    () => `[${length}]${element.names.printed}`,
    () => ({ kind: "array", length, element }),
  );
}

/** `map[key]value`, here a `Map`. An absent one is empty. */
export function map<Key, Value>(key: GobType<Key>, value: GobType<Value, boolean>): GobType<Map<Key, Value>> {
  return unnamed(
    () => `map[${key.names.printed}]${value.names.printed}`,
    () => ({ kind: "map", key, value }),
  );
}

/**
 * A struct, named with the path of its package: `main.Pair`, `github.com/x/y.Pair`; "" for one without a name. Fields that
 * are absent have their zero value. `pointer`: Go registers `*main.Pair`, which is what its functions take and what gorpc's
 * dispatcher wants. There Go writes the package's name, and not its path: `packageName`, where the path does not end in it.
 */
export function struct<Fields extends Readonly<Record<string, AnyType>>>(
  name: string,
  fields: Fields,
  options: PackageOptions & { readonly pointer: true },
): StructType<StructOf<Fields>, true>;
export function struct<Fields extends Readonly<Record<string, AnyType>>>(
  name: string,
  fields: Fields,
  options?: PackageOptions & { readonly pointer?: false },
): StructType<StructOf<Fields>>;
export function struct<Fields extends Readonly<Record<string, AnyType>>>(
  name: string,
  fields: Fields,
  options: PackageOptions & { readonly pointer?: boolean } = {},
): GobType<StructOf<Fields>, boolean> {
  const list = Object.entries(fields).map(([field, type]) => ({ name: field, type }));
  const shape: Shape = { kind: "struct", fields: list };
  const type =
    name === ""
      ? unnamed<StructOf<Fields>>(
          () =>
            `struct {${list.map((field) => ` ${field.name} ${field.type.names.printed}`).join(";")}${list.length > 0 ? " " : ""}}`,
          () => shape,
        )
      : new GobType<StructOf<Fields>>(
          () => namesOf(name, options),
          () => shape,
        );
  return options.pointer === true ? pointer(type) : type;
}

/** `*to`. A field of it may be null; an element of a slice, array or map may not: gob has no form for that. */
export function pointer<Value extends object>(to: StructType<Value, boolean>): StructType<Value, true>;
export function pointer<Value>(to: GobType<Value, boolean>): GobType<Value, true>;
export function pointer<Value>(to: GobType<Value, boolean>): GobType<Value, true> {
  return new GobType<Value, true>(
    () => {
      const printed = `*${to.names.printed}`;
      return { registered: printed, printed, short: to.names.short };
    },
    () => ({ kind: "pointer", to }),
  );
}

/** A type with a name of its own that is made like another: `named("main.Celsius", float64)`. */
export function named<Value>(name: string, like: GobType<Value>, options: PackageOptions = {}): GobType<Value> {
  return new GobType<Value>(
    () => namesOf(name, options),
    () => like.shape,
  );
}

/** A type that is described further down, or that holds itself: `lazy(() => Tree)`. */
export function lazy<Value, Nil extends boolean>(type: () => GobType<Value, Nil>): GobType<Value, Nil> {
  return new GobType<Value, Nil>(
    () => type().names,
    () => type().shape,
  );
}

/**
 * A type that encodes itself in Go: `form` is "gob" for a `GobEncoder`, "binary" for a `BinaryMarshaler`. The wire has
 * "text" too, but Go's gob takes a type with nothing but a `MarshalText` for what it is made of: describe it as that.
 */
export function opaque<Value>(
  name: string,
  form: OpaqueForm,
  coder: Coder<Value>,
  options: PackageOptions = {},
): GobType<Value> {
  const shape: Shape = { kind: "opaque", form, coder };
  return new GobType<Value>(
    () => namesOf(name, options),
    () => shape,
  );
}

function basic<Value, Nil extends boolean>(name: string, shape: Shape): GobType<Value, Nil> {
  const names = { registered: name, printed: name, short: "" };
  return new GobType<Value, Nil>(
    () => names,
    () => shape,
  );
}

function unnamed<Value>(printed: () => string, shape: () => Shape): GobType<Value> {
  return new GobType<Value>(() => {
    const name = printed();
    return { registered: name, printed: name, short: "" };
  }, shape);
}

function namesOf(registered: string, { packageName }: PackageOptions): Names {
  // What a generic type is made for stands in brackets, with paths of its own.
  const [plain = ""] = registered.split("[", 1);
  const dot = plain.lastIndexOf(".");
  const short = registered.slice(dot + 1);
  if (dot < 0) return { registered, printed: registered, short };
  return { registered, printed: `${packageName ?? packageOf(plain.slice(0, dot))}.${short}`, short };
}

/** How a package with this path is called most likely: versions of modules, from 2 on, stand at the end of the path. */
function packageOf(path: string): string {
  const parts = path.replace(VERSION, "").split("/");
  return parts.at(-1) ?? path;
}

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
