import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson, stringEnd } from "./json.ts";

describe("parseJson", () => {
  test("gives what JSON.parse gives, for everything within the depth", () => {
    const same = fc.property(fc.json({ maxDepth: 6 }), (text) => {
      expect(parseJson(text, 64)).toEqual(JSON.parse(text));
    });
    void fc.assert(same);
  });

  test("throws SyntaxError for what is no JSON", () => {
    for (const text of ["", "{", "[1,", "nope", "\u0000", '{"a":1}}', "[".repeat(10)])
      expect(() => parseJson(text, 128)).toThrow(SyntaxError);
  });

  test.each([1, 2, 128])("takes nesting of exactly %i levels and refuses one more", (max) => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`;
      expect(() => parseJson(nested(max), max)).not.toThrow();
      expect(() => parseJson(nested(max + 1), max)).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
    }
  });

  test("refuses nesting of a million levels at once, closed or not", () => {
    const began = performance.now();
    for (const text of ["[".repeat(1e6), "[".repeat(1e6) + "]".repeat(1e6), '{"a":'.repeat(1e6)]) {
      expect(() => parseJson(text, 128)).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test("brackets inside of strings are text, also behind escaped quotes", () => {
    const text = JSON.stringify({ a: '[{"[['.repeat(200), ['\\"[[[['.padEnd(500, "[")]: "\\" });
    expect(parseJson(text, 2)).toEqual(JSON.parse(text));
    expect(parseJson(`["${"[".repeat(500)}"]`, 1)).toEqual(["[".repeat(500)]);
  });

  test("many brackets side by side are not deep", () => {
    const text = JSON.stringify(Array.from({ length: 1000 }, () => [{}]));
    expect(parseJson(text, 3)).toHaveLength(1000);
  });
});

test("stringEnd finds the quote that ends a string, or the end of the text", () => {
  expect(stringEnd('"ab"', 0)).toBe(3);
  expect(stringEnd('x"a\\"b\\\\"y', 1)).toBe(8);
  expect(stringEnd('"open', 0)).toBe(5);
});
