import { expect, test } from "vitest";
import { ManualClock } from "../core/clock.ts";
import { RetryBudget } from "./retry-budget.ts";

function spent(budget: RetryBudget): number {
  let count = 0;
  while (budget.spend()) count++;
  return count;
}

test("1000 calls allow 300 retries, 100 of them without any call", () => {
  const budget = new RetryBudget(new ManualClock());
  expect(spent(budget)).toBe(100);
  for (let call = 0; call < 1000; call++) budget.earn();
  expect(spent(budget)).toBe(200);
});

test("calls and retries count for ten seconds", () => {
  const clock = new ManualClock();
  const budget = new RetryBudget(clock);
  for (let call = 0; call < 100; call++) budget.earn();
  clock.advance(5000);
  expect(spent(budget)).toBe(120);
  clock.advance(5000);
  // The calls are forgotten, the retries of five seconds ago are not.
  expect(spent(budget)).toBe(0);
  clock.advance(5000);
  expect(spent(budget)).toBe(100);
  clock.advance(100_000);
  expect(spent(budget)).toBe(100);
});
