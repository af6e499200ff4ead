import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Writer } from "./writer.ts";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function written(write: (to: Writer) => void): string {
  const writer = new Writer();
  write(writer);
  return hex(writer.take());
}

/** Gob's unsigned numbers, said in the slowest way. */
function unsignedHex(value: bigint): string {
  if (value < 128n) return value.toString(16).padStart(2, "0");
  const digits = value.toString(16);
  const whole = digits.padStart(digits.length + (digits.length % 2), "0");
  return (256 - whole.length / 2).toString(16) + whole;
}

describe("numbers", () => {
  test.each([
    [0n, "00"],
    [7n, "07"],
    [127n, "7f"],
    [128n, "ff80"],
    [200n, "ffc8"],
    [255n, "ffff"],
    [256n, "fe0100"],
    [65_536n, "fd010000"],
    [2n ** 24n, "fc01000000"],
    [2n ** 32n - 1n, "fcffffffff"],
    [2n ** 32n, "fb0100000000"],
    [2n ** 53n, "f920000000000000"],
    [2n ** 56n, "f80100000000000000"],
    [2n ** 64n - 1n, "f8ffffffffffffffff"],
  ])("rule 5: %s is written as unsigned %s, as a number and as a bigint", (value, expected) => {
    expect(written((to) => to.unsignedBig(value))).toBe(expected);
    if (value <= 2n ** 53n) expect(written((to) => to.unsigned(Number(value)))).toBe(expected);
  });

  test.each([
    [0n, "00"],
    [-1n, "01"],
    [1n, "02"],
    [-5n, "09"],
    [63n, "7e"],
    [-64n, "7f"],
    [64n, "ff80"],
    [-65n, "ff81"],
    [1234n, "fe09a4"],
    [2n ** 30n, "fc80000000"],
    [2n ** 31n - 1n, "fcfffffffe"],
    [-(2n ** 31n), "fcffffffff"],
    [2n ** 31n, "fb0100000000"],
    [2n ** 53n - 1n, "f93ffffffffffffe"],
    [-(2n ** 53n) + 1n, "f93ffffffffffffd"],
    [2n ** 63n - 1n, "f8fffffffffffffffe"],
    [-(2n ** 63n), "f8ffffffffffffffff"],
  ])("rule 6: %s is written as signed %s, as a number and as a bigint", (value, expected) => {
    expect(written((to) => to.signedBig(value))).toBe(expected);
    if (Number.isSafeInteger(Number(value))) expect(written((to) => to.signed(Number(value)))).toBe(expected);
  });

  test("rules 5, 6: numbers and bigints of any size are written alike, in the shortest form", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (number, large) => {
        const value = BigInt(number);
        const unsigned = value < 0n ? -value * 2n - 1n : value * 2n;
        expect(written((to) => to.signed(number))).toBe(unsignedHex(unsigned));
        expect(written((to) => to.signedBig(value))).toBe(unsignedHex(unsigned));
        expect(written((to) => to.unsigned(Math.abs(number)))).toBe(unsignedHex(BigInt(Math.abs(number))));
        expect(written((to) => to.unsignedBig(large))).toBe(unsignedHex(large));
      }),
    );
  });

  test.each([
    [0, "00"],
    [-0, "ff80"],
    [17, "fe3140"],
    [3.25, "fe0a40"],
    [2, "40"],
    [-2, "ffc0"],
    [1, "fef03f"],
    [Number.NEGATIVE_INFINITY, "fef0ff"],
    [Math.fround(0.1), "fba09999b93f"],
    [0.1, "f89a9999999999b93f"],
  ])("rule 7: the float %s is written as %s", (value, expected) => {
    expect(written((to) => to.float(value))).toBe(expected);
  });
});

describe("strings and bytes", () => {
  test("rule 8: a string is the count of its bytes and its bytes in UTF-8", () => {
    expect(written((to) => to.string(""))).toBe("00");
    expect(written((to) => to.string("hello"))).toBe("0568656c6c6f");
    expect(written((to) => to.string("é€😀"))).toBe("09c3a9e282acf09f9880");
    expect(written((to) => to.bytes(Uint8Array.of(1, 2)))).toBe("020102");
  });

  test("rule 8: strings and bytes of any length and script are written like that", () => {
    const texts = fc.oneof(fc.string({ unit: "grapheme", maxLength: 300 }), fc.string({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(texts), (all) => {
        const writer = new Writer();
        for (const text of all) writer.string(text);
        for (const text of all) writer.bytes(new TextEncoder().encode(text));
        const once = all.map((text) => {
          const bytes = new TextEncoder().encode(text);
          return unsignedHex(BigInt(bytes.length)) + hex(bytes);
        });
        expect(hex(writer.take())).toBe(once.join("") + once.join(""));
      }),
    );
  });

  test.each([0, 1, 47, 48, 49, 127, 128, 255, 256, 65_535, 65_536, 300_000])(
    "a string of %i characters keeps them all, wherever the chunk ends",
    (length) => {
      const text = "é".repeat(length);
      const bytes = new TextEncoder().encode(text);
      const writer = new Writer();
      for (let i = 0; i < 3; i++) writer.string(text);
      expect(hex(writer.take())).toBe((unsignedHex(BigInt(bytes.length)) + hex(bytes)).repeat(3));
    },
  );
});

describe("counts", () => {
  test.each([
    [0, "00"],
    [127, "7f"],
    [128, "ff80"],
    [255, "ffff"],
    [256, "fe0100"],
    [70_000, "fd011170"],
  ])("a count of %i bytes stands in front of them, and does not cost the nested count its place", (count, expected) => {
    const writer = new Writer();
    writer.byte(9);
    const outer = writer.reserve();
    const inner = writer.reserve();
    for (let i = 0; i < count; i++) writer.byte(i);
    writer.count(inner);
    writer.count(outer);
    const bytes = hex(Uint8Array.from({ length: count }, (_, i) => i));
    const whole = count + expected.length / 2;
    expect(hex(writer.take())).toBe(`09${unsignedHex(BigInt(whole))}${expected}${bytes}`);
  });

  test("what is inserted stands before what was written since", () => {
    const writer = new Writer();
    const other = new Writer();
    writer.string("before");
    const start = writer.length;
    writer.string("after");
    for (let i = 0; i < 3000; i++) other.string("between");
    writer.insert(start, other);
    expect(hex(writer.take())).toBe(
      written((to) => {
        to.string("before");
        for (let i = 0; i < 3000; i++) to.string("between");
        to.string("after");
      }),
    );
  });
});

describe("chunks", () => {
  test("what was taken is not touched by what is written later", () => {
    const writer = new Writer();
    const taken: Uint8Array[] = [];
    for (let i = 0; i < 5000; i++) {
      writer.unsigned(i);
      writer.string("x".repeat(i % 90));
      taken.push(writer.take());
    }
    taken.forEach((bytes, i) => {
      expect(hex(bytes)).toBe(unsignedHex(BigInt(i)) + unsignedHex(BigInt(i % 90)) + "78".repeat(i % 90));
    });
  });

  test("a large one is not kept in memory by the small ones after it", () => {
    const writer = new Writer();
    writer.bytes(new Uint8Array(1_000_000));
    expect(writer.take()).toHaveLength(1_000_004);
    writer.byte(1);
    expect(writer.take().buffer.byteLength).toBeLessThan(10_000);
  });

  test("what is taken back is written over", () => {
    const writer = new Writer();
    writer.string("stays");
    const { length } = writer;
    writer.bytes(new Uint8Array(20_000));
    writer.truncate(length);
    writer.byte(1);
    expect(hex(writer.take())).toBe(`${written((to) => to.string("stays"))}01`);
    expect(writer.length).toBe(0);
    expect(writer.take()).toHaveLength(0);
  });

  test("far beyond the limit it refuses to grow", () => {
    const refused = expect.objectContaining({ code: "resource_exhausted" });
    const writer = new Writer();
    writer.limit(100_000);
    expect(() => writer.string("x".repeat(100_001))).toThrow(refused);
    expect(() => {
      for (;;) writer.byte(1);
    }).toThrow(refused);
    expect(writer.length).toBeLessThan(200_000);
  });
});
