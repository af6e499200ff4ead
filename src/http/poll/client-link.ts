import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { after, type Clock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { soon } from "../../core/soon.ts";
import type { Courier } from "./courier.ts";
import { endingOf, LINGER_MS, reasonOf } from "./ending.ts";
import { type Answering, askingBody, type Ending, type Opened } from "./envelope.ts";
import { Inbound } from "./inbound.ts";
import { Lane, type Saying } from "./lane.ts";
import type { PollConnectRules } from "./options.ts";
import { type Batch, Outbound } from "./outbound.ts";

/** What a link is made of at its client. */
export interface ClientLinkSetup {
  readonly courier: Courier;
  /** What the server said when it gave the link. */
  readonly opened: Opened;
  readonly rules: PollConnectRules;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly random: () => number;
  readonly logger: Logger;
  /** For the log. */
  readonly address: string;
}

/** How long the answer to a heartbeat that says something may wait for what that leads to, at most. */
const REPLY_MS = 100;
/** In the time after which the server takes its client for lost, it is heard so often. */
const SIGNS = 3;
/** A server that does not know the link before it has answered so often never knew it: it is another one. */
const FIRST_ANSWERS = 8;

/**
 * The client's end of a link of plain requests. By long-poll one request waits at the server for what it has to say, and
 * another carries what this end says. By heartbeat one carries both, every `intervalMs`.
 */
export class ClientLink implements Channel {
  readonly ping: () => void;
  readonly #setup: ClientLinkSetup;
  readonly #holdMs: number;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  /** What this end says; by heartbeat, all. */
  readonly #up: Lane;
  /** The request that waits. */
  readonly #down: Lane | undefined;
  /** The next of them does not wait for its time. */
  #isUrgent = false;
  /** Not all that this end has to say was in the last of them. */
  #hasMore = false;
  #isPinged = false;
  #isPumping = false;
  #closing: CloseReason | undefined = undefined;
  #isOver = false;
  #answers = 0;
  #beganAt = Number.NEGATIVE_INFINITY;
  #stopTimer: (() => void) | undefined = undefined;
  #stopLinger: () => void = () => {};

  constructor(setup: ClientLinkSetup) {
    const { opened, rules, maxFrameBytes } = setup;
    this.#setup = setup;
    this.#holdMs = Math.min(rules.holdMs, opened.maxHoldMs);
    this.#inbound = new Inbound({
      maxFrameBytes,
      ended: (ending) => this.#over(reasonOf(ending), undefined),
      roomy: () => this.#pump(),
    });
    this.#outbound = new Outbound(rules.maxHeldBytes, opened.maxFrameBytes);
    const isBeat = rules.mode === "beat";
    this.#up = isBeat ? this.#lane(() => this.#sayBeat(), beaten) : this.#lane(() => this.#sayUp(), carried);
    this.#down = isBeat ? undefined : this.#lane((isRepeat) => this.#sayDown(isRepeat), asked);
    this.ping = () => {
      this.#isPinged = true;
      this.#pump();
    };
  }

  open(sink: ChannelSink): void {
    this.#inbound.open(sink);
  }

  send(frames: readonly Frame[]): Full {
    if (this.#closing !== undefined || this.#isOver || frames.length === 0) return;
    const full = this.#outbound.send(frames);
    this.#pumpSoon();
    return full;
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#isOver || (this.#closing !== undefined && reason.error === undefined)) return;
    this.#closing = reason;
    this.#inbound.stop();
    if (reason.error !== undefined) return this.#over(reason, endingOf(reason));
    this.#outbound.end(endingOf(reason));
    this.#down?.stop();
    this.#isUrgent = true;
    // What the server has not got by then it will miss: it must not take that for a good end.
    const missing: Ending = { ...endingOf(reason), code: "unavailable" };
    this.#stopLinger = after(this.#setup.clock, LINGER_MS, () => this.#over(reason, missing));
    this.#pumpSoon();
  }

  #lane(say: (isRepeat: boolean) => Saying, judge: Judge): Lane {
    const { courier, opened, rules, clock, maxFrameBytes, random } = this.#setup;
    const { resumeMs, maxRetryMs } = rules;
    return new Lane({
      ...{ courier, link: opened.link, clock, maxFrameBytes, resumeMs, maxRetryMs, random, say },
      answered: (answer, said, tookMs) => {
        this.#take(answer);
        return judge(answer, said, tookMs, this.#outbound.acked > said.first);
      },
      tooLarge: (said, error) => this.#tooLarge(said, error),
      failed: (error) => this.#failed(error),
      idle: () => this.#pump(),
    });
  }

  #sayUp(): Saying {
    return this.#saying(this.#outbound.batch(), false, this.#holdMs);
  }

  /** After a miss it asks for an answer at once, to know whether the server is there. */
  #sayDown(isRepeat: boolean): Saying {
    return this.#saying({ first: this.#outbound.acked, items: [], count: 0 }, true, isRepeat ? 0 : this.#holdMs);
  }

  #sayBeat(): Saying {
    const { clock, rules } = this.#setup;
    const batch = this.#outbound.batch();
    this.#beganAt = clock.now;
    this.#isUrgent = false;
    this.#hasMore = batch.more;
    const holdMs = batch.items.length === 0 ? 0 : Math.min(REPLY_MS, rules.intervalMs, this.#holdMs);
    return this.#saying(batch, this.#closing === undefined && this.#inbound.hasRoom, holdMs);
  }

  #saying({ first, items, count }: Omit<Batch, "more">, down: boolean, holdMs: number): Saying {
    const body = askingBody({ first, items, ack: this.#inbound.count, down, holdMs });
    return { body, holdMs, first, items, count };
  }

  /** The other side says what became of a message that is cut, as far as its wire can tell which one it was. */
  #tooLarge(said: Saying, { message }: RpcError): boolean {
    const left = this.#outbound.shrink(said);
    const { logger, address } = this.#setup;
    if (left === "cut") logger.warn(`A message to ${address} was left out: ${message}`);
    return left !== undefined;
  }

  #take(answer: Answering): void {
    if (this.#isOver) return;
    this.#answers++;
    try {
      const isNews = this.#outbound.ack(answer.ack);
      if (this.#isPinged) {
        this.#isPinged = false;
        this.#inbound.alive();
      }
      // A server that takes nothing has its time.
      if (answer.more || (isNews && this.#hasMore)) this.#isUrgent = true;
      if (this.#inbound.hasRoom) this.#inbound.take(answer);
      if (answer.broken !== undefined) this.#over(reasonOf(answer.broken), answer.broken);
      else if (this.#closing !== undefined && this.#outbound.isEmpty) this.#over(this.#closing, "known");
    } catch (thrown) {
      const error = RpcError.from(thrown);
      this.#over({ message: error.message, error }, endingOf({ message: error.message, error }));
    }
  }

  #pumpSoon(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    soon(() => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isOver) return;
    if (this.#down === undefined) return this.#beat();
    if (!this.#outbound.isEmpty || this.#isPinged) this.#up.start();
    if (this.#closing === undefined && this.#inbound.hasRoom) {
      this.#cancelTimer();
      this.#down.start();
    } else if (!this.#down.isBusy) {
      this.#stopTimer ??= this.#later(this.#setup.opened.idleMs / SIGNS, () => this.#up.start());
    }
  }

  #beat(): void {
    if (this.#up.isBusy) return;
    const { clock, rules } = this.#setup;
    const waitMs = this.#beganAt + rules.intervalMs - clock.now;
    if (this.#closing === undefined && !this.#inbound.isOpen) return;
    if (this.#isUrgent || waitMs <= 0) {
      this.#cancelTimer();
      this.#up.start();
    } else {
      this.#stopTimer ??= this.#later(waitMs, () => this.#beat());
    }
  }

  #later(ms: number, action: () => void): () => void {
    return after(this.#setup.clock, ms, () => {
      this.#stopTimer = undefined;
      action();
    });
  }

  #cancelTimer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #failed(given: RpcError): void {
    const { code, wireCode } = given;
    const isElsewhere = wireCode === 410 && this.#answers < FIRST_ANSWERS;
    const message = given.message + (isElsewhere ? ELSEWHERE : "");
    const error = isElsewhere ? new RpcError(code, message, { wireCode }) : given;
    const reason: CloseReason = { message, error };
    // A status is the server's own word, unless a proxy did not let it see the request.
    this.#over(reason, wireCode === undefined || wireCode === 413 ? endingOf(reason) : "known");
  }

  /**
   * The first reason counts, and that of `close` before it. The server is told, unless it knows or cannot: that this end breaks
   * the link, or, with nothing to say, that it has all.
   */
  #over(reason: CloseReason, telling: Ending | "known" | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#up.stop();
    this.#down?.stop();
    this.#cancelTimer();
    this.#stopLinger();
    this.#outbound.clear();
    this.#inbound.stop();
    const told = this.#closing ?? reason;
    queueMicrotask(() => this.#inbound.closed(told));
    if (telling === "known") this.#setup.courier.close();
    else this.#sayLast(telling);
  }

  #sayLast(broken: Ending | undefined): void {
    const { courier, opened, rules, clock, maxFrameBytes, random } = this.#setup;
    const { maxRetryMs } = rules;
    const done = (): void => courier.close();
    const body = askingBody({ first: 0, items: [], ack: this.#inbound.count, down: false, holdMs: 0, broken });
    const last = new Lane({
      ...{ courier, link: opened.link, clock, maxFrameBytes, maxRetryMs, random, resumeMs: LINGER_MS },
      say: () => ({ body, holdMs: 0, first: 0, items: [], count: 0 }),
      answered: () => true,
      failed: done,
      idle: done,
    });
    last.start();
  }
}

/** What to do about a link that its server has just given, and does not know. */
const ELSEWHERE = ". All requests of a link must reach the same server: has a proxy several of them?";

/** Decides whether an answer was of use; `isTaken` when the server has some of what was said, whichever answer told so. */
type Judge = (answer: Answering, said: Saying, tookMs: number, isTaken: boolean) => boolean;

/** A server that takes nothing of what it was sent waits for room; it is not asked again at once. */
const carried: Judge = (_, { count }, __, isTaken) => isTaken || count === 0;
/** So is one that has nothing to say, and does not hold the request either. */
const asked: Judge = ({ items }, { holdMs }, tookMs) => items.length > 0 || (holdMs > 0 && tookMs >= holdMs / 2);
/** These have their time. */
const beaten: Judge = () => true;
