import type { Clock } from "../core/clock.ts";

/** Retries for each call that was made: a fifth. */
const PER_CALL = 0.2;
/** Retries that are there without any call. */
const PER_SECOND = 10;
/** How long a call counts. */
const WINDOW_SECONDS = 10;

/**
 * How many idempotent calls may be sent again: 20 % of those of the last 10 seconds and 10 a second on top, so that
 * retries never multiply a load (Finagle's rule). 1000 calls that all fail cause at most 300 more sends.
 */
export class RetryBudget {
  readonly #clock: Clock;
  /** What the calls of each of the last seconds allow, less the retries of that second. */
  readonly #seconds: Float64Array = new Float64Array(WINDOW_SECONDS);
  #second: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#second = Math.floor(clock.now / 1000);
  }

  /** A call was made. */
  earn(): void {
    this.#turn();
    this.#change(PER_CALL);
  }

  /** Takes one retry, or says that there is none. */
  spend(): boolean {
    this.#turn();
    let left = PER_SECOND * WINDOW_SECONDS;
    for (const each of this.#seconds) left += each;
    // A sum of fifths is not exact.
    if (left < 1 - 1e-6) return false;
    this.#change(-1);
    return true;
  }

  #change(by: number): void {
    const at = this.#second % WINDOW_SECONDS;
    this.#seconds[at] = (this.#seconds[at] ?? 0) + by;
  }

  /** Forgets the seconds that are over. */
  #turn(): void {
    const second = Math.floor(this.#clock.now / 1000);
    if (second === this.#second) return;
    const passed = Math.min(second - this.#second, WINDOW_SECONDS);
    for (let back = 0; back < passed; back++) this.#seconds[(second - back) % WINDOW_SECONDS] = 0;
    this.#second = second;
  }
}
