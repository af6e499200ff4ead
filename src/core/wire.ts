import type { Channel, CloseReason, Frame, Framing, Pipe, Role } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { Codec, CodecLink } from "./codec.ts";
import type { Connection } from "./context.ts";
import type { Beginning } from "./detection.ts";
import type { Dispatcher } from "./handlers.ts";
import type { Limits } from "./limits.ts";
import type { Heartbeat } from "./liveness.ts";
import type { Logger } from "./logger.ts";
import type { Stats } from "./stats.ts";

/** What a user picks: how frames are cut from a pipe, what they mean, and what the engine must do differently. */
export interface Wire {
  readonly name: string;
  /** Used on pipes; a transport that frames messages itself goes without. */
  readonly framing: Framing;
  /**
   * The path of a protocol that has one of its own where a transport has paths, as gRPC does
   * (`/aperture.rpc.v1.Coordinator/Connect`): the transport's messages are the wire's frames there. A wire without one
   * travels on the transport's own path, whose messages carry the frames of any wire.
   */
  readonly path?: string;
  /** Called once per link, by its peer. */
  codec(link: CodecLink): Codec;
  /** Nothing that arrives after a notification starts before that notification's handler has ended. */
  readonly ordered: boolean;
  /** How its dialler begins on a pipe, for a port that serves several wires; a wire without it is never found there. */
  readonly begins?: Beginning | undefined;
  /** What to use in place of an authenticator, on a wire that has no room for one before its codec. */
  readonly insteadOfAuthenticator?: string;
  /** The first id of this end's calls; 1 when absent. */
  readonly firstId?: number;
  /**
   * A frame that the other side answers in any case, for a transport that has no sign of life below the wire and asks for one
   * by this: a page's WebSocket. What comes back is a reply to nothing, or nothing that anybody waits for. A wire with pings of
   * its own needs none.
   */
  readonly probe?: (() => Frame) | undefined;
  /** Adds the wire's knowledge to why a link ended (command: close code 4100 means never dial again). */
  closed?(reason: CloseReason): CloseReason;
  /**
   * What the transport is told when this end closes or refuses a link that the other side has not ended. A wire without words
   * for it has the transport say it: on the coordinator's an error is the status of the stream. Default: it closes cleanly.
   */
  closing?(reason: CloseReason, role: Role): CloseReason;
  /** What the wire itself answers on a server that wants it to; called once per server, whose numbers `stats` gives. */
  builtins?(stats: () => Stats): Builtins;
}

/** Puts a wire's own methods before the user's, for one link. */
export type Builtins = (dispatcher: Dispatcher, connection: Connection) => Dispatcher;

/** What a transport gives for one connection: bytes or frames, and what it knows about the other side. */
export type RawConnection = {
  readonly remoteAddress?: string;
  readonly identity?: unknown;
  /** There is no second connection of this kind (a program that was started, stdio): whatever ends it, nobody dials again. */
  readonly once?: boolean;
  /** What the other side speaks, where the transport has found it out; absent: the wire of this end. */
  readonly wire?: Wire;
} & ({ readonly pipe: Pipe; readonly channel?: undefined } | { readonly channel: Channel; readonly pipe?: undefined });

/** What a transport may know about the links that it makes: most need nothing, those that frame messages themselves do. */
export interface LinkTerms {
  readonly wire: Wire;
  readonly limits: Limits;
  readonly heartbeat: Heartbeat;
  readonly handshakeTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Dials once. Rejects when there is no connection; the signal ends the attempt, never the connection. */
export type Dialer = (signal: AbortSignal, terms: LinkTerms) => Promise<RawConnection>;

/** Gets each connection that comes in. */
export type Accept = (connection: RawConnection) => void;

/** Listens once. Rejects when it cannot; each connection goes to `accept`. */
export type Listen = (accept: Accept, terms: LinkTerms) => Promise<Listener>;

/** A place where connections come in. `address` is the real one (with the port that the system chose). */
export interface Listener {
  readonly address: string;
  /** Stops accepting and leaves connections alone. May be called twice. */
  close(): Promise<void>;
  /**
   * Resolves when all that links gave to it before they ended has left, where that takes longer than they lived (the answer of an
   * HTTP request), or after `withinMs`. Asked after `close`.
   */
  flushed?(withinMs: number): Promise<void>;
}

/** The raw frames before the codec: pull, one at a time. Frames that are not received stay for the codec. */
export interface Exchange {
  readonly remoteAddress: string | undefined;
  send(frame: Frame): Promise<void>;
  /** Rejects when the link ends or the handshake's time is over. */
  receive(): Promise<Frame>;
}

/**
 * Proves who the ends are, on the open channel, before the codec. A rejection closes the link; an `RpcError` with a
 * numeric `wireCode` closes it with that code.
 */
export interface Authenticator {
  client(exchange: Exchange): Promise<unknown>;
  /** Its value becomes `context.identity`. */
  server(exchange: Exchange): Promise<unknown>;
}
