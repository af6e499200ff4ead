import { expect, test } from "vitest";
import { bytesOfHex, hexOf, isEqual } from "./bytes.ts";

test("bytes and their digits are the same in both directions, whatever the case", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(bytesOfHex(hexOf(all))).toEqual(all);
  expect(bytesOfHex(hexOf(all).toUpperCase(), 256)).toEqual(all);
  expect(bytesOfHex("")).toEqual(new Uint8Array(0));
});

test.each(["0", "0g", "0x", " 0", "00\n", "é0"])("%j is no hexadecimal", (text) => {
  expect(bytesOfHex(text)).toBeUndefined();
});

test("another number of bytes than expected is none", () => {
  expect(bytesOfHex("0000", 3)).toBeUndefined();
});

test.each([
  [[1, 2], [1, 2], true],
  [[1, 2], [1, 3], false],
  [[1, 2], [0, 2], false],
  [[1, 2], [1], false],
  [[1], [1, 0], false],
  [[1, 0], [1], false],
  [[], [], true],
])("%j and %j are equal: %j", (one, other, same) => {
  expect(isEqual(Uint8Array.from(one), Uint8Array.from(other))).toBe(same);
});
