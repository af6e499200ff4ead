import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, StructSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { AllSchema } from "../../../test/codecs/proto-types.ts";
import type { Unfit } from "../../core/unfit.ts";
import { checkFit } from "./fit.ts";

const DEEP = 100;

/** What is wrong with a value, with the path to it; nothing where it fits. */
function complaint(value: unknown, type = AllSchema): string | undefined {
  try {
    checkFit(type, value, DEEP);
    return undefined;
  } catch (thrown) {
    return (thrown as Unfit).at("it").message;
  }
}

const full = {
  text: "é😀",
  flag: true,
  bytes: Uint8Array.of(1),
  real: Number.NaN,
  small: -5,
  large: 2n ** 64n - 1n,
  colour: 1,
  innerOne: { text: "inner" },
  texts: ["a", ""],
  inners: [{}, { small: 1 }],
  names: { a: 1, "": 2 },
  choice: { case: "chosenInner", value: { text: "x" } },
  maybe: "",
  json: { a: [1, null, { b: "c" }] },
  wrapped: "plain",
};

describe("a value that fits", () => {
  test("has any of the fields, and is written and read as it was", () => {
    expect(complaint(full)).toBeUndefined();
    const made = create(AllSchema, full as never);
    expect(complaint(made)).toBeUndefined();
    const read = fromBinary(AllSchema, toBinary(AllSchema, made));
    expect(read).toEqual(made);
    expect(complaint(read)).toBeUndefined();
  });

  test("may be empty, and leave out or undefine what it likes", () => {
    for (const value of [{}, { text: undefined, innerOne: null, choice: { case: undefined } }, create(AllSchema)])
      expect(complaint(value)).toBeUndefined();
  });

  test("may say 64-bit integers as numbers and as decimal texts", () => {
    for (const large of [0, 5, "18446744073709551615", 7n]) expect(complaint({ large })).toBeUndefined();
  });

  test("may be of a class, and have unknown fields", () => {
    class Report {
      text = "x";
    }
    expect(complaint(new Report())).toBeUndefined();
    expect(complaint({ ...create(AllSchema), $unknown: [] })).toBeUndefined();
  });
});

describe("a value that does not fit", () => {
  test.each([
    [5, "it: an object of the fields of test.All is needed, not a number"],
    [[], "it: an object of the fields of test.All is needed, not an array"],
    [new Map(), "it: an object of the fields of test.All is needed, not a Map"],
    [Promise.resolve(), "it: an object of the fields of test.All is needed, not a Promise"],
    [Uint8Array.of(1), "it: an object of the fields of test.All is needed, not an Uint8Array"],
    [create(DurationSchema), "it: a message of type test.All is needed, not of google.protobuf.Duration"],
    [{ inner_one: {} }, "it.inner_one: test.All has no such field"],
    [{ chosenText: "x" }, "it.chosenText: test.All has no such field"],
    [JSON.parse('{ "__proto__": 1 }'), "it.__proto__: test.All has no such field"],
    [{ constructor: 1 }, "it.constructor: test.All has no such field"],
    [{ text: 5 }, "it.text: a string is needed, not a number"],
    [{ text: "\ud800" }, "it.text: the string has half a surrogate pair"],
    [{ flag: "true" }, "it.flag: a boolean is needed, not a string"],
    [{ bytes: [1, 2] }, "it.bytes: a Uint8Array is needed, not an array"],
    [{ real: "1" }, "it.real: a number is needed, not a string"],
    [{ small: 1.5 }, "it.small: an integer is needed, not 1.5"],
    [{ small: "" }, "it.small: an integer is needed, not a string"],
    [{ large: "0x10" }, "it.large: an integer is needed, not a string"],
    [{ colour: "BLUE" }, "it.colour: an integer is needed, not a string"],
    [{ innerOne: "x" }, "it.innerOne: an object of the fields of test.All is needed, not a string"],
    [{ innerOne: { texts: ["a", null] } }, "it.innerOne.texts[1]: a string is needed, not null"],
    [{ texts: "abc" }, "it.texts: an array is needed, not a string"],
    [{ inners: [{}, { inners: [{ text: 1 }] }] }, "it.inners[1].inners[0].text: a string is needed, not a number"],
    [{ names: [] }, "it.names: an object is needed, not an array"],
    [{ names: { a: {} } }, 'it.names["a"]: an integer is needed, not an object'],
    [{ names: { "\udc00": 1 } }, 'it.names["\\udc00"]: the string has half a surrogate pair'],
    [{ choice: "chosenText" }, "it.choice: { case, value } is needed, not a string"],
    [{ choice: { case: "text", value: 1 } }, 'it.choice: the case must be one of "chosenText", "chosenInner"'],
    [{ choice: { case: "chosenText" } }, "it.choice.value: a string is needed, not undefined"],
    [{ json: [] }, "it.json: an object is needed, not an array"],
    [{ json: { a: [1, 2n] } }, 'it.json["a"]["1"]: JSON is needed, not a bigint'],
    [{ json: { a: undefined } }, 'it.json["a"]: JSON is needed, not undefined'],
    [{ json: { a: new Date(0) } }, 'it.json["a"]: JSON is needed, not a Date'],
    [{ wrapped: { value: "x" } }, "it.wrapped: a string is needed, not an object"],
    [{ ...create(AllSchema), text: undefined }, "it.text: a value is needed, not undefined"],
    [{ ...create(AllSchema), maybe: null }, "it.maybe: a value is needed, not null"],
  ])("%o", (value, why) => {
    expect(complaint(value)).toBe(why);
  });

  test("nests no deeper than it may: each message is a level, and JSON in a Struct takes two", () => {
    const nested = (levels: number): object => (levels === 1 ? {} : { innerOne: nested(levels - 1) });
    checkFit(AllSchema, nested(5), 5);
    expect(() => checkFit(AllSchema, nested(6), 5)).toThrow(/nested deeper/);
    const list = (levels: number): unknown => (levels === 0 ? 1 : [list(levels - 1)]);
    for (let levels = 1; levels < 6; levels++) {
      const value = { json: { a: list(levels) } };
      const bytes = toBinary(AllSchema, create(AllSchema, value as never));
      for (let limit = 1; limit < 20; limit++) {
        const reads = passes(() => fromBinary(AllSchema, bytes, { recursionLimit: limit }));
        expect([levels, limit, passes(() => checkFit(AllSchema, value, limit))]).toEqual([levels, limit, reads]);
      }
    }
    const circular: { innerOne?: object } = {};
    circular.innerOne = circular;
    expect(() => checkFit(AllSchema, circular, 128)).toThrow(/nested deeper/);
  });

  test("is told also where JSON is written as messages", () => {
    expect(complaint({ fields: { a: { kind: { case: "numberValue", value: 1 } } } }, StructSchema)).toBeUndefined();
    expect(complaint({ fields: { a: 1 } }, StructSchema)).toMatch(/^it\.fields\["a"\]: an object of the fields/);
    expect(complaint({ kind: { case: "structValue", value: { a: 1 } } }, ValueSchema)).toMatch(
      /\.a: .* no such field$/,
    );
  });
});

function passes(run: () => void): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
