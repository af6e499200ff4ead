import type { Decode } from "./decode-node.ts";
import type { Coder, Shape } from "./type.ts";
import type { WireType } from "./wire-type.ts";

/** The largest float of 32 bits. */
const MAX_FLOAT32 = 3.4028234663852886e38;

type IntegerShape = Extract<Shape, { readonly kind: "int" | "uint" }>;

/** Reads integers of a described type. One that does not fit is noted, and 0 stands in its place. */
export function integer(shape: IntegerShape, printed: string): Decode {
  return shape.as === "bigint" ? bigInteger(shape, printed) : smallInteger(shape, printed);
}

function smallInteger({ kind, bits }: IntegerShape, printed: string): Decode {
  const { min, max } = bits === 64 ? { min: -Infinity, max: Infinity } : rangeOf(kind, bits);
  const wider = bits === 64 ? `a number, describe it as ${kind}64` : printed;
  if (kind === "int") {
    return (reader) => {
      const value = reader.signed();
      if (typeof value === "number" && value >= min && value <= max) return value;
      reader.misfit.note(`${value} does not fit ${wider}`);
      return 0;
    };
  }
  return (reader) => {
    const value = reader.unsigned();
    if (typeof value === "number" && value <= max) return value;
    reader.misfit.note(`${value} does not fit ${wider}`);
    return 0;
  };
}

function bigInteger({ kind, bits }: IntegerShape, printed: string): Decode {
  const min = kind === "uint" ? 0n : -(1n << BigInt(bits - 1));
  const max = (1n << BigInt(kind === "uint" ? bits : bits - 1)) - 1n;
  return (reader) => {
    const value = BigInt(kind === "uint" ? reader.unsigned() : reader.signed());
    if (value >= min && value <= max) return value;
    reader.misfit.note(`${value} does not fit ${printed}`);
    return 0n;
  };
}

/** Reads floats of a described type. One that is too large for 32 bits is noted, and 0 stands in its place. */
export function float(bits: 32 | 64): Decode {
  if (bits === 64) return (reader) => reader.float();
  return (reader) => {
    const value = reader.float();
    if (Math.abs(value) <= MAX_FLOAT32 || !Number.isFinite(value)) return Math.fround(value);
    reader.misfit.note(`${value} does not fit float32`);
    return 0;
  };
}

/** Reads complex numbers of a described type. */
export function complex(bits: 32 | 64): Decode {
  const part = float(bits);
  return (reader, depth) => ({ real: part(reader, depth), imaginary: part(reader, depth) });
}

/** Reads values of a type that encodes itself. What its coder throws is noted, and its zero stands in the place. */
export function opaque(coder: Coder<unknown>): Decode {
  return (reader) => {
    reader.add(1);
    const bytes = reader.view();
    try {
      return coder.decode(bytes);
    } catch (thrown) {
      reader.misfit.note(thrown instanceof Error ? thrown.message : String(thrown));
      return coder.zero();
    }
  };
}

/** Reads `[]byte` where a slice of `uint8` is described. */
export const byteNumbers: Decode = (reader) => {
  reader.add(1);
  return Array.from(reader.view());
};

/** Reads basic kinds of which nothing is described: integers are numbers where they fit, else bigints. */
export function plainBasic(
  kind: Exclude<WireType["kind"], "slice" | "array" | "map" | "struct" | "interface">,
): Decode {
  switch (kind) {
    case "bool":
      return (reader) => reader.unsigned() !== 0;
    case "int":
      return (reader) => reader.signed();
    case "uint":
      return (reader) => reader.unsigned();
    case "float":
      return float(64);
    case "complex":
      return complex(64);
    case "string":
      return (reader) => reader.text();
    case "bytes":
    case "opaque":
      // A byte of a message may say that they are empty, and even then they are large.
      return (reader) => {
        reader.add(1);
        return reader.bytes();
      };
  }
}

/** Passes over basic kinds. */
export function skipBasic(kind: Parameters<typeof plainBasic>[0]): Decode {
  switch (kind) {
    case "bool":
    case "int":
    case "uint":
    case "float":
      return (reader) => void reader.delta();
    case "complex":
      return (reader) => {
        reader.delta();
        reader.delta();
      };
    case "string":
    case "bytes":
    case "opaque":
      return (reader) => reader.skip();
  }
}

function rangeOf(kind: "int" | "uint", bits: number): { readonly min: number; readonly max: number } {
  return kind === "uint" ? { min: 0, max: 2 ** bits - 1 } : { min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 };
}
