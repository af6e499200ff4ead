import type { Channel, Frame } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { after } from "./clock.ts";
import type { Cannot, Codec } from "./codec.ts";
import { protocolError, RpcError, wordsOf } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { BatchMessage, ErrorMessage, Message, RequestMessage, ResultMessage } from "./message.ts";
import type { Meter } from "./meter.ts";
import { Outbox } from "./outbox.ts";
import type { Outgoing, OutgoingItem, OutgoingRequest } from "./outgoing.ts";
import { isItem, OutgoingBatch, OutgoingCall, OutgoingNote, requestsOf } from "./outgoing.ts";
import type { Pending } from "./pending.ts";
import { glanceBytes, roughBytes } from "./size.ts";
import { soon } from "./soon.ts";
import { type Counters, countCode } from "./stats.ts";
import { printable } from "./text.ts";

/** What the sending half needs of its peer. */
export interface SenderHost {
  readonly channel: Channel;
  readonly codec: Codec;
  readonly calls: Pending;
  readonly counters: Counters;
  readonly meter: Meter;
  readonly options: {
    readonly limits: Limits;
    readonly clock: Clock;
    /** How long a message waits for company; `undefined`: until the end of this turn of the event loop. */
    readonly flushDelayMs?: number | undefined;
  };
  /** The link cannot go on. */
  broken(error: RpcError): void;
  /** The channel takes more again. */
  sendingEased(): void;
  /** A reply could not be sent as it was. */
  unsendable(error: RpcError): void;
}

/** A flush leaves at once when it holds this part of what is under way, so that both ends work at the same time. */
const FLUSH_PART = 2;
/** But not fewer messages than this, and not more. */
const FLUSH_LEAST = 16;
/** Nor fewer of an end that only replies, whose trains are those of the other end already: 16 and 32 were slower at 64 in flight. */
const FLUSH_LEAST_REPLIES = 24;
const FLUSH_MOST = 256;
/** Or when it holds as many as filled this many bytes the last time. */
const FLUSH_BYTES = 8 << 10;
/** Or when big strings or byte arrays in it add up to this. */
const FLUSH_BULK = 64 << 10;
const MESSAGES_PER_ENCODE = 256;
/** An end that owes this many times `maxPending` replies is stuck. */
const STUCK = 10;
/** An end for which the channel has not emptied for so long, while this many times `maxQueuedBytes` wait for it, does not read. */
const STALLED_MS = 5000;
const STALLED = 2;
/** Handlers that had begun may reply this many times `maxQueuedBytes`; beyond it no value is kept. */
const MOST_KEPT = 16;
/** Small messages cost more than they say: one may wait for each so many bytes of `maxQueuedBytes`, and fewer before the opening is over. */
const BYTES_PER_MESSAGE = 32;
const BYTES_PER_HELD_MESSAGE = 512;

/** The sending half of a peer: outbox, encoding, one write per flush, back-pressure. Nothing leaves before `start`. */
export class Sender {
  readonly #host: SenderHost;
  readonly #outbox = new Outbox();
  #state: "held" | "open" | "stopped" = "held";
  /** The channel said "full" and has not taken it back. */
  #full = false;
  #fullSince = 0;
  #flushing = false;
  #scheduled = false;
  #queuedBytes = 0;
  #bulk = 0;
  /** The flush under way has notifications, whose senders want to know. */
  #notes = false;
  #flushAt = 4;
  /** How many messages the other side lately sent at once: what it waits for, as far as this end can know. */
  #burst = 0;
  #lastSent: number;
  #stopTimer: (() => void) | undefined = undefined;
  /** Made when first needed: an idle link does without. */
  #flushNow: (() => void) | undefined = undefined;
  #cannot: Cannot | undefined = undefined;

  constructor(host: SenderHost) {
    this.#host = host;
    this.#lastSent = host.options.clock.now;
  }

  /** The other side does not read, and what waits for it has reached the bound. */
  get congested(): boolean {
    return this.#full && this.#queuedBytes > this.#host.options.limits.maxQueuedBytes;
  }

  /** Nothing waits here or in the channel. */
  get idle(): boolean {
    return this.#outbox.length === 0 && !this.#full;
  }

  get unsentCalls(): number {
    return this.#outbox.calls;
  }

  /** Messages that wait. */
  get queued(): number {
    return this.#outbox.length;
  }

  /** Estimated bytes that wait because the other side does not read. */
  get queuedBytes(): number {
    return Math.round(this.#queuedBytes);
  }

  get lastSent(): number {
    return this.#lastSent;
  }

  start(): void {
    if (this.#state !== "held") return;
    this.#state = "open";
    this.flush();
  }

  stop(): void {
    this.#state = "stopped";
    this.#stopTimer?.();
  }

  /** Queues a message; it leaves at the end of this turn, or earlier. */
  post(message: Outgoing): void {
    if (this.#state === "stopped") return failAll(message);
    const waits = this.#full || this.#state === "held";
    const kept = waits ? this.#keep(message) : message;
    if (kept === undefined) return;
    const queued = this.#outbox.push(kept);
    if (!waits) this.#bulk += glanceBytes(kept);
    if (queued >= this.#flushAt || this.#bulk >= FLUSH_BULK) return this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#flushNow ??= () => {
      this.#scheduled = false;
      this.flush();
    };
    const { flushDelayMs, clock } = this.#host.options;
    if (flushDelayMs === undefined || flushDelayMs === 0) soon(this.#flushNow);
    else this.#stopTimer = after(clock, flushDelayMs, this.#flushNow);
  }

  /**
   * Makes room for one more request, or says no. What only waits for the end of this turn is not "unsent": it leaves
   * first, and only a full channel costs the oldest call its place. A notification takes nobody's. `ahead` calls of its
   * batch have room already.
   */
  hasRoom(kind: RequestMessage["kind"], ahead: number): boolean {
    const { maxPending } = this.#host.options.limits;
    const waiting = (): number => (kind === "call" ? ahead + this.#outbox.calls : this.#outbox.length);
    if (waiting() < maxPending) return true;
    this.flush();
    return waiting() < maxPending || (kind === "call" && this.#outbox.makeRoom(ahead + 1, maxPending));
  }

  /** Sends what waits, as far as the channel takes it. */
  flush(): void {
    // A `toJSON` of the user's may make a call while its value is encoded: codecs are not re-entered.
    if (this.#flushing) return;
    this.#flushing = true;
    this.#host.meter.lap();
    while (this.#state === "open" && !this.#full && this.#outbox.length > 0) {
      const waiting = this.#outbox.length;
      const messages = this.#outbox.take(MESSAGES_PER_ENCODE);
      this.#queuedBytes *= this.#outbox.length / waiting;
      this.#bulk = 0;
      for (const message of messages) this.#prepare(message);
      this.write(messages);
      this.#checkOwed();
    }
    this.#flushing = false;
  }

  /** Encodes and sends past the outbox: the opening of a link, and `flush`. */
  write(messages: readonly Message[]): void {
    const { codec, channel, counters, options } = this.#host;
    this.#cannot ??= (message, reason) => this.#onUnencodable(message, reason);
    let frames: readonly Frame[];
    try {
      frames = codec.encode(messages, this.#cannot);
    } catch (thrown) {
      const error = protocolError("The codec failed to encode", { cause: thrown });
      this.#host.broken(error);
      // The calls are in the pending table; of these notifications nobody else knows.
      for (const note of notesOf(messages)) note.fail(error);
      return;
    }
    counters.flushes++;
    counters.sent += messages.length;
    if (this.#notes) this.#tellNotes(messages);
    if (frames.length === 0) return;
    this.#lastSent = options.clock.now;
    this.#adapt(frames, messages.length);
    const full = channel.send(frames);
    if (full !== undefined) this.#wait(full);
  }

  /** Gives back the requests that were not sent, or those of them that are wanted; replies stay. */
  takeUnsent(wanted: typeof isItem = isItem): OutgoingItem[] {
    const waiting = this.#outbox.length;
    const taken = this.#outbox.extract(wanted);
    if (waiting > 0) this.#queuedBytes *= this.#outbox.length / waiting;
    return taken;
  }

  /** A call in here was given up. */
  forget(): void {
    this.#outbox.forget();
  }

  expire(now: number): number {
    const { maxQueuedBytes } = this.#host.options.limits;
    const isStalled = this.#full && now - this.#fullSince >= STALLED_MS;
    if (isStalled && this.#queuedBytes > maxQueuedBytes * STALLED) this.#host.broken(doesNotRead());
    return this.#outbox.expire(now);
  }

  /** This process stood still for so long: nobody could see that the channel takes more. */
  excuse(pausedMs: number): void {
    this.#fullSince += pausedMs;
  }

  /** So many messages came at once. */
  heard(messages: number): void {
    this.#burst = Math.max(messages, this.#burst - (this.#burst >> 3));
  }

  /**
   * Counts what has to wait, and gives what is kept of it. Requests of this end are refused before they come here, so one of
   * them is kept whatever its size; what handlers reply that had begun is kept while that is possible at all.
   */
  #keep(message: Outgoing): Outgoing | undefined {
    const { maxQueuedBytes } = this.#host.options.limits;
    const bytes = roughBytes(message);
    const kept = this.#queuedBytes + bytes > maxQueuedBytes * MOST_KEPT ? this.#withoutValue(message) : message;
    this.#queuedBytes += kept === message ? bytes : roughBytes(kept);
    const perMessage = this.#full ? BYTES_PER_MESSAGE : BYTES_PER_HELD_MESSAGE;
    if (isItem(message) || this.#outbox.length * perMessage <= maxQueuedBytes) return kept;
    this.#host.broken(doesNotRead());
    return undefined;
  }

  /** Replies as the errors that say why they are not kept; other messages as they are. */
  #withoutValue<Kind extends Message>(message: Kind): Kind | ErrorMessage | BatchMessage {
    if (message.kind === "result" || message.kind === "error") return this.#replacement(message, tooMuchWaits());
    if (message.kind !== "batch" || message instanceof OutgoingBatch) return message;
    return { kind: "batch", messages: message.messages.map((each) => this.#withoutValue(each)) };
  }

  #prepare(message: Outgoing): void {
    if (message.kind === "call") this.#assign(message);
    else if (message.kind === "notify") this.#notes = true;
    else if (message instanceof OutgoingBatch) {
      this.#notes = true;
      for (const member of message.messages) if (member.kind === "call") this.#assign(member);
    }
  }

  #assign(call: OutgoingCall): void {
    if (call.timeoutMs !== undefined) {
      call.timeoutMs = Math.max(1, Math.min(call.timeoutMs, call.deadline - this.#host.options.clock.now));
    }
    this.#host.calls.add(call);
  }

  /** An end that takes calls and never answers is stuck, and holding on to it would be growth without a bound. */
  #checkOwed(): void {
    const { calls, options } = this.#host;
    if (calls.size <= options.limits.maxPending * STUCK) return;
    const why = `The other side owes ${calls.size} replies and is taken for stuck`;
    this.#host.broken(new RpcError("unavailable", why));
  }

  #tellNotes(messages: readonly Message[]): void {
    this.#notes = false;
    const notes = notesOf(messages);
    this.#host.counters.notificationsSent += notes.length;
    for (const note of notes) note.taken();
  }

  /** Decides when the next flush leaves by itself: two trains at a time keep both ends busy. */
  #adapt(frames: readonly Frame[], messages: number): void {
    let bytes = 0;
    for (const frame of frames) bytes += frame.length;
    const { calls } = this.#host;
    const least = calls.size === 0 ? FLUSH_LEAST_REPLIES : FLUSH_LEAST;
    const part = Math.ceil(Math.max(calls.size, this.#burst) / FLUSH_PART);
    const filling = Math.ceil((FLUSH_BYTES * messages) / bytes);
    this.#flushAt = Math.max(4, Math.min(filling, FLUSH_MOST, Math.max(part, least)));
  }

  #wait(full: Promise<void>): void {
    this.#full = true;
    this.#fullSince = this.#host.options.clock.now;
    void full.then(() => {
      this.#full = false;
      this.flush();
      this.#host.sendingEased();
    });
  }

  /** A message that the codec cannot say fails alone: a request at its caller, a reply as an error in its place. */
  #onUnencodable(message: Message, reason: unknown): Message | undefined {
    const cause = RpcError.is(reason) ? reason : new RpcError("invalid_argument", wordsOf(reason));
    if (message instanceof OutgoingCall || message instanceof OutgoingNote) {
      if (message.kind === "call") this.#host.calls.take(message.id);
      message.fail(unsendable(message, cause, reason));
      return undefined;
    }
    if (message.kind !== "result" && message.kind !== "error") return undefined;
    return this.#replacement(message, cause, reason);
  }

  #replacement(reply: ResultMessage | ErrorMessage, cause: RpcError, reason?: unknown): ErrorMessage {
    const code = cause.code === "invalid_argument" ? "internal" : cause.code;
    if (reply.kind === "result") countCode(this.#host.counters, "servedErrorsByCode", code);
    const error = new RpcError(code, `The reply cannot be sent: ${printable(cause.message)}`, {
      cause: reason,
      executed: "yes",
    });
    this.#host.unsendable(error);
    return { kind: "error", id: reply.id, error, call: reply.call };
  }
}

/** Nobody else would say what became of a request. */
function failAll(message: Outgoing): void {
  if (!isItem(message)) return;
  const why = ({ kind, method }: OutgoingRequest): string => `Cannot ${kind} "${method}": the link is closed`;
  for (const each of requestsOf(message)) each.fail(new RpcError("unavailable", why(each), { executed: "no" }));
}

function doesNotRead(): RpcError {
  return new RpcError("resource_exhausted", "The other side does not read what it is sent");
}

function tooMuchWaits(): RpcError {
  const why = `more than ${MOST_KEPT} times maxQueuedBytes wait for the other side, which reads slower than handlers reply`;
  return new RpcError("resource_exhausted", why);
}

/** This end's notifications, members of batches with them. */
function notesOf(messages: readonly Message[]): OutgoingNote[] {
  return messages
    .flatMap((message) => (message.kind === "batch" ? message.messages : [message]))
    .filter((message) => message instanceof OutgoingNote);
}

function unsendable(request: OutgoingRequest, cause: RpcError, reason: unknown): RpcError {
  const message = `Cannot send "${request.method}": ${cause.message}`;
  return new RpcError(cause.code, message, { cause: reason, executed: "no", wireCode: cause.wireCode });
}
