import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Clock, after as later, ManualClock, systemClock } from "./clock.ts";

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

describe("systemClock, when fake timers come and go", () => {
  afterEach(() => void vi.useRealTimers());

  /** A clock that is listened to, and its time at each tick. */
  function ticking(): { clock: Clock; seen: number[]; next(): Promise<void> } {
    const clock = systemClock(5);
    const seen: number[] = [];
    let wake = (): void => {};
    const stop = clock.onTick((now) => {
      seen.push(now);
      wake();
    });
    onTestFinished(stop);
    return { clock, seen, next: () => new Promise((resolve) => (wake = resolve)) };
  }

  test.each<[string, (clock: Clock) => unknown]>([
    ["now", (clock) => clock.now],
    ["exact", (clock) => clock.exact()],
    ["hold", (clock) => clock.hold?.()],
    ["onTick", (clock) => onTestFinished(clock.onTick(() => {}))],
  ])("it goes on with those that came, noticed by %s, and its time does not jump", async (_, look) => {
    const { clock, seen, next } = ticking();
    await next();
    const before = clock.now;
    vi.useFakeTimers({ now: 0 });
    look(clock);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(clock.now - before).toBeCloseTo(1000);
    expect(clock.exact() - before).toBeCloseTo(1000);
    expect(seen.length).toBeGreaterThanOrEqual(200);
  });

  test("its own timer notices that others came, though nobody asks it", async () => {
    const { clock, next } = ticking();
    await next();
    const before = clock.now;
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    await next();
    vi.advanceTimersByTime(1000);
    expect(clock.now - before).toBeCloseTo(1000);
  });

  test("it goes on with the real ones when the fake ones, which have armed it, are gone", async () => {
    vi.useFakeTimers();
    const { clock, seen, next } = ticking();
    vi.advanceTimersByTime(1000);
    const before = clock.now;
    vi.useRealTimers();
    expect(clock.now).toBe(before);
    await next();
    await next();
    expect(clock.now - before).toBeLessThan(1000);
    expect(clock.now).toBeGreaterThan(before);
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
  });
});
