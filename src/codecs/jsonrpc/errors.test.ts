import { expect, test } from "vitest";
import { ERROR_NAMES, ERROR_NUMBERS } from "./errors.ts";

test("each of the 16 names has a number of its own, which leads back to it", () => {
  const numbers = Object.values(ERROR_NUMBERS);
  expect(numbers).toHaveLength(16);
  expect(new Set(numbers).size).toBe(16);
  for (const [code, number] of Object.entries(ERROR_NUMBERS)) expect(ERROR_NAMES.get(number)).toBe(code);
});

test("the numbers are the specification's, or lie where nobody else has any", () => {
  for (const number of Object.values(ERROR_NUMBERS)) {
    if (number < -32600 && number >= -32603) continue;
    expect(number).toBeGreaterThanOrEqual(-32099);
    expect(number).toBeLessThan(-32042);
    expect(number).not.toBe(-32099); // jrpc2's "no error".
  }
});

test("numbers that others send have names too", () => {
  expect(ERROR_NAMES.get(-32700)).toBe("invalid_argument");
  expect(ERROR_NAMES.get(-32600)).toBe("invalid_argument");
  expect(ERROR_NAMES.get(-32800)).toBe("cancelled");
  expect(ERROR_NAMES.get(-32801)).toBe("aborted");
  expect(ERROR_NAMES.get(-32000)).toBeUndefined();
});
