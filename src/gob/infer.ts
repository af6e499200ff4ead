import { kindOf, Unfit } from "../core/unfit.ts";
import { type AnyType, bool, bytes, float64, int, string, typeOf, uint64 } from "./type.ts";

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * The Go type of a value that stands where Go has an interface and does not tell its type itself: what can be told
 * without guessing. `sliceOf` gives the slice of a type, the same one every time. Throws `Unfit` for everything else, with
 * what to write instead.
 */
export function infer(value: unknown, sliceOf: (element: AnyType) => AnyType): AnyType {
  switch (typeof value) {
    case "string":
      return string;
    case "number":
      return isInt(value) ? int : float64;
    case "boolean":
      return bool;
    case "bigint":
      return isInt(value) ? int : isUint64(value) ? uint64 : refuse(value);
    default:
      if (value instanceof Uint8Array) return bytes;
      return Array.isArray(value) ? sliceOf(elementOf(value)) : refuse(value);
  }
}

/** What all elements are, or the widest of what they are. */
function elementOf(values: readonly unknown[]): AnyType {
  if (values.length === 0) throw new Unfit("an empty array does not tell its type, write gob.slice(gob.int).of([])");
  const [first] = values;
  const type = typeOf(first);
  if (type !== undefined) return every(values, (value) => typeOf(value) === type, type);
  switch (typeof first) {
    case "string":
      return every(values, (value) => typeof value === "string", string);
    case "boolean":
      return every(values, (value) => typeof value === "boolean", bool);
    case "number":
    case "bigint":
      return numberOf(values);
    default:
      return refuseElements(first);
  }
}

function numberOf(values: readonly unknown[]): AnyType {
  let [floats, bigints, large, negative] = [false, false, false, false];
  // By index, which sees holes too.
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === "bigint") {
      bigints = true;
      if (!isInt(value)) {
        if (!isUint64(value)) return refuse(value, `[${i}]`);
        large = true;
      }
    } else if (typeof value !== "number") return refuseElements(value);
    else if (!isInt(value)) floats = true;
    if (value < 0) negative = true;
  }
  if ((floats && bigints) || (large && negative))
    throw new Unfit(
      "numbers of one array must fit int64, uint64 or float64 together, write gob.slice(gob.any).of([...]) or convert them",
    );
  return floats ? float64 : large ? uint64 : int;
}

function every(values: readonly unknown[], fits: (value: unknown) => boolean, type: AnyType): AnyType {
  for (let i = 0; i < values.length; i++) if (!fits(values[i])) return refuseElements(values[i]);
  return type;
}

function isInt(value: number | bigint): boolean {
  if (typeof value === "bigint") return value >= MIN_INT64 && value <= MAX_INT64;
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function isUint64(value: bigint): boolean {
  return value >= 0n && value <= MAX_UINT64;
}

function refuseElements(value: unknown): never {
  throw new Unfit(
    `an array that holds ${kindOf(value)} does not tell its type, write gob.slice(gob.any).of([...]) or gob.slice(type).of([...])`,
  );
}

/** Says what to write instead. */
function refuse(value: unknown, step = ""): never {
  throw new Unfit(adviceFor(value)).under(step);
}

function adviceFor(value: unknown): string {
  if (typeof value === "bigint") return `${value} fits neither int64 nor uint64, send it as a string or as bytes`;
  if (typeof value === "function" || typeof value === "symbol") return `${kindOf(value)} cannot be sent`;
  if (value === null || value === undefined) return `${String(value)} has no type`;
  if (value instanceof Map) return "a Map does not tell its type, write gob.map(gob.string, gob.int).of(map)";
  if (value instanceof Date) return "a Date needs its type, write gob.time.of(date) or gob.pointer(gob.time).of(date)";
  return `${kindOf(value)} does not tell its type, write gob.struct("main.Name", { Field: gob.int }).of({ Field: 1 })`;
}
