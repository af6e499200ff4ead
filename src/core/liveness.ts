import type { Role } from "./channel.ts";

/** How often a silent link is asked for a sign of life. */
export interface Heartbeat {
  /** Silence after which an end pings. */
  readonly intervalMs: number;
  /** Further silence after which the link is dead. */
  readonly timeoutMs: number;
}

export const DEFAULT_HEARTBEAT: Heartbeat = { intervalMs: 15_000, timeoutMs: 15_000 };

/** The other side may ask for signs of life, but never for more than one in this time. */
const LEAST_WANTED_MS = 1000;

/** Checks the heartbeat that a user gave, and returns it. Throws `RangeError` for one without both times. */
export function checkHeartbeat(heartbeat: Heartbeat): Heartbeat {
  if (heartbeat.intervalMs > 0 && heartbeat.timeoutMs > 0) return heartbeat;
  throw new RangeError("heartbeat needs an intervalMs and a timeoutMs above 0");
}

/** The end that accepts asks after this part of the time: else both ends, which began together, would always ask at once. */
const ACCEPTER_PART = 0.9;

/** Judges a link by what arrives. Whatever arrives is a sign of life; an end that does not read does not judge. */
export class Liveness {
  readonly #heartbeat: Heartbeat;
  /** What this end waits of each interval. */
  readonly #part: number;
  #lastReceived: number;
  #lastPing = Number.NEGATIVE_INFINITY;

  constructor(heartbeat: Heartbeat, role: Role, now: number) {
    this.#heartbeat = heartbeat;
    this.#part = role === "server" ? ACCEPTER_PART : 1;
    this.#lastReceived = now;
  }

  /** In the clock's time. */
  get lastReceived(): number {
    return this.#lastReceived;
  }

  received(now: number): void {
    this.#lastReceived = now;
  }

  /** This process stood still: the silence was ours. */
  excuse(ms: number): void {
    this.#lastReceived += ms;
  }

  silentMs(now: number): number {
    return now - this.#lastReceived;
  }

  /** When there may be something to do, if nothing happens before. `wantedMs` as in `judge`. */
  due(lastSent: number, wantedMs: number | undefined): number {
    const { intervalMs, timeoutMs } = this.#heartbeat;
    const quietMs = this.#quietMs(wantedMs);
    const asks = Math.min(this.#lastReceived + intervalMs * this.#part, lastSent + quietMs);
    const pings = Math.max(asks, this.#lastPing + quietMs);
    return Math.min(pings, this.#lastReceived + intervalMs + timeoutMs);
  }

  /**
   * What to do now. `wantedMs`: the interval that the other side said it goes by. It may be shorter than this end's, and it
   * judges by that one.
   */
  judge(now: number, lastSent: number, reading: boolean, wantedMs: number | undefined): "dead" | "ping" | undefined {
    const { intervalMs, timeoutMs } = this.#heartbeat;
    const silentMs = this.silentMs(now);
    if (reading && silentMs > intervalMs + timeoutMs) return "dead";
    const quietMs = this.#quietMs(wantedMs);
    // Also when we said nothing for long: our pings tell the other side that we live, even while we do not read.
    if ((silentMs < intervalMs * this.#part && now - lastSent < quietMs) || now - this.#lastPing < quietMs)
      return undefined;
    this.#lastPing = now;
    return "ping";
  }

  /** How long this end may say nothing. */
  #quietMs(wantedMs: number | undefined): number {
    const most = this.#heartbeat.intervalMs * this.#part;
    return wantedMs === undefined ? most : Math.min(most, Math.max(wantedMs * this.#part, LEAST_WANTED_MS));
  }
}
