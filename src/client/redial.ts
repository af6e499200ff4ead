import type { Clock } from "../core/clock.ts";
import { after } from "../core/clock.ts";

/** How long a client waits before it dials again: a random time up to `baseMs`, doubled with each failure, at most `maxMs`. */
export interface Redial {
  readonly baseMs: number;
  readonly maxMs: number;
}

export const DEFAULT_REDIAL: Redial = { baseMs: 100, maxMs: 10_000 };

/** Fills in the defaults; `undefined` stands for a client that dials once. */
export function redialOf(option: Partial<Redial> | false | undefined): Redial | undefined {
  if (option === false) return undefined;
  const { baseMs = DEFAULT_REDIAL.baseMs, maxMs = DEFAULT_REDIAL.maxMs } = option ?? {};
  const redial = { baseMs, maxMs };
  if (!(redial.baseMs > 0 && redial.maxMs >= redial.baseMs)) {
    throw new RangeError("redial needs a baseMs above 0 and a maxMs that is not below it");
  }
  return redial;
}

/** Exponential backoff with full jitter, so that many clients of one server do not come back at once. */
export function backoffMs({ baseMs, maxMs }: Redial, failures: number, random: () => number): number {
  return random() * Math.min(maxMs, baseMs * 2 ** Math.min(failures, 30));
}

/** Waits on the clock; ends early when the signal fires, and leaves no listener behind. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      stop();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const stop = after(clock, ms, wake);
    if (signal.aborted) wake();
    else signal.addEventListener("abort", wake);
  });
}
