import { availableParallelism } from "node:os";

/** How long after a write the loop stays awake for what may come, in ms. More would take too much where cores are few. */
const AWAKE_MS = 0.06;
/** What comes within this time after a write is worth staying awake for: a loop that sleeps needs a part of it to wake up. */
const QUICK_MS = 0.15;
/** The loop stays awake with so much credit: one for what came quickly, less four for what did not, and for waking in vain. */
const ENOUGH = 8;
const MOST = 16;
const SLOW_COSTS = 4;

/** What a `BusyPoll` needs of the event loop. */
export interface Loop {
  /** In ms, as exactly as the machine can say. */
  now(): number;
  /** Runs it after the loop has looked for input, without waiting for any. */
  next(run: () => void): void;
}

/**
 * Keeps the event loop looking for input for a moment after each write, while the answers to the last writes came at once.
 * To fall asleep and be woken takes several times as long as a small call, and more of the processor too. Where answers take
 * their time, as over a network, it never begins.
 */
export class BusyPoll {
  readonly #loop: Loop;
  #writtenAt = Number.NEGATIVE_INFINITY;
  /** Something has come since the last write. */
  #isAnswered = true;
  #credit = 0;
  #isAwake = false;
  readonly #look = (): void => {
    if (this.#loop.now() - this.#writtenAt < AWAKE_MS) return this.#loop.next(this.#look);
    this.#isAwake = false;
    // Nobody answers who is only told something.
    if (!this.#isAnswered) this.#charge();
  };

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Something was written. */
  wrote(): void {
    this.#writtenAt = this.#loop.now();
    this.#isAnswered = false;
    if (this.#credit < ENOUGH || this.#isAwake) return;
    this.#isAwake = true;
    this.#loop.next(this.#look);
  }

  /** Something has come. */
  came(): void {
    this.#isAnswered = true;
    if (this.#loop.now() - this.#writtenAt >= QUICK_MS) this.#charge();
    else if (this.#credit < MOST) this.#credit++;
  }

  #charge(): void {
    this.#credit = Math.max(0, this.#credit - SLOW_COSTS);
  }
}

/** Whoever stays awake on the only core keeps the other end from answering. */
const hasCores = availableParallelism() > 1;

/** That of this thread's loop; `undefined` on a machine with one core. */
export const busyPoll: BusyPoll | undefined = hasCores
  ? new BusyPoll({ now: () => performance.now(), next: setImmediate })
  : undefined;
