import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Clock } from "./clock.ts";
import { checkMs } from "./clock.ts";
import type { BatchMember, BatchOutcome } from "./context.ts";
import { RpcError } from "./errors.ts";
import type { Meter } from "./meter.ts";
import type { Last, Middleware } from "./middleware.ts";
import { compose } from "./middleware.ts";
import type { Begun, CallListener, CallOptions, OutgoingItem, OutgoingRequest } from "./outgoing.ts";
import { OutgoingBatch, OutgoingCall, OutgoingNote } from "./outgoing.ts";

export const DEFAULT_TIMEOUT_MS = 20_000;

/** What the calling half needs of whoever sends for it: a client, or a peer. */
export interface CallingHost {
  readonly meter: Meter;
  submit(item: OutgoingItem): void;
}

/** How calls are made where the caller does not say. */
export interface CallingOptions {
  readonly clock: Clock;
  readonly timeoutMs?: number | undefined;
  readonly middleware?: readonly Middleware[] | undefined;
}

/** The calling half: makes requests of what a user asks, passes them through middleware, and hands them on to be sent. */
export class Calling {
  readonly #host: CallingHost;
  readonly #clock: Clock;
  readonly #middleware: readonly Middleware[];
  readonly #timeoutMs: number;
  readonly #chain: Last | undefined;

  constructor(host: CallingHost, { clock, timeoutMs = DEFAULT_TIMEOUT_MS, middleware = [] }: CallingOptions) {
    this.#host = host;
    this.#clock = clock;
    this.#middleware = middleware;
    this.#timeoutMs = checkMs("timeoutMs", timeoutMs);
    this.#chain = middleware.length === 0 ? undefined : compose(middleware, (call) => this.#last(call));
  }

  call(method: string, params: unknown, options: CallOptions | undefined): Promise<unknown> {
    if (this.#chain === undefined) return this.#call(method, params, options);
    if (options?.timeoutMs !== undefined) checkMs("timeoutMs", options.timeoutMs);
    return this.#run({ direction: "out", method, params, isNotification: false, options });
  }

  /** As `call`, for who makes many and gives them up at once: a promise and a signal for each would cost more than the call. */
  begin(method: string, params: unknown, options: CallOptions | undefined, listener: CallListener): Begun {
    if (this.#chain === undefined) {
      const schema = options?.result;
      const told = schema === undefined ? listener : checking(listener, schema, method);
      const call = this.#newCall(method, params, options, told);
      this.#host.submit(call);
      return call;
    }
    const given = new AbortController();
    this.call(method, params, { ...options, signal: given.signal }).then(
      (value) => listener.resolved(value),
      (thrown: unknown) => listener.rejected(RpcError.from(thrown)),
    );
    return { giveUp: (reason) => given.abort(reason) };
  }

  notify(method: string, params: unknown, options: CallOptions | undefined): Promise<void> {
    if (this.#chain === undefined) return this.#notify(method, params, options);
    const sent = this.#run({ direction: "out", method, params, isNotification: true, options }).then(() => {});
    sent.catch(() => {});
    return sent;
  }

  /**
   * Each member passes the middleware by itself. Those that it lets through at once leave together; one that it holds up
   * leaves alone, because a batch that waited for it might wait for ever.
   */
  async batch(members: readonly BatchMember[], options: CallOptions | undefined): Promise<BatchOutcome[]> {
    if (members.length === 0) {
      throw new RpcError("invalid_argument", "Cannot send a batch without members", { executed: "no" });
    }
    if (options?.timeoutMs !== undefined) checkMs("timeoutMs", options.timeoutMs);
    const together: OutgoingRequest[] = [];
    let isGathering = true;
    const chain = compose(this.#middleware, ({ method, params, isNotification, options: changed }) => {
      const request = isNotification ? newNote(method, params, changed) : this.#newCall(method, params, changed);
      if (isGathering) together.push(request);
      else this.#host.submit(request);
      return request.promise;
    });
    const outcomes = members.map(([method, params, { notify: isNotification = false } = {}]) =>
      outcomeOf(async () => chain({ direction: "out", method, params, isNotification, options })),
    );
    isGathering = false;
    if (together.length > 0) this.#host.submit(new OutgoingBatch(together));
    return Promise.all(outcomes);
  }

  async #run(call: Parameters<Last>[0]): Promise<unknown> {
    return this.#chain?.(call);
  }

  #last({ method, params, isNotification, options }: Parameters<Last>[0]): Promise<unknown> {
    return isNotification ? this.#notify(method, params, options) : this.#call(method, params, options);
  }

  #call(method: string, params: unknown, options: CallOptions | undefined): Promise<unknown> {
    const call = this.#newCall(method, params, options);
    const schema = options?.result;
    this.#host.submit(call);
    return schema === undefined ? call.promise : call.promise.then((value) => checked(value, schema, method));
  }

  #notify(method: string, params: unknown, options: CallOptions | undefined): Promise<void> {
    const note = newNote(method, params, options);
    this.#host.submit(note);
    return note.promise;
  }

  #newCall(method: string, params: unknown, options: CallOptions | undefined, listener?: CallListener): OutgoingCall {
    const clock = this.#clock;
    const { meter } = this.#host;
    const timeoutMs = options?.timeoutMs === undefined ? this.#timeoutMs : checkMs("timeoutMs", options.timeoutMs);
    // The clock may be a tick behind, and a deadline must never be early.
    const deadlineFrom = clock.now + clock.tickMs;
    const call = new OutgoingCall(method, params, deadlineFrom, timeoutMs, options, meter.moment, listener);
    if (timeoutMs === 0) {
      const why = `Cannot call "${method}": its time is over before it is sent`;
      call.fail(new RpcError("deadline_exceeded", why, { executed: "no" }));
    }
    if (!call.settled) meter.calls++;
    return call;
  }
}

function newNote(method: string, params: unknown, options: CallOptions | undefined): OutgoingNote {
  return new OutgoingNote(method, params, options?.meta);
}

/** Tells the listener of a result once it has been checked. */
function checking(listener: CallListener, schema: StandardSchemaV1, method: string): CallListener {
  return {
    forms: listener.forms,
    resolved: (value) =>
      void checked(value, schema, method).then(
        (result) => listener.resolved(result),
        (error: RpcError) => listener.rejected(error),
      ),
    rejected: (error) => listener.rejected(error),
  };
}

/** What the schema makes of a result. Rejects with `internal` for one that does not fit. */
async function checked(value: unknown, schema: StandardSchemaV1, method: string): Promise<unknown> {
  let result: StandardSchemaV1.Result<unknown>;
  try {
    result = await schema["~standard"].validate(value);
  } catch (cause) {
    throw new RpcError("internal", `The result of "${method}" cannot be checked: its schema failed`, {
      cause,
      executed: "yes",
    });
  }
  if (result.issues === undefined) return result.value;
  const why = `The result of "${method}" is not what was expected: ${describeIssues(result.issues)}`;
  throw new RpcError("internal", why, { data: result.issues, executed: "yes" });
}

/** The first few issues as one line: where, and what is wrong. */
function describeIssues(issues: readonly StandardSchemaV1.Issue[]): string {
  const lines = issues.slice(0, 5).map(({ message, path }) => {
    const where = (path ?? []).map((key) => String(typeof key === "object" ? key.key : key)).join(".");
    return where === "" ? message : `${where}: ${message}`;
  });
  return lines.join("; ");
}

async function outcomeOf(run: () => Promise<unknown>): Promise<BatchOutcome> {
  try {
    return { ok: true, value: await run() };
  } catch (thrown) {
    return { ok: false, error: RpcError.from(thrown) };
  }
}
