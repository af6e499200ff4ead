import { expect, test } from "vitest";
import { Histogram, timeBetween } from "./histogram.ts";

test("nothing recorded is all zeros, frozen", () => {
  const empty = new Histogram().snapshot();
  expect(empty).toEqual({ count: 0, totalMs: 0, averageMs: 0, maxMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, buckets: [] });
  expect([Object.isFrozen(empty), Object.isFrozen(empty.buckets)]).toEqual([true, true]);
});

test("percentiles are at most 6 % off, from a microsecond to an hour; sum, average and maximum are exact", () => {
  for (const scale of [0.0011, 0.01, 1, 3.3, 1000, 30_000]) {
    const histogram = new Histogram();
    for (let n = 1; n <= 100; n++) histogram.record(n * scale, 1);
    const { count, totalMs, averageMs, maxMs, p50Ms, p90Ms, p99Ms } = histogram.snapshot();
    expect([count, maxMs]).toEqual([100, 100 * scale]);
    expect(totalMs).toBeCloseTo(5050 * scale, 6);
    expect(averageMs).toBeCloseTo(50.5 * scale, 6);
    for (const [read, right] of [
      [p50Ms, 50],
      [p90Ms, 90],
      [p99Ms, 99],
    ] as const) {
      expect(Math.abs(read / (right * scale) - 1)).toBeLessThan(0.06);
    }
  }
});

test("powers of ten are bounds of buckets, and what is out of range is in the first or last one", () => {
  const histogram = new Histogram();
  for (const ms of [-1, 0, 0.0005, 0.001, 0.01, 1, 1000, 1e9]) histogram.record(ms, 2);
  const { buckets } = histogram.snapshot();
  expect(buckets.map(({ count }) => count)).toEqual([8, 2, 2, 2, 2]);
  for (const [at, ms] of [0.001, 0.01, 1, 1000].entries()) expect(buckets[at]?.upToMs).toBeCloseTo(ms, 9);
  expect(buckets.at(-1)?.upToMs).toBe(Number.POSITIVE_INFINITY);
});

test("the time between two snapshots is that of what was recorded between them", () => {
  const histogram = new Histogram();
  histogram.record(500, 10);
  const before = histogram.snapshot();
  expect(timeBetween(before, histogram.snapshot())).toMatchObject({ count: 0, p99Ms: 0, maxMs: 0 });
  histogram.record(2, 4);
  const { count, averageMs, p50Ms, maxMs } = timeBetween(before, histogram.snapshot());
  expect([count, averageMs]).toEqual([4, 2]);
  for (const ms of [p50Ms, maxMs]) expect(Math.abs(ms / 2 - 1)).toBeLessThan(0.13);
});

test("a reset forgets everything", () => {
  const histogram = new Histogram();
  histogram.record(5, 3);
  histogram.reset();
  expect(histogram.snapshot()).toEqual(new Histogram().snapshot());
});
