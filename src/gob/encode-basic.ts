import { printable } from "../core/text.ts";
import { kindOf, Unfit } from "../core/unfit.ts";
import { type Coder, type Complex, TypedValue } from "./type.ts";
import type { Writer } from "./writer.ts";

/** Writes a value of one type in full, or throws `Unfit`. */
export type Encode = (value: unknown) => void;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * What becomes of a value of the wrong kind: one that stands in a `TypedValue` is encoded as what it is, by `encode`; any
 * other is refused.
 */
export function mismatch(encode: Encode, expected: string, value: unknown): void {
  if (value instanceof TypedValue) {
    encode(value.value);
    return;
  }
  const hint = value === null || value === undefined ? ", and gob has no nil here" : "";
  throw new Unfit(`expected ${expected}, not ${kindOf(value)}${hint}`);
}

export function encodeBool(to: Writer): Encode {
  return function encode(value) {
    if (typeof value === "boolean") to.byte(value ? 1 : 0);
    else mismatch(encode, "a boolean", value);
  };
}

export function encodeString(to: Writer): Encode {
  return function encode(value) {
    if (typeof value === "string") to.string(value);
    else mismatch(encode, "a string", value);
  };
}

/** Bytes may also be given as an array of numbers: that is what `slice(uint8)` describes. */
export function encodeBytes(to: Writer): Encode {
  return function encode(value) {
    if (value instanceof Uint8Array) to.bytes(value);
    else if (Array.isArray(value)) writeNumbers(to, value);
    else mismatch(encode, "a Uint8Array", value);
  };
}

function writeNumbers(to: Writer, values: readonly unknown[]): void {
  to.unsigned(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const byte = typeof value === "bigint" ? Number(value) : value;
    if (typeof byte !== "number" || !Number.isInteger(byte) || byte < 0 || byte > 255)
      throw new Unfit(`expected a whole number from 0 to 255, not ${described(value)}`).under(`[${i}]`);
    to.byte(byte);
  }
}

/** Integers of up to 32 bits. */
export function encodeSmallInteger(to: Writer, kind: "int" | "uint", bits: number): Encode {
  const name = `${kind}${bits}`;
  const low = kind === "int" ? -(2 ** (bits - 1)) : 0;
  const high = kind === "int" ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  return function encode(value) {
    if (typeof value !== "number" && typeof value !== "bigint") {
      mismatch(encode, "a number or bigint", value);
      return;
    }
    if (!(value >= low && value <= high)) throw outside(value, name);
    const number = typeof value === "number" ? whole(value, name) : Number(value);
    if (kind === "int") to.signed(number);
    else to.unsigned(number);
  };
}

export function encodeInt64(to: Writer): Encode {
  return function encode(value) {
    if (typeof value === "number") to.signed(Number.isSafeInteger(value) ? value : refuseNumber(value, "int64"));
    else if (typeof value === "bigint") {
      if (value < MIN_INT64 || value > MAX_INT64) throw outside(value, "int64");
      to.signedBig(value);
    } else mismatch(encode, "a number or bigint", value);
  };
}

export function encodeUint64(to: Writer): Encode {
  return function encode(value) {
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) refuseNumber(value, "uint64");
      if (value < 0) throw outside(value, "uint64");
      to.unsigned(value);
    } else if (typeof value === "bigint") {
      if (value < 0n || value > MAX_UINT64) throw outside(value, "uint64");
      to.unsignedBig(value);
    } else mismatch(encode, "a number or bigint", value);
  };
}

export function encodeFloat(to: Writer, bits: 32 | 64): Encode {
  return function encode(value) {
    if (typeof value === "number") to.float(bits === 64 ? value : single(value));
    else mismatch(encode, "a number", value);
  };
}

export function encodeComplex(to: Writer, bits: 32 | 64): Encode {
  return function encode(value) {
    if (!isComplex(value)) {
      mismatch(encode, "an object with the numbers real and imaginary", value);
      return;
    }
    to.float(bits === 64 ? value.real : single(value.real));
    to.float(bits === 64 ? value.imaginary : single(value.imaginary));
  };
}

/** A self-encoding type. Its coder's own error becomes that of the value. */
export function encodeOpaque<Value>(to: Writer, coder: Coder<Value>): Encode {
  return function encode(value) {
    if (value instanceof TypedValue) {
      encode(value.value);
      return;
    }
    let bytes: Uint8Array;
    try {
      bytes = coder.encode(value as Value);
    } catch (error) {
      throw new Unfit(error instanceof Error ? error.message : String(error), { cause: error });
    }
    if (!(bytes instanceof Uint8Array)) throw new Unfit(`its coder made ${kindOf(bytes)}, and must make a Uint8Array`);
    to.bytes(bytes);
  };
}

export function isComplex(value: unknown): value is Complex {
  if (typeof value !== "object" || value === null) return false;
  const { real, imaginary } = value as { readonly [Name in keyof Complex]?: unknown };
  return typeof real === "number" && typeof imaginary === "number";
}

/** What a float32 keeps of a number. Only its size may not fit: that digits are lost is what one asks for. */
function single(value: number): number {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded) && Number.isFinite(value)) throw outside(value, "float32");
  return rounded;
}

function whole(value: number, type: string): number {
  return Number.isInteger(value) ? value : refuseNumber(value, type);
}

function refuseNumber(value: number, type: string): never {
  if (!Number.isInteger(value)) throw new Unfit(`expected a whole number, not ${value}`);
  if (Math.abs(value) >= 2 ** 64) throw outside(value, type);
  throw new Unfit(`${value} is beyond what a number holds exactly, give a bigint`);
}

function outside(value: number | bigint, type: string): Unfit {
  if (typeof value === "number" && type !== "float32" && !Number.isInteger(value))
    return new Unfit(`expected a whole number, not ${value}`);
  return new Unfit(`${printable(String(value), 40)} does not fit ${type}`);
}

function described(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? printable(String(value), 40) : kindOf(value);
}
