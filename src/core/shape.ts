import type { StandardSchemaV1 } from "@standard-schema/spec";

/** What a handler says about itself: its schemas, and the names of its params by position. */
export interface Shape {
  readonly params?: StandardSchemaV1 | undefined;
  readonly result?: StandardSchemaV1 | undefined;
  readonly positional?: readonly string[] | undefined;
}

/** Marks a handler of every copy of this library. */
const SHAPE: unique symbol = Symbol.for("convoke.shape");

/** Writes a shape on a handler and returns the handler. One with a shape never uses `this`, so that nobody binds it. */
export function withShape<Shaped extends object>(handler: Shaped, shape: Shape): Shaped {
  return Object.defineProperty(handler, SHAPE, { value: shape });
}

/** The shape of a handler that `method` or `positional` made. */
export function shapeOf(handler: object): Shape | undefined {
  return (handler as { readonly [SHAPE]?: Shape })[SHAPE];
}
