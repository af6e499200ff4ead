import { describe, expect, test } from "vitest";
import { counted, fromHex, signed, text, unsigned } from "../../test/gob/bytes.ts";
import {
  arrayType,
  holds,
  holdsStruct,
  ID,
  mapType,
  selfType,
  sliceType,
  structType,
  structValue,
} from "../../test/gob/definitions.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { Encoder } from "./encoder.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

const ended = expect.objectContaining({ code: "data_loss" });
const exhausted = expect.objectContaining({ code: "resource_exhausted" });
const Holder = gob.struct("main.H", { V: gob.any });
const HOLDER = structType(65, "H", [["V", ID.interface]]);
const V = gob.struct("main.V", { X: gob.int });
const DEFINITION = structType(66, "V", [["X", ID.int]]);

/** What is in the interface of a struct. */
function heldIn(types: string, hex: string, options: DecoderOptions = {}): unknown {
  const decoder = new Decoder(options);
  const [value] = decoder.push(fromHex(`${HOLDER}${types}${structValue(65, `01${hex}00`)}`), Holder);
  decoder.end();
  return value?.V;
}

describe("values inside interfaces (rules 20 to 27)", () => {
  test("are read by the description that their name finds", () => {
    const value = heldIn(DEFINITION, holdsStruct("*main.V", 66, "010200"), { types: [V] });
    expect(value).toEqual({ X: 1 });
    expect(gob.typeOf(value)).toBe(V);
  });

  test("are read as the stream describes them where none is found", () => {
    const value = heldIn(DEFINITION, holdsStruct("main.V", 66, "010200"));
    expect(value).toEqual({ X: 1 });
    expect(gob.typeOf(value)).toBeUndefined();
    expect(heldIn(mapType(66, ID.string, ID.float), holds("main.M", 66, `01${text("k")}40`))).toEqual(
      new Map([["k", 2]]),
    );
    expect(heldIn(selfType(66, "binary"), holds("main.O", 66, "020102"))).toEqual(Uint8Array.of(1, 2));
  });

  test("basic ones are numbers where they fit, and otherwise bigints, unless they are described", () => {
    expect(heldIn("", holds("int64", ID.int, "0a"))).toBe(5);
    expect(heldIn("", holds("uint64", ID.uint, unsigned(2n ** 64n - 1n)))).toBe(2n ** 64n - 1n);
    expect(heldIn("", holds("int64", ID.int, "0a"), { types: [gob.int64] })).toBe(5n);
    expect(heldIn(sliceType(66, ID.int), holds("[]int", 66, `0204${signed(2n ** 53n)}`))).toEqual([2, 2n ** 53n]);
    expect(heldIn("", holds("[]uint8", ID.bytes, "0101"))).toEqual(Uint8Array.of(1));
  });

  test("basic ones must be what their names say", () => {
    expect(() => heldIn("", holds("string", ID.int, "02"))).toThrow(ended);
    expect(() => heldIn("", holds("int", ID.uint, "02"))).toThrow(ended);
    expect(() => heldIn(sliceType(66, ID.uint), holds("[]int", 66, "0102"))).toThrow(ended);
    expect(() => heldIn("", holds("int8", ID.int, signed(128)))).toThrow("main.H.V: 128 does not fit int8");
  });

  test("may be of different types under one name, one after the other", () => {
    const decoder = new Decoder();
    const other = structType(67, "V", [["Y", ID.string]]);
    decoder.push(fromHex(`${HOLDER}${DEFINITION}${other}`));
    for (let times = 0; times < 3; times++) {
      const read = (id: number, body: string): unknown =>
        decoder.push(fromHex(structValue(65, `01${holdsStruct("main.V", id, body)}00`)))[0];
      expect(read(66, "010200")).toEqual({ V: { X: 1 } });
      expect(read(67, "01016100")).toEqual({ V: { Y: "a" } });
    }
  });

  test("have a mark before them when they are no structs", () => {
    expect(() => heldIn("", holdsStruct("int", ID.int, "0102"))).toThrow(ended);
    expect(() => heldIn("", holdsStruct("int", ID.int, ""))).toThrow(ended);
  });

  test("are of a type that there is, and that is no interface", () => {
    for (const id of [16, 23, 64, 99]) expect(() => heldIn("", holds("main.V", id, "00"))).toThrow(ended);
    expect(() => heldIn("", `${text("main.V")}00`)).toThrow(ended);
    expect(() => heldIn("", holds("main.V", ID.interface, "00"))).toThrow(ended);
  });

  test("in one another they are as deep as the limit", () => {
    const nested = (depth: number): string => (depth === 0 ? "00" : `01${text("main.H")}ff8201${nested(depth - 1)}00`);
    const options = { maxDepth: 9 };
    const decode = (depth: number) => new Decoder(options).push(fromHex(`${HOLDER}${structValue(65, nested(depth))}`));
    expect(decode(4)).toHaveLength(1);
    expect(() => decode(5)).toThrow(exhausted);
    const bomb = `01${text("x")}ff8201`.repeat(100_000);
    for (const maxDepth of [128, 1000])
      expect(() => new Decoder({ maxDepth }).push(fromHex(`${HOLDER}${structValue(65, bomb)}`))).toThrow(exhausted);
  });

  test("that are passed over are read all the same, and what they define is defined", () => {
    const Other = gob.struct("main.O", { A: gob.int });
    const decoder = new Decoder();
    const types = structType(65, "O", [
      ["V", ID.interface],
      ["A", ID.int],
    ]);
    const inside = `01${text("main.V")}${DEFINITION.slice(2)} 07 ff84 03 010200`;
    expect(decoder.push(fromHex(`${types}${counted(`ff82 ${inside} 0104 00`)}`), Other)).toEqual([{ A: 2 }]);
    const again = structValue(65, `01${holdsStruct("main.V", 66, "010200")}010600`);
    expect(decoder.push(fromHex(again), Other)).toEqual([{ A: 3 }]);
    expect(decoder.push(fromHex(structValue(65, `01${holds("[]int", ID.bytes, "020102")}010600`)), Other)).toHaveLength(
      1,
    );
    expect(() =>
      decoder.push(fromHex(structValue(65, `01${holds("string", ID.string, "7f61")}010600`)), Other),
    ).toThrow(ended);
  });
});

describe("typed values", () => {
  const typed = (types: string, hex: string, described: readonly gob.AnyType[] = []): unknown =>
    heldIn(types, hex, { types: described, interfaces: "typed" });
  const nameOf = (value: unknown): string | undefined => gob.typeOf(value)?.names.registered;

  test("all but structs stand in a TypedValue", () => {
    for (const [hex, value, name] of [
      [holds("int8", ID.int, "0a"), 5, "int8"],
      [holds("int64", ID.int, "0a"), 5, "int64"],
      [holds("string", ID.string, "0161"), "a", "string"],
      [holds("[]uint8", ID.bytes, "0101"), Uint8Array.of(1), "[]uint8"],
    ] as const) {
      const held = typed("", hex);
      expect(held).toBeInstanceOf(gob.TypedValue);
      expect((held as gob.TypedValue).value).toEqual(value);
      expect(nameOf(held)).toBe(name);
    }
  });

  test("the type has the name that came, also where the description has the other one", () => {
    const moment = "0f010000000ed59f54a500000006ffff";
    const held = typed(selfType(66, "gob"), holds("*time.Time", 66, moment), [time]);
    expect(nameOf(held)).toBe("*time.Time");
    expect((held as gob.TypedValue).value).toBeInstanceOf(Date);
    expect(nameOf(typed(DEFINITION, holdsStruct("*main.V", 66, "010200"), [V]))).toBe("*main.V");
    expect(gob.typeOf(typed(DEFINITION, holdsStruct("main.V", 66, "010200"), [V]))).toBe(V);
  });

  test("what nobody described is described as the stream does", () => {
    const types = [
      structType(66, "W", [
        ["N", ID.int],
        ["Next", 66],
        ["L", 67],
        ["O", 68],
        ["R", 69],
      ]),
      ...[sliceType(67, ID.float, "L"), selfType(68, "text"), arrayType(69, ID.bool, 1)],
    ].join("");
    const value = typed(types, holdsStruct("*main.W", 66, "01020100020000"));
    expect(value).toEqual({
      N: 1,
      Next: { N: 0, Next: null, L: [], O: new Uint8Array(), R: null },
      ...{ L: [], O: new Uint8Array(), R: null },
    });
  });

  test("a described stranger has the kinds of the stream", () => {
    const types = `${structType(66, "W", [
      ["N", ID.int],
      ["Next", 66],
    ])}${mapType(67, ID.string, 66)}`;
    const held = typed(types, holds("map[string]main.W", 67, `01${text("k")}010200`));
    expect(nameOf(held)).toBe("map[string]main.W");
    const { shape } = gob.typeOf(held) as gob.AnyType;
    expect(shape.kind).toBe("map");
    if (shape.kind !== "map") return;
    expect(shape.key.shape.kind).toBe("string");
    expect(shape.value.shape.kind).toBe("pointer");
    expect(shape.value.base.shape).toMatchObject({ kind: "struct", fields: [{ name: "N" }, { name: "Next" }] });
  });

  test("types that hold themselves are described without end", () => {
    const held = typed(sliceType(66, 66), holds("main.Self", 66, "0100"));
    expect((held as gob.TypedValue).value).toEqual([[]]);
    expect(gob.typeOf(held)?.shape.kind).toBe("slice");
  });

  test("and are encoded again: a struct that holds itself is described once", () => {
    const types = structType(66, "Rec", [
      ["V", ID.int],
      ["Next", 66],
    ]);
    const held = typed(types, holdsStruct("*main.Rec", 66, "01020101040000"));
    expect(held).toEqual({ V: 1, Next: { V: 2, Next: null } });
    const again = new Encoder().encode(gob.struct("main.Holder", { Held: gob.any }), { Held: held });
    const decoder = new Decoder({ interfaces: "typed" });
    expect(decoder.push(again)).toEqual([{ Held: held }]);
  });
});
