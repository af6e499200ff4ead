import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CloseReason } from "./channel.ts";
import type { Code } from "./errors.ts";
import { nameOf, RpcError } from "./errors.ts";
import type {
  BatchMessage,
  CallMessage,
  CancelMessage,
  Forms,
  GoodbyeMessage,
  Id,
  Meta,
  NotifyMessage,
  PingMessage,
  PongMessage,
  ReplyMessage,
} from "./message.ts";
import type { Moment } from "./meter.ts";
import { printable } from "./text.ts";

/** How one call is made. */
export interface CallOptions<Result = unknown> {
  /** How long the caller waits; Infinity: no limit, 0: the call fails without being sent. Default: the link's own (20 000). */
  readonly timeoutMs?: number | undefined;
  /** Ends this call: it settles with `cancelled`, and the other side is told where the wire can say so. */
  readonly signal?: AbortSignal | undefined;
  /** The call may run twice: a client sends it again when its link was lost before the reply. */
  readonly idempotent?: boolean | undefined;
  /** Travels with the call on wires that can carry it. */
  readonly meta?: Meta | undefined;
  /** Checks the result with any Standard Schema validator; one that does not fit rejects the call with `internal`. */
  readonly result?: StandardSchemaV1<unknown, Result> | undefined;
}

/** A call whose result is checked and therefore has a type. */
export interface CheckedCallOptions<Result> extends CallOptions<Result> {
  readonly result: StandardSchemaV1<unknown, Result>;
}

/** How the caller of a call that was begun gives it up. */
export interface Begun {
  /** As a signal that aborts with this reason; does nothing once the call has settled. */
  giveUp(reason: unknown): void;
}

/**
 * Who is told how a call ends, in place of a promise: once, in the middle of what ended it, and perhaps before it has begun.
 * Must not throw.
 */
export interface CallListener {
  /** Shared by the listeners of all calls with these params. */
  readonly forms?: Forms | undefined;
  resolved(value: unknown): void;
  rejected(error: RpcError): void;
}

/** Whoever holds a call now: the client's queue, or a peer. */
export interface Holder {
  /** The caller gave up. */
  abandoned(call: OutgoingCall): void;
  /** The call failed without a reply. */
  failed(call: OutgoingCall, code: Code): void;
}

/** The one listener that a signal has of all calls that it ends, in their order: of more than ten Node 20 warns. */
class SignalWatch {
  readonly #signal: AbortSignal;
  readonly #calls = new Set<OutgoingCall>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this);
    WATCHES.set(signal, this);
  }

  /** Until the returned function is called. */
  add(call: OutgoingCall): () => void {
    this.#calls.add(call);
    return () => {
      this.#calls.delete(call);
      if (this.#calls.size > 0) return;
      this.#signal.removeEventListener("abort", this);
      WATCHES.delete(this.#signal);
    };
  }

  /** The signal has aborted (called by it). */
  handleEvent(): void {
    for (const call of this.#calls) call.giveUp(this.#signal.reason);
  }
}

const WATCHES = new WeakMap<AbortSignal, SignalWatch>();

/**
 * One call from `call()` to its settlement: the message, the entry in the pending table and what settles it are this one
 * object, so a call that was never sent moves to another link as it is. Its id belongs to the link that sends it.
 */
export class OutgoingCall implements CallMessage, Begun {
  readonly kind = "call";
  id: Id = 0;
  readonly method: string;
  readonly params: unknown;
  /** The time that is left when it is encoded. */
  timeoutMs: number | undefined;
  /** The time that its caller gave it. */
  readonly givenMs: number;
  /** In the clock's time; Infinity when there is no limit. */
  readonly deadline: number;
  /** When it was made; absent where nobody measures. */
  readonly began: Moment | undefined;
  /** True from the moment when the codec gets it: from then on it may have run. */
  sent = false;
  settled = false;
  holder: Holder | undefined = undefined;
  /** On so many links it was sent that were lost before the reply. */
  losses = 0;
  readonly meta: Meta | undefined;
  /** It may run twice. */
  readonly idempotent: boolean;
  readonly #listener: CallListener | undefined;
  readonly #promise: Promise<unknown> | undefined;
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #reject: ((error: RpcError) => void) | undefined = undefined;
  /** Takes the listener from the caller's signal. */
  #unwatch: (() => void) | undefined = undefined;

  /** `now` is the clock's; `timeoutMs` may be Infinity. */
  constructor(
    method: string,
    params: unknown,
    now: number,
    timeoutMs: number,
    options: CallOptions | undefined,
    began?: Moment,
    listener?: CallListener,
  ) {
    this.method = method;
    this.params = params;
    this.timeoutMs = timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs;
    this.givenMs = timeoutMs;
    this.deadline = now + timeoutMs;
    this.began = began;
    // Now, because a caller may use the object again for another call.
    this.meta = options?.meta;
    this.idempotent = options?.idempotent === true;
    this.#listener = listener;
    if (listener === undefined) {
      this.#promise = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
    }
    if (options?.signal !== undefined) this.#watch(options.signal);
  }

  /** How it ends, for a call without a listener. */
  get promise(): Promise<unknown> {
    if (this.#promise === undefined) throw new TypeError("A call with a listener has no promise");
    return this.#promise;
  }

  get forms(): Forms | undefined {
    return this.#listener?.forms;
  }

  resolve(value: unknown): void {
    if (this.settled) return;
    this.#settle();
    if (this.#listener === undefined) this.#resolve?.(value);
    else this.#listener.resolved(value);
  }

  /** `isReply`: the other side said so. */
  fail(error: RpcError, isReply = false): void {
    if (this.settled) return;
    this.#settle();
    if (!isReply) this.holder?.failed(this, error.code);
    const { code, message, cause } = error;
    const isSure = this.losses === 0 || error.executed !== "no";
    const told = isSure ? error : new RpcError(code, message, { ...error, cause, executed: "unknown" });
    if (this.#listener === undefined) this.#reject?.(told);
    else this.#listener.rejected(told);
  }

  /** Makes it ready to be sent once more; whatever becomes of it then, it may have run already. */
  retry(): void {
    this.sent = false;
    this.losses++;
  }

  giveUp(reason: unknown): void {
    if (this.settled) return;
    const timedOut = nameOf(reason) === "TimeoutError";
    const message = `Cannot call "${this.method}": ${timedOut ? "its signal timed out" : "it was cancelled"}`;
    const executed = this.sent ? "unknown" : "no";
    this.fail(new RpcError(timedOut ? "deadline_exceeded" : "cancelled", message, { cause: reason, executed }));
    this.holder?.abandoned(this);
  }

  #settle(): void {
    this.settled = true;
    this.#unwatch?.();
  }

  #watch(signal: AbortSignal): void {
    if (signal.aborted) return this.giveUp(signal.reason);
    this.#unwatch = (WATCHES.get(signal) ?? new SignalWatch(signal)).add(this);
  }
}

/** A notification on its way; its promise resolves when the channel has taken it. */
export class OutgoingNote implements NotifyMessage {
  readonly kind = "notify";
  readonly method: string;
  readonly params: unknown;
  readonly meta: Meta | undefined;
  readonly promise: Promise<void>;
  #resolve: (() => void) | undefined = undefined;
  #reject: ((error: RpcError) => void) | undefined = undefined;

  constructor(method: string, params: unknown, meta?: Meta) {
    this.method = method;
    this.params = params;
    this.meta = meta;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Most callers do not look: a notification that was lost must not end the process as an unhandled rejection.
    this.promise.catch(() => {});
  }

  /** It was given to the channel. A promise settles once, so that a later failure changes nothing. */
  taken(): void {
    this.#resolve?.();
  }

  fail(error: RpcError): void {
    this.#reject?.(error);
  }
}

export type OutgoingRequest = OutgoingCall | OutgoingNote;

/** Requests that leave as one where the wire can, and are answered as one. */
export class OutgoingBatch implements BatchMessage {
  readonly kind = "batch";
  readonly messages: readonly OutgoingRequest[];

  constructor(messages: readonly OutgoingRequest[]) {
    this.messages = messages;
  }
}

/** What a link may be given to send, and may give back unsent. */
export type OutgoingItem = OutgoingRequest | OutgoingBatch;

/** Everything that waits in an outbox. */
export type Outgoing =
  | OutgoingItem
  | ReplyMessage
  | BatchMessage
  | CancelMessage
  | PingMessage
  | PongMessage
  | GoodbyeMessage;

/** The requests of an item: its members, or itself. */
export function requestsOf(item: OutgoingItem): readonly OutgoingRequest[] {
  return item.kind === "batch" ? item.messages : [item];
}

/** Whether the message is a request of this end (a reply batch is not). */
export function isItem(message: Outgoing): message is OutgoingItem {
  return message.kind === "call" || message.kind === "notify" || message instanceof OutgoingBatch;
}

/** Whether the message is a request of this end that wants an answer, or has one that does. */
export function isAsking(message: Outgoing): message is OutgoingItem {
  return isItem(message) && requestsOf(message).some(({ kind }) => kind === "call");
}

/** The error of a request whose link ended. */
export function lost(request: OutgoingRequest, reason: CloseReason): RpcError {
  const sent = request.kind === "call" && request.sent;
  const why = `Lost "${request.method}": ${printable(reason.message)}`;
  return new RpcError("unavailable", why, {
    executed: sent ? "unknown" : "no",
    cause: reason.error,
    wireCode: reason.closeCode,
  });
}
