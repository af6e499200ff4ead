import { Admission } from "./admission.ts";
import { Calling } from "./calling.ts";
import type { Channel, CloseReason, Role } from "./channel.ts";
import type { Clock } from "./clock.ts";
import { after } from "./clock.ts";
import type { Codec, CodecLink } from "./codec.ts";
import type { BatchMember, BatchOutcome, CloseOptions, Connection } from "./context.ts";
import { DEFAULT_GRACE_MS } from "./context.ts";
import { type Code, type Fault, RpcError } from "./errors.ts";
import type { Dispatcher } from "./handlers.ts";
import type { Limits, Slots } from "./limits.ts";
import type { Heartbeat } from "./liveness.ts";
import type { Logger } from "./logger.ts";
import type { GoodbyeMessage, Hello, Id } from "./message.ts";
import { Meter } from "./meter.ts";
import type { Middleware } from "./middleware.ts";
import { Opening } from "./opening.ts";
import type {
  CallOptions,
  CheckedCallOptions,
  Holder,
  OutgoingCall,
  OutgoingItem,
  OutgoingRequest,
} from "./outgoing.ts";
import { lost, requestsOf } from "./outgoing.ts";
import { Pending } from "./pending.ts";
import { Receiver } from "./receiver.ts";
import { Rounds } from "./rounds.ts";
import { Sender } from "./sender.ts";
import { Service } from "./service.ts";
import type { Counters, Gauges, Stats } from "./stats.ts";
import { countCode, countServed, newAttempts, newCounters, statsOf } from "./stats.ts";
import { printable } from "./text.ts";
import { Watch } from "./watch.ts";
import type { Wire } from "./wire.ts";

/** What is known of one link only. */
export interface AboutLink {
  readonly remoteAddress?: string | undefined;
  readonly identity?: unknown;
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
}

/** The engine at one end of a link: owns the channel and the codec from construction to `closed`. */
export class Peer implements Holder, Connection, CodecLink {
  data: unknown = undefined;
  readonly remoteAddress: string | undefined;
  readonly identity: unknown;
  readonly closed: Promise<CloseReason>;

  readonly #channel: Channel;
  readonly #wire: Wire;
  readonly #codec: Codec;
  readonly #options: PeerOptions;
  readonly #counters: Counters;
  readonly #meter: Meter;
  readonly #pending = new Pending();
  readonly #opening: Opening;
  readonly #sender: Sender;
  readonly #service: Service;
  readonly #receiver: Receiver;
  readonly #calling: Calling;
  readonly #admission: Admission;
  readonly #watch: Watch;
  #isClosed = false;
  #maxFrameBytes: number;
  #draining = false;
  #remoteDraining = false;
  #remoteEnded = false;
  #settleClosed: (reason: CloseReason) => void = () => {};

  /** Many peers may share `options`: a server has one of them for all its links. */
  constructor(channel: Channel, wire: Wire, options: PeerOptions, about: AboutLink = options) {
    const { clock, limits } = options;
    this.#channel = channel;
    this.#wire = wire;
    this.#options = options;
    this.#counters = about.counters ?? newCounters();
    this.#meter = options.meter ?? new Meter(clock, () => this.gauges());
    this.#meter.join(this.#counters);
    this.#maxFrameBytes = limits.maxFrameBytes;
    this.remoteAddress = about.remoteAddress;
    this.identity = about.identity;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#pending.nextId = wire.firstId ?? 1;
    this.#codec = wire.codec(this);
    this.#sender = new Sender({
      channel,
      codec: this.#codec,
      pending: this.#pending,
      limits,
      clock,
      counters: this.#counters,
      meter: this.#meter,
      flushDelayMs: options.flushDelayMs,
      broken: (error) => this.#break(error),
      eased: () => {
        this.#service.resume();
        this.#closeWhenDone();
      },
      unsendable: (error) => options.logger.warn(error.message, error.cause),
    });
    this.#service = new Service({
      connection: this,
      slots: options.slots,
      limits,
      meter: this.#meter,
      ordered: options.ordered ?? wire.ordered,
      answersCancelled: this.#codec.carries.answersCancelled,
      answer: (reply) => {
        countServed(this.#counters, reply);
        this.#sender.post(reply);
      },
      congested: () => this.#sender.congested,
      eased: () => this.#eased(),
      failed: (error, method) =>
        options.logger.error(`The handler of "${printable(method)}" failed, trace ${error.trace ?? ""}`, error.cause),
    });
    this.#calling = new Calling({
      clock,
      meter: this.#meter,
      timeoutMs: options.timeoutMs,
      middleware: options.middleware ?? [],
      submit: (item) => this.submit(item),
    });
    this.#opening = new Opening({
      role: options.role,
      carries: this.#codec.carries,
      hello: options.hello,
      onHello: (hello) => options.onHello?.(this, hello),
      write: (messages) => this.#sender.write(messages),
      met: (hello) => this.#meet(hello),
      opened: () => this.#sender.start(),
      broken: (error) => this.#break(error),
    });
    this.#admission = new Admission({
      codec: this.#codec,
      sender: this.#sender,
      counters: this.#counters,
      holder: this,
      barred: () => this.#barred(),
    });
    this.#watch = new Watch({
      clock,
      rounds: options.rounds ?? new Rounds(clock),
      heartbeat: options.heartbeat,
      pending: this.#pending,
      sender: this.#sender,
      service: this.#service,
      counters: this.#counters,
      canPing: () => this.#codec.carries.ping && this.#opening.isDone,
      isReading: () => this.isReading,
      isEnding: () => this.#draining || this.#remoteEnded,
      expired: (call) => {
        call.fail(this.#timeout(call));
        this.#sayCancel(call.id);
      },
      eased: () => this.#closeWhenDone(),
      silent: (error) => this.#break(error),
    });
    this.#receiver = new Receiver({
      codec: this.#codec,
      pending: this.#pending,
      opening: this.#opening,
      sender: this.#sender,
      service: this.#service,
      watch: this.#watch,
      limits,
      clock,
      logger: options.logger,
      counters: this.#counters,
      meter: this.#meter,
      isClosed: () => this.#isClosed,
      served: () => this.#closeWhenDone(),
      broken: (error) => this.#break(error),
      goodbye: (message) => this.#onGoodbye(message),
      pong: () => this.#watch.pong(),
      takesOver: (call, error) => this.#takesOver(call, error),
    });
    channel.open({
      frames: (frames) => this.#receiver.frames(frames),
      skipped: (head, reason) => this.#receiver.skipped(head, reason),
      ended: () => this.#onEnded(),
      closed: (reason) => this.#onLost(reason),
    });
    this.#opening.begin();
  }

  // ---- what the codec may ask

  get role(): Role {
    return this.#options.role;
  }
  get limits(): Limits {
    return this.#options.limits;
  }
  get clock(): Clock {
    return this.#options.clock;
  }
  get maxFrameBytes(): number {
    return this.#maxFrameBytes;
  }
  pending(id: Id): OutgoingCall | undefined {
    return this.#pending.get(id);
  }
  running(id: Id): boolean {
    return this.#service.has(id);
  }

  // ---- what everybody may ask

  /** Resolves when the wire's opening is over; rejects when the link ends before. */
  get opened(): Promise<void> {
    return this.#opening.done;
  }
  get hello(): Hello | undefined {
    return this.#opening.remote;
  }
  /** Whether new calls can be sent. */
  get isOpen(): boolean {
    return this.#opening.isDone && !this.#isClosed && !this.#draining && !this.#remoteDraining && !this.#remoteEnded;
  }
  /** Calls that wait to be sent or for a reply. */
  get pendingCount(): number {
    return this.#pending.size + this.#sender.unsentCalls;
  }
  /** Handlers that run. */
  get runningCount(): number {
    return this.#service.running;
  }
  /** Requests that wait to be started. */
  get waitingCount(): number {
    return this.#service.waiting;
  }
  /** Estimated bytes of messages that wait because the other side does not read. */
  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }
  /** Whether this end takes what the other side sends. */
  get isReading(): boolean {
    return this.#receiver.isReading;
  }

  stats(): Stats {
    const connections = this.#isClosed ? 0 : 1;
    return statsOf(this.#counters, { ...newAttempts(), ...this.#meter.times(), ...this.gauges(), connections });
  }

  resetStats(): void {
    if (this.#options.meter === undefined) this.#meter.reset();
    else this.#meter.resetLink(this.#counters);
  }

  gauges(): Gauges {
    return {
      pending: this.pendingCount,
      running: this.runningCount,
      waiting: this.waitingCount,
      queued: this.#sender.queued,
      queuedBytes: this.queuedBytes,
    };
  }

  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#calling.call(method, params, options);
  }

  notify(method: string, params?: unknown, options?: CallOptions): Promise<void> {
    return this.#calling.notify(method, params, options);
  }

  batch(members: readonly BatchMember[], options?: CallOptions): Promise<BatchOutcome[]> {
    return this.#calling.batch(members, options);
  }

  /** Begins to serve the other side's requests; those that came before have waited. */
  serve(dispatcher: Dispatcher): void {
    this.#service.serve(dispatcher);
  }

  /** Takes requests from a caller or from the client's queue; settles them or hands them back through `onOrphans`. */
  submit(item: OutgoingItem): void {
    this.#watch.wake();
    const admitted = this.#admission.admit(item);
    if (admitted === undefined) return;
    // To make room the peer has flushed, which may have shown that the link is broken.
    if (this.#isClosed) return this.#giveBack([admitted], { message: "the link is closed" });
    this.#sender.post(admitted);
    this.#receiver.readOn();
  }

  /** A caller gave up (called by the call itself). */
  abandoned(call: OutgoingCall): void {
    if (!call.sent) return this.#sender.forget();
    if (this.#pending.take(call.id) !== undefined) this.#sayCancel(call.id);
  }

  /** A call failed without a reply (called by the call itself). */
  failed(call: OutgoingCall, code: Code): void {
    countCode(this.#counters, "failuresByCode", code);
    this.#meter.callEnded(call);
  }

  cancelIncoming(id: string): void {
    this.#service.cancel(id);
    // Numbers are what most ids are, and their text is their digits.
    if (String(Number(id)) === id) this.#service.cancel(Number(id));
  }

  async close({ graceMs = DEFAULT_GRACE_MS }: CloseOptions = {}): Promise<void> {
    if (graceMs > 0) return this.drain(graceMs);
    this.end();
    await this.closed;
  }

  /** Gives up every call of this end, with the error that `errorOf` makes for each; the other side is told where the wire can say so. */
  giveUp(errorOf: (request: OutgoingRequest) => RpcError): void {
    for (const call of this.#pending.takeAll()) {
      call.fail(errorOf(call));
      this.#sayCancel(call.id);
    }
    for (const item of this.#sender.takeUnsent())
      for (const request of requestsOf(item)) request.fail(errorOf(request));
  }

  /** Stops serving new requests, answers the accepted ones, then closes; at `graceMs` it closes anyway. */
  async drain(graceMs: number, text = "draining", redialAfterMs?: number): Promise<void> {
    if (this.#isClosed) return;
    if (!this.#draining && this.#codec.carries.goodbye) {
      this.#sender.post({ kind: "goodbye", text, redialAfterMs });
      this.#watch.cross();
    }
    this.#draining = true;
    this.#watch.wake();
    this.#service.refuse();
    const stop = after(this.#options.clock, graceMs, () => this.end({ message: `Not drained within ${graceMs} ms` }));
    this.#closeWhenDone();
    await this.closed;
    stop();
  }

  /** Closes at once; everything outstanding has settled when it returns. */
  end(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#isClosed) return;
    this.#sender.flush();
    this.#channel.close(reason);
    this.#onClosed(reason);
  }

  // ---- opening

  #meet({ nextId, maxFrameBytes }: Hello): void {
    if (nextId !== undefined) this.#pending.nextId = nextId;
    if (maxFrameBytes !== undefined) this.#maxFrameBytes = Math.min(this.#maxFrameBytes, maxFrameBytes);
  }

  // ---- sending

  /** Why no new request of this end is taken. */
  #barred(): string | undefined {
    if (this.#isClosed || this.#remoteEnded) return "the link is closed";
    return this.#remoteDraining ? "the other side is closing" : undefined;
  }

  #sayCancel(id: Id): void {
    if (this.#codec.carries.cancel) this.#sender.post({ kind: "cancel", id });
  }

  // ---- receiving

  #onGoodbye(goodbye: GoodbyeMessage): void {
    this.#remoteDraining = true;
    this.#options.onGoodbye?.(this, goodbye);
    this.#giveBack(this.#sender.takeUnsent(), { message: goodbye.text });
  }

  /** Refused by an end that drains: the call did not run, so a client may give it to another link. */
  #takesOver(call: OutgoingCall, error: Fault): boolean {
    if (!this.#remoteDraining || this.#options.onOrphans === undefined) return false;
    call.sent = false;
    this.#options.onOrphans([call], { message: error.message });
    return true;
  }

  #eased(): void {
    if (this.#service.waiting <= this.#options.limits.maxWaiting / 2) this.#receiver.readOn();
    this.#closeWhenDone();
  }

  // ---- time

  #timeout(call: OutgoingCall): RpcError {
    const why = `Cannot call "${call.method}": no reply within ${Math.round(call.givenMs)} ms`;
    return new RpcError("deadline_exceeded", why, { executed: "unknown" });
  }

  // ---- the end

  /** The other side will send nothing more: no reply can come, but ours still go out. */
  #onEnded(): void {
    if (this.#isClosed) return;
    this.#remoteEnded = true;
    this.#receiver.readOn();
    this.#orphan({ message: "the other side has ended" });
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!(this.#draining || this.#remoteEnded) || this.#isClosed || !this.#service.idle) return;
    if (this.#watch.isCrossing && !this.#remoteEnded) return;
    // First, because a call that leaves now is one more to wait for.
    this.#sender.flush();
    if (!this.#remoteEnded && this.#pending.size > 0) return;
    if (this.#sender.idle) this.end({ message: this.#remoteEnded ? "The other side has ended" : "Drained" });
  }

  #break(error: RpcError): void {
    if (this.#isClosed) return;
    this.#sayBroken(error);
    const reason: CloseReason = { message: error.message, error };
    this.#channel.close(reason);
    this.#onClosed(reason);
  }

  /** The channel has closed: by the other side, or by its own framing or transport. */
  #onLost(reason: CloseReason): void {
    if (!this.#isClosed && reason.error !== undefined) this.#sayBroken(reason.error);
    this.#onClosed(reason, true);
    this.#meter.leave(this.#counters);
  }

  /** A lost connection is the way of the world; whatever else breaks a link is somebody's mistake. */
  #sayBroken(error: RpcError): void {
    const { logger } = this.#options;
    const what = `The link to ${this.remoteAddress ?? "the other side"} broke: ${printable(error.message)}`;
    if (error.code === "unavailable") logger.info(what);
    else logger.warn(what);
  }

  #onClosed(given: CloseReason, byOther = false): void {
    if (this.#isClosed) return;
    const reason = this.#wire.closed?.(given) ?? given;
    this.#isClosed = true;
    this.#watch.stop();
    this.#sender.stop();
    this.#service.stop(new RpcError("unavailable", "The link is closed"), byOther);
    this.#receiver.readOn();
    this.#orphan(reason);
    this.#opening.fail(reason.error ?? new RpcError("unavailable", reason.message, { wireCode: reason.closeCode }));
    this.#settleClosed(reason);
  }

  #orphan(reason: CloseReason): void {
    this.#giveBack(this.#pending.takeAll(), reason);
    this.#giveBack(this.#sender.takeUnsent(), reason);
  }

  #giveBack(items: readonly OutgoingItem[], reason: CloseReason): void {
    if (items.length === 0) return;
    if (this.#options.onOrphans !== undefined) return this.#options.onOrphans(items, reason);
    for (const item of items) for (const request of requestsOf(item)) request.fail(lost(request, reason));
  }
}
