import { describe, expect, test } from "vitest";
import { basicQuery, callRecord, type GetTarget, typedQuery } from "./get-query.ts";
import { goNumber } from "./go-number.ts";

const at = (path: string, query = ""): GetTarget => ({
  path,
  query,
  get request(): Request {
    throw new Error("Nobody needs it");
  },
});

describe("a GET as a call with texts", () => {
  test.each([
    ["/echo", "x=1&y=b&x=2", { method: "echo", params: { x: "1", y: "b" } }],
    ["/a/b/", "", { method: "a/b", params: {} }],
    ["//a%2Fb%20c//", "x", { method: "a/b c", params: { x: "" } }],
    ["/é", "a+b=%E2%98%83+1&&c=%2B", { method: "é", params: { "a b": "☃ 1", c: "+" } }],
    ["///a//b///", "", { method: "a//b", params: {} }],
    ["/m", "x=a=b&=c", { method: "m", params: { x: "a=b", "": "c" } }],
  ])("%s?%s", (path, query, call) => expect(basicQuery(at(path, query))).toEqual(call));

  test.each([
    ["/", "", "empty method name"],
    ["////", "", "empty method name"],
    ["/m", "x%2", 'invalid URL escape "%2"'],
    ["/m", "x=%zz1", 'invalid URL escape "%zz"'],
    ["/m", "a;b", "invalid semicolon separator in query"],
  ])("%s?%s is none", (path, query, message) => {
    expect(() => basicQuery(at(path, query))).toThrow(expect.objectContaining({ message, wireCode: -32700 }));
  });

  test("names of the prototype are names like any other", () => {
    const record = callRecord(basicQuery(at("/m", "__proto__=1&constructor=2")));
    expect(record).toBe('{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":"1","constructor":"2"}}');
  });
});

describe("a GET as a call with values", () => {
  const typed = (text: string): unknown => {
    const { params } = typedQuery(at("/m", `v=${encodeURIComponent(text)}`));
    return (params as { v: unknown }).v;
  };

  test.each([
    ['"a\\n\\u00e9"', "a\né"],
    ['""', ""],
    ['"\\ud800"', "\ufffd"],
    ["25", 25],
    ["007", 7],
    ["-0", 0],
    ["+3", 3],
    ["9223372036854775808", 2 ** 63],
    [".5", 0.5],
    ["5.", 5],
    ["1_000", 1000],
    ["0x1p4", 16],
    ["0x10", "0x10"],
    ["1e999", "1e999"],
    ["true", true],
    ["false", false],
    ["null", null],
    ["True", "True"],
    ["nil", "nil"],
    ["'aGk'", "aGk="],
    ["'aGk='", "aGk="],
    ["''", ""],
    ["it's", "it's"],
    ["", ""],
    [" 1", " 1"],
  ])("%s", (text, value) => expect(typed(text)).toEqual(value));

  test.each([
    ['"x', 'decoding string "v": missing string quote'],
    ['x"', 'decoding string "v": missing string quote'],
    ['"', 'decoding string "v": missing string quote'],
    ['"\\q"', 'decoding string "v": it is no JSON'],
    ["'_-'", 'decoding bytes "v": it is no base64'],
    ["'a'", 'decoding bytes "v": it is no base64'],
    ["'x", 'decoding bytes "v": missing bytes quote'],
  ])("%s is none", (text, message) => expect(() => typed(text)).toThrow(message));

  test("no query is no params, and no path is no method", () => {
    expect(typedQuery(at("/m"))).toEqual({ method: "m" });
    expect(() => typedQuery(at("//"))).toThrow("empty URL path");
  });

  test.each(["inf", "-Infinity", "NaN"])("%s is a number that JSON cannot say", (text) => {
    expect(typeof typed(text)).toBe("number");
    expect(() => callRecord({ method: "m", params: { v: typed(text) } })).toThrow("no JSON form");
  });
});

describe("Go's numbers", () => {
  test.each([
    ["0x1.8p1", 3],
    ["-0X.8P-1", -0.25],
    ["0x_1p0", 1],
    ["0x1fffffffffffff8p0", 2 ** 57],
    ["0x1p-1074", 5e-324],
    ["0x1p-2000", 0],
    ["0x0p9999999999", 0],
    ["1_0.5_0e1_0", 10.5e10],
    ["+.5e-1", 0.05],
  ])("%s is %d", (text, value) => expect(goNumber(text)).toBe(value));

  test.each([
    "",
    ".",
    "+",
    "e1",
    "1e",
    "1e+",
    "_1",
    "1_",
    "1__0",
    "1_.5",
    "1e_1",
    "0x",
    "0xp1",
    "0x1",
    "0x1p",
    "0x1_p1",
  ])("%j is none", (text) => expect(goNumber(text)).toBeUndefined());
  test.each(["0x1p1024", "0x1p999999999", "1e400", "--1", "1 ", "0b1", "0o7", "1n", "infin", "+nan"])(
    "%j is none",
    (text) => {
      expect(goNumber(text)).toBeUndefined();
    },
  );

  test("a long text is read in no time", () => {
    const began = performance.now();
    for (const part of ["1", "_", "1_", "1.", "0x1", "1e1"]) goNumber(`${part.repeat(8000)}x`);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
