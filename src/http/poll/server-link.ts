import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { Rounds, Visited } from "../../core/rounds.ts";
import type { Asked } from "../server/exchange.ts";
import { endingOf, LINGER_MS, lost, reasonOf } from "./ending.ts";
import { type Asking, answeringBody, type Ending } from "./envelope.ts";
import type { Bytes } from "./fields.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";

/** What a link is made of at its server. */
export interface ServerLinkSetup {
  readonly clock: Clock;
  readonly rounds: Rounds;
  /** What this end takes, and what its client does. */
  readonly maxFrameBytes: number;
  readonly clientMaxFrameBytes: number;
  readonly maxHeldBytes: number;
  readonly maxHoldMs: number;
  readonly idleMs: number;
  /** How long the first request may take to come. */
  readonly firstMs: number;
  /** Called once: nobody shall find the link any more. */
  gone(): void;
}

/** A request that is not answered yet: until there is something to say, or room for what it says. */
interface Held {
  readonly until: number;
  /** Answers it; `isReady` when what it waited for has come. */
  release(isReady: boolean): void;
}

type Place = "down" | "up";

/**
 * The server's end of a link of plain requests. Whoever has found the link passes each request to `exchange`. At most one
 * request waits for something to say, and one for room; another one in its place has it answered at once.
 */
export class ServerLink implements Channel, Visited {
  isAwake = false;
  wakesIn = 0;
  readonly ping: () => void;
  readonly #setup: ServerLinkSetup;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #held: { [Key in Place]: Held | undefined } = { down: undefined, up: undefined };
  #heardAt: number;
  #wasAsked = false;
  #isPinged = false;
  #isSpeaking = false;
  /** Why this end closes. */
  #closing: CloseReason | undefined = undefined;
  /** The sink was told the end, or is about to be. */
  #isOver = false;
  /** What every further request is told. */
  #broken: Ending | undefined = undefined;
  /** When an end that closes waits no longer for its client. */
  #lingersUntil = Number.POSITIVE_INFINITY;
  #isGone = false;

  constructor(setup: ServerLinkSetup) {
    const { maxFrameBytes, clock, rounds } = setup;
    this.#setup = setup;
    this.#inbound = new Inbound({
      maxFrameBytes,
      ended: (ending) => this.#over(reasonOf(ending)),
      roomy: () => this.#held.up?.release(true),
    });
    this.#outbound = new Outbound(setup.maxHeldBytes, setup.clientMaxFrameBytes);
    this.#heardAt = clock.now;
    this.ping = () => {
      this.#isPinged = true;
      // Who is answered asks again at once.
      this.#held.down?.release(true);
    };
    rounds.join(this);
  }

  /** This end has closed, and waits for its client to hear of it. */
  get isClosing(): boolean {
    return this.#closing !== undefined || this.#isOver;
  }

  open(sink: ChannelSink): void {
    this.#inbound.open(sink);
  }

  send(frames: readonly Frame[]): Full {
    if (this.isClosing || frames.length === 0) return;
    const full = this.#outbound.send(frames);
    this.#speak();
    return full;
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#isOver || (this.#closing !== undefined && reason.error === undefined)) return;
    this.#closing = reason;
    if (reason.error !== undefined) return this.#break(reason);
    this.#lingersUntil = this.#setup.clock.now + LINGER_MS;
    this.#setup.rounds.wake(this);
    this.#inbound.stop();
    this.#held.up?.release(true);
    this.#outbound.end(endingOf(reason));
    this.#speak();
  }

  /** Takes what one request says and gives the body of its answer, when there is one; never rejects. */
  async exchange(asking: Asking, asked: Pick<Asked, "onGone">): Promise<Bytes> {
    const { clock, maxHoldMs } = this.#setup;
    const until = clock.now + Math.min(asking.holdMs, maxHoldMs);
    this.#heard();
    if (asking.broken !== undefined) this.#dropped(asking.broken);
    else this.#try(() => this.#acked(asking.ack));
    if (this.#inbound.hasNews(asking)) {
      if (!this.#inbound.hasRoom) await this.#hold("up", until, asked);
      // Somebody else may have been faster.
      if (this.#inbound.hasRoom) this.#try(() => this.#inbound.take(asking));
    }
    if (!asking.down) return this.#answer(false);
    this.#held.down?.release(false);
    return this.#answer(this.#hasWords || (await this.#hold("down", until, asked)));
  }

  visit(now: number): number {
    const { down, up } = this.#held;
    if (down !== undefined && now >= down.until) down.release(false);
    if (up !== undefined && now >= up.until) up.release(false);
    if (now >= this.#lingersUntil) this.#lingered();
    else if (now >= this.#idleAt && !this.#isGone) this.#idle();
    if (this.#isGone) return Number.POSITIVE_INFINITY;
    const holds = [this.#held.down, this.#held.up].map((held) => held?.until ?? Number.POSITIVE_INFINITY);
    return Math.min(this.#lingersUntil, this.#idleAt, ...holds);
  }

  excuse(pausedMs: number): void {
    this.#heardAt += pausedMs;
  }

  /** When the client has been silent for too long. One whose request is held is not. */
  get #idleAt(): number {
    if (this.#held.down !== undefined || this.#held.up !== undefined || this.#broken !== undefined) {
      return Number.POSITIVE_INFINITY;
    }
    return this.#heardAt + (this.#wasAsked ? this.#setup.idleMs : this.#setup.firstMs);
  }

  get #hasWords(): boolean {
    return !this.#outbound.isEmpty || this.#broken !== undefined || this.#isGone;
  }

  #heard(): void {
    this.#heardAt = this.#setup.clock.now;
    this.#wasAsked = true;
    if (!this.#isPinged) return;
    this.#isPinged = false;
    this.#inbound.alive();
  }

  #acked(count: number): void {
    if (this.#isOver) return;
    this.#outbound.ack(count);
    // The last that the client was told is that this end closes.
    if (this.#closing !== undefined && this.#outbound.isEmpty) this.#over(this.#closing);
  }

  /** Has the request answered that waits, as soon as this turn has said all that it will. */
  #speak(): void {
    if (this.#isSpeaking || this.#held.down === undefined) return;
    this.#isSpeaking = true;
    queueMicrotask(() => {
      this.#isSpeaking = false;
      this.#held.down?.release(true);
    });
  }

  #answer(isDown: boolean): Bytes {
    const none = { first: this.#outbound.acked, items: [], more: false };
    const batch = isDown ? this.#outbound.batch() : none;
    return answeringBody({ ...batch, ack: this.#inbound.count, broken: this.#broken });
  }

  #hold(place: Place, until: number, asked: Pick<Asked, "onGone">): Promise<boolean> {
    this.#held[place]?.release(false);
    if (until <= this.#setup.clock.now || this.#isOver) return Promise.resolve(false);
    return new Promise((resolve) => {
      let forget = (): void => {};
      const held: Held = {
        until,
        release: (isReady) => {
          if (this.#held[place] === held) this.#held[place] = undefined;
          this.#heardAt = this.#setup.clock.now;
          forget();
          resolve(isReady);
        },
      };
      this.#held[place] = held;
      this.#setup.rounds.wake(this);
      forget = asked.onGone(() => held.release(false));
    });
  }

  /** What the client says may make no sense. */
  #try(take: () => void): void {
    try {
      take();
    } catch (thrown) {
      const error = RpcError.from(thrown);
      this.#break({ message: error.message, error });
    }
  }

  /** Nothing works any more, and the client is told why for some time. */
  #break(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#broken = endingOf(reason);
    this.#lingersUntil = this.#setup.clock.now + LINGER_MS;
    this.#setup.rounds.wake(this);
    this.#silence();
    const told = this.#closing ?? reason;
    queueMicrotask(() => this.#inbound.closed(told));
  }

  /** The client knows, or will never. The first reason counts, and that of `close` before it. */
  #over(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#goAway();
    this.#silence();
    this.#inbound.closed(this.#closing ?? reason);
  }

  /** The client is gone, and knows of whatever this end broke. */
  #dropped(ending: Ending): void {
    this.#over(reasonOf(ending));
    this.#goAway();
  }

  #silence(): void {
    this.#inbound.stop();
    this.#outbound.clear();
    this.#held.up?.release(true);
    this.#held.down?.release(true);
  }

  #lingered(): void {
    if (this.#isOver) this.#goAway();
    else this.#over(lost("The client did not hear that this end closes"));
  }

  #idle(): void {
    this.#over(lost(`The client was not heard for ${Math.round(this.#setup.clock.now - this.#heardAt)} ms`));
  }

  #goAway(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#setup.rounds.leave(this);
    this.#setup.gone();
  }
}
