/** Coarse monotonic time, passed in so that tests turn it by hand. One timer serves everything that shares a clock. */
export interface Clock {
  /** Milliseconds as of the last tick: up to `tickMs` behind. Deadlines add `tickMs`, so that they fire late, never early. */
  readonly now: number;
  readonly tickMs: number;
  /** Milliseconds at this very moment, in the same time as `now`: for measuring, since it costs more than `now`. */
  exact(): number;
  /**
   * Calls `tick` on each tick until the returned function is called. `pausedMs` is how long this process stood still
   * before the tick (blocked, stopped, asleep), 0 in ordinary times: nobody else is to blame for that time.
   */
  onTick(tick: Tick): () => void;
  /**
   * Keeps the process alive until the returned function is called, where a platform asks who still wants it: somebody waits for
   * this clock. A clock without it never does.
   */
  hold?(): () => void;
}

export type Tick = (now: number, pausedMs: number) => void;

/** Timers are numbers in a browser and objects on Node. */
interface Interval {
  ref?(): unknown;
  unref?(): unknown;
}

/** A gap between ticks that is longer than this is a pause of the process. */
const PAUSE_MS = 1000;

/** Runs `action` once after `delayMs` of the clock's time (at most a tick early); the returned function cancels it. */
export function after(clock: Clock, delayMs: number, action: () => void): () => void {
  if (delayMs === Infinity) return () => {};
  const due = clock.now + delayMs;
  const stop = clock.onTick((now) => {
    if (now < due) return;
    stop();
    action();
  });
  return stop;
}

/** Checks a length of time that a user gave, and returns it. Throws `RangeError` for one that is no time. */
export function checkMs(name: string, ms: number): number {
  if (typeof ms === "number" && ms >= 0) return ms;
  throw new RangeError(`${name} must be 0, a positive number or Infinity, not ${String(ms)}`);
}

/**
 * Real time: one interval while somebody listens, which keeps the process alive only while somebody holds on to it. Fake timers
 * of a test runner may come and go: the clock goes on with those that there are, and its time neither jumps nor stands still.
 */
export function systemClock(tickMs = 20): Clock {
  const listeners = new Set<Tick>();
  let now = performance.now();
  let timer: Interval | undefined;
  let holds = 0;
  /** The timers in use; a timer can be cleared only by those that made it. */
  let make = setInterval;
  let clear = clearInterval;
  /** From what `performance` says to the time of this clock. */
  let skew = 0;
  const start = (): void => {
    timer = make(tick, tickMs) as Interval;
    if (holds === 0) timer.unref?.();
  };
  const follow = (): void => {
    // Looked at with every reading of the clock: a comparison costs nothing that can be measured.
    if (make === setInterval) return;
    skew = now - performance.now();
    if (timer !== undefined) clear(timer as number);
    make = setInterval;
    clear = clearInterval;
    if (timer !== undefined) start();
  };
  const exact = (): number => {
    follow();
    return performance.now() + skew;
  };
  const tick = (): void => {
    const before = now;
    now = exact();
    const gap = now - before - tickMs;
    for (const listener of listeners) listener(now, gap > PAUSE_MS ? gap : 0);
  };
  return {
    get now() {
      follow();
      // Nobody listens, so nobody keeps `now` fresh.
      if (timer === undefined) now = exact();
      return now;
    },
    tickMs,
    exact,
    onTick(listener) {
      listeners.add(listener);
      follow();
      if (timer === undefined) {
        now = exact();
        start();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || timer === undefined) return;
        clear(timer as number);
        timer = undefined;
      };
    },
    hold() {
      follow();
      if (++holds === 1) timer?.ref?.();
      let isHeld = true;
      return () => {
        if (isHeld && --holds === 0) timer?.unref?.();
        isHeld = false;
      };
    },
  };
}

/** Time for tests: it moves when told. */
export class ManualClock implements Clock {
  now = 0;
  readonly tickMs = 1;
  readonly #listeners = new Set<Tick>();

  /** How many are told of each tick: 0 when everything that used this clock has ended. */
  get listeners(): number {
    return this.#listeners.size;
  }

  exact(): number {
    return this.now;
  }

  onTick(tick: Tick): () => void {
    this.#listeners.add(tick);
    return () => this.#listeners.delete(tick);
  }

  /** Moves time forward in one step; with `pausedMs`, as if the process had stood still for so much of it. */
  advance(ms: number, pausedMs = 0): void {
    this.now += ms;
    for (const tick of [...this.#listeners]) tick(this.now, pausedMs);
  }
}
