/// <reference lib="esnext.disposable" preserve="true" />
import { Calling } from "../core/calling.ts";
import type { CloseReason } from "../core/channel.ts";
import { after, checkMs } from "../core/clock.ts";
import type { BatchMember, BatchOutcome, Caller, CloseOptions, Connection } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { type EstablishOptions, establish } from "../core/establish.ts";
import type { Meter } from "../core/meter.ts";
import { checkAuthenticator, checkCallbacks, type EndOptions, establishOptions } from "../core/options.ts";
import { Outbox } from "../core/outbox.ts";
import {
  type CallOptions,
  type CheckedCallOptions,
  type Holder,
  isItem,
  lost,
  type OutgoingItem,
  type OutgoingRequest,
  requestsOf,
} from "../core/outgoing.ts";
import type { Peer } from "../core/peer.ts";
import { type Remote, remoteOf } from "../core/remote.ts";
import { countCode, type Gauges, type Stats, sumGauges } from "../core/stats.ts";
import { printable } from "../core/text.ts";
import type { Dialer, RawConnection, Wire } from "../core/wire.ts";
import { dialWithin } from "./dial.ts";
import { checkStart, Hellos } from "./hellos.ts";
import { type Bounds, Ladder, type LadderTimes, type Rung } from "./ladder.ts";
import { type Dialling, Link, type LinkHost } from "./link.ts";
import { backoffMs, type Redial, redialOf, sleep } from "./redial.ts";
import { RetryBudget } from "./retry-budget.ts";

/** How a client connects. */
export interface ConnectOptions<Data = unknown> extends EndOptions<Data> {
  /** How long one attempt to connect may take, over all addresses if there are several. Default 20 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Connections that are kept up; the least loaded one takes a call. Default 1. */
  readonly connections?: number | undefined;
  /** Dials when the first call is made, or when `ready()` is asked. Default: at once, and `connect` waits for the first link. */
  readonly lazy?: boolean | undefined;
  /** When to dial again after a link was lost; `false`: never. Default 100 ms doubled up to 10 s, with full jitter. */
  readonly redial?: Partial<Redial> | false | undefined;
  /**
   * How several addresses are tried. Default: 5 s each, and those that are better than the one that worked again after a
   * minute, doubled up to 10; never with `redial: false`.
   */
  readonly ladder?: Partial<LadderTimes> | undefined;
  /** The name that this end says hello with, on wires that have one. A name belongs to one connection. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * When whatever has this name began, in milliseconds since 1970: of two ends with one name a fleet keeps the one that
   * began later. Default: when the client was made.
   */
  readonly startedAt?: number | undefined;
  /** Called on each change of `state`. */
  readonly onState?: ((state: ClientState) => void) | undefined;
  /** Jitter; tests give their own. A number from 0 to 1. */
  readonly random?: (() => number) | undefined;
}

/**
 * `idle`: lazy, and nobody has called yet. `connecting`: no link is up and one is being made. `stopped`: there will be none
 * any more. `closed`: by `close()`.
 */
export type ClientState = "idle" | "connecting" | "open" | "stopped" | "closed";

const DEFAULT_CONNECT_TIMEOUT_MS = 20_000;

/** A call that was under way on more links than this when they broke may be what breaks them. */
const MOST_LOSSES = 2;

/** The dialling end: keeps its links up, holds what no link has taken, gives each request to the least loaded link. */
export class Client<Api = unknown> implements Caller {
  /** The other side's methods as typed functions: `client.remote.math.add({ a: 1, b: 2 })`. */
  readonly remote: Remote<Api>;
  /** Resolves when the client has closed, or has stopped for good; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #wire: Wire;
  readonly #options: ConnectOptions<never>;
  readonly #link: EstablishOptions & { readonly meter: Meter };
  readonly #redial: Redial | undefined;
  readonly #hellos: Hellos | undefined = undefined;
  readonly #linkHost: LinkHost;
  readonly #calling: Calling;
  /** What waits for a link. */
  readonly #waiting = new Outbox();
  /** Told when a caller gives up while no link has its call. */
  readonly #holder: Holder = {
    abandoned: (call) => {
      if (!call.sent) this.#waiting.forget();
    },
    failed: (call, code) => {
      const { meter } = this.#link;
      countCode(meter.own, "failuresByCode", code);
      meter.callEnded(call);
    },
  };
  /** Of what does not wait any more, and has no link yet: the encoding of one call may give up another. */
  readonly #inHand: Holder = { ...this.#holder, abandoned: () => {} };
  readonly #peers = new Set<Peer>();
  readonly #stopTicks: () => void;
  /** One for each link that is kept: all links on one signal would be more listeners than Node likes. */
  readonly #enders = new Set<AbortController>();
  #state: ClientState = "connecting";
  #stopped: CloseReason | undefined = undefined;
  readonly #retries: RetryBudget;
  /** Links that are up, being made, or will be dialled again. */
  #kept = 0;
  #ready: { resolve(): void; reject(error: RpcError): void }[] = [];
  #settleClosed: (reason: CloseReason) => void = () => {};
  /** Set while no link is up and one is being made. */
  #letGo: (() => void) | undefined = undefined;

  private constructor(rungs: readonly Rung[], wire: Wire, options: ConnectOptions<never>) {
    const { name, labels, random = Math.random } = options;
    checkAuthenticator(options.authenticator, wire);
    checkCallbacks({ onState: options.onState });
    this.#wire = wire;
    this.#options = options;
    this.#redial = redialOf(options.redial);
    const connectTimeoutMs = checkMs("connectTimeoutMs", options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS);
    const { connections = 1 } = options;
    if (!(Number.isInteger(connections) && connections >= 1))
      throw new RangeError(`connections must be a whole number of at least 1, not ${String(connections)}`);
    if (name !== undefined && connections > 1)
      throw new RangeError("connections must be 1 for a client with a name: a fleet keeps one link for each name");
    const startedAt = checkStart(options.startedAt ?? Date.now());
    if (name !== undefined || labels !== undefined) {
      this.#hellos = new Hellos({ ...(name && { name }), ...(labels && { labels }) }, startedAt);
    }
    this.#link = {
      ...establishOptions("client", options, () => this.#gauges()),
      onOrphans: (items, reason) => this.#takeBack(items, reason),
    };
    const { clock, meter, logger } = this.#link;
    this.#linkHost = {
      clock,
      logger,
      ladder: new Ladder(rungs, options.ladder ?? {}, clock, random),
      connectTimeoutMs,
      redials: this.#redial !== undefined,
      hasName: name !== undefined,
      attempt: (...given) => this.#attempt(...given),
      adopt: (peer) => this.#adopt(peer),
    };
    this.#retries = new RetryBudget(clock);
    this.#calling = new Calling(
      { meter, submit: (item) => this.#submit(item) },
      { clock, timeoutMs: options.timeoutMs, middleware: options.middleware },
    );
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.remote = remoteOf<Api>(this);
    this.#stopTicks = clock.onTick((now, pausedMs) => {
      if (pausedMs === 0) meter.own.timeouts += this.#waiting.expire(now);
    });
  }

  /**
   * Dials, and resolves when the first link is up. Rejects with why it did not come about; then nothing goes on. Several
   * rungs are ways to the same other side, the best first.
   */
  static async open<Api, Data = unknown>(
    dial: Dialer | readonly Rung[],
    wire: Wire,
    options: ConnectOptions<Data>,
  ): Promise<Client<Api>> {
    const rungs = typeof dial === "function" ? [{ dial }] : dial;
    const client = new Client<Api>(rungs, wire, options as ConnectOptions<never>);
    const { connections = 1, lazy = false } = options;
    if (lazy) {
      client.#state = "idle";
      return client;
    }
    client.#keepAwake();
    const ended = client.#endOfLinks();
    const first = new Link(client.#linkHost, ended);
    try {
      await first.up;
    } catch (thrown) {
      await client.close({ graceMs: 0 });
      throw thrown;
    }
    void client.#keepUp(first, ended);
    client.#dialAll(connections - 1);
    return client;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The address of the link that is up or was last, one of those that were given; `undefined` for a dialer without a name. */
  get address(): string | undefined {
    return this.#linkHost.ladder.address;
  }

  /** The links that are up. One that was left for a better address is among them until it has nothing more to do. */
  get connections(): readonly Connection[] {
    return [...this.#peers];
  }

  /** Calls that wait to be sent or for a reply. */
  get pendingCount(): number {
    let count = this.#waiting.calls;
    for (const peer of this.#peers) count += peer.pendingCount;
    return count;
  }

  /** What the client has done so far over all its links, ended ones included: a frozen snapshot. */
  stats(): Stats {
    return this.#link.meter.stats();
  }

  /** Sets the counters to 0, those of its links too. The gauges stay: what is under way is under way. */
  resetStats(): void {
    this.#link.meter.reset();
  }

  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown> {
    return this.#calling.call(method, params, options);
  }

  notify(method: string, params?: unknown, options?: Pick<CallOptions, "meta">): Promise<void> {
    return this.#calling.notify(method, params, options);
  }

  batch(members: readonly BatchMember[], options?: Omit<CallOptions, "result">): Promise<BatchOutcome[]> {
    return this.#calling.batch(members, options);
  }

  /** Resolves when a link is up, and has a lazy client dial; rejects when there will be none any more. */
  ready(): Promise<void> {
    if (this.#pick() !== undefined) return Promise.resolve();
    this.#wake();
    if (this.#stopped !== undefined) return Promise.reject(new RpcError("unavailable", this.#stopped.message));
    return new Promise((resolve, reject) => this.#ready.push({ resolve, reject }));
  }

  /**
   * Settles this end's calls with `cancelled`, lets its own handlers answer for at most `graceMs` (default 10 000; 0:
   * aborts them), then closes the links. May be called twice.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const reason: CloseReason = { message: "the client is closed" };
    this.#stop("closed", reason);
    const peers = [...this.#peers];
    for (const peer of peers) peer.giveUp((request) => this.#endOf(request));
    await Promise.all(peers.map((peer) => peer.close(options)));
    this.#settleClosed(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #gauges(): Gauges {
    const sum = sumGauges(this.#peers);
    return { ...sum, pending: this.pendingCount, queued: sum.queued + this.#waiting.length };
  }

  #submit(item: OutgoingItem): void {
    if (item.kind === "call" && item.idempotent) this.#retries.earn();
    this.#place(item);
  }

  #place(item: OutgoingItem): void {
    this.#hold(item);
    if (this.#stopped !== undefined) return failAll(item, (request) => this.#endOf(request));
    const peer = this.#pick();
    if (peer !== undefined) return peer.submit(item);
    if (requestsOf(item).every((request) => request.kind === "call" && request.settled)) return;
    if (!this.#hasRoom(item)) {
      const why = ({ kind, method }: OutgoingRequest): string => `Cannot ${kind} "${method}": the queue is full`;
      return failAll(item, (request) => new RpcError("resource_exhausted", why(request), { executed: "no" }));
    }
    this.#waiting.push(item);
    this.#wake();
  }

  /** Until a link takes it, the client is told what becomes of it. */
  #hold(item: OutgoingItem, holder = this.#holder): void {
    if (item.kind === "call") item.holder = holder;
    else if (item.kind === "batch") for (const request of item.messages) this.#hold(request, holder);
  }

  /** Somebody wants a link of a lazy client. */
  #wake(): void {
    if (this.#state !== "idle") return;
    this.#enter("connecting");
    this.#dialAll(this.#options.connections ?? 1);
  }

  #dialAll(links: number): void {
    for (let link = 0; link < links; link++) {
      const ended = this.#endOfLinks();
      void this.#keepUp(new Link(this.#linkHost, ended), ended);
    }
  }

  /** Fires when the client ends. */
  #endOfLinks(): AbortSignal {
    const ender = new AbortController();
    this.#enders.add(ender);
    return ender.signal;
  }

  /** At the bound the oldest call that waits loses its place to a new one; a notification takes nobody's. */
  #hasRoom(item: OutgoingItem): boolean {
    const { maxPending } = this.#link.limits;
    const requests = requestsOf(item);
    const calls = requests.filter(({ kind }) => kind === "call").length;
    // Calls that lost their places may stand there for a while, up to as many again.
    if (calls < requests.length && this.#waiting.length >= (calls === 0 ? 1 : 2) * maxPending) return false;
    return this.#waiting.makeRoom(calls, maxPending);
  }

  /** The open link with the fewest outstanding calls. */
  #pick(): Peer | undefined {
    let best: Peer | undefined;
    for (const peer of this.#peers) {
      if (peer.isOpen && (best === undefined || peer.pendingCount < best.pendingCount)) best = peer;
    }
    return best;
  }

  /** What never left goes to another link; what may have run fails, unless its caller allowed a second time. */
  #takeBack(items: readonly OutgoingItem[], reason: CloseReason): void {
    // The others are kept up, if this one may not be dialled again.
    const redials = this.#redial !== undefined && (reason.redialAfterMs !== Number.POSITIVE_INFINITY || this.#kept > 1);
    for (const item of items) {
      if (this.#stopped === undefined && this.#pick() === undefined && !redials)
        failAll(item, (each) => lost(each, reason));
      else if (item.kind !== "call" || !item.sent) this.#place(item);
      else if (this.#stopped !== undefined) item.fail(this.#endOf(item));
      else if (!item.idempotent || item.losses >= MOST_LOSSES || !this.#retries.spend()) item.fail(lost(item, reason));
      else {
        item.retry();
        this.#place(item);
      }
    }
  }

  /** Keeps one link up until the client stops, or until it may not be dialled again; the last one to go stops the client. */
  async #keepUp(first: Link, ended: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#options;
    const { clock } = this.#link;
    this.#kept++;
    for (let link = first, failures = 0; ; link = new Link(this.#linkHost, ended)) {
      const { reason, livedMs } = await link.ended;
      if (this.#stopped !== undefined) return;
      const isOver = this.#redial === undefined || reason.redialAfterMs === Number.POSITIVE_INFINITY;
      if (isOver && --this.#kept === 0) return this.#stop("stopped", reason);
      if (this.#pick() === undefined) this.#enter("connecting");
      if (this.#redial === undefined || isOver) return;
      // A link that hardly lived is a failed attempt too: an end that accepts and closes is not dialled in a hot loop.
      failures = livedMs > this.#redial.maxMs ? 0 : failures + 1;
      const waitMs = Math.max(backoffMs(this.#redial, failures, random), reason.redialAfterMs ?? 0);
      const next = `dialling again in ${Math.round(waitMs)} ms`;
      if (livedMs === 0) this.#link.logger.warn(`Cannot connect: ${printable(reason.message)}; ${next}`);
      else this.#link.logger.info(`The link has ended: ${printable(reason.message)}; ${next}`);
      await sleep(clock, waitMs, ended);
      if (ended.aborted) return;
      this.#link.meter.attempts.redials++;
    }
  }

  /** Dials over one rung, and meets whoever is there. */
  async #attempt({ dial }: Rung, { signal, dialMs }: Bounds, dialling: Dialling): Promise<Peer> {
    const { moves, onMet, ...hooks } = dialling;
    const raw = await this.#connect(dial, dialMs, signal);
    onMet();
    return establish(raw, this.#wire, { ...this.#link, hello: this.#hellos?.next(moves), ...hooks }, signal);
  }

  /** A link is up, or another one in its place. */
  #adopt(peer: Peer): void {
    this.#peers.add(peer);
    void peer.closed.then(() => this.#peers.delete(peer));
    if (this.#stopped !== undefined) return peer.end();
    this.#enter("open");
    const items = this.#waiting.extract(isItem);
    for (const item of items) this.#hold(item, this.#inHand);
    for (const item of items) this.#place(item);
    for (const { resolve } of this.#ready.splice(0)) resolve();
  }

  /** One dial attempt within its time. */
  async #connect(dial: Dialer, dialMs: number, signal: AbortSignal): Promise<RawConnection> {
    const { attempts } = this.#link.meter;
    attempts.dials++;
    const attempt = new AbortController();
    const giveUp = (): void => attempt.abort(signal.reason);
    const stopTimer = after(this.#link.clock, dialMs, () => {
      const why = `Cannot connect within ${Math.round(dialMs)} ms`;
      attempt.abort(new RpcError("deadline_exceeded", why, { executed: "no" }));
    });
    signal.addEventListener("abort", giveUp);
    try {
      return await dialWithin(dial, attempt.signal, { wire: this.#wire, ...this.#link });
    } catch (thrown) {
      attempts.dialErrors++;
      throw thrown;
    } finally {
      stopTimer();
      signal.removeEventListener("abort", giveUp);
    }
  }

  #stop(state: "stopped" | "closed", reason: CloseReason): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    const over = new RpcError("cancelled", "The client is closed", { executed: "no" });
    for (const ender of this.#enders) ender.abort(over);
    this.#stopTicks();
    this.#enter(state);
    for (const item of this.#waiting.extract(isItem)) failAll(item, (request) => this.#endOf(request));
    for (const { reject } of this.#ready.splice(0)) reject(new RpcError("unavailable", reason.message));
    if (state === "stopped") this.#settleClosed(reason);
  }

  #endOf(request: OutgoingRequest): RpcError {
    const reason = this.#stopped ?? { message: "the client is closed" };
    if (this.#state !== "closed") return lost(request, reason);
    const executed = request.kind === "call" && request.sent ? "unknown" : "no";
    return new RpcError("cancelled", `Cannot ${request.kind} "${request.method}": ${reason.message}`, { executed });
  }

  #enter(state: ClientState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#keepAwake();
    try {
      this.#options.onState?.(state);
    } catch (thrown) {
      this.#link.logger.error("onState failed", thrown);
    }
  }

  /** Between two links no socket keeps the process alive. */
  #keepAwake(): void {
    this.#letGo?.();
    this.#letGo = this.#state === "connecting" ? this.#link.clock.hold?.() : undefined;
  }
}

function failAll(item: OutgoingItem, errorOf: (request: OutgoingRequest) => RpcError): void {
  for (const request of requestsOf(item)) request.fail(errorOf(request));
}
