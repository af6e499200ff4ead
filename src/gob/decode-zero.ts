import type { Zero } from "./decode-node.ts";
import { filled } from "./decode-struct.ts";
import type { AnyType, Shape } from "./type.ts";
import type { WireType } from "./wire-type.ts";

const nil: Zero = () => null;
const zeroNumber: Zero = () => 0;
const zeroBigint: Zero = () => 0n;
const no: Zero = () => false;
const noText: Zero = () => "";
const noElements: Zero = () => [];
const zeroComplex: Zero = () => ({ real: 0, imaginary: 0 });
// Even empty ones are large, so that they count beside their fields. None is shared: a buffer may be transferred.
const noBytes: Zero = (reader) => {
  reader.add(1);
  return new Uint8Array();
};
const noEntries: Zero = (reader) => {
  reader.add(1);
  return new Map();
};
/** What the zeros of fields cost, of which only the stream knows: about their bytes, in numbers. */
const SMALL = 1;
const MIDDLE = 2;
const LARGE = 8;

/** What stands for a field of this type that was left out. */
export function zeroOf(type: AnyType): Zero {
  const { shape } = type;
  switch (shape.kind) {
    case "bool":
      return no;
    case "int":
    case "uint":
      return shape.as === "bigint" ? zeroBigint : zeroNumber;
    case "float":
      return zeroNumber;
    case "complex":
      return zeroComplex;
    case "string":
      return noText;
    case "bytes":
      return noBytes;
    case "slice":
      return noElements;
    case "map":
      return noEntries;
    case "interface":
    case "pointer":
      return nil;
    case "opaque":
      return (reader) => {
        reader.add(1);
        return shape.coder.zero();
      };
    case "array":
      return zeroArray(shape.length, () => zeroOf(shape.element));
    case "struct":
      return zeroStruct(type, shape);
  }
}

/** What stands for a field that was left out where only the stream describes it, and may be as large as it likes. */
export function zeroOfWire({ kind }: WireType): Zero {
  switch (kind) {
    case "bool":
      return omitted(no, SMALL);
    case "int":
    case "uint":
    case "float":
      return omitted(zeroNumber, SMALL);
    case "complex":
      return omitted(zeroComplex, MIDDLE);
    case "string":
      return omitted(noText, SMALL);
    case "bytes":
    case "opaque":
      return omitted(noBytes, LARGE);
    case "slice":
      return omitted(noElements, MIDDLE);
    case "map":
      return omitted(noEntries, LARGE);
    // Go never leaves out an array or a struct, so that this is a pointer that is nil.
    case "array":
    case "struct":
    case "interface":
      return omitted(nil, SMALL);
  }
}

function omitted(zero: Zero, cost: number): Zero {
  return (reader, depth) => {
    reader.omit(cost);
    return zero(reader, depth);
  };
}

/** Counts its elements before it makes them. The zero of an element is looked up late: a type may hold itself. */
function zeroArray(length: number, zeroOfElement: () => Zero): Zero {
  return (reader, depth) => {
    reader.enter(depth, 1 + length);
    const list: unknown[] = [];
    if (length === 0) return list;
    const zero = zeroOfElement();
    for (let index = 0; index < length; index++) list.push(zero(reader, depth + 1));
    return list;
  };
}

function zeroStruct(type: AnyType, { fields }: Extract<Shape, { readonly kind: "struct" }>): Zero {
  const names = fields.map((field) => field.name);
  let zeros: readonly Zero[] | undefined;
  return (reader, depth) => {
    reader.enter(depth, 1 + names.length);
    zeros ??= fields.map((field) => zeroOf(field.type));
    const all = zeros;
    return filled(type.prototype, names, (index) => all[index]?.(reader, depth + 1));
  };
}
