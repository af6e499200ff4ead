import { expect, test } from "vitest";
import { Arena } from "./arena.ts";

test("what is reserved is nobody else's, and what is not kept is given out again", () => {
  const arena = new Arena();
  const first = arena.reserve(100);
  const second = arena.reserve(50);
  first.fill(1);
  second.fill(2);
  // Something was reserved after it: its rest is lost, not given out.
  const kept = arena.keep(first, 10);
  const third = arena.reserve(200).fill(3);
  expect([...kept]).toEqual(new Array(10).fill(1));
  expect([...second]).toEqual(new Array(50).fill(2));
  expect(arena.keep(third, 20)).toHaveLength(20);
  expect(arena.reserve(8).byteOffset).toBe(third.byteOffset + 20);
});

test("large arrays and copies have the bytes that were asked for", () => {
  const arena = new Arena();
  expect(arena.reserve(1 << 20)).toHaveLength(1 << 20);
  expect([...arena.copy(Uint8Array.of(1, 2, 3))]).toEqual([1, 2, 3]);
  for (let round = 0; round < 1000; round++)
    expect(arena.copy(new Uint8Array(1000).fill(round & 255))[999]).toBe(round & 255);
});
