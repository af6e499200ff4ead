/// <reference lib="esnext.disposable" preserve="true" />
import { type CloseOptions, type Connection, DEFAULT_GRACE_MS } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { type EstablishOptions, establish, HandshakeFailure } from "../core/establish.ts";
import type { Membership } from "../core/membership.ts";
import type { Hello } from "../core/message.ts";
import type { Meter } from "../core/meter.ts";
import { checkAuthenticator, type EndOptions, establishOptions } from "../core/options.ts";
import type { Peer } from "../core/peer.ts";
import { type Stats, sumGauges } from "../core/stats.ts";
import { printable } from "../core/text.ts";
import type { Listen, Listener, RawConnection, Wire } from "../core/wire.ts";

/** How a server serves. */
export interface ServeOptions<Data = unknown> extends EndOptions<Data> {
  /** Takes in the clients that say who they are: `new Fleet()`. Several servers may share one. */
  readonly fleet?: Membership | undefined;
}

/** The accepting end: any number of listeners, one engine for each connection, one bound for all their handlers. */
export class Server {
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
  readonly #wire: Wire;
  readonly #options: EstablishOptions & { readonly meter: Meter };
  readonly #listeners: Listener[] = [];
  readonly #peers = new Set<Peer>();
  readonly #fleet: Membership | undefined;
  readonly #accepting = new Set<Promise<void>>();
  /** Handshakes under way; `undefined` once the server closes. */
  #attempts: Set<AbortController> | undefined = new Set();
  #settleClosed: () => void = () => {};

  private constructor(wire: Wire, options: ServeOptions<never>) {
    const { fleet } = options;
    checkAuthenticator(options.authenticator, wire);
    this.#wire = wire;
    this.#fleet = fleet;
    const link = establishOptions("server", options, () => sumGauges(this.#peers));
    this.#options = {
      ...link,
      ...(fleet && {
        onHello: (peer, hello) => this.#meet(fleet, peer, hello),
        onGoodbye: (peer, { text }) => fleet.left(peer, { message: text }),
        onRemoteEnded: (peer) => fleet.left(peer, { message: "The other side has ended" }),
      }),
      dispatch: (peer) => {
        const dispatcher = link.dispatch(peer);
        // The link may be over by the time that `establish` tells of it.
        link.logger.info(`Connected: ${peer.remoteAddress ?? "a client"}`);
        return dispatcher;
      },
      onEnded: (peer, reason) => {
        link.onEnded?.(peer, reason);
        this.#peers.delete(peer);
        fleet?.left(peer, reason);
        link.logger.info(`Disconnected: ${peer.remoteAddress ?? "a client"}: ${printable(reason.message)}`);
      },
    };
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Listens everywhere, or nowhere: rejects with the first listener that failed, after closing the others. */
  static async open<Data>(places: readonly Listen[], wire: Wire, options: ServeOptions<Data>): Promise<Server> {
    const server = new Server(wire, options as ServeOptions<never>);
    const terms = { wire, ...server.#options };
    try {
      for (const listen of places) server.#listeners.push(await listen((raw) => server.#accept(raw), terms));
    } catch (thrown) {
      await server.close({ graceMs: 0 });
      throw thrown;
    }
    return server;
  }

  /** Where the server really listens, one URL a listener, in the order that was asked for. */
  get addresses(): readonly string[] {
    return this.#listeners.map((listener) => listener.address);
  }

  /** The links that are up. */
  get connections(): readonly Connection[] {
    return [...this.#peers];
  }

  /** What the server has done so far over all its links, ended ones included: a frozen snapshot. */
  stats(): Stats {
    return this.#options.meter.stats();
  }

  /** Sets the counters to 0, those of its links too. The gauges stay: what is under way is under way. */
  resetStats(): void {
    this.#options.meter.reset();
  }

  /**
   * Stops accepting, lets running handlers answer and their answers leave for at most `graceMs`, then closes every link. May be
   * called twice.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { graceMs = DEFAULT_GRACE_MS } = options;
    const endsAt = this.#options.clock.exact() + graceMs;
    const attempts = this.#attempts ?? [];
    this.#attempts = undefined;
    for (const attempt of attempts) attempt.abort();
    await Promise.all([
      ...this.#listeners.map((listener) => listener.close()),
      ...[...this.#peers].map((peer) => peer.close(options)),
    ]);
    await Promise.all(this.#accepting);
    const leftMs = endsAt - this.#options.clock.exact();
    if (leftMs > 0) await Promise.all(this.#listeners.map((listener) => listener.flushed?.(leftMs)));
    this.#settleClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(raw: RawConnection): void {
    this.#options.meter.attempts.accepts++;
    const accepted = this.#serve(raw).finally(() => this.#accepting.delete(accepted));
    this.#accepting.add(accepted);
  }

  /** A dialler says who it is: before its link is up, or later on a wire that can do without. */
  #meet(fleet: Membership, peer: Peer, hello: Hello): Hello | undefined {
    const welcome = fleet.welcome(peer, hello);
    if (this.#peers.has(peer)) fleet.join(peer);
    return welcome;
  }

  /** The link is up. */
  #admit(peer: Peer): void {
    this.#peers.add(peer);
    try {
      this.#fleet?.join(peer);
    } catch (thrown) {
      peer.refuse(RpcError.from(thrown));
    }
  }

  async #serve(raw: RawConnection): Promise<void> {
    const { logger } = this.#options;
    const attempt = new AbortController();
    if (this.#attempts === undefined) attempt.abort();
    this.#attempts?.add(attempt);
    const from = raw.remoteAddress ?? "a client";
    try {
      const peer = await establish(raw, raw.wire ?? this.#wire, this.#options, attempt.signal);
      if (!peer.isClosed) this.#admit(peer);
      if (this.#attempts === undefined) await peer.close({ graceMs: 0 });
    } catch (thrown) {
      const error = RpcError.from(thrown instanceof HandshakeFailure ? thrown.cause : thrown);
      const what = `Refused ${from}: ${printable(error.message)}`;
      // A hook of this end has failed: the other side is told no more than that.
      if (error.code === "internal") logger.error(`${what}, trace ${error.trace ?? ""}`, error.cause);
      else logger.warn(what);
    } finally {
      this.#attempts?.delete(attempt);
    }
  }
}
