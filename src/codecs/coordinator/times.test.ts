import * as fc from "fast-check";
import { expect, test } from "vitest";
import { durationOf, msOf } from "./times.ts";

const duration = (seconds: bigint, nanos = 0) => ({ $typeName: "google.protobuf.Duration", seconds, nanos }) as const;
const CENTURY_S = 3_153_600_000n;

test.each([
  [1, duration(0n, 1_000_000)],
  [5000, duration(5n)],
  [1500.25, duration(1n, 500_250_000)],
  [0.000001, duration(0n, 1)],
  [999.9999999, duration(1n)],
  [undefined, duration(CENTURY_S)],
  [Number.MAX_VALUE, duration(CENTURY_S)],
  [Number.POSITIVE_INFINITY, duration(CENTURY_S)],
])("%s ms are %o", (ms, wire) => {
  expect(durationOf(ms)).toEqual(wire);
});

test.each([
  [undefined, 0],
  [duration(0n), 0],
  [duration(-5n), 0],
  [duration(0n, -1), 0],
  [duration(1n, -500_000_000), 500],
  [duration(5n, 250_000), 5000.25],
  [duration(CENTURY_S - 1n), Number(CENTURY_S - 1n) * 1000],
  [duration(CENTURY_S), undefined],
  [duration(2n ** 63n - 1n, 999_999_999), undefined],
  [duration(-(2n ** 63n)), 0],
])("%o is %s ms", (wire, ms) => {
  expect(msOf(wire)).toBe(ms);
});

test("what is left of a time arrives to the nanosecond, and is always in its form", () => {
  void fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (ms) => {
      const wire = durationOf(ms);
      expect(wire.nanos).toBeGreaterThanOrEqual(0);
      expect(wire.nanos).toBeLessThan(1e9);
      expect(Math.abs((msOf(wire) as number) - ms)).toBeLessThanOrEqual(1e-6 + ms * 1e-15);
    }),
  );
});
