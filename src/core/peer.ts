import { type AdmissionHost, admit } from "./admission.ts";
import { Calling, type CallingHost } from "./calling.ts";
import type { Channel, CloseReason, Role } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { after, checkMs } from "./clock.ts";
import type { Codec, CodecLink } from "./codec.ts";
import type { BatchMember, BatchOutcome, CloseOptions, Connection } from "./context.ts";
import { DEFAULT_GRACE_MS, farewellOf } from "./context.ts";
import { type Code, type Fault, RpcError } from "./errors.ts";
import type { Dispatcher } from "./handlers.ts";
import type { Limits, Slots } from "./limits.ts";
import type { Heartbeat } from "./liveness.ts";
import type { Logger } from "./logger.ts";
import type { BatchMessage, GoodbyeMessage, Hello, Id, ReplyMessage } from "./message.ts";
import { Meter } from "./meter.ts";
import type { Middleware } from "./middleware.ts";
import { Opening, type OpeningHost, refusedBy } from "./opening.ts";
import type {
  Begun,
  CallListener,
  CallOptions,
  CheckedCallOptions,
  OutgoingCall,
  OutgoingItem,
  OutgoingRequest,
} from "./outgoing.ts";
import { isAsking, lost, requestsOf } from "./outgoing.ts";
import { Pending } from "./pending.ts";
import { Receiver, type ReceiverHost } from "./receiver.ts";
import { Rounds } from "./rounds.ts";
import { Sender, type SenderHost } from "./sender.ts";
import { Service, type ServiceHost } from "./service.ts";
import type { Counters, Gauges, Stats } from "./stats.ts";
import { countCode, countServed, newAttempts, newCounters, statsOf } from "./stats.ts";
import { printable } from "./text.ts";
import { Watch, type WatchHost } from "./watch.ts";
import type { Wire } from "./wire.ts";

const CLOSED = "the link is closed";

/** What is known of one link only. */
export interface AboutLink {
  readonly remoteAddress?: string | undefined;
  readonly identity?: unknown;
  /** No other connection can take its place. */
  readonly once?: boolean | undefined;
  /** What counts the bytes of the connection already. */
  readonly counters?: Counters | undefined;
}

/** What a peer is made with; clients and servers fill it in. */
export interface PeerOptions extends AboutLink {
  readonly role: Role;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly logger: Logger;
  /** Places for handlers, shared with the other peers of a server. */
  readonly slots: Slots;
  /** Measures for the client or server that the link belongs to; a peer without one measures for itself. */
  readonly meter?: Meter | undefined;
  /** Visits the link in turn with the others of its client or server; a peer without them has its own. */
  readonly rounds?: Rounds | undefined;
  /** Overrides the wire's own rule. */
  readonly ordered?: boolean | undefined;
  /** Default time of this end's calls. */
  readonly timeoutMs?: number | undefined;
  /** Middleware around this end's calls. */
  readonly middleware?: readonly Middleware[] | undefined;
  readonly heartbeat: Heartbeat;
  readonly flushDelayMs?: number | undefined;
  /** What this end says about itself; a dialler whose wire has a hello says it first. */
  readonly hello?: Hello | undefined;
  /** Accepter: sees the dialler's hello and returns the welcome; throws to refuse. */
  readonly onHello?: ((peer: Peer, hello: Hello) => Hello | undefined) | undefined;
  /** Takes over the requests that this link did not settle; without it they fail. `sent` tells those that may have run. */
  readonly onOrphans?: ((items: readonly OutgoingItem[], reason: CloseReason) => void) | undefined;
  readonly onGoodbye?: ((peer: Peer, goodbye: GoodbyeMessage) => void) | undefined;
  /** The other side sends nothing more and so answers no more calls, though what it asked may still be answered. */
  readonly onRemoteEnded?: ((peer: Peer) => void) | undefined;
  /** The link has ended; told only of one that was `established`, a little later. */
  readonly onEnded?: ((peer: Peer, reason: CloseReason) => void) | undefined;
}

/**
 * The engine at one end of a link: owns the channel and the codec from construction to `closed`. Its parts know it by the
 * interface of what each of them needs: an idle link is a few objects, and no closures between them.
 */
export class Peer
  implements
    AdmissionHost,
    CallingHost,
    CodecLink,
    Connection,
    OpeningHost,
    ReceiverHost,
    SenderHost,
    ServiceHost,
    WatchHost
{
  data: unknown = undefined;
  readonly remoteAddress: string | undefined;
  readonly identity: unknown;
  /** No other link can take its place. */
  readonly isOnce: boolean;
  readonly options: PeerOptions;
  readonly channel: Channel;
  readonly codec: Codec;
  readonly counters: Counters;
  readonly meter: Meter;
  /** This end's calls that wait for a reply. */
  readonly calls: Pending = new Pending();
  readonly opening: Opening;
  readonly sender: Sender;
  readonly service: Service;
  readonly receiver: Receiver;
  readonly watch: Watch;
  readonly wire: Wire;
  #calling: Calling | undefined = undefined;
  #maxFrameBytes: number;
  #isEstablished = false;
  #isDraining = false;
  #isRemoteDraining = false;
  #hasRemoteEnded = false;
  #hasWarned = false;
  /** What the owner wants to be said at the end. */
  #farewell: CloseReason | undefined = undefined;
  /** Why the link has ended. */
  #reason: CloseReason | undefined = undefined;
  #closed: Promise<CloseReason> | undefined = undefined;
  #settleClosed: ((reason: CloseReason) => void) | undefined = undefined;

  /** Many peers may share `options`: a server has one of them for all its links. */
  constructor(channel: Channel, wire: Wire, options: PeerOptions, about: AboutLink = options) {
    const { clock, limits, timeoutMs } = options;
    if (timeoutMs !== undefined) checkMs("timeoutMs", timeoutMs);
    this.channel = channel;
    this.wire = wire;
    this.options = options;
    this.counters = about.counters ?? newCounters();
    this.meter = options.meter ?? new Meter(clock, () => this.gauges());
    this.meter.join(this.counters);
    this.#maxFrameBytes = limits.maxFrameBytes;
    this.remoteAddress = about.remoteAddress;
    this.identity = about.identity;
    this.isOnce = about.once === true;
    this.calls.nextId = wire.firstId ?? 1;
    this.codec = wire.codec(this);
    this.sender = new Sender(this);
    this.service = new Service(this);
    this.opening = new Opening(this);
    this.watch = new Watch(this, options.rounds ?? new Rounds(clock));
    this.receiver = new Receiver(this);
    channel.open(this.receiver);
    this.opening.begin();
  }

  // ---- what the codec may ask

  get role(): Role {
    return this.options.role;
  }
  get limits(): Limits {
    return this.options.limits;
  }
  get clock(): Clock {
    return this.options.clock;
  }
  get maxFrameBytes(): number {
    return this.#maxFrameBytes;
  }
  get meets(): boolean {
    const { role, hello, onHello } = this.options;
    return (role === "client" ? hello : onHello) !== undefined;
  }
  pending(id: Id): OutgoingCall | undefined {
    return this.calls.get(id);
  }
  running(id: Id): boolean {
    return this.service.has(id);
  }

  // ---- what everybody may ask

  /** Resolves when the link has ended and everything on it has settled; never rejects. */
  get closed(): Promise<CloseReason> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#reason !== undefined) resolve(this.#reason);
      else this.#settleClosed = resolve;
    });
    return this.#closed;
  }
  get isClosed(): boolean {
    return this.#reason !== undefined;
  }
  /** Resolves when the wire's opening is over; rejects when the link ends before. */
  get opened(): Promise<void> {
    return this.opening.done;
  }
  get hello(): Hello | undefined {
    return this.opening.remote;
  }
  /** Whether new calls can be sent. */
  get isOpen(): boolean {
    return (
      this.opening.isDone && !this.isClosed && !this.#isDraining && !this.#isRemoteDraining && !this.#hasRemoteEnded
    );
  }
  /** Calls that wait to be sent or for a reply. */
  get pendingCount(): number {
    return this.calls.size + this.sender.unsentCalls;
  }
  /** Handlers that run. */
  get runningCount(): number {
    return this.service.running;
  }
  /** Requests that wait to be started. */
  get waitingCount(): number {
    return this.service.waiting;
  }
  /** Estimated bytes of messages that wait because the other side does not read. */
  get queuedBytes(): number {
    return this.sender.queuedBytes;
  }
  /** Whether this end takes what the other side sends. */
  get isReading(): boolean {
    return this.receiver.isReading;
  }

  stats(): Stats {
    const connections = this.isClosed ? 0 : 1;
    return statsOf(this.counters, { ...newAttempts(), ...this.meter.times(), ...this.gauges(), connections });
  }

  resetStats(): void {
    if (this.options.meter === undefined) this.meter.reset();
    else this.meter.resetLink(this.counters);
  }

  gauges(): Gauges {
    return {
      pending: this.pendingCount,
      running: this.runningCount,
      waiting: this.waitingCount,
      queued: this.sender.queued,
      queuedBytes: this.queuedBytes,
    };
  }

  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#callingHalf.call(method, params, options);
  }

  /** As `call`, with a listener in place of a promise, and another way to give up than a signal; `options` has none. */
  begin(method: string, params: unknown, options: CallOptions, listener: CallListener): Begun {
    return this.#callingHalf.begin(method, params, options, listener);
  }

  notify(method: string, params?: unknown, options?: CallOptions): Promise<void> {
    return this.#callingHalf.notify(method, params, options);
  }

  batch(members: readonly BatchMember[], options?: CallOptions): Promise<BatchOutcome[]> {
    return this.#callingHalf.batch(members, options);
  }

  /** Made when first needed: few servers call. */
  get #callingHalf(): Calling {
    this.#calling ??= new Calling(this, this.options);
    return this.#calling;
  }

  /** From here on the link counts: whoever saw it come will see it go. */
  established(): void {
    this.#isEstablished = true;
    if (this.#reason !== undefined) this.#tellEnded(this.#reason);
  }

  /** Begins to serve the other side's requests; those that came before have waited. */
  serve(dispatcher: Dispatcher): void {
    this.service.serve(dispatcher);
  }

  /** Takes requests from a caller or from the client's queue; settles them or hands them back through `onOrphans`. */
  submit(item: OutgoingItem): void {
    this.watch.wake();
    // A client may have another link for it by now, as one has that moves.
    if (this.#isRemoteDraining && !this.isClosed && this.options.onOrphans !== undefined) {
      return this.#giveBack([item], { message: "the other side is closing" });
    }
    const admitted = admit(this, item);
    if (admitted === undefined) return;
    // To make room the peer has flushed, which may have shown that the link is broken.
    if (this.isClosed) return this.#giveBack([admitted], { message: CLOSED });
    this.sender.post(admitted);
    this.receiver.readOn();
  }

  /** A caller gave up (called by the call itself). */
  abandoned(call: OutgoingCall): void {
    if (!call.sent) return this.sender.forget();
    if (this.calls.take(call.id) !== undefined) this.#sayCancel(call.id);
  }

  /** A call failed without a reply (called by the call itself). */
  failed(call: OutgoingCall, code: Code): void {
    countCode(this.counters, "failuresByCode", code);
    this.meter.callEnded(call);
  }

  cancelIncoming(id: string): void {
    this.service.giveUp(id);
    // Numbers are what most ids are, and their text is their digits.
    if (String(Number(id)) === id) this.service.giveUp(Number(id));
  }

  async close(options: CloseOptions = {}): Promise<void> {
    const { graceMs = DEFAULT_GRACE_MS } = options;
    this.#farewell = farewellOf(options) ?? this.#farewell;
    if (graceMs > 0) return this.drain(graceMs);
    this.end();
    await this.closed;
  }

  /**
   * Gives up every call of this end, with the error that `errorOf` makes for each; the other side is told where the wire can say
   * so. Notifications that wait still leave.
   */
  giveUp(errorOf: (request: OutgoingRequest) => RpcError): void {
    for (const call of this.calls.takeAll()) {
      call.fail(errorOf(call));
      this.#sayCancel(call.id);
    }
    for (const request of this.sender.takeUnsent(isAsking).flatMap(requestsOf)) {
      if (request.kind === "call") request.fail(errorOf(request));
      else this.sender.post(request);
    }
  }

  /** Stops serving new requests, answers the accepted ones, then closes; at `graceMs` it closes anyway. */
  async drain(graceMs: number, text = "draining", redialAfterMs?: number): Promise<void> {
    if (this.isClosed) return;
    if (!this.#isDraining && this.codec.carries.goodbye) {
      this.sender.post({ kind: "goodbye", text, redialAfterMs });
      this.watch.cross();
    } else if (redialAfterMs !== undefined) this.#farewell ??= { message: text, redialAfterMs };
    this.#isDraining = true;
    this.watch.wake();
    this.service.refuse();
    const stop = after(this.options.clock, graceMs, () =>
      this.end(this.#farewell ?? { message: `Not drained within ${graceMs} ms` }),
    );
    this.#closeWhenDone();
    await this.closed;
    stop();
  }

  /** Ends a link that is not wanted. The other side is told why and when to try again, where the wire can say so. */
  refuse(error: RpcError): void {
    if (this.isClosed) return;
    this.opening.sayRefused(error);
    this.#dismiss({ message: error.message, error });
  }

  /** Closes at once; everything outstanding has settled when it returns. */
  end(reason: CloseReason = this.#farewell ?? { message: "Closed by this end" }): void {
    if (this.isClosed) return;
    this.sender.flush();
    this.channel.close(this.#hasRemoteEnded ? reason : (this.wire.closing?.(reason, this.role) ?? reason));
    this.#onClosed(reason);
  }

  // ---- what the parts ask and say

  get isOrdered(): boolean {
    return this.options.ordered ?? this.wire.ordered;
  }
  get isCongested(): boolean {
    return this.sender.congested;
  }
  get hasRemoteEnded(): boolean {
    return this.#hasRemoteEnded;
  }
  get isEnding(): boolean {
    return this.#isDraining || this.#hasRemoteEnded;
  }
  /** Why no new request of this end is taken. */
  barred(kind: OutgoingRequest["kind"]): string | undefined {
    if (this.isClosed) return CLOSED;
    if (this.#hasRemoteEnded && this.channel.repliesOnly === true) return "nothing but the answer can be said here";
    // It may still read: a handler tells how far it is, and is then answered.
    if (this.#hasRemoteEnded && kind === "call") return "the other side has ended, and answers nothing more";
    return this.#isRemoteDraining ? "the other side is closing" : undefined;
  }

  welcome(hello: Hello): Hello | undefined {
    return this.options.onHello?.(this, hello);
  }

  met({ nextId, maxFrameBytes }: Hello): void {
    if (nextId !== undefined) this.calls.from(nextId);
    if (maxFrameBytes !== undefined) this.#maxFrameBytes = Math.min(this.#maxFrameBytes, maxFrameBytes);
  }

  answer(reply: ReplyMessage | BatchMessage): void {
    countServed(this.counters, reply);
    this.sender.post(reply);
  }

  served(): void {
    this.#closeWhenDone();
  }

  waitedEnough(): void {
    this.#closeWhenDone();
  }

  sendingEased(): void {
    this.service.resume();
    this.#closeWhenDone();
  }

  servingEased(): void {
    if (this.service.waiting <= this.options.limits.maxWaiting / 2) this.receiver.readOn();
    this.#closeWhenDone();
  }

  unsendable(error: RpcError): void {
    this.options.logger.warn(error.message, error.cause);
  }

  handlerFailed(error: RpcError, method: string): void {
    const what = `The handler of "${printable(method)}" failed, trace ${error.trace ?? ""}`;
    this.options.logger.error(what, error.cause);
  }

  notificationFailed({ code, message, trace }: Fault, method: string): void {
    const { logger } = this.options;
    countCode(this.counters, "servedErrorsByCode", code);
    const what = `The notification "${printable(method)}" came to nothing: ${printable(message)}`;
    // What is not known here may be meant for others, and what has a trace stands in the log. Of the rest one line is enough.
    const isNoNews = code === "unimplemented" || trace !== undefined || this.#isDraining;
    if (isNoNews || this.#hasWarned) return logger.debug(what);
    this.#hasWarned = true;
    logger.warn(`${what} (more of this link are logged as debug)`);
  }

  expired(call: OutgoingCall): void {
    const why = `Cannot call "${call.method}": no reply within ${Math.round(call.givenMs)} ms`;
    call.fail(new RpcError("deadline_exceeded", why, { executed: "unknown" }));
    this.#sayCancel(call.id);
  }

  /** The other side will send nothing more: no reply can come, but ours still go out. */
  onRemoteEnded(): void {
    if (this.isClosed) return;
    this.#hasRemoteEnded = true;
    this.options.onRemoteEnded?.(this);
    this.receiver.readOn();
    const reason: CloseReason = { message: "the other side has ended" };
    this.#giveBack(this.calls.takeAll(), reason);
    this.#giveBack(this.sender.takeUnsent(isAsking), reason);
    this.#closeWhenDone();
  }

  /** The channel has closed: by the other side, or by its own framing or transport. */
  onLost(reason: CloseReason): void {
    if (!this.isClosed && reason.error !== undefined) this.#sayBroken(reason.error);
    this.#onClosed(reason, true);
    this.meter.leave(this.counters);
  }

  onGoodbye(goodbye: GoodbyeMessage): void {
    this.#isRemoteDraining = true;
    this.options.onGoodbye?.(this, goodbye);
    if (!this.opening.isDone) return this.#dismiss(refusedBy(goodbye));
    this.#giveBack(this.sender.takeUnsent(), { message: goodbye.text });
  }

  /** Not as a broken link, which closes without sending what was written. */
  #dismiss(reason: CloseReason): void {
    this.channel.close(this.wire.closing?.(reason, this.role) ?? { message: reason.message });
    this.#onClosed(reason);
  }

  /** Refused by an end that drains: the call did not run, so a client may give it to another link. */
  takesOver(call: OutgoingCall, error: Fault): boolean {
    if (!this.#isRemoteDraining || this.options.onOrphans === undefined) return false;
    call.sent = false;
    this.options.onOrphans([call], { message: error.message });
    return true;
  }

  /** The link cannot go on. */
  broken(error: RpcError): void {
    if (this.isClosed) return;
    this.#sayBroken(error);
    const reason: CloseReason = { message: error.message, error };
    this.channel.close(reason);
    this.#onClosed(reason);
  }

  // ---- the end

  #sayCancel(id: Id): void {
    this.channel.abandoned?.(id);
    if (this.codec.carries.cancel) this.sender.post({ kind: "cancel", id });
  }

  #closeWhenDone(): void {
    if (!(this.#isDraining || this.#hasRemoteEnded) || this.isClosed || !this.service.idle) return;
    if (this.watch.isCrossing && !this.#hasRemoteEnded) return;
    // First, because a call that leaves now is one more to wait for.
    this.sender.flush();
    if (!this.#hasRemoteEnded && this.calls.size > 0) return;
    if (this.sender.idle)
      this.end(this.#farewell ?? { message: this.#hasRemoteEnded ? "The other side has ended" : "Drained" });
  }

  /** A lost connection is the way of the world; whatever else breaks a link is somebody's mistake. */
  #sayBroken(error: RpcError): void {
    const { logger } = this.options;
    const what = `The link to ${this.remoteAddress ?? "the other side"} broke: ${printable(error.message)}`;
    if (error.code === "unavailable") logger.info(what);
    else logger.warn(what);
  }

  #onClosed(given: CloseReason, byOther = false): void {
    if (this.isClosed) return;
    const reason = this.wire.closed?.(given) ?? given;
    this.#reason = reason;
    this.watch.stop();
    this.sender.stop();
    this.service.stop(new RpcError("unavailable", "The link is closed"), byOther);
    this.receiver.readOn();
    this.#orphan(reason);
    this.opening.fail(reason.error ?? new RpcError("unavailable", reason.message, { wireCode: reason.closeCode }));
    this.#settleClosed?.(reason);
    if (this.#isEstablished) this.#tellEnded(reason);
  }

  #tellEnded(reason: CloseReason): void {
    queueMicrotask(() => this.options.onEnded?.(this, reason));
  }

  #orphan(reason: CloseReason): void {
    for (const id of reason.unsent ?? []) {
      const call = this.calls.get(id);
      if (call !== undefined) call.sent = false;
    }
    this.#giveBack(this.calls.takeAll(), reason);
    this.#giveBack(this.sender.takeUnsent(), reason);
  }

  #giveBack(items: readonly OutgoingItem[], reason: CloseReason): void {
    if (items.length === 0) return;
    if (this.options.onOrphans !== undefined) return this.options.onOrphans(items, reason);
    for (const item of items) for (const request of requestsOf(item)) request.fail(lost(request, reason));
  }
}
