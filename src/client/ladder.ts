import { after, type Clock, checkMs } from "../core/clock.ts";
import { RpcError } from "../core/errors.ts";
import { HandshakeFailure } from "../core/establish.ts";
import { printable } from "../core/text.ts";
import type { Dialer } from "../core/wire.ts";

/** One of several ways to the same other side. */
export interface Rung {
  /** What errors, logs and `client.address` call it; no password belongs into it. */
  readonly name?: string | undefined;
  /** Rejects with an `RpcError` when there is no connection. A `TypeError` is somebody's mistake, and ends the climb. */
  readonly dial: Dialer;
}

/** How several addresses are tried. */
export interface LadderTimes {
  /**
   * What one address may take until its link is up (the handshake and `onConnect` included), while there is another one to
   * try; the last one has what is left of `connectTimeoutMs`. Default 5000.
   */
  readonly rungTimeoutMs: number;
  /** How long a link stays at a worse address before better ones are tried again, give or take a fifth. Default 60 000. */
  readonly retryBetterMs: number;
  /** That time is doubled while the better ones fail, or hardly last, up to this. Default 600 000. */
  readonly maxRetryBetterMs: number;
}

export const DEFAULT_LADDER: LadderTimes = { rungTimeoutMs: 5000, retryBetterMs: 60_000, maxRetryBetterMs: 600_000 };

/** The bounds of one attempt. */
export interface Bounds {
  /** Ends the attempt, and not what came of it. */
  readonly signal: AbortSignal;
  /** What the dialling alone may take. */
  readonly dialMs: number;
}

/** Makes a link over one rung, or rejects with why there is none. */
export type Attempt<Link> = (rung: Rung, bounds: Bounds) => Promise<Link>;

/** A link, and which rung it stands on: 0 is the best. */
export interface Reached<Link> {
  readonly link: Link;
  readonly rung: number;
}

/** A link that ended sooner hardly lived. */
const SHORT_MS = 10_000;
/** After so many of them in a row a rung is left, though it takes links. */
const MAX_SHORT = 3;

/**
 * Several ways to one other side, the best first, and the memory of one client: which of them worked. They are tried one
 * after the other and never side by side: two hellos of one name would be two links that a fleet has to choose from.
 */
export class Ladder {
  readonly #rungs: readonly Rung[];
  readonly #times: LadderTimes;
  readonly #clock: Clock;
  readonly #random: () => number;
  /** The rung that worked last, and since when. */
  #at = 0;
  #since: number;
  /** When better ones are tried again, and how long they are left alone after that. */
  #betterAt = 0;
  #waitMs: number;
  /** Links in a row that hardly lived. */
  #short = 0;

  /** Throws `TypeError` where there is no rung, and `RangeError` for a time that is none. */
  constructor(rungs: readonly Rung[], times: Partial<LadderTimes>, clock: Clock, random: () => number) {
    if (rungs.length === 0) throw new TypeError("There is no address to connect to: give at least one");
    this.#rungs = rungs;
    this.#times = checkTimes({ ...DEFAULT_LADDER, ...times });
    this.#clock = clock;
    this.#random = random;
    this.#since = clock.now;
    this.#waitMs = this.#times.retryBetterMs;
  }

  /** The name of the rung that worked last. */
  get address(): string | undefined {
    return this.#rungs[this.#at]?.name;
  }

  /** How long better rungs are left alone from now on. */
  get betterInMs(): number {
    return Math.max(0, this.#betterAt - this.#clock.now);
  }

  /**
   * Tries the rung that worked last, then those below it, then the better ones; from the best, when it is time for that.
   * Resolves with the first link. Rejects when none came within `totalMs`: with why the one rung failed, or with
   * `unavailable` and why each did. An end that was reached and says when to come again, or that does not know this one, is
   * asked over no other rung.
   */
  async climb<Link>(attempt: Attempt<Link>, totalMs: number, signal: AbortSignal): Promise<Reached<Link>> {
    const { length } = this.#rungs;
    const begin = this.#first();
    const endsAt = this.#clock.now + totalMs;
    const failures: string[] = [];
    for (let tried = 0; ; tried++) {
      const rung = (begin + tried) % length;
      const left = length - tried;
      const restMs = Math.max(0, endsAt - this.#clock.now);
      try {
        const link = await (left === 1
          ? attempt(this.#rung(rung), { signal, dialMs: restMs })
          : this.#within(Math.min(this.#times.rungTimeoutMs, restMs / left), rung, attempt, signal));
        this.#reached(rung, begin === 0);
        return { link, rung };
      } catch (thrown) {
        if (length === 1 || signal.aborted || isFinal(thrown)) throw thrown;
        failures.push(`${this.#name(rung)} (${shortReason(thrown)})`);
        if (left > 1) continue;
        const why = `None of the ${length} addresses can be reached: ${failures.join(", ")}`;
        throw new RpcError("unavailable", why, { cause: thrown, executed: "no" });
      }
    }
  }

  /** Tries the rungs that are better than `than`. Never rejects; `undefined` when none of them works, or the signal has fired. */
  async better<Link>(than: number, attempt: Attempt<Link>, signal: AbortSignal): Promise<Reached<Link> | undefined> {
    // Another link of this client may look at the same time.
    const isFirst = this.betterInMs === 0;
    // Before it is known how this ends: who dials meanwhile begins where it was.
    if (isFirst) this.#postpone();
    for (let rung = 0; rung < than; rung++) {
      try {
        const link = await this.#within(this.#times.rungTimeoutMs, rung, attempt, signal);
        this.#reached(rung, false);
        return { link, rung };
      } catch (thrown) {
        if (signal.aborted) return undefined;
        // It would say the same over the next one.
        if (isFinal(thrown)) break;
      }
    }
    if (isFirst) this.#waitLonger();
    return undefined;
  }

  /** A link has ended that had lived so long. */
  lived(ms: number): void {
    this.#short = ms < SHORT_MS ? this.#short + 1 : 0;
  }

  #first(): number {
    if (this.#at > 0 && this.betterInMs === 0) return 0;
    return this.#short < MAX_SHORT ? this.#at : (this.#at + 1) % this.#rungs.length;
  }

  /** `fromTop`: all better ones have just failed. */
  #reached(rung: number, fromTop: boolean): void {
    const { now } = this.#clock;
    const hasFallen = rung > this.#at;
    // What worked for long is worth an early look; what hardly lasted is left alone for longer each time.
    if (hasFallen && now - this.#since >= this.#waitMs) this.#waitMs = this.#times.retryBetterMs;
    if (rung !== this.#at || this.#short >= MAX_SHORT) this.#short = 0;
    if (rung !== this.#at) this.#since = now;
    this.#at = rung;
    if (rung === 0 || !(hasFallen || fromTop)) return;
    this.#postpone();
    this.#waitLonger();
  }

  #postpone(): void {
    this.#betterAt = this.#clock.now + this.#waitMs * (0.8 + 0.4 * this.#random());
  }

  #waitLonger(): void {
    this.#waitMs = Math.min(this.#waitMs * 2, this.#times.maxRetryBetterMs);
  }

  /** An attempt that is given up after `ms`. */
  async #within<Link>(ms: number, rung: number, attempt: Attempt<Link>, signal: AbortSignal): Promise<Link> {
    const own = new AbortController();
    const giveUp = (): void => own.abort(signal.reason);
    const stopTimer = after(this.#clock, ms, () => {
      own.abort(new RpcError("deadline_exceeded", `no link within ${Math.round(ms)} ms`, { executed: "no" }));
    });
    signal.addEventListener("abort", giveUp);
    if (signal.aborted) giveUp();
    try {
      return await attempt(this.#rung(rung), { signal: own.signal, dialMs: Number.POSITIVE_INFINITY });
    } catch (thrown) {
      throw own.signal.aborted ? own.signal.reason : thrown;
    } finally {
      stopTimer();
      signal.removeEventListener("abort", giveUp);
    }
  }

  #rung(index: number): Rung {
    return this.#rungs[index] as Rung;
  }

  #name(index: number): string {
    return this.#rung(index).name ?? `address ${index + 1}`;
  }
}

/** Whether no other rung is worth an attempt. */
function isFinal(thrown: unknown): boolean {
  if (thrown instanceof HandshakeFailure && thrown.reason.redialAfterMs !== undefined) return true;
  if (RpcError.is(thrown)) return thrown.code === "unauthenticated";
  return thrown instanceof TypeError || thrown instanceof RangeError;
}

/** Why a rung failed, without what its name says already, and without advice. */
function shortReason(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return printable(message.replace(/^Cannot connect to \S+?: /, "").replace(/\. [A-Z].*$/s, ""), 120);
}

function checkTimes(times: LadderTimes): LadderTimes {
  const { rungTimeoutMs, retryBetterMs, maxRetryBetterMs } = times;
  for (const [name, ms] of Object.entries({ rungTimeoutMs, retryBetterMs, maxRetryBetterMs })) checkMs(name, ms);
  if (rungTimeoutMs > 0 && retryBetterMs > 0 && maxRetryBetterMs >= retryBetterMs) return times;
  throw new RangeError(
    "ladder needs a rungTimeoutMs and a retryBetterMs above 0, and a maxRetryBetterMs that is not below it",
  );
}
