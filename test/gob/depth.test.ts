import { expect, test } from "vitest";
import * as gob from "../../src/gob.ts";

interface Chain {
  Next: Chain | null;
  Leaf: unknown;
  Bytes: Uint8Array;
  Map: Map<string, number>;
  When: Date;
}
const Chain: gob.StructType<Chain, true> = gob.struct(
  "main.Chain",
  {
    ...{ Next: gob.lazy((): gob.GobType<Chain, true> => Chain), Leaf: gob.any },
    ...{ Bytes: gob.bytes, Map: gob.map(gob.string, gob.int), When: gob.time },
  },
  { pointer: true },
);
const Grid = gob.struct("main.Grid", { Cells: gob.array(2, gob.array(2, gob.int)), Inner: gob.struct("main.In", {}) });
const Held = gob.struct("main.Held", { V: gob.any });
const list = gob.slice(gob.any);

/** A value in so many more containers. */
const nested = (times: number, inner: unknown, wrap: (inner: unknown) => unknown): unknown => {
  let value = inner;
  for (let time = 0; time < times; time++) value = wrap(value);
  return value;
};
const inLists = (inner: unknown) => (times: number) => nested(times, inner, (value) => list.of([value]));

const kinds: readonly (readonly [string, (times: number) => unknown])[] = [
  ["slices of interfaces", inLists(1)],
  ["slices of interfaces around nil", inLists(null)],
  ["slices of interfaces around bytes", inLists(Uint8Array.of(1))],
  ["slices of interfaces around a time", inLists(gob.time.of(new Date(0)))],
  ["slices of interfaces around a slice", inLists([1])],
  ["slices of interfaces around arrays and structs that are absent", inLists(Grid.of({}))],
  ["slices of interfaces around a struct that is absent in part", inLists(Chain.of({}))],
  ["maps", (times) => nested(times, 1, (value) => gob.map(gob.string, gob.any).of(new Map([["k", value]])))],
  ["structs with interfaces", (times) => nested(times, 1, (V) => Held.of({ V }))],
  ["structs", (times) => nested(times, null, (Next) => Chain.of({ Next: Next as Chain | null }))],
  [
    "structs around an interface with bytes",
    (times) => nested(times, Chain.of({ Leaf: Uint8Array.of(1) }), (Next) => Chain.of({ Next: Next as Chain })),
  ],
];

/** Whether something is not refused. */
const taken = (run: () => unknown): boolean => {
  try {
    run();
    return true;
  } catch {
    return false;
  }
};

test.each(kinds)("%s: as deep as a decoder reads, and no deeper, an encoder writes", (_, make) => {
  const types = [Chain, Grid, Held, list];
  for (const maxDepth of [12, 13, 14, 15]) {
    const depths = Array.from({ length: 20 }, (_, times) => times);
    const encodes = depths.map((times) => taken(() => new gob.Encoder({ maxDepth }).encode(Held, { V: make(times) })));
    for (const decodeAs of [Held, undefined]) {
      const decodes = depths.map((times) => {
        const bytes = new gob.Encoder().encode(Held, { V: make(times) });
        const decoder = new gob.Decoder({ maxDepth, types: decodeAs === undefined ? [] : types });
        return taken(() => (decodeAs === undefined ? decoder.push(bytes) : decoder.push(bytes, decodeAs)));
      });
      expect(decodes).toEqual(encodes);
    }
    expect(encodes).toContain(true);
    expect(encodes).toContain(false);
  }
});
