import type { Clock } from "./clock.ts";
import type { RpcError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { Id } from "./message.ts";

/** One whole message of the transport: text or bytes. A channel sends each frame in the form in which it gets it. */
export type Frame = string | Uint8Array;

/** A promise means "full: bring no more until it resolves", in both directions. It never rejects; failures arrive as `closed`. */
export type Full = void | Promise<void>;

/** Why a link ended. */
export interface CloseReason {
  readonly message: string;
  /** What broke the link; absent when it was closed on purpose. */
  readonly error?: RpcError;
  /** A WebSocket close code, or another number of the transport's own. */
  readonly closeCode?: number;
  /** When a dialler may try again: Infinity means never, absent means after its usual backoff. Nothing else decides that. */
  readonly redialAfterMs?: number;
  /** The calls of this end that the channel took and gave to nobody, by their ids: they have not run. */
  readonly unsent?: ReadonlySet<Id> | undefined;
}

/** Where a pipe delivers. */
export interface PipeSink {
  /** Gets bytes that it may keep only until it returns. */
  data(bytes: Uint8Array): Full;
  /** The other side will send nothing more; writing still works. At most once, and only when the sink has room. */
  ended(): void;
  /** Nothing works any more. Exactly once, last, also after our own `close`, and also while the sink is full. */
  closed(reason: CloseReason): void;
}

/**
 * A stream of bytes. The owner calls `open` once; nothing is delivered before `open` has returned, and nothing is lost
 * that came before.
 */
export interface Pipe {
  open(sink: PipeSink): void;
  /** Takes the bytes in any case; they must not be changed afterwards. */
  write(bytes: Uint8Array | string): Full;
  /** Sends what was written, then closes; with `reason.error` it closes at once. May be called twice and before `open`. */
  close(reason?: CloseReason): void;
}

/** Where a channel delivers. */
export interface ChannelSink {
  /** An empty list is a sign of life, and nothing else. */
  frames(frames: readonly Frame[]): Full;
  /**
   * A frame above the limit went by and was dropped, the rest of the stream is sound. `head` is how it began (at most
   * 1 KiB), and `tail` how it ended where that is known (at most 256 bytes), so that a codec can tell which call it belonged to.
   */
  skipped(head: Uint8Array, reason: RpcError, tail?: Uint8Array): void;
  ended(): void;
  closed(reason: CloseReason): void;
}

/** A stream of whole frames, in order, each once. It lives as a `Pipe` does. */
export interface Channel {
  open(sink: ChannelSink): void;
  /** Takes the frames in any case; they must not be changed afterwards. */
  send(frames: readonly Frame[]): Full;
  /**
   * Asks the other side for a sign of life below the wire, where the transport can (WebSocket): whatever comes of it arrives
   * as an empty list of frames. Used on wires that have no ping of their own.
   */
  readonly ping?: (() => void) | undefined;
  /** Nothing but replies can be said on it (an HTTP request that is answered as a whole). */
  readonly repliesOnly?: boolean | undefined;
  /** Is told of each call of this end that was sent and is not waited for any more, where the transport can do something about it. */
  readonly abandoned?: ((id: Id) => void) | undefined;
  close(reason?: CloseReason): void;
}

/** Which end dialled. */
export type Role = "client" | "server";

/** What a framing or a codec may know about its link before anything was sent. */
export interface LinkContext {
  readonly role: Role;
  readonly limits: Limits;
  readonly clock: Clock;
}

/**
 * Cuts a pipe into frames; also the place of preambles and whole-stream compression (`role` says who writes, the clock
 * ends the wait). It never throws: it breaks the link by `pipe.close({ error })`.
 */
export type Framing = (pipe: Pipe, link: LinkContext) => Channel;
