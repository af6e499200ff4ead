import type { Duration } from "@bufbuild/protobuf/wkt";

const SECOND_MS = 1000;
const NANOS_PER_MS = 1e6;
const NANOS_PER_SECOND = 1e9;
/**
 * What a call without a limit is given, because a request without a time has none left: a hundred years. Go's durations
 * end at 292.
 */
const NO_LIMIT_SECONDS = 100 * 365 * 86_400;

/** The time that is left to a caller, as the wire says it. */
export function durationOf(ms: number | undefined): Duration {
  if (ms === undefined || ms >= NO_LIMIT_SECONDS * SECOND_MS) return duration(NO_LIMIT_SECONDS, 0);
  const seconds = Math.floor(ms / SECOND_MS);
  const nanos = Math.round((ms - seconds * SECOND_MS) * NANOS_PER_MS);
  return nanos < NANOS_PER_SECOND ? duration(seconds, nanos) : duration(seconds + 1, 0);
}

/** The time that is left to a caller, in milliseconds: 0 where the wire has none or less, `undefined` where there is no limit. */
export function msOf(given: Duration | undefined): number | undefined {
  if (given === undefined) return 0;
  const ms = Number(given.seconds) * SECOND_MS + given.nanos / NANOS_PER_MS;
  return ms >= NO_LIMIT_SECONDS * SECOND_MS ? undefined : Math.max(0, ms);
}

function duration(seconds: number, nanos: number): Duration {
  return { $typeName: "google.protobuf.Duration", seconds: BigInt(seconds), nanos };
}
