import { expect, test } from "vitest";
import { Allowance } from "./allowance.ts";

test("there is so much at first, and so much for each byte", () => {
  const allowance = new Allowance(10, 2);
  expect(allowance.spend(10)).toBe(true);
  expect(allowance.spend(1)).toBe(false);
  const later = new Allowance(10, 2);
  later.came(3, false);
  expect(later.spend(16)).toBe(true);
  expect(later.spend(1)).toBe(false);
});

test("what a value leaves is kept up to what there was at first, within a value all of it", () => {
  const allowance = new Allowance(10, 2);
  allowance.came(100, false);
  allowance.came(1, true);
  expect(allowance.spend(202)).toBe(true);
  allowance.came(100, false);
  allowance.came(1, false);
  expect(allowance.spend(12)).toBe(true);
  expect(allowance.spend(1)).toBe(false);
});
