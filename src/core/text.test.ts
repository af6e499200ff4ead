import { describe, expect, test } from "vitest";
import { bytesOf, isLonger, join, printable, textOf } from "./text.ts";

describe("textOf and bytesOf", () => {
  test("are each other's inverse, and leave what is in the right form already", () => {
    const text = "naïve ☃ 😀 \ufeff\u0000";
    expect(textOf(bytesOf(text))).toBe(text);
    expect(textOf(text)).toBe(text);
    const bytes = Uint8Array.of(1, 2);
    expect(bytesOf(bytes)).toBe(bytes);
  });

  test("a byte order mark is data, and broken UTF-8 throws", () => {
    expect(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
    for (const broken of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      expect(() => textOf(Uint8Array.from(broken))).toThrow(TypeError);
    }
  });
});

test("isLonger counts UTF-8 bytes exactly", () => {
  expect([isLonger("abc", 3), isLonger("abc", 2)]).toEqual([false, true]);
  expect([isLonger("☃☃", 6), isLonger("☃☃", 5)]).toEqual([false, true]);
  expect([isLonger("😀", 4), isLonger("😀", 3)]).toEqual([false, true]);
});

test("join puts chunks behind one another", () => {
  expect(join([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)], 3)).toEqual(Uint8Array.of(1, 2, 3));
});

describe("printable", () => {
  test("makes one harmless line of a peer's text", () => {
    expect(printable("plain ☃")).toBe("plain ☃");
    expect(printable("a\nb\r\u001b[2J\u202e\u0000\u007f\u2028")).toBe(
      "a\\u000ab\\u000d\\u001b[2J\\u202e\\u0000\\u007f\\u2028",
    );
    expect(printable("\ud800")).toBe("\ufffd");
    expect(printable("\u061c\u200e\u200f\u2067\ufeff")).toBe("\\u061c\\u200e\\u200f\\u2067\\ufeff");
  });

  test("cuts what is long", () => {
    expect(printable("x".repeat(1000))).toHaveLength(257);
    expect(printable("abcdef", 3)).toBe("abc…");
  });
});
