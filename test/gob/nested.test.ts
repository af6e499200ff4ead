import { expect, test } from "vitest";
import { time } from "../../src/gob/time.ts";
import {
  type AnyType,
  any,
  array,
  bool,
  bytes,
  float64,
  type GobType,
  int,
  lazy,
  map,
  named,
  pointer,
  slice,
  string,
  struct,
  uint8,
} from "../../src/gob/type.ts";
import { Decoder, Encoder } from "../../src/gob.ts";
import { fromHex, messagesIn, toHex } from "./bytes.ts";
import { Inner, NO_TIME, V } from "./described.ts";
import { differs } from "./differs.ts";

/** A stream that Go 1.26 wrote with encoding/gob, after a type of its own, so that its ids begin where ours do. */
interface Row {
  readonly what: string;
  readonly type: AnyType;
  /** As it is given to the encoder: what is left out of it is zero. */
  readonly value: unknown;
  readonly hex: string;
}

const L = named("main.L", slice(bool));
const W = struct("main.W", {
  ...{ Ins: slice(Inner), In: Inner, M: map(string, slice(Inner)), N: slice(slice(int)) },
  ...{ Arr: array(2, slice(V)), LL: L, Ls: slice(L) },
});
const Times = struct("main.TT", { F: time, P: pointer(time), L: slice(time) });
const Pointers = struct("main.PE", {
  ...{ P: pointer(slice(int)), M: pointer(map(string, int)), A: pointer(array(2, int)), S: pointer(string) },
  ...{ V: pointer(Inner), B: pointer(bytes), T: pointer(time), PP: pointer(pointer(int)) },
});
const Cyc: GobType<unknown[]> = named("main.Cyc", slice(lazy((): GobType<unknown[]> => Cyc)));
const One: GobType<object> = struct("main.A1", {
  B: pointer(lazy((): GobType<object> => Other)),
  L: slice(lazy((): GobType<object> => One)),
});
const Other: GobType<object> = struct("main.B1", {
  A: pointer(One),
  M: map(
    string,
    lazy((): GobType<object> => Other),
  ),
});
const U8 = named("main.U8", uint8);
const Bs = struct("main.Bs", {
  ...{ A: slice(U8), B: named("main.BB", slice(U8)), C: named("main.MB", bytes), D: array(2, U8), E: bytes },
});
const Anon = struct("main.Anon", { A: struct("", { Q: int }), B: slice(struct("", { Z: string })) });
const Held = struct("main.H", { V: any });
const TYPES: readonly AnyType[] = [L, V, slice(any), map(string, V)];

// biome-ignore format: one row per stream
const rows: readonly Row[] = [
  { what: "slices, maps and arrays of structs, and named slices", type: W, value: { Ins: [{}], N: [[], [1]], Ls: [[true]] }, hex: "47ff81030101015701ff820001070103496e7301ff86000102496e01ff840001014d01ff880001014e01ff8c00010341727201ff920001024c4c01ff940001024c7301ff960000001bff850201010c5b5d6d61696e2e496e6e657201ff860001ff8400001fff8303010105496e6e657201ff84000102010150010400010151010a00000028ff87040101176d61705b737472696e675d5b5d6d61696e2e496e6e657201ff8800010c01ff86000016ff8b020101075b5d5b5d696e7401ff8c0001ff8a00000cff89020102ff8a00010400001cff910101010b5b325d5b5d6d61696e2e5601ff920001ff90010400000dff8f020102ff900001ff8e00001bff8d030101015601ff8e00010201015801040001015901040000000fff93020101014c01ff94000102000017ff95020101085b5d6d61696e2e4c01ff960001ff94000015ff8201010001000202000102010200000201010100" },
  { what: "slices of slices", type: slice(slice(int)), value: [[], [1]], hex: "0dff83020102ff840001ff8200000cff81020102ff82000104000007ff840002000102" },
  { what: "slices of slices of slices of structs, empty", type: slice(slice(slice(V))), value: [], hex: "0dff87020102ff880001ff8600000dff85020102ff860001ff8400000dff83020102ff840001ff8200001bff81030101015601ff82000102010158010400010159010400000004ff880000" },
  { what: "maps of maps of slices of structs", type: map(string, map(int, slice(V))), value: new Map([["a", new Map([[1, [{ X: 1, Y: 2 }]]])]]), hex: "0fff87040102ff8800010c01ff8600000fff85040102ff8600010401ff8400000dff83020102ff840001ff8200001bff81030101015601ff8200010201015801040001015901040000000eff88000101610102010102010400" },
  { what: "arrays of arrays", type: array(2, array(3, int)), value: [[0, 0, 0], [0, 0, 0]], hex: "0fff83010102ff840001ff82010400000eff81010102ff82000104010600000cff8400020300000003000000" },
  { what: "a negative zero in a field", type: struct("main.Neg", { F: float64, G: int }), value: { F: -0, G: 1 }, hex: "1dff81030101034e656701ff82000102010146010800010147010400000005ff82020200" },
  { what: "a negative zero in a slice", type: slice(float64), value: [-0], hex: "0cff81020102ff82000108000006ff820001ff80" },
  { what: "a zero time in a field, behind a pointer and in a slice", type: Times, value: { P: NO_TIME, L: [NO_TIME] }, hex: "25ff8103010102545401ff8200010301014601ff840001015001ff840001014c01ff8600000010ff830501010454696d6501ff840000001aff850201010b5b5d74696d652e54696d6501ff860001ff84000026ff82020f01000000000000000000000000ffff01010f01000000000000000000000000ffff00" },
  { what: "pointers to zeros of all kinds", type: Pointers, value: { P: [], M: new Map(), A: [0, 0], S: "", V: {}, B: new Uint8Array(), T: NO_TIME, PP: 0 }, hex: "46ff8103010102504501ff8200010801015001ff840001014d01ff860001014101ff8800010153010c0001015601ff8a00010142010a0001015401ff8c0001025050010400000013ff83020101055b5d696e7401ff8400010400001eff850401010e6d61705b737472696e675d696e7401ff8600010c0104000016ff87010101065b325d696e7401ff88000104010400001fff8903010105496e6e657201ff8a000102010150010400010151010a0000000aff8b050102ff8e0000001cff820200010200000200020f01000000000000000000000000ffff00" },
  { what: "a slice that holds itself", type: Cyc, value: [[], [[]]], hex: "12ff810201010343796301ff820001ff82000007ff820002000100" },
  { what: "structs that hold one another", type: One, value: { B: { M: new Map([["x", {}]]) }, L: [{}] }, hex: "1eff8103010102413101ff8200010201014201ff840001014c01ff880000001eff8303010102423101ff8400010201014101ff820001014d01ff8600000023ff85040101126d61705b737472696e675d6d61696e2e423101ff8600010c01ff84000018ff87020101095b5d6d61696e2e413101ff880001ff8200000dff820102010178000001010000" },
  { what: "bytes under other names, and an array of them", type: Bs, value: { A: [200], B: [200], C: Uint8Array.of(200), D: [200, 1], E: Uint8Array.of(200) }, hex: "2fff8103010102427301ff82000105010141010a00010142010a00010143010a0001014401ff8400010145010a0000001aff830101010a5b325d6d61696e2e553801ff840001060104000014ff820101c80101c80101c80102ffc8010101c800" },
  { what: "structs without names", type: Anon, value: { B: [{ Z: "q" }] }, hex: "20ff8103010104416e6f6e01ff8200010201014101ff840001014201ff8800000024ff8303010110737472756374207b205120696e74207d01ff84000101010151010400000024ff87020101155b5d737472756374207b205a20737472696e67207d01ff880001ff86000012ff85030102ff8600010101015a010c0000000bff82010001010101710000" },
];

/** Here Go defines types inside of values. */
// biome-ignore format: one row per stream
const cut: readonly Row[] = [
  { what: "a new map of new structs in an interface", type: Held, value: { V: map(string, V).of(new Map([["k", { X: 1, Y: 2 }]])) }, hex: "15ff81030101014801ff82000101010156011000000024ff8201116d61705b737472696e675d6d61696e2e56ff85040102ff8600010c01ff84000018ff83030102ff8400010201015801040001015901040000000dff86090001016b010201040000" },
  { what: "new types in a slice of interfaces, in one message", type: Held, value: { V: slice(any).of([V.of({ X: 1, Y: 2 }), L.of([true]), null]) }, hex: "15ff81030101014801ff8200010101015601100000001eff82010e5b5d696e74657266616365207b7dff83020102ff8400011000004fff84240003066d61696e2e56ff85030101015601ff8600010201015801040001015901040000001eff86050102010400066d61696e2e4cff87020101014c01ff88000102000007ff88030001010000" },
];

test.each(rows)("$what: the same bytes as Go's", ({ type, value, hex }) => {
  const pieces = messagesIn(new Encoder().encode(type, value)).map(toHex);
  expect(pieces).toEqual(messagesIn(fromHex(hex)).map(toHex));
});

test.each(rows)("$what: read from Go, and written again", ({ type, hex }) => {
  const decoder = new Decoder();
  const [value] = decoder.push(fromHex(hex), type);
  decoder.end();
  // What Go left out of it is there now: an empty map among it, which is sent.
  const again = new Decoder().push(new Encoder().encode(type, value), type);
  expect(again).toEqual([value]);
});

test.each(cut)("$what: read from Go", ({ type, value, hex }) => {
  for (const size of [1, 7, 1000]) {
    const decoder = new Decoder({ types: TYPES, interfaces: "typed" });
    const bytes = fromHex(hex);
    const values: unknown[] = [];
    for (let at = 0; at < bytes.length; at += size) values.push(...decoder.push(bytes.slice(at, at + size), type));
    decoder.end();
    expect(values).toHaveLength(1);
    expect(differs(type, value, values[0], "typed")).toBeUndefined();
  }
});

test.each([...rows, ...cut])("$what: read without a description", ({ hex }) => {
  expect(new Decoder().push(fromHex(hex))).toHaveLength(1);
});
