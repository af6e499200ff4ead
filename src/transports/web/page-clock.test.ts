import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { after } from "../../core/clock.ts";
import { pageClock } from "./page-clock.ts";

const page = { hidden: false };

beforeEach(() => {
  page.hidden = false;
  vi.stubGlobal("document", page);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets time pass of which no timer hears, and then one tick. */
function minute(clock: { readonly tickMs: number }): void {
  vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  vi.advanceTimersByTime(clock.tickMs);
}

test("in a page that is shown it ticks and is as coarse as everywhere", () => {
  const clock = pageClock();
  const seen: number[] = [];
  const stop = clock.onTick((now) => void seen.push(now));
  const began = clock.now;
  vi.advanceTimersByTime(59);
  expect(seen.map((now) => now - began)).toEqual([20, 40]);
  expect([clock.now - began, clock.exact() - began]).toEqual([40, 59]);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("in a hidden page the time is exact, and it never goes back", () => {
  const clock = pageClock();
  const stop = clock.onTick(() => {});
  const began = clock.now;
  vi.advanceTimersByTime(15);
  page.hidden = true;
  expect(clock.now - began).toBe(15);
  page.hidden = false;
  expect(clock.now - began).toBe(15);
  vi.advanceTimersByTime(5);
  expect(clock.now - began).toBe(20);
  stop();
});

describe("where timers run once a minute", () => {
  test("a tick without a pause follows each that tells of one", () => {
    const clock = pageClock();
    const pauses: boolean[] = [];
    const stop = clock.onTick((_, pausedMs) => void pauses.push(pausedMs > 0));
    for (let each = 0; each < 3; each++) minute(clock);
    expect(pauses).toEqual([true, true, false, true, false]);
    stop();
    vi.advanceTimersByTime(1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what is due still comes", () => {
    const clock = pageClock();
    let done = 0;
    after(clock, 20_000, () => done++);
    minute(clock);
    expect(done).toBe(1);
  });

  test("nobody is told anything after the stop", () => {
    const clock = pageClock();
    let ticks = 0;
    const stop = clock.onTick(() => {
      ticks++;
      stop();
    });
    minute(clock);
    vi.advanceTimersByTime(1000);
    expect(ticks).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
