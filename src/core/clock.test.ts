import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { after as later, ManualClock, systemClock } from "./clock.ts";

describe("after", () => {
  test("acts once, when the time has come and not before, and leaves no listener", () => {
    const clock = new ManualClock();
    let done = 0;
    later(clock, 10, () => done++);
    clock.advance(9);
    expect([done, clock.listeners]).toEqual([0, 1]);
    clock.advance(1);
    clock.advance(50);
    expect([done, clock.listeners]).toEqual([1, 0]);
  });

  test("can be taken back, and Infinity never comes", () => {
    const clock = new ManualClock();
    let done = 0;
    const stop = later(clock, 10, () => done++);
    stop();
    later(clock, Infinity, () => done++);
    expect(clock.listeners).toBe(0);
    clock.advance(1e15);
    expect(done).toBe(0);
  });
});

describe("systemClock", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("runs one timer while somebody listens, and none otherwise", () => {
    const clock = systemClock(20);
    const seen: number[] = [];
    const stops = [clock.onTick((now) => void seen.push(now)), clock.onTick(() => {})];
    expect(vi.getTimerCount()).toBe(1);
    const began = clock.now;
    vi.advanceTimersByTime(60);
    expect(seen.map((now) => now - began)).toEqual([20, 40, 60]);
    for (const stop of stops) stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(15);
    expect(clock.now - began).toBe(75);
  });

  test("is at most a tick behind while it runs", () => {
    const clock = systemClock(20);
    const stop = clock.onTick(() => {});
    const began = clock.now;
    vi.advanceTimersByTime(39);
    expect(clock.now - began).toBe(20);
    stop();
  });

  test("says how long the process stood still", () => {
    const clock = systemClock(20);
    const pauses: number[] = [];
    const stop = clock.onTick((_, pausedMs) => void pauses.push(pausedMs));
    vi.advanceTimersByTime(40);
    const now = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5000);
    vi.advanceTimersByTime(20);
    now.mockRestore();
    expect(pauses.slice(0, 2)).toEqual([0, 0]);
    expect(pauses[2]).toBeGreaterThan(4900);
    stop();
  });
});
