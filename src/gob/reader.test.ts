import { describe, expect, test } from "vitest";
import { fromHex, signed, toHex, unsigned } from "../../test/gob/bytes.ts";
import { MessageCut, Reader } from "./reader.ts";

const LIMITS = { maxBytes: 1 << 20, maxDepth: 3, maxValues: 10 };
const ended = expect.objectContaining({ code: "data_loss" });
const exhausted = expect.objectContaining({ code: "resource_exhausted" });

function readerOf(hex: string, ...next: readonly string[]): Reader {
  const reader = new Reader(LIMITS);
  const bytes = fromHex(hex);
  reader.begin(bytes, 0, bytes.length, next.map(fromHex));
  return reader;
}

describe("numbers (rules 5 to 7)", () => {
  test("unsigned ones are numbers where a number holds them, else bigints", () => {
    for (const value of [0, 7, 127, 128, 256, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER])
      expect(readerOf(unsigned(value)).unsigned()).toBe(value);
    for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
      expect(readerOf(unsigned(value)).unsigned()).toBe(value);
    expect(toHex(fromHex(unsigned(256)))).toBe("fe0100");
  });

  test("signed ones are numbers where a number holds them, else bigints", () => {
    const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
    for (const value of [
      0,
      -1,
      63,
      -64,
      64,
      -65,
      1234,
      -5,
      2 ** 31,
      -(2 ** 31) - 1,
      MAX_SAFE_INTEGER,
      MIN_SAFE_INTEGER,
    ])
      expect(readerOf(signed(value)).signed()).toBe(value);
    for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)])
      expect(readerOf(signed(value)).signed()).toBe(value);
  });

  test("floats are a double's bytes, the last first", () => {
    const floats: readonly (readonly [string, number])[] = [
      ["00", 0],
      ["40", 2],
      ["fe3140", 17],
      ["fe0a40", 3.25],
      ["fef0ff", -Infinity],
      ["ff80", -0],
      ["fba09999b93f", Math.fround(0.1)],
      ["f8182d4454fb210940", Math.PI],
    ];
    for (const [hex, value] of floats) expect(readerOf(hex).float()).toBe(value);
    expect(readerOf("fef87f").float()).toBeNaN();
  });

  test("longer forms than are needed are read, up to eight bytes", () => {
    expect(readerOf("ff05").unsigned()).toBe(5);
    expect(readerOf("f80000000000000009").signed()).toBe(-5);
    for (const hex of ["f7000000000000000009", "80"]) expect(() => readerOf(hex).unsigned()).toThrow(ended);
  });

  test("a message that ends in a number is refused", () => {
    for (const hex of ["", "ff", "fe01", "f8ffffffffffffff"]) {
      expect(() => readerOf(hex).unsigned()).toThrow(ended);
      expect(() => readerOf(hex).signed()).toThrow(ended);
      expect(() => readerOf(hex).float()).toThrow(ended);
      expect(() => readerOf(hex).delta()).toThrow(ended);
    }
  });

  test("nothing is read behind the end of the message, whatever stands there", () => {
    const reader = new Reader(LIMITS);
    reader.begin(fromHex("01 fe 0100 02"), 1, 3);
    expect(() => reader.unsigned()).toThrow(ended);
    reader.begin(fromHex("03 616263"), 0, 3);
    expect(() => reader.text()).toThrow(ended);
  });

  test("an id is a signed number of 32 bits, and not 0", () => {
    expect(readerOf("ff81").typeId()).toBe(-65);
    for (const value of [0, 2 ** 31, -(2 ** 31), 2n ** 60n])
      expect(() => readerOf(signed(value)).typeId()).toThrow(ended);
  });
});

describe("bytes and texts (rule 8)", () => {
  test("texts of any length are read, and so are those that are not ASCII", () => {
    for (const text of [
      "",
      "a",
      "abcd",
      "abcdefghijkl",
      "abcdefghijklm",
      "é",
      "abcdefghijk€",
      "\u{1f600}",
      "x".repeat(300),
    ]) {
      const bytes = new TextEncoder().encode(text);
      const reader = readerOf(`${unsigned(bytes.length)}${toHex(bytes)}02`);
      expect(reader.text()).toBe(text);
      expect(reader.unsigned()).toBe(2);
      expect(reader.misfit.text).toBeUndefined();
    }
  });

  test("a byte order mark is data", () => {
    expect(readerOf("04 efbbbf61").text()).toBe("\ufeffa");
  });

  test("a text that is no UTF-8 is a misfit, and the reading goes on", () => {
    const reader = readerOf("03 61ff62 02");
    expect(reader.text()).toBe("a\ufffdb");
    expect(reader.misfit.text).toBe("value: its text is no UTF-8: send it as []byte");
    expect(reader.unsigned()).toBe(2);
  });

  test("a name that is no UTF-8 ends the stream", () => {
    expect(() => readerOf("01 ff").name()).toThrow(ended);
  });

  test("bytes are copied, views are not", () => {
    const bytes = fromHex("02 0102");
    const reader = new Reader(LIMITS);
    reader.begin(bytes, 0, 3);
    const copy = reader.bytes();
    reader.begin(bytes, 0, 3);
    const view = reader.view();
    bytes[1] = 9;
    expect([...copy]).toEqual([1, 2]);
    expect([...view]).toEqual([9, 2]);
  });

  test("a count above what is left is refused before anything is made", () => {
    for (const hex of ["0201", "fa010000000000 6162", "f8ffffffffffffffff"]) {
      for (const read of ["text", "bytes", "view", "name", "skip", "count"] as const)
        expect(() => readerOf(hex)[read]()).toThrow(ended);
    }
  });

  test("elements may come in further messages, but not more than fit into all of them", () => {
    expect(readerOf(unsigned(LIMITS.maxBytes)).elements()).toBe(LIMITS.maxBytes);
    for (const count of [LIMITS.maxBytes + 1, 2n ** 40n, 2n ** 64n - 1n])
      expect(() => readerOf(unsigned(count)).elements()).toThrow(ended);
  });
});

test("depth and values are bounded", () => {
  const reader = readerOf("00");
  reader.enter(3, 10);
  expect(() => reader.enter(4, 0)).toThrow(exhausted);
  expect(() => reader.enter(1, 1)).toThrow(exhausted);
  // Each value counts for itself.
  reader.begin(new Uint8Array(), 0, 0);
  reader.enter(1, 10);
});

test("a value goes on in the next message, and is cut where there is none", () => {
  const reader = readerOf("02", "04", "06");
  expect(reader.signed()).toBe(1);
  expect(reader.atEnd).toBe(true);
  reader.proceed();
  expect(reader.signed()).toBe(2);
  expect(() => reader.finish()).toThrow(ended);
  reader.proceed();
  expect(reader.signed()).toBe(3);
  reader.finish();
  expect(() => reader.proceed()).toThrow(MessageCut);
});

test("bytes that are left over are refused", () => {
  expect(() => readerOf("00").finish()).toThrow(ended);
});
