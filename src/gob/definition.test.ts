import { describe, expect, test } from "vitest";
import { messagesIn, toHex } from "../../test/gob/bytes.ts";
import { Empty, Inner, MOMENT, MyMap, Rec, V, wireRequest } from "../../test/gob/described.ts";
import { Encoder } from "./encoder.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

/** The definitions that a value needs, each without its count. */
function definitionsOf<Value>(type: gob.GobType<Value, boolean>, value: Value): string[] {
  const messages = messagesIn(new Encoder().encode(type, value));
  return messages.slice(0, -1).map((message) => toHex(message.subarray((message[0] ?? 0) < 128 ? 1 : 2)));
}

describe("definitions", () => {
  test("rule 16: every form of definition", () => {
    expect(definitionsOf(gob.slice(gob.string), [])).toEqual(["ff81020102ff8200010c0000"]);
    expect(definitionsOf(gob.array(3, gob.int), [1, 2, 3])).toEqual(["ff81010102ff8200010401060000"]);
    expect(definitionsOf(gob.array(0, gob.int), [])).toEqual(["ff81010102ff820001040000"]);
    expect(definitionsOf(MyMap, new Map())).toEqual(["ff81040101054d794d617001ff8200010c01040000"]);
    expect(definitionsOf(Empty, {})).toEqual(["ff810301010" + "5456d70747901ff82000000"]);
    expect(definitionsOf(time, MOMENT)).toEqual(["ff8105010104" + "54696d65" + "01ff82000000"]);
    const coder = { encode: () => Uint8Array.of(1), decode: () => 1, zero: () => 0 };
    expect(definitionsOf(gob.opaque("main.B", "binary", coder), 1)).toEqual(["ff810601010142" + "01ff82000000"]);
    expect(definitionsOf(gob.opaque("main.T", "text", coder), 1)).toEqual(["ff810701010154" + "01ff82000000"]);
  });

  test("rule 18: what is basic needs none, under whatever name", () => {
    const Basic = gob.struct("", {
      A: gob.named("main.MyStr", gob.string),
      B: gob.bytes,
      C: gob.any,
      D: gob.pointer(gob.complex64),
      E: gob.slice(gob.uint8),
    });
    expect(definitionsOf(Basic, { A: "", B: new Uint8Array(), C: 1, D: null, E: [] })).toHaveLength(1);
  });

  test("rules 17, 18: a container's comes before those of its parts; unnamed types of fields are named as they print", () => {
    const Outer = gob.struct("main.Outer", {
      Z: gob.slice(Inner),
      M: gob.map(gob.string, gob.slice(gob.int)),
      P: Inner,
    });
    expect(definitionsOf(Outer, { Z: [], M: new Map(), P: { P: null, Q: new Uint8Array() } })).toEqual([
      "ff810301010" + "54f7574657201ff82000103" + "01015a01ff8600" + "01014d01ff8a00" + "01015001ff8400" + "0000",
      "ff850201010c5b5d6d61696e2e496e6e657201ff860001ff840000",
      "ff83030101" + "05496e6e657201ff8400010201015001" + "0400" + "010151010a000000",
      "ff8904010110" + "6d61705b737472696e675d5b5d696e74" + "01ff8a00010c01ff880000",
      "ff87020102ff880001040000",
    ]);
  });

  test("a type that holds itself is defined once", () => {
    expect(definitionsOf(Rec, { A: 1, Next: null })).toEqual([
      "ff81030101035265" + "6301ff820001020101410104000104" + "4e65787401ff82000000",
    ]);
    interface Forest extends Map<string, Forest[]> {}
    const Forest: gob.GobType<Forest> = gob.named(
      "main.Forest",
      gob.lazy((): gob.GobType<Forest> => gob.map(gob.string, gob.slice(Forest)) as gob.GobType<Forest>),
    );
    // As in Go, the slice is numbered first, and gives the map that waits for it the next id.
    expect(definitionsOf(Forest, new Map())).toEqual([
      "ff83040101" + "06466f72657374" + "01ff8400010c01ff820000",
      "ff81020102ff820001ff840000",
    ]);
  });

  test("rule 28: a pointer to a self-encoding type takes an id of its own, which shows in the definition alone", () => {
    const Times = gob.struct("main.Times", { P: gob.pointer(time), V: time });
    expect(definitionsOf(Times, { P: null, V: MOMENT })).toEqual([
      "ff810301010554696d657301ff8200010201015001ff840001015601ff84000000",
      "ff83050102ff86000000",
    ]);
    // As in Go, the pointer takes an id also when its type is known, and then the slice has the one after it.
    const encoder = new Encoder();
    encoder.encode(time, MOMENT);
    expect(toHex(encoder.encode(gob.pointer(time), MOMENT))).toBe("13ff82000f010000000ed59f54a500000006ffff");
    expect(toHex(encoder.encode(gob.slice(gob.int), []))).toBe("0cff85020102ff860001040000" + "04ff860000");
  });

  test("a type that is described anew for every value is defined once", () => {
    const encoder = new Encoder();
    const make = () => {
      const Tree: gob.AnyType = gob.struct("main.Tree", {
        Sub: gob.slice(gob.lazy((): gob.AnyType => Tree)),
        Pairs: gob.slice(gob.struct("main.Pair", { A: gob.int, B: gob.int })),
      });
      return { List: gob.slice(gob.int).of([1]), Map: gob.map(gob.string, gob.any).of(new Map()), Tree: Tree.of({}) };
    };
    const first = make();
    encoder.encode(wireRequest, { ID: 1n, Request: gob.slice(gob.any).of(Object.values(first)) });
    for (let i = 0; i < 3; i++) {
      const values = Object.values(make());
      const bytes = encoder.encode(wireRequest, { ID: 1n, Request: gob.slice(gob.any).of(values) });
      expect(toHex(bytes)).toBe(
        toHex(encoder.encode(wireRequest, { ID: 1n, Request: gob.slice(gob.any).of(Object.values(first)) })),
      );
    }
  });

  test("types of one name that are made differently are two", () => {
    const encoder = new Encoder();
    const other = gob.struct("main.V", { X: gob.string });
    expect(toHex(encoder.encode(V, { X: 1, Y: 0 }))).toContain("05ff82010200");
    expect(toHex(encoder.encode(other, { X: "a" }))).toContain("06ff8401016100");
  });
});
