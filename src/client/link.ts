import type { CloseReason } from "../core/channel.ts";
import type { Clock } from "../core/clock.ts";
import { RpcError } from "../core/errors.ts";
import { type EstablishOptions, HandshakeFailure } from "../core/establish.ts";
import type { Logger } from "../core/logger.ts";
import type { Peer } from "../core/peer.ts";
import type { Bounds, Ladder, Rung } from "./ladder.ts";
import { sleep } from "./redial.ts";

/** How a link has ended. */
export interface LinkEnd {
  readonly reason: CloseReason;
  /** 0 when it never came about. */
  readonly livedMs: number;
}

/** One attempt, and who is told what happens in it. */
export interface Dialling {
  /** There is a link already, which this end leaves for the new one. */
  readonly moves: boolean;
  /** There is a connection: from now on the other side may know of it. */
  readonly onMet: () => void;
  readonly onGoodbye: NonNullable<EstablishOptions["onGoodbye"]>;
  readonly onRemoteEnded: NonNullable<EstablishOptions["onRemoteEnded"]>;
}

/** What a link needs of its client. */
export interface LinkHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ladder: Ladder;
  readonly connectTimeoutMs: number;
  /** Whether it dials again, and so moves. */
  readonly redials: boolean;
  /** Whether this end has a name, which belongs to one of its links. */
  readonly hasName: boolean;
  /** Dials over one rung and meets whoever is there. */
  attempt(rung: Rung, bounds: Bounds, dialling: Dialling): Promise<Peer>;
  /** The peer takes calls. */
  adopt(peer: Peer): void;
}

/** How long an end with a name waits for the other side to give up the link that it has left. */
const TAKEOVER_MS = 5000;

/** One link of a client from its dialling on. It is a peer, and then another one when it moves to a better rung. */
export class Link {
  /** Rejects when no link came about. */
  readonly up: Promise<void>;
  /** Resolves when it has ended, has said goodbye, or never came about. */
  readonly ended: Promise<LinkEnd>;
  readonly #host: LinkHost;
  readonly #over: AbortSignal;
  /** What it is now. */
  #peer: Peer | undefined = undefined;
  #upAt = Number.POSITIVE_INFINITY;
  /** Fires when nothing better is looked for any more. */
  readonly #staying = new AbortController();
  /** A better rung has a connection: the other side may end this link because of that one. */
  #isMoving = false;
  /** Why the link ended while it was moving; of no interest once it has moved. */
  #held: CloseReason | undefined = undefined;
  #settle: (end: LinkEnd) => void = () => {};

  /** `over` fires when the client ends. */
  constructor(host: LinkHost, over: AbortSignal) {
    this.#host = host;
    this.#over = over;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.up = this.#raise();
    this.up.catch((thrown: unknown) => this.#end(reasonOf(thrown)));
  }

  async #raise(): Promise<void> {
    const { ladder, connectTimeoutMs, redials, hasName } = this.#host;
    const { link, rung } = await ladder.climb((...given) => this.#attempt(...given), connectTimeoutMs, this.#over);
    this.#become(link);
    // Without a welcome nobody knows whether the name was given to the new link, or refused because the old one has it.
    const canMove = redials && (!hasName || link.peer.hello !== undefined);
    if (rung > 0 && canMove) void this.#rise(rung);
  }

  /** Tries better rungs when it is time, and moves over to the first that works, until there are none. */
  async #rise(from: number): Promise<void> {
    const { clock, ladder, logger } = this.#host;
    const { signal } = this.#staying;
    const stay = (): void => this.#staying.abort();
    this.#over.addEventListener("abort", stay);
    if (this.#over.aborted) stay();
    for (let rung = from; rung > 0 && !signal.aborted; ) {
      await sleep(clock, ladder.betterInMs, signal);
      if (signal.aborted) break;
      const better = await ladder.better(rung, (...given) => this.#attempt(...given), signal);
      this.#isMoving = false;
      if (better === undefined) {
        if (this.#held !== undefined) this.#end(ownDoing(this.#held));
      } else if (signal.aborted) better.link.peer.end();
      else {
        rung = better.rung;
        logger.info(`Moved to ${ladder.address ?? "a better address"}`);
        this.#move(better.link);
      }
    }
    this.#over.removeEventListener("abort", stay);
  }

  async #attempt(rung: Rung, bounds: Bounds): Promise<Met> {
    let goodbye: CloseReason | undefined;
    this.#isMoving = false;
    const dialling: Dialling = {
      moves: this.#peer !== undefined,
      onMet: () => {
        this.#isMoving = true;
      },
      onGoodbye: (peer, { text, redialAfterMs }) => {
        goodbye = { message: text, ...(redialAfterMs !== undefined && { redialAfterMs }) };
        this.#lost(peer, goodbye);
      },
      // It may go on for as long as handlers of this end run, and takes no calls meanwhile. Those on it settle first.
      onRemoteEnded: (peer) => queueMicrotask(() => this.#lost(peer, { message: "the other side has ended" })),
    };
    try {
      return { peer: await this.#host.attempt(rung, bounds, dialling), goodbye: () => goodbye };
    } catch (thrown) {
      // There is no link to move to, and none to move from.
      if (this.#held !== undefined) this.#staying.abort();
      if (goodbye === undefined) throw thrown;
      throw new HandshakeFailure(RpcError.from(thrown instanceof HandshakeFailure ? thrown.cause : thrown), goodbye);
    }
  }

  #become({ peer, goodbye }: Met): void {
    this.#isMoving = false;
    this.#held = undefined;
    this.#peer = peer;
    this.#upAt = this.#host.clock.now;
    this.#host.adopt(peer);
    void peer.closed.then((reason) => this.#lost(peer, reason));
    const said = goodbye();
    if (said !== undefined) this.#lost(peer, said);
  }

  /** New calls go over the new peer; the old one ends when it has nothing more to do. */
  #move(met: Met): void {
    const old = this.#peer;
    this.#become(met);
    if (old !== undefined) void this.#leave(old);
  }

  async #leave(old: Peer): Promise<void> {
    const { clock, hasName } = this.#host;
    // A fleet gives the name to the new link, and says goodbye on the old one. If this end said it first, it would have left.
    if (hasName) {
      const closed = new AbortController();
      void old.closed.then(() => closed.abort());
      await sleep(clock, TAKEOVER_MS, closed.signal);
    }
    // Calls have their own time, and the heartbeat tells when nobody is there.
    await old.drain(Number.POSITIVE_INFINITY, "moved to a better address");
  }

  #lost(peer: Peer, given: CloseReason): void {
    if (peer !== this.#peer) return;
    const reason = peer.isOnce ? { ...given, redialAfterMs: Number.POSITIVE_INFINITY } : given;
    if (this.#isMoving) this.#held ??= reason;
    else this.#end(reason);
  }

  #end(reason: CloseReason): void {
    const livedMs = Math.max(0, this.#host.clock.now - this.#upAt);
    if (this.#peer !== undefined) this.#host.ladder.lived(livedMs);
    this.#peer = undefined;
    this.#staying.abort();
    this.#settle({ reason, livedMs });
  }
}

/** A peer that has come about, and the goodbye that it may have heard since. */
interface Met {
  readonly peer: Peer;
  readonly goodbye: () => CloseReason | undefined;
}

/** Whoever was replaced by a link of its own that failed then need not stay away. */
function ownDoing({ redialAfterMs, ...reason }: CloseReason): CloseReason {
  return redialAfterMs === Number.POSITIVE_INFINITY ? { ...reason, redialAfterMs } : reason;
}

function reasonOf(thrown: unknown): CloseReason {
  if (thrown instanceof HandshakeFailure) return thrown.reason;
  return { message: thrown instanceof Error ? thrown.message : String(thrown) };
}
