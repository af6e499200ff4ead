import type { CloseReason } from "./channel.ts";
import type { RpcError } from "./errors.ts";
import type { Hello, Meta } from "./message.ts";
import type { CallOptions, CheckedCallOptions } from "./outgoing.ts";
import type { Stats } from "./stats.ts";

/** One member of a batch: a method, its params, and whether it wants no reply. */
export type BatchMember = readonly [method: string, params?: unknown, options?: { readonly notify?: boolean }];

/** How one member of a batch ended; a notification ends with `value: undefined` once the channel has taken it. */
export type BatchOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: RpcError };

/**
 * Whatever can be called: a client, or the other side of a link. Params are read when the message leaves: at the end of this
 * turn of the event loop, or later while there is no link or the other side does not read. What is changed before that is sent
 * as it is then: give a copy of what goes on changing.
 */
export interface Caller {
  /**
   * Calls a method by its name. Settles exactly once: with the result, or with an `RpcError`: the remote one,
   * `deadline_exceeded`, `cancelled`, `unavailable` or `resource_exhausted`, whose `executed` says whether it may have run.
   * Throws `RangeError` at once for a `timeoutMs` that is no time.
   */
  call<Result>(method: string, params: unknown, options: CheckedCallOptions<Result>): Promise<Result>;
  call(method: string, params?: unknown, options?: CallOptions): Promise<unknown>;
  /** Says something and waits for no reply. Resolves when the channel has taken it; an ignored failure is no unhandled rejection. */
  notify(method: string, params?: unknown, options?: { readonly meta?: Meta | undefined }): Promise<void>;
  /** Sends the members as one where the wire can; gives one outcome per member, in their order. The options hold for each call. */
  batch(members: readonly BatchMember[], options?: Omit<CallOptions, "result">): Promise<BatchOutcome[]>;
}

/** One link as handlers and hooks see it. */
export interface Connection<Data = unknown> extends Caller {
  /** Whatever the user keeps here for the life of the link; `onConnect` is the place to set it. */
  data: Data;
  readonly remoteAddress: string | undefined;
  /** What an authenticator or the transport proved about the other side. */
  readonly identity: unknown;
  /** What the other side said about itself, on wires with a hello. */
  readonly hello: Hello | undefined;
  /** Resolves when the link has ended and everything on it has settled; never rejects. */
  readonly closed: Promise<CloseReason>;
  /** What this link has done so far: a frozen snapshot. */
  stats(): Stats;
  /** Sets this link's counters to 0; those of its client or server, and the times that it shares with them, stay. */
  resetStats(): void;
  /**
   * Ends one call of the other side as if its caller had cancelled it; does nothing when none with this id waits or
   * runs. `id` is the text that its `context.id` has: on JSON-RPC `JSON.stringify` of the id.
   */
  cancelIncoming(id: string): void;
  /** Takes no new requests, answers those it has, then closes; after `graceMs` (default 10 000) it closes anyway. */
  close(options?: CloseOptions): Promise<void>;
}

/** How an end of a link or a server closes. */
export interface CloseOptions {
  /** How long running handlers may take to answer; 0: aborts them and does not wait. Default 10 000. */
  readonly graceMs?: number | undefined;
  /** Where the transport has numbers for it (WebSocket: 1000, or 3000 to 4999): the other side gets this one. Default: the transport's. */
  readonly code?: number | undefined;
  /** Where the transport can say it (WebSocket, gRPC): why, as the other side reads it. */
  readonly reason?: string | undefined;
}

/** What the end of a link says when its owner gave a code or a reason. */
export function farewellOf({ code, reason }: CloseOptions): CloseReason | undefined {
  if (code === undefined && reason === undefined) return undefined;
  return { message: reason ?? "", ...(code !== undefined && { closeCode: code }) };
}

export const DEFAULT_GRACE_MS = 10_000;

/** What a handler may know about its call. */
export interface CallContext {
  readonly method: string;
  /** The id as it came: on JSON-RPC its source text, quotes included. `undefined` for a notification. */
  readonly id: string | undefined;
  readonly isNotification: boolean;
  /** Whether the request has params at all; `[]` and `{}` count. */
  readonly hasParams: boolean;
  /** Fires on cancel, on the deadline and when the link ends; its reason is an `RpcError`. Made on first use. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, in `performance.now()` milliseconds; `undefined` when it did not say. */
  readonly deadline: number | undefined;
  readonly meta: Meta | undefined;
  /** The other side: call it, notify it. */
  readonly peer: Caller;
  /** The link that the call came over. */
  readonly connection: Connection;
  readonly remoteAddress: string | undefined;
  readonly identity: unknown;
}
