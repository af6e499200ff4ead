/** One bucket of a histogram: so many took longer than the bucket before allows, and at most `upToMs`. */
export interface TimeBucket {
  readonly upToMs: number;
  readonly count: number;
}

/**
 * How long things took. The percentiles come from buckets that are 12 % wide, from 1 µs to an hour: they are at most 6 %
 * off. All are 0 when `count` is.
 */
export interface TimeStats {
  readonly count: number;
  readonly totalMs: number;
  readonly averageMs: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** The buckets that are not empty, the fastest first. The last one of all has no upper end: `Infinity`. */
  readonly buckets: readonly TimeBucket[];
}

/** 20 buckets make a factor of 10, so each is 1.122 times as wide as the one before, and powers of ten are bounds. */
const PER_DECADE = 20;
/** The first bucket ends at 1 µs. */
const FIRST_DECADE = -3;
/** The last one begins at an hour and a bit. */
const SIZE = 193;
/** From the upper end of a bucket to its middle. */
const TO_MIDDLE = 10 ** (-0.5 / PER_DECADE);

/** Counts durations in a fixed number of buckets, which it makes at the first one. */
export class Histogram {
  #buckets: Float64Array | undefined = undefined;
  #totalMs = 0;
  #maxMs = 0;

  /** `times` things took `ms` each. */
  record(ms: number, times: number): void {
    this.#buckets ??= new Float64Array(SIZE);
    const place = ms > 0 ? Math.ceil((Math.log10(ms) - FIRST_DECADE) * PER_DECADE) : 0;
    const bucket = Math.min(Math.max(place, 0), SIZE - 1);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + times;
    this.#totalMs += ms * times;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  reset(): void {
    this.#buckets = undefined;
    this.#totalMs = 0;
    this.#maxMs = 0;
  }

  snapshot(): TimeStats {
    const buckets: TimeBucket[] = [];
    this.#buckets?.forEach((count, place) => {
      if (count > 0) buckets.push({ upToMs: upperEndOf(place), count });
    });
    return timeStatsOf(buckets, this.#totalMs, this.#maxMs);
  }
}

/** What was recorded after the snapshot `before` was taken and until `after` was. The greatest is known as well as its bucket. */
export function timeBetween(before: TimeStats, after: TimeStats): TimeStats {
  const had = new Map(before.buckets.map(({ upToMs, count }) => [upToMs, count]));
  const buckets = after.buckets
    .map(({ upToMs, count }) => ({ upToMs, count: count - (had.get(upToMs) ?? 0) }))
    .filter(({ count }) => count > 0);
  const greatestMs = Math.min(buckets.at(-1)?.upToMs ?? 0, after.maxMs);
  return timeStatsOf(buckets, after.totalMs - before.totalMs, greatestMs);
}

function timeStatsOf(buckets: readonly TimeBucket[], totalMs: number, maxMs: number): TimeStats {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  /** The least time that so large a part did not exceed. */
  const percentile = (part: number): number => {
    let left = Math.ceil(count * part);
    for (const bucket of buckets) {
      left -= bucket.count;
      if (left <= 0) return Math.min(bucket.upToMs * TO_MIDDLE, maxMs);
    }
    return 0;
  };
  return Object.freeze({
    count,
    totalMs,
    averageMs: count === 0 ? 0 : totalMs / count,
    maxMs,
    p50Ms: percentile(0.5),
    p90Ms: percentile(0.9),
    p99Ms: percentile(0.99),
    buckets: Object.freeze(buckets.map((bucket) => Object.freeze(bucket))),
  });
}

function upperEndOf(place: number): number {
  return place === SIZE - 1 ? Number.POSITIVE_INFINITY : 10 ** (FIRST_DECADE + place / PER_DECADE);
}
