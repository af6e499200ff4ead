import type { CodeCounts, PerCall } from "../core/stats.ts";
import type { LoadCounts } from "./load.ts";

/** What was measured. */
export interface BenchSetup {
  readonly address: string;
  readonly method: string;
  readonly wire: string;
  readonly inFlight: number;
  readonly connections: number;
}

/** What a run gives. */
export interface Measured extends LoadCounts {
  readonly seconds: number;
  readonly perCall: PerCall;
  /** How long the oldest call that was still under way at the end had waited; `undefined` when there was none. */
  readonly oldestMs: number | undefined;
}

/** What `convoke bench --json` prints. */
export interface BenchReport extends BenchSetup {
  readonly seconds: number;
  /** Calls that gave a result. */
  readonly results: number;
  /** Results per second. */
  readonly rate: number;
  /** Times of results in milliseconds; `null` when there are none. */
  readonly latencyMs: Readonly<Record<"p50" | "p90" | "p99" | "max", number | null>>;
  /** What one call cost on average; `null` when none has ended. */
  readonly perCall: PerCall | null;
  /** Calls that failed, by code, the most frequent first. */
  readonly errors: CodeCounts;
  /** How long the oldest call under way at the end had waited; `null` when there was none. */
  readonly oldestMs: number | null;
}

/** Puts a run in numbers that are worth reading. */
export function reportOf(setup: BenchSetup, measured: Measured): BenchReport {
  const { seconds, times, errors, failures, perCall, oldestMs } = measured;
  const results = times.count;
  const time = (ms: number): number | null => (results === 0 ? null : rounded(ms));
  return {
    ...setup,
    seconds: rounded(seconds),
    results,
    rate: seconds > 0 ? Math.round(results / seconds) : 0,
    latencyMs: { p50: time(times.p50Ms), p90: time(times.p90Ms), p99: time(times.p99Ms), max: time(times.maxMs) },
    perCall:
      results + failures === 0
        ? null
        : {
            bytesRead: rounded(perCall.bytesRead),
            bytesWritten: rounded(perCall.bytesWritten),
            reads: rounded(perCall.reads),
            writes: rounded(perCall.writes),
          },
    errors: Object.fromEntries(Object.entries(errors).sort(([, a], [, b]) => b - a)),
    oldestMs: oldestMs === undefined ? null : rounded(oldestMs),
  };
}

/** Prints a report as a table: what, how much, of which unit. */
export function printTable({ seconds, results, rate, latencyMs, perCall, errors, oldestMs }: BenchReport): void {
  const failures = Object.entries(errors);
  const failed = failures.reduce((sum, [, count]) => sum + count, 0);
  const rows: [what: string, amount: string, unit: string][] = [["rate", String(rate), "calls/s"]];
  for (const [what, ms] of Object.entries(latencyMs)) rows.push([what, ms === null ? "-" : ms.toFixed(3), "ms"]);
  if (perCall !== null) {
    rows.push(
      ["bytes written", perCall.bytesWritten.toFixed(1), "per call"],
      ["bytes read", perCall.bytesRead.toFixed(1), "per call"],
      ["writes", perCall.writes.toFixed(3), "per call"],
    );
  }
  rows.push(["results", String(results), `in ${seconds.toFixed(1)} s`], ["errors", String(failed), ""]);
  for (const [code, count] of failures) rows.push([`  ${code}`, String(count), ""]);
  // A method that hangs shows nowhere else: only what ends is counted.
  const isHanging = results === 0 ? failed === 0 : (oldestMs ?? 0) > (latencyMs.max ?? 0);
  if (isHanging && oldestMs !== null) rows.push(["still waiting", oldestMs.toFixed(3), "ms, the oldest"]);
  const whats = Math.max(...rows.map(([what]) => what.length));
  const amounts = Math.max(...rows.map(([, amount]) => amount.length));
  for (const [what, amount, unit] of rows) {
    process.stdout.write(`${`${what.padEnd(whats)}  ${amount.padStart(amounts)} ${unit}`.trimEnd()}\n`);
  }
}

/** To a thousandth: of a millisecond, a byte or a write. */
function rounded(amount: number): number {
  return Math.round(amount * 1000) / 1000;
}
