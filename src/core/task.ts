import type { CallContext, Connection } from "./context.ts";
import type { RpcError } from "./errors.ts";
import type { Meta, ReplyMessage, RequestMessage } from "./message.ts";

/** One accepted request, from its arrival to its reply; it is also the context that its handler sees. */
export class Task implements CallContext {
  readonly connection: Connection;
  readonly message: RequestMessage;
  /** In the clock's time; Infinity when the caller did not say. */
  readonly endsAt: number;
  readonly batch: ReplyBatch | undefined;
  /** Its place in the batch. */
  readonly slot: number;
  state: "waiting" | "running" | "done" = "waiting";
  cancelled: RpcError | undefined = undefined;
  /** It was this end that gave it up: its caller, who knows nothing of that, is answered on any wire. */
  endedHere = false;
  #abort: AbortController | undefined = undefined;

  constructor(
    connection: Connection,
    message: RequestMessage,
    now: number,
    batch: ReplyBatch | undefined,
    slot: number,
  ) {
    this.connection = connection;
    this.message = message;
    this.endsAt =
      message.kind === "call" && message.timeoutMs !== undefined ? now + message.timeoutMs : Number.POSITIVE_INFINITY;
    this.batch = batch;
    this.slot = slot;
  }

  get method(): string {
    return this.message.method;
  }
  get id(): string | undefined {
    return this.message.kind === "call" ? String(this.message.id) : undefined;
  }
  get isNotification(): boolean {
    return this.message.kind === "notify";
  }
  get hasParams(): boolean {
    return this.message.params !== undefined;
  }
  get deadline(): number | undefined {
    return this.endsAt === Number.POSITIVE_INFINITY ? undefined : this.endsAt;
  }
  get meta(): Meta | undefined {
    return this.message.meta;
  }
  get peer(): Connection {
    return this.connection;
  }
  get remoteAddress(): string | undefined {
    return this.connection.remoteAddress;
  }
  get identity(): unknown {
    return this.connection.identity;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.cancelled !== undefined && !this.#abort.signal.aborted) this.#abort.abort(this.cancelled);
    return this.#abort.signal;
  }

  /** Tells the handler to stop; the first reason counts. */
  cancel(error: RpcError): void {
    if (this.cancelled !== undefined) return;
    this.cancelled = error;
    this.#abort?.abort(error);
  }
}

/** Gathers the replies of one batch; complete when every member has ended, notifications too. */
export class ReplyBatch {
  readonly #replies: (ReplyMessage | undefined)[];
  readonly #done: (replies: readonly ReplyMessage[]) => void;
  #open: number;

  constructor(size: number, done: (replies: readonly ReplyMessage[]) => void) {
    this.#replies = new Array<ReplyMessage | undefined>(size).fill(undefined);
    this.#open = size;
    this.#done = done;
  }

  /** Ends the member at `slot`; a notification has no reply. */
  fill(slot: number, reply: ReplyMessage | undefined): void {
    this.#replies[slot] = reply;
    if (--this.#open > 0) return;
    const replies = this.#replies.filter((each) => each !== undefined);
    if (replies.length > 0) this.#done(replies);
  }
}
