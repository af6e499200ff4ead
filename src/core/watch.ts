import { after, type Clock } from "./clock.ts";
import { RpcError } from "./errors.ts";
import { type Heartbeat, Liveness } from "./liveness.ts";
import type { OutgoingCall } from "./outgoing.ts";
import type { Pending } from "./pending.ts";
import type { Rounds, Visited } from "./rounds.ts";
import type { Sender } from "./sender.ts";
import type { Service } from "./service.ts";
import type { Counters } from "./stats.ts";

/** What the watch needs from its peer. */
export interface WatchOptions {
  readonly clock: Clock;
  readonly rounds: Rounds;
  readonly heartbeat: Heartbeat;
  readonly pending: Pending;
  readonly sender: Sender;
  readonly service: Service;
  readonly counters: Counters;
  /** The wire has pings, and its opening is over. */
  canPing(): boolean;
  isReading(): boolean;
  /** The link ends as soon as nothing is left to do. */
  isEnding(): boolean;
  /** The caller of this end waits no longer. */
  expired(call: OutgoingCall): void;
  /** Something that the end may have waited for is over. */
  eased(): void;
  /** The other side is gone. */
  silent(error: RpcError): void;
}

/** How long a draining end waits for the other side to have seen its goodbye. */
const CROSSING_MS = 1000;

/** What time does to a link: deadlines, heartbeats, and how long the other side may be silent. */
export class Watch implements Visited {
  isAwake = false;
  wakesIn = 0;
  readonly #options: WatchOptions;
  readonly #liveness: Liveness;
  /** Pings that have not been answered. */
  #pingsOut = 0;
  #isCrossing = false;
  #stopCrossing: () => void = nothing;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#liveness = new Liveness(options.heartbeat, options.clock.now);
    options.rounds.join(this);
  }

  /** The other side may not have seen this end's goodbye. */
  get isCrossing(): boolean {
    return this.#isCrossing;
  }

  /** Something happens on the link. */
  wake(): void {
    if (!this.isAwake) this.#options.rounds.wake(this);
  }

  received(now: number): void {
    this.wake();
    this.#liveness.received(now);
  }

  stop(): void {
    this.#options.rounds.leave(this);
    this.#stopCrossing();
  }

  excuse(pausedMs: number): void {
    this.#liveness.excuse(pausedMs);
  }

  visit(now: number): number {
    const { pending, sender, service, counters } = this.#options;
    for (const call of pending.expire(now)) {
      counters.timeouts++;
      this.#options.expired(call);
    }
    counters.timeouts += sender.expire(now);
    service.expire(now);
    this.#options.eased();
    const canPing = this.#options.canPing();
    if (canPing) this.#judge(now);
    if (pending.size > 0 || !service.idle || !sender.idle || this.#options.isEnding()) return now;
    // What opens a link, or carries no pings, is woken by what arrives.
    return canPing ? this.#liveness.due(sender.lastSent) : Number.POSITIVE_INFINITY;
  }

  /**
   * Asks for a sign of life behind this end's goodbye. Its answer comes after all that was sent before the goodbye
   * arrived: until then calls are refused, and not lost.
   */
  cross(): void {
    if (!this.#options.canPing()) return;
    this.#isCrossing = true;
    this.#ping();
    this.#stopCrossing = after(this.#options.clock, CROSSING_MS, () => this.#crossed());
  }

  pong(): void {
    this.#pingsOut = Math.max(0, this.#pingsOut - 1);
    if (this.#isCrossing && this.#pingsOut === 0) this.#crossed();
  }

  #crossed(): void {
    this.#isCrossing = false;
    this.#stopCrossing();
    this.#options.eased();
  }

  #ping(): void {
    this.#pingsOut++;
    this.#options.sender.post({ kind: "ping", token: undefined });
  }

  #judge(now: number): void {
    const verdict = this.#liveness.judge(now, this.#options.sender.lastSent, this.#options.isReading());
    if (verdict === "ping") this.#ping();
    else if (verdict === "dead") {
      const silentMs = Math.round(this.#liveness.silentMs(now));
      this.#options.silent(new RpcError("unavailable", `The other side has been silent for ${silentMs} ms`));
    }
  }
}

function nothing(): void {}
