import { describe, expect, test } from "vitest";
import { collidingBigints, collidingNumbers } from "../../test/suites/collisions.ts";
import { CROWD, Crowd, hashOf } from "./crowd.ts";

/** Fills a map as a reader does, and gives it. */
function filled(keys: readonly unknown[]): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (const key of keys.slice(0, CROWD)) map.set(key, 0);
  const crowd = new Crowd(map);
  for (const key of keys.slice(CROWD)) {
    map.set(key, 0);
    crowd.add(key);
  }
  return map;
}

function listOf(length: number, keyAt: (at: number) => unknown): unknown[] {
  return Array.from({ length }, (_, at) => keyAt(at));
}

describe("keys that crowd", () => {
  test.each<[string, unknown[]]>([
    ["whole numbers", collidingNumbers(4000)],
    ["bigints", collidingBigints(4000)],
    ["bigints below 0", collidingBigints(4000).map((key) => -key)],
    ["some among others", [...listOf(1000, String), ...collidingBigints(4000)]],
    ["few that come again and again", listOf(4000, (at) => collidingNumbers(CROWD)[at % CROWD])],
  ])("are refused: %s", (_, keys) => {
    expect(() => filled(keys)).toThrow(
      expect.objectContaining({
        code: "resource_exhausted",
        message: "The keys of a Map were chosen so that it takes too long to fill",
      }),
    );
  });

  test("are refused before they cost", () => {
    const map = new Map<unknown, unknown>();
    const crowd = new Crowd(map);
    const fill = (): void => {
      for (const key of collidingNumbers(32_000)) {
        map.set(key, 0);
        crowd.add(key);
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
    expect(map.size).toBeLessThan(1000);
  });

  test.each<[string, (at: number) => unknown]>([
    ["a sequence", (at) => at],
    ["a sequence below 0", (at) => -at],
    ["hundreds", (at) => at * 100],
    ["large powers", (at) => at * 2 ** 20],
    ["larger powers", (at) => at * 2 ** 33],
    ["times", (at) => 1_700_000_000_000 + at * 1000],
    ["fractions", (at) => at / 8],
    ["numbers in no order", (at) => Math.imul(at, 2_654_435_761)],
    ["bigints", (at) => BigInt(at)],
    ["ids made of a time and a count", (at) => (BigInt(at) << 22n) + (1n << 60n)],
    ["texts", (at) => `key ${at}`],
    ["one key again and again", () => 7],
    ["NaN and zeros", (at) => [Number.NaN, 0, -0][at % 3]],
  ])("are not taken for that: %s", (_, keyAt) => {
    const keys = listOf(100_000, keyAt);
    expect(filled(keys).size).toBe(new Set(keys).size);
  });

  test("may be some hundreds, whatever they are", () => {
    expect(filled(collidingBigints(700)).size).toBe(700);
    expect(filled(collidingNumbers(700)).size).toBe(700);
  });
});

test("the hash of a key is the same for all that a map takes for the same key, and none for texts", () => {
  expect(hashOf(-0)).toBe(hashOf(0));
  expect(hashOf(Number.NaN)).toBe(hashOf(-Number.NaN));
  expect(hashOf(5n)).toBe(hashOf(-5n));
  expect([hashOf("1"), hashOf(null), hashOf({})]).toEqual([undefined, undefined, undefined]);
});
