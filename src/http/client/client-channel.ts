import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { after } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { Id } from "../../core/message.ts";
import { bytesOf, printable, textOf } from "../../core/text.ts";
import type { LinkTerms } from "../../core/wire.ts";
import { Delivery } from "./delivery.ts";
import { eventPieces, isEventStream } from "./event-stream.ts";
import { type Failure, failures, isCancel, isComplaint } from "./outgoing-record.ts";
import { type Posting, PostQueue } from "./post-queue.ts";
import { mayAnswer, type Replies, repliesIn } from "./replies.ts";
import { type HttpHeaders, type HttpReply, isUnsent, type TrackedRequest, wordsOf } from "./reply.ts";
import { Rest } from "./rest.ts";
import { isMessage, type Unexpected, unexpected } from "./statuses.ts";

/** What a channel knows of its server. */
export interface PostTarget {
  /** For errors; without credentials and query. */
  readonly address: string;
  readonly maxRequests: number;
  /** The headers of the next request. Throws or rejects with a `TypeError` for those that must not leave. */
  headers(): HttpHeaders | Promise<HttpHeaders>;
  send(request: TrackedRequest): Promise<HttpReply>;
  /** Called once: there will be no more requests. */
  ended(): void;
}

/** How long notifications that were sent may still take after a close. */
const LINGER_MS = 5000;
/** How long a notification may keep its request that is not answered. */
const NOTE_MS = 60_000;
/** How long calls that were refused for now wait for the end of the link, which a client may survive with them. */
const REFUSED_MS = 1000;

/**
 * A channel of POST requests: each frame is one, and what it is answered with comes back as one. Some are under way at once
 * and may overtake one another; on an ordered wire nothing leaves after a notification before that was answered. A call
 * that is given up takes its request with it.
 */
export class ClientChannel implements Channel {
  readonly #target: PostTarget;
  readonly #terms: LinkTerms;
  readonly #queue: PostQueue;
  readonly #delivery = new Delivery();
  readonly #rest: Rest;
  /** Were refused for now; their calls wait to be told so. */
  readonly #refused = new Set<Posting>();
  /** Resolves what a sender was told. */
  #drained: Promise<void> | undefined = undefined;
  #drain: (() => void) | undefined = undefined;
  #closing: CloseReason | undefined = undefined;
  #isOver = false;
  #stopLinger: () => void = () => {};
  readonly #ended = new AbortController();

  constructor(target: PostTarget, terms: LinkTerms) {
    const { wire, clock } = terms;
    this.#target = target;
    this.#terms = terms;
    this.#queue = new PostQueue(target.maxRequests, wire.ordered, clock, () => this.#pump());
    this.#rest = new Rest(clock, () => this.#pump());
  }

  /** Fires when the link is over: what else belongs to it ends with it. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  open(sink: ChannelSink): void {
    this.#delivery.open(sink);
  }

  send(frames: readonly Frame[]): Full {
    if (this.#closing !== undefined || this.#isOver) return;
    for (const frame of frames) {
      const record = textOf(frame);
      if (!isComplaint(record) && !isCancel(record)) this.#queue.add(record);
    }
    this.#pump();
    if (!this.#queue.isFull) return;
    this.#drained ??= new Promise((resolve) => {
      this.#drain = resolve;
    });
    return this.#drained;
  }

  abandoned(id: Id): void {
    this.#queue.giveUp(String(id));
    this.#pump();
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#isOver || (this.#closing !== undefined && reason.error === undefined)) return;
    this.#closing ??= reason;
    this.#delivery.stop();
    if (reason.error !== undefined) {
      this.#ended.abort();
      this.#queue.clear();
      queueMicrotask(() => this.#finish(reason));
      return;
    }
    this.#relieve();
    // Who called is not interested any more, and its handler shall know.
    this.#queue.giveUpCalls();
    this.#stopLinger = after(this.#terms.clock, LINGER_MS, () => this.#finish(reason));
    queueMicrotask(() => this.#pump());
  }

  /** Delivers the events of a stream until one of both is over. */
  async readEvents(reply: HttpReply): Promise<void> {
    // Streams begin with a comment, as a sign to proxies: that the server lives is no news then.
    let isNew = true;
    try {
      for await (const piece of eventPieces(reply.chunks(), this.#terms.limits.maxFrameBytes)) {
        for (const head of piece.skipped) await this.#delivery.skipped(bytesOf(head), this.#tooLarge());
        if (piece.events.length > 0 || (piece.isAlive && !isNew)) await this.#delivery.frames(piece.events);
        isNew = false;
      }
      await this.#settled();
      if (this.#closing === undefined) this.#finish({ message: "The server ended the stream of events" });
    } catch (thrown) {
      await this.#settled();
      if (this.#closing === undefined) this.#lose("Lost the stream of events of", thrown);
    }
  }

  /** Resolves when the requests that are under way now have ended: a server that drains ends its streams first. */
  async #settled(): Promise<void> {
    await Promise.all(this.#queue.active.map(({ done }) => done));
  }

  /** Starts what waits, as far as it may. */
  #pump(): void {
    if (this.#rest.reason !== undefined) return this.#endIfQuiet();
    for (let next = this.#queue.next(); next !== undefined; next = this.#queue.next()) next.done = this.#run(next);
    if (this.#queue.hasRoom) this.#relieve();
    if (this.#closing !== undefined && this.#queue.isEmpty) this.#finish(this.#closing);
  }

  async #run(posting: Posting): Promise<void> {
    const { record, isNote, abort } = posting;
    const { signal } = abort;
    const stop = isNote ? after(this.#terms.clock, NOTE_MS, () => this.#breakOff(posting)) : undefined;
    try {
      const headers = await this.#headersOf(posting);
      while (this.#rest.reason !== undefined) await this.#rest.over;
      if (signal.aborted) return;
      const mayHaveLeft = (may: boolean): void => {
        posting.hasLeft = may;
      };
      mayHaveLeft(true);
      const reply = await this.#target.send({ method: "POST", headers, body: record, signal, mayHaveLeft });
      // Not every `fetch` rejects when it is told to end.
      if (signal.aborted) reply.drop();
      else await this.#answered(posting, reply);
    } catch (thrown) {
      if (signal.aborted) return;
      if (isUnsent(thrown)) posting.hasLeft = false;
      // A certificate is at fault, and the next link would not do better.
      if (RpcError.is(thrown) && thrown.code === "unauthenticated" && thrown.executed === "no") {
        await this.#failWith(posting, { number: -32093, message: thrown.message, executed: "no" });
      }
      this.#lose("Cannot post to", thrown);
    } finally {
      stop?.();
      this.#queue.ended(posting);
      this.#pump();
    }
  }

  async #headersOf(posting: Posting): Promise<HttpHeaders> {
    try {
      const own = await this.#target.headers();
      return { accept: "application/json", ...own, "content-type": "application/json" };
    } catch (thrown) {
      // The next link would not do better, and its calls would learn why only from the log.
      if (thrown instanceof TypeError) {
        const message = this.#why("Cannot post to", thrown);
        await this.#failWith(posting, { number: -32094, message, executed: "no" });
      }
      throw thrown;
    }
  }

  #breakOff({ abort }: Posting): void {
    const why = `did not answer a notification within ${NOTE_MS / 1000} s: its request was broken off`;
    this.#terms.logger.warn(`${this.#target.address} ${why}`);
    abort.abort();
  }

  async #answered(posting: Posting, reply: HttpReply): Promise<void> {
    const { status } = reply;
    if (status === 200) {
      this.#rest.answered();
      return this.#read(posting, reply);
    }
    if (mayAnswer(reply) && (await this.#readError(posting, reply))) return;
    if (status === 204 || status === 202) {
      reply.drop();
      return this.#fail(posting, `no answer came, HTTP status ${status}`);
    }
    const meaning = await unexpected(reply);
    if (posting.abort.signal.aborted) return;
    if (meaning.costs === "rest") await this.#refusedForNow(posting, meaning);
    else await this.#failWith(posting, meaning.failure);
    if (meaning.costs === "link") this.#finish(meaning.reason);
    else if (posting.isNote && !this.#isOver) {
      this.#terms.logger.warn(`${this.#target.address} refused a notification, HTTP status ${status}`);
    }
  }

  /**
   * Sends nothing new for a time, and ends the link unless something else is under way, which may still be answered. Calls that
   * find the link ended may leave over the next one, if their callers allow that: only so long are they not told.
   */
  async #refusedForNow(posting: Posting, { failure, reason }: Unexpected): Promise<void> {
    const { signal } = posting.abort;
    this.#rest.begin(reason);
    this.#refused.add(posting);
    this.#endIfQuiet();
    if (!posting.isNote && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const stop = after(this.#terms.clock, REFUSED_MS, resolve);
        signal.addEventListener("abort", () => {
          stop();
          resolve();
        });
      });
    }
    this.#refused.delete(posting);
    if (!signal.aborted) await this.#failWith(posting, failure);
  }

  /** Ends a link that rests, if nothing that has left may still be answered. */
  #endIfQuiet(): void {
    const { reason } = this.#rest;
    const isQuiet = this.#queue.active.every((posting) => !posting.hasLeft || this.#refused.has(posting));
    if (reason !== undefined && isQuiet) this.#finish(reason);
  }

  async #read(posting: Posting, reply: HttpReply): Promise<void> {
    if (isEventStream(reply)) {
      // It may be long, or never end.
      reply.drop();
      const advice = "have the server answer with JSON";
      return this.#fail(posting, `the answer is a stream of events, which is read of a GET only: ${advice}`);
    }
    const { bytes, isTooLarge } = await reply.read(this.#terms.limits.maxFrameBytes);
    if (isTooLarge) {
      return this.#failWith(posting, { number: -32095, message: this.#tooLarge().message, executed: "yes" });
    }
    if (isMessage(bytes)) return this.#deliver(posting, 200, bytes);
    const type = reply.header("content-type") ?? "none";
    return this.#fail(posting, `the answer is no JSON-RPC message, content type ${printable(type)}`);
  }

  /** What a server says of the calls themselves counts more than its status. Gives whether it says something of them. */
  async #readError(posting: Posting, reply: HttpReply): Promise<boolean> {
    const { status } = reply;
    const { maxFrameBytes, maxDepth } = this.#terms.limits;
    const { bytes, isTooLarge } = await reply.read(maxFrameBytes);
    const answer = isTooLarge ? undefined : repliesIn(status, bytes, maxDepth);
    const isAnswered = answer !== undefined && [...answer.ids].some((id) => posting.ids.has(id));
    if (!isAnswered && answer?.failure === undefined) return false;
    if (answer?.failure !== undefined && posting.isNote) {
      const said = printable(answer.failure.message);
      this.#terms.logger.warn(`${this.#target.address} refused a notification, HTTP status ${status}: ${said}`);
    }
    await this.#deliver(posting, status, isAnswered ? bytes : undefined, answer);
    return true;
  }

  /** Delivers a body. A call that it does not answer fails: over HTTP no other answer can come. */
  async #deliver(posting: Posting, status: number, bytes: Uint8Array | undefined, read?: Replies): Promise<void> {
    if (bytes !== undefined) await this.#delivery.frames([bytes]);
    if (posting.ids.size === 0) return;
    const answer = read ?? (bytes && repliesIn(status, bytes, this.#terms.limits.maxDepth));
    for (const id of answer?.ids ?? []) posting.ids.delete(id);
    const failure = answer?.failure ?? { number: -32603, message: `no answer came, HTTP status ${status}` };
    await this.#failWith(posting, { executed: "unknown", ...failure });
  }

  #fail(posting: Posting, message: string): Promise<void> {
    return this.#failWith(posting, { number: -32603, message, executed: "unknown" });
  }

  /** Answers the calls of a request in the place of its server. */
  async #failWith({ ids }: Posting, failure: Failure): Promise<void> {
    const replies = failures(ids, failure);
    if (replies.length > 0) await this.#delivery.frames(replies);
  }

  #tooLarge(): RpcError {
    return new RpcError(
      "resource_exhausted",
      `The message is above the limit of ${this.#terms.limits.maxFrameBytes} bytes`,
    );
  }

  /** A request or a stream broke: nobody knows what became of the others that have left. */
  #lose(what: string, thrown: unknown): void {
    const error = RpcError.is(thrown)
      ? thrown
      : new RpcError("unavailable", this.#why(what, thrown), { cause: thrown });
    this.#finish({ message: error.message, error });
  }

  #why(what: string, thrown: unknown): string {
    return `${what} ${this.#target.address}: ${wordsOf(thrown)}`;
  }

  /** The first reason counts, and that of `close` before it. */
  #finish(reason: CloseReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopLinger();
    this.#rest.end();
    this.#ended.abort();
    const { unsent } = this.#queue;
    this.#queue.clear();
    this.#relieve();
    this.#target.ended();
    this.#delivery.closed({ ...(this.#closing ?? reason), ...(unsent.size > 0 && { unsent }) });
  }

  #relieve(): void {
    this.#drain?.();
    this.#drained = undefined;
    this.#drain = undefined;
  }
}
