import { expect, test } from "vitest";
import { patternBytes } from "../../test/suites/support.ts";
import { BodyReader } from "./body.ts";

test("a body is the same, however it is cut", () => {
  const whole = patternBytes(5000);
  for (const size of [1, 2, 7, 1000, 4999, 5000]) {
    const reader = new BodyReader(5000);
    for (let at = 0; at < whole.length; at += size) {
      expect(reader.take(whole.slice(at, at + size))).toBe(true);
      reader.take(new Uint8Array(0));
    }
    expect(reader.bytes).toEqual(whole);
  }
  expect(new BodyReader(1).bytes).toEqual(new Uint8Array(0));
});

test("what is given to it is not written to", () => {
  const reader = new BodyReader(100);
  const first = Uint8Array.of(1, 2, 3, 4).subarray(0, 2);
  reader.take(first);
  reader.take(Uint8Array.of(9));
  expect([...new Uint8Array(first.buffer)]).toEqual([1, 2, 3, 4]);
  expect([...reader.bytes]).toEqual([1, 2, 9]);
});

test("beyond the bound no more is wanted", () => {
  const reader = new BodyReader(3);
  expect([reader.take(new Uint8Array(3)), reader.isTooLarge]).toEqual([true, false]);
  expect([reader.take(new Uint8Array(1)), reader.isTooLarge]).toEqual([false, true]);
});

test("a body that comes in single bytes costs no memory beside its own", () => {
  const reader = new BodyReader(1 << 22);
  for (let at = 0; at < 1 << 20; at++) reader.take(Uint8Array.of(at));
  expect(reader.bytes.length).toBe(1 << 20);
  expect(reader.bytes.buffer.byteLength).toBeLessThanOrEqual(1 << 21);
});
