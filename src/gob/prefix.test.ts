import { expect, test } from "vitest";
import { fromHex } from "../../test/gob/bytes.ts";
import { messageBody, messageEnd } from "./prefix.ts";

const LIMIT = 1 << 20;

test("a message ends behind its count and as many bytes (rules 5 and 13)", () => {
  expect(messageEnd(fromHex("03 010203"), 0, LIMIT)).toBe(4);
  expect(messageEnd(fromHex("00"), 0, LIMIT)).toBe(1);
  expect(messageEnd(fromHex("aa ff83"), 1, LIMIT)).toBe(134);
  expect(messageEnd(fromHex("fe0100"), 0, LIMIT)).toBe(259);
});

test("a count may have more bytes than it needs, up to eight", () => {
  expect(messageEnd(fromHex("f80000000000000005"), 0, LIMIT)).toBe(14);
  expect(messageBody(fromHex("f80000000000000005"), 0)).toBe(9);
  expect(messageBody(fromHex("aa 05"), 1)).toBe(2);
});

test("the end of a message is not known before its count is complete", () => {
  for (const hex of ["", "fe", "fe01", "f8ffffffffffffff"]) expect(messageEnd(fromHex(hex), 0, LIMIT)).toBe(Infinity);
});

test("a count above the limit is refused", () => {
  expect(messageEnd(fromHex("03"), 0, 3)).toBe(4);
  for (const hex of ["04", "fa010000000000", "f8ffffffffffffffff"])
    expect(() => messageEnd(fromHex(hex), 0, 3)).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
});

test("a count of more than eight bytes is none, whether it is there or not", () => {
  for (const hex of ["80", "f7"])
    expect(() => messageEnd(fromHex(hex), 0, LIMIT)).toThrow(expect.objectContaining({ code: "data_loss" }));
});
