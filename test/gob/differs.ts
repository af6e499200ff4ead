import { GoTime } from "../../src/gob/time.ts";
import { type AnyType, type Complex, TypedValue, typeOf } from "../../src/gob/type.ts";
import { toHex } from "./bytes.ts";

/** How a decoder gives the values of interfaces (`DecoderOptions.interfaces`). */
export type Interfaces = "plain" | "typed";

/**
 * Says where a decoded value is not the one that was meant, or nothing. The type leads, so that it also sees what a plain
 * comparison does not: the types that structs and typed values remember, nanoseconds, the fields' names and their order.
 * A zero has no sign, as gob leaves out both, and an absent map
 * is an empty one. `loose`: whole numbers may be numbers or bigints, as in a plain interface.
 */
export function differs(
  type: AnyType,
  want: unknown,
  got: unknown,
  interfaces: Interfaces,
  path = "value",
  loose = false,
): string | undefined {
  const fault = (): string => `${path} (${type.names.printed}): expected ${show(want)}, not ${show(got)}`;
  // Structs are read by their description, wherever they are.
  const inside = loose && type.shape.kind !== "struct";
  const all = (pairs: readonly (readonly [string, AnyType, unknown, unknown])[]): string | undefined => {
    for (const [at, of, one, other] of pairs) {
      const found = differs(of, one, other, interfaces, `${path}${at}`, inside);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const { shape } = type;
  switch (shape.kind) {
    case "interface":
      return inInterface(want, got, interfaces, path);
    case "pointer":
      return want === null || got === null
        ? want === got
          ? undefined
          : fault()
        : differs(shape.to, want, got, interfaces, path, loose);
    case "struct": {
      if (typeof got !== "object" || got === null) return fault();
      const names = shape.fields.map((field) => field.name);
      if (Object.keys(got).join() !== names.join()) return `${path}: its fields are ${Object.keys(got).join()}`;
      if (typeOf(got)?.base.names.registered !== type.base.names.registered)
        return `${path}: is known as ${String(typeOf(got)?.names.registered)}, not ${type.names.registered}`;
      const [one, other] = [want, got] as Record<string, unknown>[];
      return all(shape.fields.map(({ name, type: of }) => [`.${name}`, of, one?.[name], other?.[name]] as const));
    }
    case "slice":
    case "array": {
      if (!Array.isArray(want) || !Array.isArray(got) || want.length !== got.length) return fault();
      return all(want.map((each, at) => [`[${at}]`, shape.element, each, got[at]] as const));
    }
    case "map": {
      const meant = want === undefined ? new Map() : want;
      if (!(meant instanceof Map) || !(got instanceof Map) || meant.size !== got.size) return fault();
      const [one, other] = [meant, got].map((each: Map<unknown, unknown>) => [...each]);
      return all(
        (one ?? []).flatMap(([key, value], at) => [
          [`[key ${at}]`, shape.key, key, other?.[at]?.[0]] as const,
          [`[${String(key)}]`, shape.value, value, other?.[at]?.[1]] as const,
        ]),
      );
    }
    case "bytes":
      return want instanceof Uint8Array && got instanceof Uint8Array && toHex(want) === toHex(got)
        ? undefined
        : fault();
    case "complex": {
      const [one, other] = [want, got] as (Complex | null)[];
      const equal = sameNumber(one?.real, other?.real) && sameNumber(one?.imaginary, other?.imaginary);
      return equal ? undefined : fault();
    }
    case "opaque":
      return show(want) === show(got) ? undefined : fault();
    case "int":
    case "uint":
      if (loose && (typeof got === "bigint" || Number.isSafeInteger(got))) {
        return BigInt(want as number | bigint) === BigInt(got as number | bigint) ? undefined : fault();
      }
      return want === got || sameNumber(want, got) ? undefined : fault();
    case "bool":
    case "string":
    case "float":
      return want === got || sameNumber(want, got) ? undefined : fault();
  }
}

function inInterface(want: unknown, got: unknown, interfaces: Interfaces, path: string): string | undefined {
  if (want === null || got === null)
    return want === got ? undefined : `${path}: expected ${show(want)}, not ${show(got)}`;
  const type = typeOf(want);
  if (type === undefined) throw new TypeError(`${path}: the expected value must say its type`);
  if (type.base.shape.kind !== "struct") {
    if (interfaces === "plain") {
      if (got instanceof TypedValue) return `${path}: is a TypedValue`;
      return differs(type, (want as TypedValue).value, got, interfaces, path, true);
    }
    if (!(got instanceof TypedValue)) return `${path}: expected a TypedValue, not ${show(got)}`;
  }
  const registered = typeOf(got)?.names.registered;
  if (registered !== type.names.registered)
    return `${path}: is known as ${String(registered)}, not ${type.names.registered}`;
  const [one, other] = [want, got].map((each) => (each instanceof TypedValue ? each.value : each));
  return differs(type, one, other, interfaces, path, true);
}

/** NaN is NaN; a zero has no sign. */
function sameNumber(want: unknown, got: unknown): boolean {
  return typeof want === "number" && typeof got === "number" && (want === got || Object.is(want, got));
}

function show(value: unknown): string {
  if (value instanceof GoTime)
    return `${value.getTime()} ms, ${value.nanoseconds} ns, ${String(value.offsetSeconds)} s`;
  if (value instanceof Date) return `${value.getTime()} ms, 0 ns, undefined s`;
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) return `Map ${show([...value])}`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null)
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([name, each]) => `${name}: ${show(each)}`)
    .join(", ")} }`;
}
