import type { Channel, Role } from "./channel.ts";
import { after, type Clock } from "./clock.ts";
import type { Codec } from "./codec.ts";
import { RpcError } from "./errors.ts";
import { type Heartbeat, Liveness } from "./liveness.ts";
import type { Opening } from "./opening.ts";
import type { OutgoingCall } from "./outgoing.ts";
import type { Pending } from "./pending.ts";
import type { Rounds, Visited } from "./rounds.ts";
import type { Sender } from "./sender.ts";
import type { Service } from "./service.ts";
import type { Counters } from "./stats.ts";

/** What the watch needs of its peer. */
export interface WatchHost {
  readonly codec: Codec;
  readonly opening: Opening;
  readonly calls: Pending;
  readonly sender: Sender;
  readonly service: Service;
  readonly receiver: { visit(now: number): void };
  readonly counters: Counters;
  readonly channel: Channel;
  readonly options: { readonly clock: Clock; readonly heartbeat: Heartbeat; readonly role: Role };
  readonly isReading: boolean;
  /** The other side says no more. */
  readonly hasRemoteEnded: boolean;
  /** The link ends as soon as nothing is left to do. */
  readonly isEnding: boolean;
  /** The caller of this end waits no longer. */
  expired(call: OutgoingCall): void;
  /** Something that the end may have waited for is over. */
  waitedEnough(): void;
  /** The other side is gone. */
  broken(error: RpcError): void;
}

/** How long a draining end waits for the other side to have seen its goodbye. */
const CROSSING_MS = 1000;

/** What time does to a link: deadlines, heartbeats, and how long the other side may be silent. */
export class Watch implements Visited {
  isAwake = false;
  wakesIn = 0;
  readonly #host: WatchHost;
  readonly #rounds: Rounds;
  readonly #liveness: Liveness;
  /** Pings that have not been answered. */
  #pingsOut = 0;
  #isCrossing = false;
  #stopCrossing: () => void = nothing;

  constructor(host: WatchHost, rounds: Rounds) {
    const { heartbeat, role, clock } = host.options;
    this.#host = host;
    this.#rounds = rounds;
    this.#liveness = new Liveness(heartbeat, role, clock.now);
    rounds.join(this);
  }

  /** The other side may not have seen this end's goodbye. */
  get isCrossing(): boolean {
    return this.#isCrossing;
  }

  /** When something last came, in the clock's time. */
  get lastReceived(): number {
    return this.#liveness.lastReceived;
  }

  /** Something happens on the link. */
  wake(): void {
    if (!this.isAwake) this.#rounds.wake(this);
  }

  received(now: number): void {
    this.wake();
    this.#liveness.received(now);
  }

  stop(): void {
    this.#rounds.leave(this);
    this.#stopCrossing();
  }

  excuse(pausedMs: number): void {
    this.#liveness.excuse(pausedMs);
    this.#host.sender.excuse(pausedMs);
  }

  visit(now: number): number {
    const { calls, sender, service, counters } = this.#host;
    for (const call of calls.expire(now)) {
      counters.timeouts++;
      this.#host.expired(call);
    }
    counters.timeouts += sender.expire(now);
    service.expire(now);
    this.#host.receiver.visit(now);
    this.#host.waitedEnough();
    const canPing = this.#canPing;
    if (canPing) this.#judge(now);
    if (calls.size > 0 || !service.idle || !sender.idle || this.#host.isEnding) return now;
    // What opens a link, or carries no pings, is woken by what arrives.
    return canPing ? this.#liveness.due(sender.lastSent, this.#wantedMs) : Number.POSITIVE_INFINITY;
  }

  /**
   * Asks for a sign of life behind this end's goodbye. Its answer comes after all that was sent before the goodbye
   * arrived: until then calls are refused, and not lost.
   */
  cross(): void {
    if (!this.#host.codec.carries.ping || !this.#host.opening.isDone) return;
    this.#isCrossing = true;
    this.#ping();
    this.#stopCrossing = after(this.#host.options.clock, CROSSING_MS, () => this.#crossed());
  }

  pong(): void {
    this.#pingsOut = Math.max(0, this.#pingsOut - 1);
    if (this.#isCrossing && this.#pingsOut === 0) this.#crossed();
  }

  /** The wire has pings, or its transport, and the opening is over. */
  get #canPing(): boolean {
    const { codec, channel, opening } = this.#host;
    return (codec.carries.ping || channel.ping !== undefined) && opening.isDone;
  }

  #crossed(): void {
    this.#isCrossing = false;
    this.#stopCrossing();
    this.#host.waitedEnough();
  }

  #ping(): void {
    if (!this.#host.codec.carries.ping) return this.#host.channel.ping?.();
    this.#pingsOut++;
    this.#host.sender.post({ kind: "ping", token: undefined });
  }

  /** What the other side said about its heartbeat; kept nowhere else, because an idle link is counted in bytes. */
  get #wantedMs(): number | undefined {
    const { hasRemoteEnded, opening } = this.#host;
    // Who says no more may read on or be gone, which looks the same until something is sent: then the link breaks.
    return hasRemoteEnded ? 0 : opening.remote?.heartbeatMs;
  }

  #judge(now: number): void {
    const { sender, isReading } = this.#host;
    const verdict = this.#liveness.judge(now, sender.lastSent, isReading, this.#wantedMs);
    if (verdict === "ping") this.#ping();
    else if (verdict === "dead") {
      const silentMs = Math.round(this.#liveness.silentMs(now));
      this.#host.broken(new RpcError("unavailable", `The other side has been silent for ${silentMs} ms`));
    }
  }
}

function nothing(): void {}
