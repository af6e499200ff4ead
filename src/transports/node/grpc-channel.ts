import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { busyPoll } from "./busy-poll.ts";
import { framesOf, packetsOf } from "./packet.ts";

/** Bytes that were written and not yet sent, above which a channel is full: as many as a socket keeps. */
const HIGH_WATER: number = 64 << 10;
/** How much of a frame that is too large goes to the codec. */
const HEAD_BYTES = 1024;

/** What a channel needs of a stream: object mode on both sides; each object is the bytes of one message. */
export interface GrpcStream {
  _read(size: number): void;
  on(event: "data", take: (message: Buffer) => void): unknown;
  pause(): unknown;
  read(size: number): unknown;
  resume(): unknown;
  write(message: Buffer, sent: () => void): boolean;
}

/** A stream of gRPC and how this end of it ends. Whoever makes it calls `inputOver` and `finished` of the channel. */
export interface GrpcEnds {
  readonly stream: GrpcStream;
  /** Ends the stream after what was written, then calls `finished`. What comes in meanwhile is discarded already. */
  end(): void;
  /** Ends the stream now, and tells the other side as far as this end can. May follow `end`. */
  fail(error: RpcError): void;
}

/** What the messages of the stream are. */
export interface GrpcContent {
  /** Each message is a frame of bytes, as on a wire with a path of its own; otherwise it is a packet. */
  readonly isBare: boolean;
  readonly maxFrameBytes: number;
}

/** A channel over one stream of gRPC: one message for each `send`, full in both directions by bytes. */
export class GrpcChannel implements Channel {
  readonly #ends: GrpcEnds;
  readonly #content: GrpcContent;
  readonly #gate: ReadGate;
  #sink: ChannelSink | undefined = undefined;
  #opened = false;
  #inputOver = false;
  #toldEnded = false;
  #toldClosed = false;
  #closing: CloseReason | undefined = undefined;
  #finished: CloseReason | undefined = undefined;
  /** What has come and was not delivered. */
  #messages: Buffer[] = [];
  readonly #deliver: () => void = () => this.#deliverAll();
  #unsent = 0;
  #drained: Promise<void> | undefined = undefined;
  #drain: (() => void) | undefined = undefined;

  constructor(ends: GrpcEnds, content: GrpcContent) {
    this.#ends = ends;
    this.#content = content;
    this.#gate = new ReadGate(ends.stream);
  }

  /** Why it was closed at this end, if it was. */
  get closing(): CloseReason | undefined {
    return this.#closing;
  }

  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => this.#begin());
  }

  send(frames: readonly Frame[]): Full {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    if (this.#content.isBare) for (const frame of frames) this.#write(bufferOf(frame));
    else for (const packet of packetsOf(frames)) this.#write(packet);
    busyPoll?.wrote();
    if (this.#unsent < HIGH_WATER) return;
    this.#drained ??= new Promise((resolve) => {
      this.#drain = resolve;
    });
    return this.#drained;
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.#finished !== undefined) return;
    const { error } = reason;
    if (this.#closing !== undefined && (error === undefined || this.#closing.error !== undefined)) return;
    this.#closing = reason;
    this.#gate.open();
    if (error === undefined) return this.#ends.end();
    this.#ends.fail(error);
    queueMicrotask(() => this.finished(reason));
  }

  /** The other side will send nothing more (called by the owner of the stream). */
  inputOver(): void {
    this.#inputOver = true;
    this.#tellEnded();
  }

  /** The stream is over (called by its owner). The first reason counts, and that of `close` before it. */
  finished(reason: CloseReason): void {
    if (this.#finished !== undefined) return;
    this.#finished = this.#closing ?? reason;
    this.#relieve();
    if (this.#opened) this.#tellFinished(this.#finished);
  }

  #begin(): void {
    this.#opened = true;
    if (this.#finished !== undefined) return this.#tellFinished(this.#finished);
    if (this.#closing !== undefined) return;
    this.#ends.stream.on("data", (message) => this.#take(message));
    this.#gate.open();
    this.#tellEnded();
  }

  /**
   * What comes in one turn of the event loop is delivered together. grpc-js gives each message for itself, and replies to them
   * would leave one by one too: trains of calls would never grow again.
   */
  #take(message: Buffer): void {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    this.#messages.push(message);
    if (this.#messages.length === 1 && this.#gate.isOpen) setImmediate(this.#deliver);
  }

  #deliverAll(): void {
    if (this.#messages.length === 0 || !this.#gate.isOpen || this.#closing !== undefined || this.#toldClosed) return;
    busyPoll?.came();
    const messages = this.#messages;
    this.#messages = [];
    const frames: Frame[] = [];
    let error: RpcError | undefined;
    try {
      for (const message of messages) this.#cut(message, frames);
    } catch (thrown) {
      error = RpcError.from(thrown);
    }
    const full = frames.length === 0 ? undefined : this.#sink?.frames(frames);
    if (error !== undefined) return this.close({ message: error.message, error });
    if (full === undefined || this.#closing !== undefined) return;
    this.#gate.close();
    void full.then(() => this.#goOn());
  }

  /** The sink has room again. */
  #goOn(): void {
    this.#gate.open();
    this.#deliverAll();
    this.#tellEnded();
  }

  /** What is too large is told first: the order matters among the frames, and no more than that. */
  #cut(message: Buffer, frames: Frame[]): void {
    const { isBare, maxFrameBytes } = this.#content;
    if (isBare) return void frames.push(message);
    framesOf(message, maxFrameBytes, frames, (bytes) => {
      const why = `A frame of ${bytes.length} bytes is above the limit of ${maxFrameBytes}`;
      this.#sink?.skipped(bytes.subarray(0, HEAD_BYTES), new RpcError("resource_exhausted", why));
    });
  }

  #write(message: Buffer): void {
    const { length } = message;
    this.#unsent += length;
    this.#ends.stream.write(message, () => {
      this.#unsent -= length;
      if (this.#unsent < HIGH_WATER) this.#relieve();
    });
  }

  #relieve(): void {
    this.#drain?.();
    this.#drained = undefined;
    this.#drain = undefined;
  }

  #tellEnded(): void {
    if (!this.#inputOver || this.#toldEnded || this.#toldClosed) return;
    this.#deliverAll();
    if (!this.#gate.isOpen || !this.#opened || this.#closing !== undefined) return;
    this.#toldEnded = true;
    this.#sink?.ended();
  }

  #tellFinished(reason: CloseReason): void {
    this.#deliverAll();
    // A sink that is full hears of the end all the same: its handlers may run until they do.
    this.#messages = [];
    this.#gate.open();
    this.#tellEnded();
    this.#toldClosed = true;
    this.#sink?.closed(reason);
  }
}

/** The bytes of a frame as grpc-js wants them, not copied. */
function bufferOf(frame: Frame): Buffer {
  if (typeof frame === "string") return Buffer.from(frame);
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
}

/**
 * Stops the reading of a stream for real. A stream of objects that is merely paused asks for 16 messages more, however large
 * they are; behind the gate it asks for one. One must be asked for, or grpc-js keeps without a bound what a server sends first.
 */
class ReadGate {
  readonly #stream: GrpcStream;
  readonly #read: (size: number) => void;
  #isOpen = false;
  #asked = false;
  /** How much the stream has asked for since the gate was closed. */
  #owed: number | undefined = undefined;

  constructor(stream: GrpcStream) {
    this.#stream = stream;
    this.#read = stream._read.bind(stream);
    stream._read = (size) => {
      if (this.#isOpen || !this.#asked) {
        this.#asked = true;
        this.#read(size);
      } else this.#owed = size;
    };
    stream.pause();
    stream.read(0);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    const owed = this.#owed;
    this.#owed = undefined;
    if (owed !== undefined) this.#read(owed);
    this.#stream.resume();
  }

  close(): void {
    this.#isOpen = false;
    this.#stream.pause();
  }
}
