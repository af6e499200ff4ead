import type { AnyType, Names, Shape } from "./type.ts";

/** The ids that every stream knows, by kind. */
const BASIC = { bool: 1, int: 2, uint: 3, float: 4, bytes: 5, string: 6, complex: 7, interface: 8 } as const;

/** The types that a type is made of, in the order of Go. */
export function partsOf(shape: Shape): readonly AnyType[] {
  switch (shape.kind) {
    case "struct":
      return shape.fields.map((field) => field.type);
    case "array":
    case "slice":
      return [shape.element];
    case "map":
      return [shape.key, shape.value];
    default:
      return [];
  }
}

/** The id of a type that every stream knows; 0 for one that needs a definition. */
export function basicId(shape: Shape): number {
  if (isByteSlice(shape)) return BASIC.bytes;
  switch (shape.kind) {
    case "slice":
    case "array":
    case "map":
    case "struct":
    case "opaque":
    case "pointer":
      return 0;
    default:
      return BASIC[shape.kind];
  }
}

/** Go sends a slice of bytes as bytes, however they are named. */
export function isByteSlice(shape: Shape): boolean {
  if (shape.kind === "bytes") return true;
  if (shape.kind !== "slice") return false;
  const element = shape.element.shape;
  return element.kind === "uint" && element.bits === 8;
}

/** Says what a type is made of. The same for types that are alike, also where they hold themselves. */
export function signatureOf(root: AnyType): string {
  const seen = new Map<Names, number>();
  function sign(type: AnyType): unknown {
    const { shape, names } = type.base;
    const basic = basicId(shape);
    if (basic !== 0) return basic;
    if (shape.kind === "opaque") return [type === type.base ? shape.form : `*${shape.form}`, names.registered];
    const index = seen.get(names);
    if (index !== undefined) return `#${index}`;
    seen.set(names, seen.size);
    const fields = shape.kind === "struct" ? shape.fields.map((field) => field.name) : [];
    const length = shape.kind === "array" ? shape.length : 0;
    return [shape.kind, names.registered, length, fields, partsOf(shape).map(sign)];
  }
  return JSON.stringify(sign(root));
}
