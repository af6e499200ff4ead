import { describe, expect, test } from "vitest";
import { counted, toHex } from "../../test/gob/bytes.ts";
import {
  dispatcherRequest,
  Empty,
  MOMENT,
  MyMap,
  NO_TIME,
  Pair,
  Rec,
  type RecValue,
  V,
  wireRequest,
} from "../../test/gob/described.ts";
import { Encoder, type EncoderOptions } from "./encoder.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

/** What one stream makes of these values, the types of which are known to it already. */
function again<Value>(type: gob.GobType<Value, boolean>, value: Value): string {
  const encoder = new Encoder();
  encoder.encode(type, value);
  return toHex(encoder.encode(type, value));
}
/** The value of a struct's only field, as it is written; "" when it is left out. */
function field<Value>(type: gob.GobType<Value, boolean>, value: unknown): string {
  const Holder = gob.struct("main.Holder", { F: type as gob.AnyType });
  const [, body] = /^(?:ff)?..ff82(.*)00$/.exec(again(Holder, { F: value })) ?? [];
  return (body ?? "").replace(/^01/, "");
}
/** What is said of a value that does not fit. */
function refusal(type: gob.AnyType, value: unknown, options?: EncoderOptions): string {
  try {
    new Encoder(options).encode(type, value);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as TypeError).message;
  }
  return expect.fail("It fits");
}

describe("rule 10: what a field leaves out", () => {
  test.each<[string, gob.AnyType, unknown]>([
    ["0", gob.int, 0],
    ["-0 of an int", gob.int, -0],
    ["0n", gob.uint64, 0n],
    ["0.0", gob.float64, 0],
    ["-0.0", gob.float64, -0],
    ["what rounds to 0 in a float32", gob.float32, 1e-60],
    ["a complex 0", gob.complex128, { real: 0, imaginary: -0 }],
    ["false", gob.bool, false],
    ['""', gob.string, ""],
    ["no bytes", gob.bytes, new Uint8Array()],
    ["an empty slice", gob.slice(gob.string), []],
    ["nil in an interface", gob.any, null],
    ["a nil pointer", Pair, null],
    ["a pointer to 0", gob.pointer(gob.int), 0],
    ["a pointer to a pointer to false", gob.pointer(gob.pointer(gob.bool)), false],
    ["the zero time", time, NO_TIME],
    ["an absent map", MyMap, undefined],
    ["an absent time", time, undefined],
    ["an absent pointer to an array", gob.pointer(gob.array(2, gob.int)), undefined],
    ["an absent int", gob.int, undefined],
  ])("%s", (_, type, value) => {
    expect(field(type, value)).toBe("");
  });

  test.each<[string, gob.AnyType, unknown, string]>([
    ["a nested struct of zeros", V, { X: 0, Y: 0 }, "00"],
    ["an absent nested struct", V, undefined, "00"],
    ["a pointer to a struct of zeros", Pair, { A: 0, B: 0 }, "00"],
    ["an array of zeros", gob.array(2, gob.int), [0, 0], "020000"],
    ["an absent array", gob.array(3, gob.bool), undefined, "03000000"],
    ["an absent array of structs with arrays", gob.array(2, Empty), undefined, "020000"],
    ["an absent array of arrays", gob.array(2, gob.array(1, gob.complex64)), undefined, "0201000001" + "0000"],
    ["an absent array of interfaces", gob.array(1, gob.any), null, "0100"],
    ["an absent array of slices and maps", gob.array(1, gob.array(1, MyMap)), undefined, "010100"],
    ["an array of no elements", gob.array(0, gob.int), [], "00"],
    ["an empty map", MyMap, new Map(), "00"],
    ["an interface that holds 0", gob.any, 0, "03696e740402" + "0000"],
    ["a pointer to the zero time", gob.pointer(time), NO_TIME, "0f01000000000000000000000000ffff"],
    ["an absent array of times", gob.array(1, time), undefined, "010f01000000000000000000000000ffff"],
    ["a complex number with one part", gob.complex128, { real: -0, imaginary: 2 }, "ff8040"],
  ])("is not %s", (_, type, value, expected) => {
    expect(field(type, value)).toBe(expected);
  });

  test("fields that follow say how many were left out", () => {
    const Wide = gob.struct(
      "main.Wide",
      Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`F${i}`, gob.int] as const)),
    );
    expect(again(Wide, { F199: 1 })).toBe("06ff82ffc8" + "0200");
    expect(again(Wide, { F0: 1, F2: 2, F130: 3 })).toBe("0aff82" + "0102" + "0204" + "ff8006" + "00");
  });
});

describe("values", () => {
  test("rule 11: elements are sent in full, zero or not", () => {
    expect(field(gob.slice(gob.int), [0, 1, 0])).toBe("03000200");
    expect(field(gob.slice(gob.float64), [-0])).toBe("01ff80");
    expect(field(gob.slice(gob.complex128), [{ real: 0, imaginary: 0 }])).toBe("010000");
    expect(field(gob.slice(V), [{ X: 0, Y: 0 }])).toBe("0100");
    expect(field(gob.slice(gob.slice(gob.string)), [[], [""]])).toBe("02000100");
    expect(field(gob.slice(gob.any), [null, false, undefined])).toBe("030004626f6f6c0202000000");
    expect(field(gob.slice(MyMap), [new Map()])).toBe("0100");
    expect(field(gob.slice(time), [NO_TIME])).toBe("010f01000000000000000000000000ffff");
  });

  test("rules 8, 9: bytes are one string, a byte array is an array of numbers, and a slice of uint8 is bytes", () => {
    expect(field(gob.bytes, Uint8Array.of(200))).toBe("01c8");
    expect(field(gob.array(1, gob.uint8), [200])).toBe("01ffc8");
    expect(field(gob.slice(gob.uint8), [200, 1n])).toBe("02c801");
    expect(field(gob.slice(gob.uint8), Uint8Array.of(200))).toBe("01c8");
    expect(field(gob.slice(gob.named("main.Byte", gob.uint8)), [1])).toBe("0101");
    expect(field(gob.slice(gob.uint16), [200])).toBe("01ffc8");
  });

  test("rule 9: a map is its keys and values in their order", () => {
    const type = gob.map(gob.string, gob.slice(gob.int));
    const value = new Map([
      ["b", [1]],
      ["a", []],
    ]);
    expect(field(type, value)).toBe("020162010201" + "6100");
  });

  test("rule 12: a pointer is what it points at", () => {
    expect(field(gob.pointer(gob.pointer(gob.int)), 3)).toBe("06");
    expect(field(gob.pointer(gob.any), true)).toBe("04626f6f6c02020001");
    expect(field(Pair, { A: 1, B: 0 })).toBe("010200");
  });

  test("rules 13, 14: a value that is no struct has a zero in front", () => {
    const encoder = new Encoder();
    expect(toHex(encoder.encode(gob.int, 5))).toBe("0304000a");
    expect(toHex(encoder.encode(gob.string, ""))).toBe("030c0000");
    expect(toHex(encoder.encode(gob.slice(gob.string), ["a"]))).toBe(
      `${counted("ff81020102ff8200010c0000")}06ff8200010161`,
    );
    expect(toHex(encoder.encode(gob.any, "a"))).toBe("040c000161");
    expect(toHex(encoder.encode(gob.any, Pair.of({ A: 1, B: 0 })))).toContain("05ff84010200");
    expect(toHex(encoder.encode(gob.pointer(gob.bool), true))).toBe("03020001");
  });

  test("rule 29: a time.Duration is an int64, and a slice of runes one of int32", () => {
    expect(field(gob.named("time.Duration", gob.int64), 1_000_000_000n)).toBe("fc77359400");
    expect(field(gob.slice(gob.int32), [0x20ac])).toBe("01fe4158");
  });

  test("numbers and bigints fit all integer types up to their ends", () => {
    expect(field(gob.int64, Number.MAX_SAFE_INTEGER)).toBe(field(gob.int, BigInt(Number.MAX_SAFE_INTEGER)));
    expect(field(gob.uint64, 200)).toBe("ffc8");
    expect(field(gob.uint, 2n ** 64n - 1n)).toBe("f8ffffffffffffffff");
    expect(field(gob.int8, -128n)).toBe("ffff");
    expect(field(gob.uint16, 65_535)).toBe("feffff");
    expect(field(gob.uint32, 2 ** 32 - 1)).toBe("fcffffffff");
    expect(field(gob.int32, -(2 ** 31))).toBe("fcffffffff");
    expect(field(gob.uintptr, 1n)).toBe("01");
  });

  test("a value that remembers its type may stand where that type is described", () => {
    expect(field(gob.int64, gob.int64.of(3n))).toBe("06");
    expect(field(gob.slice(gob.int), gob.slice(gob.int).of([1]))).toBe("0102");
    expect(field(MyMap, MyMap.of(new Map([["a", 1]])))).toBe("01016102");
    expect(field(time, time.of(MOMENT))).toBe("0f010000000ed59f54a500000006ffff");
    expect(field(V, new gob.TypedValue(V, { X: 1, Y: 0 }))).toBe("010200");
    expect(field(gob.any, [gob.int8.of(1), gob.int8.of(-1)])).toBe(field(gob.any, gob.slice(gob.int8).of([1, -1])));
  });

  test("a struct's fields are read where they are: from classes, getters, and objects without a prototype", () => {
    class Point {
      readonly X = 1;
      get Y(): number {
        return 2;
      }
    }
    expect(field(V, new Point())).toBe("0102010400");
    expect(field(V, Object.assign(Object.create(null), { Y: 2 }))).toBe("020400");
    expect(field(V, { X: 1, Other: "not a field" })).toBe("010200");
  });
});

describe("rules 20, 21, 26: interfaces", () => {
  test.each<[string, unknown, string]>([
    ["a bool", true, "04626f6f6c02020001"],
    ["an int", 1, "03696e7404020002"],
    ["a float64", 1.5, "07666c6f61743634080400fef83f"],
    ["an uint64", 2n ** 63n, "0675696e743634060a00f88000000000000000"],
    ["bytes", Uint8Array.of(7), "075b5d75696e74380a03000107"],
    ["a named string", gob.named("main.MyStr", gob.string).of("m"), "0a6d61696e2e4d795374720c0300016d"],
    ["an int16", gob.int16.of(0), "05696e7431360402" + "0000"],
    ["a complex64", gob.complex64.of({ real: 0, imaginary: 0 }), "09636f6d706c657836340e03" + "000000"],
  ])("%s has its name, id and count in front", (_, value, expected) => {
    expect(field(gob.any, value)).toBe(expected);
  });

  test("a struct has no zero in front, and a pointer the name of a pointer", () => {
    const encoder = new Encoder();
    const say = (value: unknown): string => toHex(encoder.encode(wireRequest, { ID: 0n, Request: value }));
    say(Pair.of({ A: 1, B: 1 }));
    expect(say(Pair.of({ A: 0, B: 0 }))).toBe("13ff82020a2a6d61696e2e50616972ff84010000");
    expect(say(Pair.base.of({ A: 0, B: 0 }))).toBe("12ff8202096d61696e2e50616972ff84010000");
  });

  test("the path of a package is in the name of a type, and only its last part in that of a pointer", () => {
    const Far = gob.struct("github.com/x/y.V", { X: gob.int });
    expect(again(wireRequest, { ID: 0n, Request: Far.of({ X: 1 }) })).toContain("106769746875622e636f6d2f782f792e56");
    expect(again(wireRequest, { ID: 0n, Request: gob.pointer(Far).of({ X: 1 }) })).toContain("042a792e56");
  });

  test("counts are right above 127 bytes, nested ones too", () => {
    const long = "x".repeat(200);
    const inner = `06737472696e670cffcb00ffc8${"78".repeat(200)}`;
    expect(field(gob.any, long)).toBe(inner);
    const outer = again(wireRequest, { ID: 0n, Request: dispatcherRequest.of({ Request: long, Name: "" }) });
    const body = `ff8202182a676f7270632e6469737061746368657252657175657374ff84ffd701${inner}0000`;
    expect(outer).toBe(counted(body));
  });

  test("a type without a name, or with too long a one, is refused", () => {
    expect(refusal(wireRequest, { Request: gob.named(`main.${"x".repeat(1020)}`, gob.int).of(1) })).toBe(
      "wireRequest.Request: a type in an interface must have a name of 1 to 1024 bytes, not 1025",
    );
    expect(refusal(wireRequest, { Request: gob.named("", gob.int).of(1) })).toContain("not 0");
  });
});

describe("values that do not fit", () => {
  const Order = gob.struct("main.Order", {
    Items: gob.slice(gob.struct("main.Item", { Name: gob.string, Tags: gob.map(gob.string, gob.int8) })),
    Place: gob.array(2, gob.float32),
    Note: gob.any,
    When: time,
    Bytes: gob.slice(gob.uint8),
  });
  test.each<[unknown, string]>([
    [{ Items: [{ Name: "a" }, { Name: 5 }] }, "Order.Items[1].Name: expected a string, not a number"],
    [{ Items: {} }, "Order.Items: expected an array, not an object"],
    [
      { Items: [null] },
      "Order.Items[0]: expected an object with the fields of main.Item, not null, and gob has no nil here",
    ],
    [{ Items: [[]] }, "Order.Items[0]: expected an object with the fields of main.Item, not an array"],
    [{ Items: [Promise.resolve()] }, "Order.Items[0]: expected an object with the fields of main.Item, not a Promise"],
    [{ Items: [{ Tags: { a: 1 } }] }, "Order.Items[0].Tags: expected a Map, not an object"],
    [{ Items: [{ Tags: new Map([["a", 200]]) }] }, "Order.Items[0].Tags[a]: 200 does not fit int8"],
    [{ Items: [{ Tags: new Map([[5, 1]]) }] }, "Order.Items[0].Tags[5] (its key): expected a string, not a number"],
    [
      { Items: [{ Tags: new Map([["a\n", "1"]]) }] },
      "Order.Items[0].Tags[a\\u000a]: expected a number or bigint, not a string",
    ],
    [{ Place: [1] }, "Order.Place: expected 2 elements, not 1"],
    [{ Place: [1, 1e39] }, "Order.Place[1]: 1e+39 does not fit float32"],
    [{ Place: [1, 1n] }, "Order.Place[1]: expected a number, not a bigint"],
    [{ Note: () => 1 }, "Order.Note: a function cannot be sent"],
    [
      { Note: [1n, 2n ** 64n] },
      "Order.Note[1]: 18446744073709551616 fits neither int64 nor uint64, send it as a string or as bytes",
    ],
    [{ Note: Pair.of({ A: 1.5, B: 1 }) }, "Order.Note.A: expected a whole number, not 1.5"],
    [{ Note: gob.any.of(1) }, "Order.Note: an interface has no values of its own, give the value without gob.any.of"],
    [{ When: new Date(Number.NaN) }, "Order.When: is an invalid Date"],
    [{ Bytes: [1, 256] }, "Order.Bytes[1]: expected a whole number from 0 to 255, not 256"],
    [{ Bytes: [1, 1.5] }, "Order.Bytes[1]: expected a whole number from 0 to 255, not 1.5"],
    [{ Bytes: new Array(1) }, "Order.Bytes[0]: expected a whole number from 0 to 255, not undefined"],
    [null, "Order: expected an object with the fields of main.Order, not null, and gob has no nil here"],
    [() => 1, "Order: expected an object with the fields of main.Order, not a function"],
    [new Map(), "Order: expected an object with the fields of main.Order, not a Map"],
  ])("inside a struct, %#", (value, message) => {
    expect(refusal(Order, value)).toBe(message);
  });

  test.each<[gob.AnyType, unknown, string]>([
    [gob.int, 1.5, "expected a whole number, not 1.5"],
    [gob.int, Number.NaN, "expected a whole number, not NaN"],
    [gob.int, 2 ** 53, "9007199254740992 is beyond what a number holds exactly, give a bigint"],
    [gob.int, 2n ** 63n, "9223372036854775808 does not fit int64"],
    [gob.int64, -(2n ** 63n) - 1n, "-9223372036854775809 does not fit int64"],
    [gob.int64, "1", "expected a number or bigint, not a string"],
    [gob.uint, -1, "-1 does not fit uint64"],
    [gob.uint64, -1n, "-1 does not fit uint64"],
    [gob.uint64, 2n ** 64n, "18446744073709551616 does not fit uint64"],
    [gob.uint64, 1e30, "1e+30 does not fit uint64"],
    [gob.uint8, 256, "256 does not fit uint8"],
    [gob.uint8, -1n, "-1 does not fit uint8"],
    [gob.int16, 2 ** 15, "32768 does not fit int16"],
    [gob.int32, 0.5, "expected a whole number, not 0.5"],
    [gob.int32, Number.POSITIVE_INFINITY, "expected a whole number, not Infinity"],
    [gob.bool, 1, "expected a boolean, not a number"],
    [gob.bool, Symbol("a"), "expected a boolean, not a symbol"],
    [gob.float64, "1", "expected a number, not a string"],
    [gob.complex64, { real: 1 }, "expected an object with the numbers real and imaginary, not an object"],
    [gob.complex64, { real: 1e39, imaginary: 0 }, "1e+39 does not fit float32"],
    [gob.bytes, "abc", "expected a Uint8Array, not a string"],
    [gob.pointer(gob.int), null, "expected a number or bigint, not null, and gob has no nil here"],
    [gob.any, null, "null has no type"],
    [gob.int, gob.string.of("1"), "expected a number or bigint, not a string"],
  ])("at the top, %#", (type, value, message) => {
    expect(refusal(type, value)).toBe(`value: ${message}`);
  });

  test("an absent array of pointers is refused, as its elements would be nil", () => {
    expect(refusal(gob.struct("main.A", { F: gob.array(1, Pair) }), {})).toBe(
      "A.F: an array of nil pointers cannot be encoded",
    );
  });

  test("a self-encoding type whose zero value cannot be encoded is encoded all the same, and only an absent one left out", () => {
    const type = gob.opaque<URL>("net/url.URL", "binary", {
      encode: (url) => new TextEncoder().encode(url.href),
      decode: (bytes) => new URL(new TextDecoder().decode(bytes)),
      zero: () => new URL(""),
    });
    expect(field(type, new URL("a:b"))).toBe("03613a62");
    expect(field(type, null)).toBe("");
    expect(refusal(gob.struct("main.A", { F: gob.array(1, type) }), {})).toBe(
      "A.F: the zero value of net/url.URL cannot be encoded",
    );
  });

  test("what a coder throws is the error of the value", () => {
    const cause = new RangeError("too far");
    const type = gob.opaque<number>("main.Far", "gob", {
      encode: (value) => {
        if (value !== 0) throw cause;
        return Uint8Array.of(1);
      },
      decode: () => 0,
      zero: () => 0,
    });
    expect(() => new Encoder().encode(gob.slice(type), [0, 1])).toThrow(
      expect.objectContaining({ name: "TypeError", message: "value[1]: too far", cause }),
    );
  });

  test("a value that holds itself ends with a clear error, also when it branches", () => {
    const cycle: RecValue = { A: 1, Next: null };
    cycle.Next = cycle;
    expect(refusal(Rec, cycle)).toMatch(/^Rec(\.Next)+.*…: nested in more than 128 levels, does it hold itself\?$/);
    expect(refusal(Rec, { A: 1, Next: { A: 2, Next: null } }, { maxDepth: 1 })).toBe(
      "Rec.Next: nested in more than 1 levels, does it hold itself?",
    );
    const list = gob.slice(gob.any).of([]) as unknown as gob.TypedValue;
    (list.value as unknown[]).push(list, list);
    expect(refusal(gob.any, list)).toContain("does it hold itself?");
    const map = new Map<string, unknown>();
    map.set("a", gob.map(gob.string, gob.any).of(map));
    expect(refusal(gob.map(gob.string, gob.any), map)).toContain("does it hold itself?");
  });
});
