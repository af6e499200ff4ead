import type { Readable, Writable } from "node:stream";
import type { CloseReason, Full, Pipe, PipeSink } from "../../core/channel.ts";
import { busyPoll } from "./busy-poll.ts";

/** How long an input is read on that ought to have ended. */
const LINGER_MS = 1000;

/** How long an output may take nothing before a graceful close gives up on it. */
const STALL_MS = 5000;

/** The two streams of a link and how that kind of link ends. They may be one and the same. */
export interface StreamEnds {
  readonly input: Readable;
  readonly output: Writable;
  /**
   * Ends the link, then calls `finished`. Called at the first `close`, and once more with `atOnce` when a close with an
   * error follows a graceful one. What comes in meanwhile is discarded already.
   */
  end(atOnce: boolean): void;
  /** The end of the input comes with the end of all, whose reason says more: `ended` is told only if that does not follow. */
  readonly endsAsOne?: boolean;
}

/** Streams know their pipes, so that all pipes share the listeners: a server has many, and most of them are idle. */
const READER: unique symbol = Symbol("the pipe that reads it");
const WRITER: unique symbol = Symbol("the pipe that writes it");

type Input = Readable & { [READER]?: StreamPipe };
type Output = Writable & { [WRITER]?: StreamPipe };

/**
 * A pipe over Node's streams: full in both directions, nothing delivered before `open` has returned, nothing lost
 * before. Whoever makes it owns the streams and their `error` events, and calls `finished` when they are gone.
 */
export class StreamPipe implements Pipe {
  readonly #ends: StreamEnds;
  #sink: PipeSink | undefined;
  /** `open` has returned. */
  #opened = false;
  #holding = true;
  #inputEnded = false;
  #toldEnded = false;
  #toldClosed = false;
  #closing: CloseReason | undefined;
  #finished: CloseReason | undefined;
  /** One promise for all writes of a full period, so that no write adds a listener. */
  #drained: Promise<void> | undefined;
  #drain: (() => void) | undefined;

  constructor(ends: StreamEnds) {
    this.#ends = ends;
    const input: Input = ends.input;
    const output: Output = ends.output;
    input[READER] = this;
    output[WRITER] = this;
    // With a `readable` listener nothing flows, whoever calls `resume` (Node does, on a child's output when it exits).
    input.on("readable", holdFlow);
    input.on("end", onEnd);
    output.on("drain", onDrain);
    // The owner of one stream says when it has closed.
    if (output !== (input as unknown)) output.on("close", onDrain);
  }

  /** Whether `close` was called. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  open(sink: PipeSink): void {
    if (this.#sink !== undefined) throw new TypeError("The pipe is open already");
    this.#sink = sink;
    queueMicrotask(() => this.#begin());
  }

  write(bytes: Uint8Array | string): Full {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    const { output } = this.#ends;
    const hasRoom = output.write(bytes);
    busyPoll?.wrote();
    if (hasRoom || !output.writable) return;
    this.#drained ??= new Promise((resolve) => {
      this.#drain = resolve;
    });
    return this.#drained;
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#finished !== undefined) return;
    const atOnce = reason.error !== undefined;
    if (this.#closing !== undefined && !(atOnce && this.#closing.error === undefined)) return;
    this.#closing = reason;
    this.#release();
    this.#ends.input.resume();
    this.#ends.end(atOnce);
    // The streams may need a moment to send what was written; the link is over all the same.
    if (atOnce) queueMicrotask(() => this.finished(reason));
  }

  /** Tells the sink that it is over. Called by the owner of the streams; the first reason counts, and that of `close` before it. */
  finished(reason: CloseReason): void {
    if (this.#finished !== undefined) return;
    this.#finished = this.#closing ?? reason;
    this.relieve();
    if (this.#opened) this.#tellFinished(this.#finished);
  }

  /**
   * Calls `action` when all input was delivered: at its end, or a second from now if it does not end, because somebody
   * else holds it open. A sink that is full gets the time that it needs.
   */
  afterInput(action: () => void): void {
    const { input } = this.#ends;
    const timer = setInterval(() => {
      if (!this.#holding) finish();
    }, LINGER_MS);
    const finish = (): void => {
      clearInterval(timer);
      input.off("close", finish);
      action();
    };
    timer.unref();
    if (input.closed) finish();
    else input.once("close", finish);
  }

  /** Something has come (called by the input). */
  take(bytes: Uint8Array): void {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    busyPoll?.came();
    const full = this.#sink?.data(bytes);
    if (full === undefined || this.#closing !== undefined) return;
    this.#holding = true;
    this.#ends.input.on("readable", holdFlow);
    void full.then(() => this.#release());
  }

  /** The input has ended (called by it). */
  inputEnded(): void {
    if (this.#ends.endsAsOne === true) setTimeout(() => this.#inputOver(), LINGER_MS).unref();
    else this.#inputOver();
  }

  /** The output takes more again, or nothing any more (called by it). */
  relieve(): void {
    this.#drain?.();
    this.#drained = undefined;
    this.#drain = undefined;
  }

  #begin(): void {
    this.#opened = true;
    if (this.#finished !== undefined) return this.#tellFinished(this.#finished);
    if (this.#closing !== undefined) return;
    this.#ends.input.on("data", onData);
    this.#release();
  }

  #release(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#ends.input.off("readable", holdFlow);
    this.#tellEnded();
  }

  #inputOver(): void {
    this.#inputEnded = true;
    this.#tellEnded();
  }

  #tellEnded(): void {
    if (!this.#inputEnded || this.#toldEnded || this.#toldClosed) return;
    if (this.#holding || !this.#opened || this.#closing !== undefined) return;
    this.#toldEnded = true;
    this.#sink?.ended();
  }

  #tellFinished(reason: CloseReason): void {
    // A sink that is full hears of the end all the same: its handlers may run until they do.
    this.#holding = false;
    this.#tellEnded();
    this.#toldClosed = true;
    this.#sink?.closed(reason);
  }
}

function onData(this: Input, bytes: Uint8Array): void {
  this[READER]?.take(bytes);
}

function onEnd(this: Input): void {
  this[READER]?.inputEnded();
}

function onDrain(this: Output): void {
  this[WRITER]?.relieve();
}

/** A listener for `readable`: that it is there is all. */
function holdFlow(): void {}

/** Calls `stalled` when the output, which must have something to send, sends nothing for long. The returned function stops the watch. */
export function onStall(output: Writable, stalled: () => void): () => void {
  let left = output.writableLength;
  const timer = setInterval(() => {
    if (output.writableLength < left) left = output.writableLength;
    else stalled();
  }, STALL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
