import fc from "fast-check";
import * as gob from "../../src/gob.ts";

/** A type in words, so that a failure shows it; `typeFrom` describes it. Structs and named types get names of their own. */
export type Plan =
  | { readonly kind: "basic"; readonly name: keyof typeof BASIC }
  | { readonly kind: "time" | "opaque" | "any" }
  | { readonly kind: "named" | "slice" | "pointer"; readonly of: Plan }
  | { readonly kind: "array"; readonly length: number; readonly of: Plan }
  | { readonly kind: "map"; readonly key: keyof typeof BASIC; readonly of: Plan }
  | { readonly kind: "struct"; readonly fields: readonly Plan[]; readonly form: "value" | "pointer" | "unnamed" };

const BASIC = {
  bool: gob.bool,
  string: gob.string,
  int: gob.int,
  int8: gob.int8,
  int16: gob.int16,
  int32: gob.int32,
  int64: gob.int64,
  uint: gob.uint,
  uint8: gob.uint8,
  uint16: gob.uint16,
  uint32: gob.uint32,
  uint64: gob.uint64,
  uintptr: gob.uintptr,
  float32: gob.float32,
  float64: gob.float64,
  complex64: gob.complex64,
  complex128: gob.complex128,
  bytes: gob.bytes,
} satisfies Record<string, gob.AnyType>;
const names = Object.keys(BASIC) as (keyof typeof BASIC)[];
const keys = names.filter((name) => !name.startsWith("complex") && name !== "bytes");

const basic: fc.Arbitrary<Plan> = fc.record({ kind: fc.constant("basic"), name: fc.constantFrom(...names) });
const leaf: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 6, arbitrary: basic },
  fc.record({ kind: fc.constantFrom("time", "opaque", "any") }),
);

/** Types up to `depth` containers deep. */
export const plans = (depth: number): fc.Arbitrary<Plan> => {
  if (depth === 0) return leaf;
  const inner = plans(depth - 1);
  const structs = fc.record({
    kind: fc.constant("struct"),
    fields: fc.array(inner, { maxLength: 5 }),
    form: fc.constantFrom("value", "pointer", "unnamed"),
  });
  return fc.oneof(
    leaf,
    { weight: 4, arbitrary: structs },
    // gob knows no pointer to an interface.
    fc.record({ kind: fc.constantFrom("slice", "pointer"), of: inner.map((of) => (of.kind === "any" ? INT : of)) }),
    fc.record({ kind: fc.constant("named"), of: inner.filter(({ kind }) => kind !== "pointer" && kind !== "any") }),
    fc.record({ kind: fc.constant("slice"), of: inner }),
    fc.record({ kind: fc.constant("array"), length: fc.integer({ min: 0, max: 3 }), of: inner }),
    fc.record({ kind: fc.constant("map"), key: fc.constantFrom(...keys), of: inner }),
  ) as fc.Arbitrary<Plan>;
};
const INT: Plan = { kind: "basic", name: "int" };

const texts: gob.Coder<string> = {
  encode: (value) => new TextEncoder().encode(value),
  decode: (bytes) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
  zero: () => "",
};

/** Describes it; `name` gives names that no other type has. */
export function typeFrom(plan: Plan, name: () => string): gob.AnyType {
  switch (plan.kind) {
    case "basic":
      return BASIC[plan.name];
    case "time":
      return gob.time;
    case "opaque":
      return gob.opaque(name(), "text", texts);
    case "any":
      return gob.any;
    case "named":
      return gob.named(name(), nonNil(typeFrom(plan.of, name)));
    case "pointer":
      return gob.pointer(typeFrom(plan.of, name));
    case "slice": {
      const of = typeFrom(plan.of, name);
      // That is `bytes`.
      return gob.slice(of.shape.kind === "uint" && of.shape.bits === 8 ? gob.uint16 : of);
    }
    case "array":
      return gob.array(plan.length, typeFrom(plan.of, name));
    case "map":
      return gob.map(BASIC[plan.key] as gob.GobType<unknown>, typeFrom(plan.of, name));
    case "struct": {
      const fields = Object.fromEntries(plan.fields.map((field, at) => [`F${at}`, typeFrom(field, name)]));
      const called = plan.form === "unnamed" ? "" : name();
      return plan.form === "pointer" ? gob.struct(called, fields, { pointer: true }) : gob.struct(called, fields);
    }
  }
}

function nonNil(type: gob.AnyType): gob.GobType<unknown> {
  return (type.shape.kind === "pointer" ? type.base : type) as gob.GobType<unknown>;
}

/** Values that fit a type; `held` are the types that may stand in its interfaces. */
export function valuesOf(type: gob.AnyType, held: readonly gob.AnyType[], inField = false): fc.Arbitrary<unknown> {
  const { shape } = type;
  switch (shape.kind) {
    case "bool":
      return fc.boolean();
    case "string":
      return fc.string({ unit: "binary", maxLength: 8 });
    case "bytes":
      return fc.uint8Array({ maxLength: 8 });
    case "int":
      return shape.as === "bigint"
        ? fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
        : whole(-(2 ** (shape.bits - 1)), 2 ** (shape.bits - 1) - 1);
    case "uint":
      return shape.as === "bigint"
        ? fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
        : whole(0, 2 ** shape.bits - 1);
    case "float":
      return float(shape.bits);
    case "complex":
      return fc.record({ real: float(shape.bits), imaginary: float(shape.bits) }, { noNullPrototype: true });
    case "slice":
      return fc.array(valuesOf(shape.element, held), { maxLength: 3 });
    case "array":
      return fc.array(valuesOf(shape.element, held), { minLength: shape.length, maxLength: shape.length });
    case "map":
      return fc
        .array(fc.tuple(valuesOf(shape.key, held), valuesOf(shape.value, held)), { maxLength: 3 })
        .map((pairs) => new Map(pairs));
    case "struct":
      return fc.record(
        Object.fromEntries(shape.fields.map((field) => [field.name, valuesOf(field.type, held, true)])),
        { noNullPrototype: true },
      );
    case "pointer": {
      const values = valuesOf(shape.to, held, inField);
      return inField ? fc.option(values, { nil: null }) : values;
    }
    case "opaque":
      return type.names.registered === "time.Time" || shape.form === "gob" ? times : fc.string({ unit: "binary" });
    case "interface": {
      const values = held.map((each) => valuesOf(each, []).map((value) => each.of(value)));
      return fc.oneof(fc.constant(null), ...values);
    }
  }
}

function whole(min: number, max: number): fc.Arbitrary<number> {
  const safe = { min: Math.max(min, Number.MIN_SAFE_INTEGER), max: Math.min(max, Number.MAX_SAFE_INTEGER) };
  return fc.oneof(
    fc.constant(0),
    fc.integer({ min: Math.max(-200, safe.min), max: 100 }),
    fc.maxSafeInteger().map(within),
  );
  function within(value: number): number {
    return Math.min(Math.max(value, safe.min), safe.max);
  }
}

function float(bits: 32 | 64): fc.Arbitrary<number> {
  return fc.oneof(fc.constant(0), bits === 32 ? fc.float() : fc.double());
}

const times: fc.Arbitrary<gob.GoTime> = fc
  .tuple(
    fc.date({ noInvalidDate: true }),
    fc.integer({ min: 0, max: 999_999 }),
    // One minute behind UTC is the sign for UTC itself.
    fc.option(
      fc.integer({ min: -50_000, max: 50_000 }).filter((offset) => offset < -60 || offset >= 0),
      { nil: undefined },
    ),
  )
  .map(([date, nanoseconds, offset]) => new gob.GoTime(date.getTime(), nanoseconds, offset));

/** What comes out at the other end: a pointer of a field to a zero that gob leaves out comes as nil (rule 10). */
export function arrives(type: gob.AnyType, value: unknown): unknown {
  const { shape } = type;
  if (value === null) return null;
  switch (shape.kind) {
    case "pointer":
      return arrives(shape.to, value);
    case "slice":
    case "array":
      return (value as unknown[]).map((each) => arrives(shape.element, each));
    case "map":
      return new Map([...(value as Map<unknown, unknown>)].map(([key, each]) => [key, arrives(shape.value, each)]));
    case "struct": {
      const fields = shape.fields.map(({ name, type: of }) => {
        const field = (value as Record<string, unknown>)[name];
        return [name, of.shape.kind === "pointer" && isLeftOut(of.base, field) ? null : arrives(of, field)] as const;
      });
      return Object.fromEntries(fields);
    }
    case "interface": {
      const held = gob.typeOf(value);
      if (held === undefined) throw new TypeError("A value in an interface must say its type");
      return held.of(arrives(held, value instanceof gob.TypedValue ? value.value : value));
    }
    default:
      return value;
  }
}

function isLeftOut(type: gob.AnyType, value: unknown): boolean {
  switch (type.shape.kind) {
    case "bool":
    case "string":
    case "int":
    case "uint":
    case "float":
      return value === false || value === "" || value === 0 || value === 0n;
    case "bytes":
    case "slice":
      return (value as { readonly length: number } | null)?.length === 0;
    case "complex": {
      const { real, imaginary } = (value ?? { real: 1, imaginary: 1 }) as gob.Complex;
      return real === 0 && imaginary === 0;
    }
    default:
      return false;
  }
}
