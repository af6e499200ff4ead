import type { Clock } from "./clock.ts";
import { Histogram, type TimeStats } from "./histogram.ts";
import { soon } from "./soon.ts";
import type { AttemptCounters, Counters, Gauges, Stats } from "./stats.ts";
import { addCounters, newAttempts, newCounters, resetCounters, statsOf } from "./stats.ts";

/** A moment that everything shares which happens in one go: the clock is read once for all of it, not once a call. */
export interface Moment {
  readonly ms: number;
}

/**
 * Counts for one end: what it does itself, what its ended links did, and how long calls and handlers took on all of
 * them. A peer without an owner has one to itself.
 */
export class Meter {
  readonly attempts: AttemptCounters = newAttempts();
  /** Links that are up. */
  connections = 0;
  /** Calls that this end was asked to make; a link counts those that it was given. */
  calls = 0;
  /** What no link can count, and what the links counted that have ended. */
  readonly own: Counters = newCounters();
  readonly #clock: Clock;
  readonly #links = new Set<Counters>();
  readonly #gauges: () => Gauges;
  readonly #callTime = new Spans();
  readonly #handlerTime = new Spans();
  #moment: Moment = { ms: 0 };
  /** The moment is that of this turn. */
  #isFresh = false;
  /** Between `begin` and `end`. */
  #isChunk = false;
  #willExpire = false;
  /** Handlers that ended in the call that started them, since the clock was read. */
  #ranAtOnce = 0;
  readonly #expire = (): void => {
    this.#willExpire = false;
    this.end();
  };

  constructor(clock: Clock, gauges: () => Gauges) {
    this.#clock = clock;
    this.#gauges = gauges;
  }

  /** A link has come, whose counters belong to the sum. */
  join(counters: Counters): void {
    this.#links.add(counters);
  }

  /** It has ended, and counts nothing more. */
  leave(counters: Counters): void {
    if (this.#links.delete(counters)) addCounters(this.own, counters);
  }

  /** Sets the counters of one link to 0; the sum stays. */
  resetLink(counters: Counters): void {
    if (this.#links.has(counters)) addCounters(this.own, counters);
    resetCounters(counters);
  }

  stats(): Stats {
    const sum = newCounters();
    for (const counters of [this.own, ...this.#links]) addCounters(sum, counters);
    return statsOf({ ...sum, calls: this.calls }, { ...this.#gauges(), ...this.attempts, ...this.times() });
  }

  times(): Pick<Stats, "callTime" | "handlerTime" | "connections"> {
    return {
      callTime: this.#callTime.snapshot(),
      handlerTime: this.#handlerTime.snapshot(),
      connections: this.connections,
    };
  }

  /** Sets everything to 0 that counts, the links' too. */
  reset(): void {
    for (const counters of [this.own, ...this.#links]) resetCounters(counters);
    Object.assign(this.attempts, newAttempts());
    this.calls = 0;
    this.#callTime.reset();
    this.#handlerTime.reset();
  }

  // ---- time

  /** This turn's moment; the clock is read where nothing has read it in this turn. */
  get moment(): Moment {
    if (this.#isFresh) return this.#moment;
    this.#isFresh = true;
    this.#read();
    if (!this.#willExpire) {
      this.#willExpire = true;
      soon(this.#expire);
    }
    return this.#moment;
  }

  /** Something begins that is worth a look at the clock: a chunk has come. `end` follows. */
  begin(): void {
    this.#isChunk = true;
    this.#isFresh = true;
    this.#read();
  }

  /** A flush: what comes after it in this turn happens later. Inside a chunk that is not worth another look. */
  lap(): void {
    if (!this.#isChunk) this.#isFresh = false;
  }

  end(): void {
    if (this.#ranAtOnce > 0) this.#read();
    this.#isFresh = false;
    this.#isChunk = false;
  }

  callEnded({ began }: { readonly began: Moment | undefined }): void {
    if (began !== undefined) this.#callTime.add(began, this.moment);
  }

  handlerEnded(began: Moment): void {
    this.#handlerTime.add(began, this.moment);
  }

  /** A handler ended in the call that started it; `moment` was asked for before. */
  handlerRan(): void {
    this.#ranAtOnce++;
  }

  #read(): void {
    const ms = this.#clock.exact();
    if (this.#ranAtOnce > 0) {
      this.#handlerTime.record((ms - this.#moment.ms) / this.#ranAtOnce, this.#ranAtOnce);
      this.#ranAtOnce = 0;
    }
    this.#moment = { ms };
  }
}

/** A histogram of spans. What begins and ends together, as a train of calls does, is recorded together. */
class Spans {
  readonly #histogram = new Histogram();
  #began: Moment | undefined = undefined;
  #ended: Moment | undefined = undefined;
  #times = 0;

  add(began: Moment, ended: Moment): void {
    if (began === this.#began && ended === this.#ended) {
      this.#times++;
      return;
    }
    this.#flush();
    this.#began = began;
    this.#ended = ended;
    this.#times = 1;
  }

  record(ms: number, times: number): void {
    this.#histogram.record(ms, times);
  }

  snapshot(): TimeStats {
    this.#flush();
    return this.#histogram.snapshot();
  }

  reset(): void {
    this.#times = 0;
    this.#began = undefined;
    this.#histogram.reset();
  }

  #flush(): void {
    if (this.#times > 0 && this.#began !== undefined && this.#ended !== undefined)
      this.#histogram.record(this.#ended.ms - this.#began.ms, this.#times);
    this.#times = 0;
    this.#began = undefined;
  }
}
