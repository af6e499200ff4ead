import * as fc from "fast-check";
import { expect, test } from "vitest";
import { glimpse, idOf, idOfText, membersOf, memberText, oddIds } from "./id-text.ts";

test("the search finds every id that JSON.parse would not give back, and lets the ordinary ones pass", () => {
  const isOdd = oddIds(["id", "requestId"]);
  for (const id of ["1", "0", "999999999999999", '"a"', '""', '"é"', "null"]) {
    for (const text of [`{"id":${id}}`, `{"jsonrpc":"2.0","id":${id},"method":"x","params":{"id":5,"paid":true}}`])
      expect(isOdd(text)).toBe(false);
  }
  for (const id of ["-1", "-0", "1.0", "1e3", "1E3", "1234567890123456", '"\\n"', '"\\u0041"', '"a\\"b"']) {
    for (const key of ["id", "requestId"]) {
      for (const text of [
        `{"${key}":${id}}`,
        `{"${key}" :\n ${id} }`,
        `{"id":1,"${key}":${id}}`,
        `[{"id":1},{"a":{"${key}":${id}}}]`,
      ])
        expect(isOdd(text)).toBe(true);
    }
  }
  for (const key of ["\\u0069d", "i\\u0064", "request\\u0049d", "\\u0072equestId"])
    expect(isOdd(`{"${key}":1}`)).toBe(true);
  expect(isOdd('{"text":"caf\\u00e9 \\u00b0"}')).toBe(false);
});

test("plain decimal integers are numbers, every other id is its text, and what can be no id is none", () => {
  expect(idOfText("12")).toBe(12);
  expect(idOfText("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  for (const text of ["9007199254740993", "-1", "-0", "1.0", "1e3", '"1"', "01"]) expect(idOfText(text)).toBe(text);
  expect(idOf("a", undefined)).toBe('"a"');
  expect(idOf(undefined, undefined)).toBeNull();
  expect(idOf(null, undefined)).toBeNull();
  for (const value of [true, [], {}]) expect(idOf(value, undefined)).toBeUndefined();
});

test("a list is cut into its members as JSON.parse would, and a member's text is found as JSON.parse would", () => {
  const members = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 5 });
  void fc.assert(
    fc.property(members, fc.constantFrom(undefined, 1, "\t"), (values, indent) => {
      const text = JSON.stringify(values, null, indent);
      const { texts, whole } = membersOf(text);
      expect(whole).toBe(true);
      expect(texts.map((each): unknown => JSON.parse(each))).toEqual(JSON.parse(text));
    }),
  );
  void fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 2), (record, indent) => {
      const text = JSON.stringify(record, null, indent);
      for (const [key, value] of Object.entries(JSON.parse(text) as object)) {
        expect(JSON.parse(memberText(text, key) ?? "undefined")).toEqual(value);
      }
      expect(memberText(text, "no such key, hopefully")).toBeUndefined();
    }),
  );
});

test("any text at all gives an answer, and a beginning never claims to be whole", () => {
  void fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{},:"\\ \n1-.e\u0000idmethod\ufffd') }), (text) => {
      membersOf(text);
      memberText(text, "id");
      const { id } = glimpse(text);
      if (id !== undefined) JSON.parse(id);
    }),
    { numRuns: 5000 },
  );
  const list = '[{"id":1,"a":"]"},[2],"x,y",4]';
  for (let length = 0; length < list.length; length++) expect(membersOf(list.slice(0, length)).whole).toBe(false);
  expect(membersOf(`${list} `).whole).toBe(true);
  expect(membersOf(`${list}]`).whole).toBe(false);
});

test("the time is linear in the text: four megabytes of the worst take well under a second", () => {
  const size = 1 << 22;
  const isOdd = oddIds(["id"]);
  for (const unit of ['"id":', '"id" ', '{"id":1,', "[", '"', "\\", '"id":"', " ", "1", '{"\\u0069d":']) {
    const text = unit.repeat(Math.ceil(size / unit.length));
    const began = performance.now();
    isOdd(text);
    isOdd(`\\u00${text}`);
    membersOf(`[${text}`);
    memberText(text, "id");
    glimpse(text);
    expect(performance.now() - began).toBeLessThan(2000);
  }
});
