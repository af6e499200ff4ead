import { describe, expect, test } from "vitest";
import { fromHex, signed, text, unsigned } from "../../test/gob/bytes.ts";
import { arrayType, ID, mapType, selfType, sliceType, structType } from "../../test/gob/definitions.ts";
import { Reader } from "./reader.ts";
import { printWireType, type WireType, WireTypes } from "./wire-type.ts";

const MAX_LENGTH = 1000;
const ended = expect.objectContaining({ code: "data_loss" });
const exhausted = expect.objectContaining({ code: "resource_exhausted" });

/** Reads what is behind the id. */
function definitionOf(hex: string): WireType {
  const reader = new Reader({ maxBytes: 1 << 20, maxDepth: 10, maxValues: 10 });
  const bytes = fromHex(hex);
  reader.begin(bytes, 0, bytes.length);
  const type = new WireTypes(10, MAX_LENGTH).read(reader);
  reader.finish();
  return type;
}
/** The same for a message of less than 128 bytes whose id is 65. */
const defined = (message: string): WireType => definitionOf(message.slice(6));

describe("definitions (rule 16)", () => {
  test("each kind is read", () => {
    expect(defined(sliceType(65, ID.string, "L"))).toEqual({ kind: "slice", name: "L", element: ID.string });
    expect(defined(arrayType(65, ID.int, 3))).toEqual({ kind: "array", name: "", element: ID.int, length: 3 });
    expect(defined(arrayType(65, ID.int, 0))).toMatchObject({ length: 0 });
    expect(defined(mapType(65, ID.string, 70))).toEqual({ kind: "map", name: "", key: ID.string, value: 70 });
    expect(defined(structType(65, "S", []))).toEqual({ kind: "struct", name: "S", fields: [] });
    expect(defined(structType(65, "S", [["A", ID.int]]))).toEqual({
      kind: "struct",
      name: "S",
      fields: [{ name: "A", type: ID.int }],
    });
    for (const form of ["gob", "binary", "text"] as const)
      expect(defined(selfType(65, form, 99))).toEqual({ kind: "opaque", name: "", form });
  });

  test("an array is no longer than a message may be", () => {
    expect(defined(arrayType(65, ID.int, MAX_LENGTH))).toMatchObject({ length: MAX_LENGTH });
    for (const length of [MAX_LENGTH + 1, 2n ** 40n, 2n ** 63n - 1n])
      expect(() => defined(arrayType(65, ID.int, length))).toThrow(exhausted);
    for (const length of [-1, -(2n ** 63n)]) expect(() => defined(arrayType(65, ID.int, length))).toThrow(ended);
  });

  test("names of fields that no struct of Go has are refused", () => {
    for (const name of ["", "__proto__", "constructor", "toString", "hasOwnProperty"])
      expect(() => defined(structType(65, "S", [[name, ID.int]]))).toThrow(ended);
    expect(() =>
      defined(
        structType(65, "S", [
          ["A", ID.int],
          ["A", ID.bool],
        ]),
      ),
    ).toThrow(ended);
  });

  test("a million fields are refused at once", () => {
    const start = "03 01 02ff8200 01";
    expect(() => definitionOf(`${start} ${unsigned(1_000_000)} ${"00".repeat(1_000_000)}`)).toThrow(exhausted);
    expect(() => definitionOf(`${start} ${unsigned(2n ** 40n)}`)).toThrow(ended);
  });

  test("ids of elements are those of types", () => {
    for (const id of [0, -1, -65, 2 ** 31]) {
      expect(() => definitionOf(`02 0102 ff82 00 01 ${signed(id)} 00 00`)).toThrow(ended);
      expect(() => definitionOf(`03 0102 ff82 00 01 01 01 ${text("A")} 01 ${signed(id)} 00 00 00`)).toThrow(ended);
    }
  });

  test("what is malformed is refused wherever it ends", () => {
    const whole = fromHex(structType(65, "S", [["A", ID.int]]).slice(6));
    for (let length = 0; length < whole.length; length++) {
      const reader = new Reader({ maxBytes: 1 << 20, maxDepth: 10, maxValues: 10 });
      reader.begin(whole, 0, length);
      expect(() => new WireTypes(10, MAX_LENGTH).read(reader)).toThrow(ended);
    }
    // No kind, an unknown one, two; a field that there is not.
    for (const hex of [
      "00",
      "08",
      "02 0102020000 01 0102020000 00",
      "02 0102ff820001040102 00 00",
      "f8ffffffffffffffff",
    ])
      expect(() => definitionOf(hex)).toThrow(ended);
  });
});

describe("the types of a stream (rule 15)", () => {
  const slice: WireType = { kind: "slice", name: "", element: ID.int };

  test("eight kinds are there from the start, and no other ids", () => {
    const types = new WireTypes(10, MAX_LENGTH);
    for (const [kind, id] of Object.entries(ID)) expect(types.get(id)).toEqual({ kind });
    for (const id of [-1, 0, 9, 16, 23, 63, 64, 65]) expect(() => types.get(id)).toThrow(ended);
  });

  test("ids from 64 on may be defined, once, up to the limit", () => {
    const types = new WireTypes(2, MAX_LENGTH);
    for (const id of [1, 16, 63]) expect(() => types.define(id, slice)).toThrow(ended);
    types.define(64, slice);
    expect(types.get(64)).toBe(slice);
    expect(() => types.define(64, slice)).toThrow(ended);
    types.define(2 ** 31 - 1, slice);
    expect(() => types.define(70, slice)).toThrow(exhausted);
  });

  test("all structs together have a bounded number of fields", () => {
    const types = new WireTypes(10, MAX_LENGTH);
    const fields = Array.from({ length: 30_000 }, (_, at) => ({ name: `F${at}`, type: ID.int }));
    types.define(65, { kind: "struct", name: "", fields });
    types.define(66, { kind: "struct", name: "", fields });
    expect(() => types.define(67, { kind: "struct", name: "", fields })).toThrow(exhausted);
  });

  test("a definition inside a value that is read again is not taken again", () => {
    const types = new WireTypes(10, MAX_LENGTH);
    types.beginValue(false);
    types.defineInside(65, slice);
    types.beginValue(true);
    types.defineInside(65, slice);
    types.defineInside(66, slice);
    types.beginValue(true);
    types.defineInside(65, slice);
    types.defineInside(66, slice);
    expect(() => types.defineInside(66, slice)).toThrow(ended);
    types.beginValue(false);
    expect(() => types.defineInside(65, slice)).toThrow(ended);
  });
});

test("types are printed for people, whatever their names hold", () => {
  expect(printWireType({ kind: "int" })).toBe("int");
  expect(printWireType({ kind: "slice", name: "", element: 2 })).toBe("slice");
  expect(printWireType({ kind: "struct", name: "S\n", fields: [] })).toBe("struct S\\u000a");
});
