import * as gob from "convoke/gob";

/** One Go type that crosses. */
export interface Row {
  /** As Go prints it with %T. */
  readonly go: string;
  /** What it is here. */
  readonly here: string;
  readonly type: gob.AnyType;
  readonly value: unknown;
}

const named = (name: string): string => `convoke.test/interop/gorpc/shapes.${name}`;

const PAIR = gob.struct(named("Pair"), { A: gob.int, B: gob.int });
export const Pair: gob.GobType<{ A: number; B: number }, true> = gob.pointer(PAIR);
export const Twin: gob.GobType<{ A: number; B: number }, true> = gob.struct(
  named("Twin"),
  { A: gob.int, B: gob.int },
  { pointer: true },
);
export const Span: gob.GobType<{ From: bigint; To: bigint; Open: boolean }> = gob.struct(named("Span"), {
  From: gob.int64,
  To: gob.int64,
  Open: gob.bool,
});
export const Celsius: gob.GobType<number> = gob.named(named("Celsius"), gob.float64);
export const Label: gob.GobType<string> = gob.named(named("Label"), gob.string);
const Level: gob.GobType<number> = gob.named(named("Level"), gob.int8);
export const Hash: gob.GobType<number[]> = gob.named(named("Hash"), gob.array(4, gob.uint8));
export const Names: gob.GobType<Map<string, string>> = gob.named(named("Names"), gob.map(gob.string, gob.string));
export const Route: gob.GobType<gob.Infer<typeof Span>[]> = gob.named(named("Route"), gob.slice(Span));
export const Nothing: gob.GobType<object> = gob.struct("", {});
const Untitled: gob.GobType<{ A: number; B: string }> = gob.struct("", { A: gob.int, B: gob.string });

/** A type that encodes itself as a BinaryMarshaler: two big-endian numbers. */
const POINT = gob.opaque<{ x: number; y: number }>(named("Point"), "binary", {
  encode({ x, y }) {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, x);
    view.setInt32(4, y);
    return bytes;
  },
  decode(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return { x: view.getInt32(0), y: view.getInt32(4) };
  },
  zero: () => ({ x: 0, y: 0 }),
});
export const Point: gob.GobType<{ x: number; y: number }, true> = gob.pointer(POINT);

/** A type that encodes itself as a GobEncoder: the bytes of a text, back to front. */
const SECRET = gob.opaque<string>(named("Secret"), "gob", {
  encode: (text) => new TextEncoder().encode(text).reverse(),
  decode: (bytes) => new TextDecoder().decode(bytes.slice().reverse()),
  zero: () => "",
});

/** A tree: it holds itself in three ways. */
export interface TreeValue {
  Name: string;
  Left: TreeValue | null;
  Right: TreeValue | null;
  Children: TreeValue[];
  Named: Map<string, TreeValue>;
}
const TREE: gob.GobType<TreeValue, true> = gob.lazy(() => Tree);
export const Tree: gob.GobType<TreeValue, true> = gob.struct(
  named("Tree"),
  { Name: gob.string, Left: TREE, Right: TREE, Children: gob.slice(TREE), Named: gob.map(gob.string, TREE) },
  { pointer: true },
);

const BUYER = gob.struct(named("Buyer"), { Name: gob.string, Mail: gob.string, Home: Pair });
const LINE = gob.struct(named("Line"), {
  Sku: Label,
  Count: gob.uint16,
  Price: gob.float64,
  Tags: gob.slice(gob.string),
});
const ORDER = gob.struct(named("Order"), {
  ID: gob.uint64,
  Serial: gob.uintptr,
  Buyer: BUYER,
  Lines: gob.slice(LINE),
  Total: Celsius,
  Rate: gob.float32,
  Paid: gob.bool,
  Tags: gob.map(gob.string, gob.slice(gob.string)),
  Raw: gob.bytes,
  Pieces: gob.slice(gob.bytes),
  Grid: gob.array(2, gob.array(3, gob.int16)),
  Phase: gob.complex64,
  Sum: gob.complex128,
  Level,
  Runes: gob.slice(gob.int32),
  Hash,
  Names,
  Seen: gob.map(gob.string, Nothing),
  Nested: gob.map(gob.int32, gob.map(gob.bool, gob.uint32)),
  Untitled,
});
export const Order: gob.GobType<gob.Infer<typeof ORDER>, true> = gob.pointer(ORDER);

const EMBEDDING = gob.struct(named("Embedding"), { Pair: PAIR, Twin, Note: gob.string });
export const Embedding: gob.GobType<gob.Infer<typeof EMBEDDING>, true> = gob.pointer(EMBEDDING);

/** A struct of pointers. */
export interface OptionalValue {
  Count: number | null;
  Text: string | null;
  Flag: boolean | null;
  Ratio: number | null;
  Pair: gob.Infer<typeof Pair> | null;
  When: Date | null;
  Deeper: bigint | null;
  Inner: OptionalValue | null;
}
export const Optional: gob.GobType<OptionalValue, true> = gob.struct(
  named("Optional"),
  {
    Count: gob.pointer(gob.int),
    Text: gob.pointer(gob.string),
    Flag: gob.pointer(gob.bool),
    Ratio: gob.pointer(gob.float64),
    Pair,
    When: gob.pointer(gob.time),
    Deeper: gob.pointer(gob.pointer(gob.int64)),
    Inner: gob.lazy(() => Optional),
  },
  { pointer: true },
);

const HOLDER = gob.struct(named("Holder"), {
  Any: gob.any,
  Sized: gob.any,
  List: gob.slice(gob.any),
  Map: gob.map(gob.string, gob.any),
  Fixed: gob.array(2, gob.any),
  After: gob.string,
});
const Holder: gob.GobType<gob.Infer<typeof HOLDER>, true> = gob.pointer(HOLDER);

const EVENT = gob.struct(named("Event"), {
  At: gob.time,
  Took: gob.int64,
  Marks: gob.slice(gob.time),
  Zones: gob.map(gob.string, gob.time),
});
export const Event: gob.GobType<gob.Infer<typeof EVENT>, true> = gob.pointer(EVENT);

const TRACK = gob.struct(named("Track"), {
  Start: POINT,
  End: Point,
  Points: gob.slice(POINT),
  Named: gob.map(Label, POINT),
  Word: SECRET,
});
export const Track: gob.GobType<gob.Infer<typeof TRACK>, true> = gob.pointer(TRACK);

/** Fields F01 to F30: ints, then strings, then floats. */
const BIG_FIELDS: Record<string, gob.AnyType> = Object.fromEntries(
  Array.from({ length: 30 }, (_, at) => {
    const type = at < 10 ? gob.int : at < 20 ? gob.string : gob.float64;
    return [`F${String(at + 1).padStart(2, "0")}`, type];
  }),
);
export const Big: gob.GobType<Record<string, unknown>, true> = gob.struct(
  named("Big"),
  { ...BIG_FIELDS, Lines: gob.slice(LINE), Blob: gob.bytes },
  { pointer: true },
);

/** What the stream of random values is made of. */
export const Item: gob.GobType<{ N: number; V: unknown }> = gob.struct(named("Item"), { N: gob.int, V: gob.any });

const when = new gob.GoTime(Date.UTC(2026, 10, 21, 12, 30, 0, 123), 456_789, 3600);
const leaf: TreeValue = { Name: "leaf", Left: null, Right: null, Children: [], Named: new Map() };
const line = { Sku: "x-1", Count: 65_535, Price: 0.25, Tags: ["a", ""] };
const span = { From: -(2n ** 63n), To: 2n ** 63n - 1n, Open: true };

const row = (go: string, here: string, type: gob.AnyType, value: unknown): Row => ({ go, here, type, value });

/** The Go types that cross, in the order of the Go program's own list. */
export const ROWS: readonly Row[] = [
  row("bool", "boolean", gob.bool, true),
  row("int", "number", gob.int, -1234),
  row("int8", "number", gob.int8, -128),
  row("int16", "number", gob.int16, 32_767),
  row("int32", "number", gob.int32, -(2 ** 31)),
  row("int64", "bigint", gob.int64, -(2n ** 63n)),
  row("uint", "number", gob.uint, 2 ** 53 - 1),
  row("uint8", "number", gob.uint8, 255),
  row("uint16", "number", gob.uint16, 65_535),
  row("uint32", "number", gob.uint32, 2 ** 32 - 1),
  row("uint64", "bigint", gob.uint64, 2n ** 64n - 1n),
  row("uintptr", "bigint", gob.uintptr, 1n),
  row("float32", "number", gob.float32, 0.5),
  row("float64", "number", gob.float64, -1e300),
  row("complex64", "{ real: number; imaginary: number }", gob.complex64, { real: 1.5, imaginary: -2 }),
  row("complex128", "{ real: number; imaginary: number }", gob.complex128, { real: 0, imaginary: 1e-300 }),
  row("string", "string", gob.string, "é日本😀"),
  row("[]uint8", "Uint8Array", gob.bytes, Uint8Array.of(0, 127, 128, 255)),
  row("[]int", "number[]", gob.slice(gob.int), [1, 0, -7]),
  row("[]string", "string[]", gob.slice(gob.string), ["a", "", "b"]),
  row("[]float64", "number[]", gob.slice(gob.float64), [0, 0.5]),
  row("[]bool", "boolean[]", gob.slice(gob.bool), [true, false]),
  row("[][]uint8", "Uint8Array[]", gob.slice(gob.bytes), [Uint8Array.of(1), new Uint8Array()]),
  row("[3]int", "number[]", gob.array(3, gob.int), [1, 0, 3]),
  row("map[string]int", "Map<string, number>", gob.map(gob.string, gob.int), new Map([["a", 1]])),
  row("map[string][]int", "Map<string, number[]>", gob.map(gob.string, gob.slice(gob.int)), new Map([["a", [1, 2]]])),
  row(
    "map[int64]map[string]bool",
    "Map<bigint, Map<string, boolean>>",
    gob.map(gob.int64, gob.map(gob.string, gob.bool)),
    new Map([[-1n, new Map([["a", false]])]]),
  ),
  row("map[string]struct {}", "Map<string, object>", gob.map(gob.string, Nothing), new Map([["a", {}]])),
  row(
    "map[string]interface {}",
    "Map<string, unknown>",
    gob.map(gob.string, gob.any),
    new Map<string, unknown>([
      ["number", 1],
      ["pair", Pair.of({ A: 1, B: 2 })],
      ["nothing", null],
    ]),
  ),
  row("[]interface {}", "unknown[]", gob.slice(gob.any), [null, 1, "a", Pair.of({ A: 1, B: 2 })]),
  row("shapes.Celsius", "number", Celsius, 36.6),
  row("shapes.Label", "string", Label, "label"),
  row("shapes.Level", "number", Level, -1),
  row("shapes.Hash", "number[]", Hash, [1, 0, 200, 255]),
  row("shapes.Names", "Map<string, string>", Names, new Map([["ann", "Ann"]])),
  row("shapes.Route", "Span[]", Route, [span]),
  row("*shapes.Pair", "{ A: number; B: number }", Pair, { A: 1, B: -1 }),
  row("shapes.Span", "{ From: bigint; To: bigint; Open: boolean }", Span, span),
  row("struct { A int; B string }", "{ A: number; B: string }", Untitled, { A: 1, B: "b" }),
  row("[]*shapes.Pair", "Pair[]", gob.slice(Pair), [
    { A: 1, B: 0 },
    { A: 0, B: 0 },
  ]),
  row("*shapes.Tree", "Tree", Tree, { ...leaf, Name: "top", Left: leaf, Named: new Map([["a", leaf]]) }),
  row("*shapes.Order", "Order", Order, {
    ID: 2n ** 64n - 1n,
    Serial: 0n,
    Buyer: { Name: "Ann", Mail: "", Home: { A: 1, B: 2 } },
    Lines: [line, { ...line, Tags: [] }],
    Total: 0.5,
    Rate: 0.25,
    Paid: true,
    Tags: new Map([["a", ["b", "c"]]]),
    Raw: Uint8Array.of(1, 2),
    Pieces: [Uint8Array.of(3)],
    Grid: [
      [1, 2, 3],
      [-4, 0, 0],
    ],
    Phase: { real: 0, imaginary: 1 },
    Sum: { real: 0, imaginary: 0 },
    Level: -128,
    Runes: [0x1f600],
    Hash: [0, 0, 0, 0],
    Names: new Map(),
    Seen: new Map([["a", {}]]),
    Nested: new Map([[-1, new Map([[true, 2 ** 32 - 1]])]]),
    Untitled: { A: 1, B: "b" },
  }),
  row("*shapes.Embedding", "{ Pair: Pair; Twin: Twin | null; Note: string }", Embedding, {
    Pair: { A: 1, B: 2 },
    Twin: null,
    Note: "",
  }),
  row("*shapes.Optional", "{ Count: number | null; Inner: Optional | null; … }", Optional, {
    Count: 1,
    Text: "text",
    Flag: true,
    Ratio: null,
    Pair: { A: 0, B: 0 },
    When: when,
    Deeper: 2n ** 63n - 1n,
    Inner: null,
  }),
  row("*shapes.Holder", "{ Any: unknown; List: unknown[]; … }", Holder, {
    Any: 7,
    Sized: Span.of(span),
    List: [null, "a", Pair.of({ A: 1, B: 2 })],
    Map: new Map<string, unknown>([["a", true]]),
    Fixed: [null, 1.5],
    After: "after",
  }),
  row("time.Time", "Date", gob.time, when),
  row("*shapes.Event", "{ At: Date; Took: bigint; … }", Event, {
    At: when,
    Took: -1_000_000_000n,
    Marks: [when],
    Zones: new Map([["Paris", when]]),
  }),
  row("*shapes.Point", "{ x: number; y: number }", Point, { x: -1, y: 70_000 }),
  row("*shapes.Track", "{ Start: Point; Word: string; … }", Track, {
    Start: { x: 1, y: 2 },
    End: { x: 0, y: 0 },
    Points: [{ x: 0, y: 0 }],
    Named: new Map([["a", { x: 3, y: 4 }]]),
    Word: "secret",
  }),
];

/** All that a request or response may be. */
export const TYPES: readonly gob.AnyType[] = [...ROWS.map(({ type }) => type), Twin, Big];
