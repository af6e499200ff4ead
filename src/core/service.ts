import type { Codec } from "./codec.ts";
import type { Connection } from "./context.ts";
import type { Fault } from "./errors.ts";
import { RpcError } from "./errors.ts";
import type { Dispatcher } from "./handlers.ts";
import { IdTable } from "./id-table.ts";
import type { Limits, Slots } from "./limits.ts";
import type { BatchMessage, Id, InvalidMessage, Message, ReplyMessage, RequestMessage } from "./message.ts";
import type { Meter } from "./meter.ts";
import { OfThisCall, UnknownMethod } from "./middleware.ts";
import { Queue } from "./queue.ts";
import { roughBytes } from "./size.ts";
import { ReplyBatch, Task } from "./task.ts";

/** What the serving half needs of its peer, which is the connection that handlers see. */
export interface ServiceHost extends Connection {
  readonly codec: Codec;
  readonly meter: Meter;
  readonly options: { readonly slots: Slots; readonly limits: Limits };
  readonly isOrdered: boolean;
  /** The other side does not read its replies: nothing new starts. */
  readonly isCongested: boolean;
  answer(reply: ReplyMessage | BatchMessage): void;
  /** A notification came to nothing, and nobody is told. */
  notificationFailed(error: Fault, method: string): void;
  /** The link cannot go on. */
  broken(error: RpcError): void;
  /** A place became free: the peer may read on, or close when it drains. */
  servingEased(): void;
  /** A handler threw something that is no `RpcError`; `error` is what its caller gets instead. */
  handlerFailed(error: RpcError, method: string): void;
}

/** Requests that may have been read already when reading pauses: one chunk of small ones. */
const READ_AHEAD = 8192;

/** The serving half of a peer: order, slots, running handlers, replies. It knows nothing of channels. */
export class Service {
  readonly #host: ServiceHost;
  /** Nothing starts before there is one: requests wait. */
  #dispatcher: Dispatcher | undefined = undefined;
  #queue: Queue<Task> | undefined = undefined;
  /** Calls that wait or run; a synchronous handler never gets here. */
  readonly #calls = new IdTable<Task>();
  /** What is in the queue and waits no more. */
  #gone = 0;
  #active = 0;
  #ends = 0;
  /** Estimated bytes of the notifications that wait beyond the bound. */
  #extraBytes = 0;
  /** No call in the table ends before this. */
  #earliest = Number.POSITIVE_INFINITY;
  /** Running notifications: they have no id, and are the barrier of ordered wires. */
  #notes: Set<Task> | undefined = undefined;
  /** The batch of the last of them. */
  #noteBatch: ReplyBatch | undefined = undefined;
  #state: "serving" | "refusing" | "stopped" = "serving";
  /** Why it stopped. */
  #over: RpcError | undefined = undefined;
  /** Made when first needed: an idle link does without. */
  #startMore: (() => void) | undefined = undefined;

  constructor(host: ServiceHost) {
    this.#host = host;
  }

  get waiting(): number {
    return this.#queue === undefined ? 0 : this.#queue.length - this.#gone;
  }
  /** So many handlers have ended that took their time. */
  get ended(): number {
    return this.#ends;
  }
  get running(): number {
    return this.#active;
  }
  get idle(): boolean {
    return this.#active === 0 && this.waiting === 0;
  }
  has(id: Id): boolean {
    return this.#calls.get(id) !== undefined;
  }

  /** Begins to serve; what has come before starts now. */
  serve(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher;
    this.resume();
  }

  receive(message: RequestMessage, now: number, batch?: ReplyBatch, slot = 0): void {
    const task = new Task(this.#host, message, now, batch, slot);
    if (this.#state !== "serving") {
      return this.#finish(task, new RpcError("unavailable", "This end is closing", { executed: "no" }));
    }
    if (task.endsAt <= now) {
      const why = "The time of the call was over when it came";
      return this.#finish(task, new RpcError("deadline_exceeded", why, { executed: "no" }));
    }
    if (this.waiting === 0 && !this.#held(batch) && this.#takePlace()) return this.#run(task);
    if (this.waiting < this.#host.options.limits.maxWaiting + READ_AHEAD) this.#extraBytes = 0;
    else if (message.kind === "call") {
      return this.#finish(task, new RpcError("resource_exhausted", "Too many requests wait", { executed: "no" }));
    } else if (!this.#hasRoom(message)) return;
    this.#enqueue(task);
    this.#remember(task);
  }

  /**
   * Nobody would hear that a notification was refused, and what comes after it may make no sense without it. So it waits as
   * far as memory goes, and then the link ends.
   */
  #hasRoom(message: RequestMessage): boolean {
    this.#extraBytes += roughBytes(message);
    if (this.#extraBytes <= this.#host.options.limits.maxQueuedBytes) return true;
    this.#host.broken(new RpcError("resource_exhausted", "Too many notifications wait for the handlers of this end"));
    return false;
  }

  /** Serves the members of a batch together and answers them as one batch, in their order. */
  receiveBatch({ messages }: BatchMessage, now: number, other: (message: Message) => void): void {
    const batch = new ReplyBatch(messages.length, (replies) => this.#host.answer({ kind: "batch", messages: replies }));
    messages.forEach((message, slot) => {
      if (message.kind === "call" || message.kind === "notify") return this.receive(message, now, batch, slot);
      if (message.kind === "invalid") return batch.fill(slot, invalidReply(message));
      other(message);
      batch.fill(slot, undefined);
    });
  }

  answerInvalid(message: InvalidMessage): void {
    this.#host.answer(invalidReply(message));
  }

  /** The caller gave up. What waits is answered at once and never starts; what runs is told. */
  cancel(id: Id): void {
    const task = this.#calls.get(id);
    if (task !== undefined) this.#cancel(task, new RpcError("cancelled", "The call was cancelled by its caller"));
  }

  /** This end gives up a call of the other side. */
  giveUp(id: Id): void {
    const task = this.#calls.get(id);
    if (task === undefined) return;
    task.endedHere = true;
    this.#cancel(task, new RpcError("cancelled", "The call was cancelled by the end that serves it"));
  }

  #cancel(task: Task, error: RpcError): void {
    task.cancel(error);
    if (task.state !== "waiting") return;
    this.#finish(task, { ...faultOf(error), executed: "no" });
    this.#gone++;
    if (this.#gone * 2 < (this.#queue?.length ?? 0)) return;
    this.#queue?.keep(({ state }) => state === "waiting");
    this.#gone = 0;
  }

  /** Ends what ran out of time. */
  expire(now: number): void {
    if (now < this.#earliest) return;
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const task of this.#calls.values()) {
      if (task.endsAt <= now) this.#cancel(task, new RpcError("deadline_exceeded", "The time of the call is over"));
      else if (task.endsAt < this.#earliest) this.#earliest = task.endsAt;
    }
  }

  /** Refuses new requests; those accepted go on. */
  refuse(): void {
    if (this.#state === "serving") this.#state = "refusing";
  }

  /**
   * The link is gone: handlers are told, nothing is answered, calls that wait never start. Notifications that had come
   * still run, in their order, when it was not this end that closed: nobody awaits an answer to them. Their signal fires
   * as soon as they wait for something.
   */
  stop(error: RpcError, byOther: boolean): void {
    this.#state = "stopped";
    this.#over = error;
    const waiting = this.#queue?.takeAll() ?? [];
    this.#gone = 0;
    const notes = waiting.filter(({ isNotification }) => byOther && isNotification);
    for (const task of [...this.#calls.values(), ...(this.#notes ?? [])]) task.cancel(error);
    this.#calls.clear();
    for (const task of notes) this.#enqueue(task);
    if (notes.length > 0) this.resume();
    else if (this.#startMore !== undefined) this.#host.options.slots.leave(this.#startMore);
  }

  /** Starts what waits, as far as it may. */
  resume(): void {
    if (this.waiting > 0) this.#startWaiting();
  }

  #enqueue(task: Task): void {
    this.#queue ??= new Queue();
    this.#queue.push(task);
  }

  /** The head of the queue waits no more. */
  #forget(queue: Queue<Task> | undefined): void {
    queue?.shift();
    this.#gone--;
  }

  #held(batch: ReplyBatch | undefined): boolean {
    return (
      this.#host.isOrdered &&
      this.#notes !== undefined &&
      this.#notes.size > 0 &&
      (batch === undefined || batch !== this.#noteBatch)
    );
  }

  #startWaiting(): void {
    const queue = this.#queue;
    for (let task = queue?.peek(); task !== undefined; task = queue?.peek()) {
      if (task.state === "done") this.#forget(queue);
      else if (this.#held(task.batch) || !this.#takePlace()) break;
      else {
        queue?.shift();
        this.#run(task);
      }
    }
    this.#host.servingEased();
  }

  /** Takes a place for one more handler, or says no; the service is called again when there is one. */
  #takePlace(): boolean {
    const { slots, limits } = this.#host.options;
    if (this.#dispatcher === undefined || this.#active >= limits.maxRunning) return false;
    if (this.#state !== "stopped" && this.#host.isCongested) return false;
    if (slots.take()) return true;
    this.#startMore ??= () => this.#startWaiting();
    slots.wait(this.#startMore);
    return false;
  }

  #run(task: Task): void {
    const { message } = task;
    const { meter } = this.#host;
    const { slots } = this.#host.options;
    const began = meter.moment;
    task.state = "running";
    let value: unknown;
    let isLater: boolean;
    try {
      const handler = this.#dispatcher?.find(message.method);
      if (handler === undefined) throw new UnknownMethod(message.method);
      value = handler(message.params, task);
      isLater = isThenable(value);
    } catch (thrown) {
      meter.handlerRan();
      this.#fail(task, thrown);
      return slots.release();
    }
    if (!isLater) {
      meter.handlerRan();
      this.#succeed(task, value);
      return slots.release();
    }
    this.#active++;
    if (message.kind === "call") this.#remember(task);
    else {
      this.#notes ??= new Set();
      this.#notes.add(task);
      this.#noteBatch = task.batch;
      // It started after the link had gone: what it waits for of the other side will not come.
      if (this.#over !== undefined) task.cancel(this.#over);
    }
    // Not `value.then`: a promise of somebody else's making may settle twice, and the place is given back once.
    Promise.resolve(value).then(
      (result) => {
        meter.handlerEnded(began);
        this.#succeed(task, result);
        this.#ended(task);
      },
      (thrown: unknown) => {
        meter.handlerEnded(began);
        this.#fail(task, thrown);
        this.#ended(task);
      },
    );
  }

  /** A slot is held until the handler has really ended, cancelled or not. */
  #ended(task: Task): void {
    this.#active--;
    this.#ends++;
    if (task.isNotification) this.#notes?.delete(task);
    this.#host.options.slots.release();
    if (this.waiting > 0) this.#startWaiting();
    else this.#host.servingEased();
  }

  #remember(task: Task): void {
    if (task.message.kind !== "call" || this.#state === "stopped") return;
    if (this.#calls.get(task.message.id) !== task) this.#calls.set(task.message.id, task);
    if (task.endsAt < this.#earliest) this.#earliest = task.endsAt;
  }

  #succeed(task: Task, value: unknown): void {
    const { message } = task;
    if (message.kind === "call") this.#reply(task, { kind: "result", id: message.id, value, call: message });
    else this.#reply(task, undefined);
  }

  #fail(task: Task, thrown: unknown): void {
    const told = RpcError.is(thrown);
    const error = told ? thrown : (task.cancelled ?? RpcError.from(thrown));
    if (!told && error.code === "internal") this.#host.handlerFailed(error, task.method);
    // It ran: what an inner call said about itself must not be read as said about this one.
    const inner = told && error.executed !== undefined && !(error instanceof OfThisCall);
    this.#finish(task, inner ? { ...faultOf(error), executed: undefined } : error);
  }

  #finish(task: Task, error: Fault): void {
    const { message } = task;
    if (message.kind === "call") return this.#reply(task, { kind: "error", id: message.id, error, call: message });
    if (this.#state !== "stopped") this.#host.notificationFailed(error, message.method);
    this.#reply(task, undefined);
  }

  /** Ends the task: every path of a request leads here, once. */
  #reply(task: Task, reply: ReplyMessage | undefined): void {
    task.state = "done";
    const { message, batch } = task;
    if (message.kind === "call" && this.#calls.size > 0 && this.#calls.get(message.id) === task) {
      this.#calls.delete(message.id);
    }
    if (this.#state === "stopped") return;
    const isWanted = task.cancelled === undefined || task.endedHere || this.#host.codec.carries.answersCancelled;
    const wanted = isWanted ? reply : undefined;
    if (batch !== undefined) batch.fill(task.slot, wanted);
    else if (wanted !== undefined) this.#host.answer(wanted);
  }
}

function invalidReply(call: InvalidMessage): ReplyMessage {
  return { kind: "error", id: call.id, error: call.error, call };
}

function faultOf(error: RpcError): Fault {
  const { code, message, data, details, trace, timestamp, executed, wireCode } = error;
  return { code, message, data, details, trace, timestamp, executed, wireCode };
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
