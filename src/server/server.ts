import { type CloseOptions, type Connection, DEFAULT_GRACE_MS } from "../core/context.ts";
import { type EstablishOptions, establish } from "../core/establish.ts";
import type { Meter } from "../core/meter.ts";
import { type EndOptions, establishOptions } from "../core/options.ts";
import type { Peer } from "../core/peer.ts";
import { type Stats, sumGauges } from "../core/stats.ts";
import { printable } from "../core/text.ts";
import type { Listen, Listener, RawConnection, Wire } from "../core/wire.ts";

/** How a server serves. */
export interface ServeOptions<Data = unknown> extends EndOptions<Data> {}

/** The accepting end: any number of listeners, one engine for each connection, one bound for all their handlers. */
export class Server {
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
  readonly #wire: Wire;
  readonly #options: EstablishOptions & { readonly meter: Meter };
  readonly #listeners: Listener[] = [];
  readonly #peers = new Set<Peer>();
  readonly #accepting = new Set<Promise<void>>();
  /** Handshakes under way; `undefined` once the server closes. */
  #attempts: Set<AbortController> | undefined = new Set();
  #settleClosed: () => void = () => {};

  private constructor(wire: Wire, options: ServeOptions<never>) {
    this.#wire = wire;
    const link = establishOptions("server", wire, options, () => sumGauges(this.#peers));
    this.#options = {
      ...link,
      onEnded: (peer, reason) => {
        link.onEnded?.(peer, reason);
        this.#peers.delete(peer);
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
    try {
      for (const listen of places) server.#listeners.push(await listen((raw) => server.#accept(raw)));
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

  /** Stops accepting, lets running handlers answer for at most `graceMs`, then closes every link. May be called twice. */
  async close({ graceMs = DEFAULT_GRACE_MS }: CloseOptions = {}): Promise<void> {
    const attempts = this.#attempts ?? [];
    this.#attempts = undefined;
    for (const attempt of attempts) attempt.abort();
    await Promise.all([
      ...this.#listeners.map((listener) => listener.close()),
      ...[...this.#peers].map((peer) => peer.close({ graceMs })),
    ]);
    await Promise.all(this.#accepting);
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

  async #serve(raw: RawConnection): Promise<void> {
    const { logger } = this.#options;
    const attempt = new AbortController();
    if (this.#attempts === undefined) attempt.abort();
    this.#attempts?.add(attempt);
    const from = raw.remoteAddress ?? "a client";
    try {
      const peer = await establish(raw, this.#wire, this.#options, attempt.signal);
      logger.info(`Connected: ${from}`);
      if (!peer.isClosed) this.#peers.add(peer);
      if (this.#attempts === undefined) await peer.close({ graceMs: 0 });
    } catch (thrown) {
      logger.warn(`Refused ${from}: ${printable(thrown instanceof Error ? thrown.message : String(thrown))}`);
    } finally {
      this.#attempts?.delete(attempt);
    }
  }
}
