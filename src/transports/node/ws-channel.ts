import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import { busyPoll } from "./busy-poll.ts";
import { SOCKET_OPTIONS } from "./socket.ts";
import { onStall } from "./stream-pipe.ts";
import { closeFrameOf, reasonOfClose, reasonOfFault, tooLarge } from "./ws-close.ts";

/** Waiting for the other side, a sender is told "full" from here on. */
const FULL_BYTES: number = SOCKET_OPTIONS.highWaterMark;
/** How long a link that ended with an error may still take to say so. */
const LINGER_MS = 1000;
/** `WebSocket.OPEN`, known without loading `ws`. */
const OPEN = 1;
/** What a sign of life brings. */
const NOTHING: readonly Frame[] = Object.freeze([]);

/** The socket knows its channel, so that all sockets share the listeners: a server has many, and most of them are idle. */
const CHANNEL: unique symbol = Symbol("channel");

type Socket = WebSocket & { [CHANNEL]?: WebSocketChannel };

/**
 * A channel over an open socket of `ws` and the stream below it; it owns both from now on. Text is a text message, bytes
 * are a binary one. What one chunk of the stream brings is delivered as one list, what one `send` takes leaves in one write.
 *
 * A close without an error says so behind what was written, and waits for the other side's close frame as long as something
 * is sent at least every 5 s. A close with an error tells `closed` at once; the close frame has a second to leave.
 */
export function webSocketChannel(socket: WebSocket, stream: Duplex, maxFrameBytes: number): Channel {
  return new WebSocketChannel(socket, stream, maxFrameBytes);
}

class WebSocketChannel implements Channel {
  readonly #socket: Socket;
  readonly #stream: Duplex;
  readonly #maxFrameBytes: number;
  /** Where messages are compressed: called for each that has left, because until then the stream does not know of it. */
  readonly #onSent: (() => void) | undefined;
  #sink: ChannelSink | undefined = undefined;
  /** `open` has returned. */
  #opened = false;
  /** What has come and was not delivered yet. */
  #inbox: Frame[] | undefined = undefined;
  #scheduled = false;
  /** The sink said "full". */
  #holding = false;
  #closing: CloseReason | undefined = undefined;
  #finished: CloseReason | undefined = undefined;
  /** One promise for all sends of a full period. */
  #drained: Promise<void> | undefined = undefined;
  #drain: (() => void) | undefined = undefined;
  #unwatch: (() => void) | undefined = undefined;

  constructor(socket: Socket, stream: Duplex, maxFrameBytes: number) {
    this.#socket = socket;
    this.#stream = stream;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onSent = socket.extensions === "" ? undefined : () => this.#mayRelieve();
    socket[CHANNEL] = this;
    socket.binaryType = "nodebuffer";
    socket.on("message", onMessage);
    socket.on("ping", onSign);
    socket.on("pong", onSign);
    socket.on("error", onError);
    socket.on("close", onClose);
    // Until somebody listens nothing is read.
    socket.pause();
  }

  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => this.#begin(sink));
  }

  send(frames: readonly Frame[]): Full {
    const socket = this.#socket;
    if (this.#closing !== undefined || socket.readyState !== OPEN) return;
    const stream = this.#stream;
    stream.cork();
    for (const frame of frames) socket.send(frame, this.#onSent);
    stream.uncork();
    busyPoll?.wrote();
    const isFull =
      this.#onSent === undefined
        ? // Then its `drain` will come, and not soon.
          stream.writableNeedDrain && stream.writableLength >= FULL_BYTES
        : socket.bufferedAmount >= FULL_BYTES;
    return isFull ? this.#untilDrained() : undefined;
  }

  ping(): void {
    if (this.#closing === undefined && this.#socket.readyState === OPEN) this.#socket.ping();
  }

  close(given?: CloseReason): void {
    if (this.#finished !== undefined) return;
    const reason = given ?? { message: "Closed by this end" };
    const atOnce = reason.error !== undefined;
    if (this.#closing !== undefined && !(atOnce && this.#closing.error === undefined)) return;
    this.#closing = reason;
    this.#inbox = undefined;
    this.#relieve();
    // The other side's close frame stands behind what it has sent.
    this.#holding = false;
    this.#socket.resume();
    const { code, text } = closeFrameOf(given ?? { message: "" });
    this.#socket.close(code, text);
    if (atOnce) {
      this.#lingers();
      queueMicrotask(() => this.#finish(reason));
    } else this.#unwatch = onStall(this.#stream, () => this.#socket.terminate());
  }

  /** A message has come (called by the socket). */
  take(data: Buffer, isBinary: boolean): void {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    // A socket that somebody else accepted may have a larger limit than ours.
    if (data.length > this.#maxFrameBytes) {
      const reason = tooLarge(this.#maxFrameBytes);
      this.#socket.close(reason.closeCode);
      return this.#break(reason);
    }
    const frame = isBinary ? data : data.toString();
    if (this.#inbox === undefined) this.#inbox = [frame];
    else this.#inbox.push(frame);
    this.#schedule();
  }

  /** The other side lives (called by the socket). */
  heard(): void {
    this.#schedule();
  }

  /** What came cannot be read (called by the socket, which has sent a close frame that says so). */
  failed(error: Error): void {
    if (this.#closing === undefined) this.#break(reasonOfFault(error, this.#maxFrameBytes));
  }

  /** The socket has closed (called by it). */
  closed(code: number, text: Buffer): void {
    this.#finish(reasonOfClose(code, text, this.#stream.errored));
  }

  #begin(sink: ChannelSink): void {
    this.#opened = true;
    if (this.#finished !== undefined) this.#tellFinished(sink, this.#finished);
    else if (this.#closing === undefined) this.#readOn();
  }

  /** When the whole chunk has been read. */
  #schedule(): void {
    if (this.#scheduled || this.#holding || !this.#opened) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    busyPoll?.came();
    const full = this.#sink?.frames(this.#takeInbox());
    if (full === undefined || this.#closing !== undefined || this.#finished !== undefined) return;
    this.#holding = true;
    this.#socket.pause();
    void full.then(() => this.#readOn());
  }

  #takeInbox(): readonly Frame[] {
    const frames = this.#inbox ?? NOTHING;
    this.#inbox = undefined;
    return frames;
  }

  #readOn(): void {
    this.#holding = false;
    if (this.#inbox !== undefined) this.#schedule();
    this.#socket.resume();
  }

  #untilDrained(): Promise<void> {
    if (this.#drained === undefined) {
      this.#drained = new Promise((resolve) => {
        this.#drain = resolve;
      });
      if (this.#onSent === undefined) this.#stream.once("drain", () => this.#relieve());
    }
    return this.#drained;
  }

  #mayRelieve(): void {
    if (this.#drain !== undefined && this.#socket.bufferedAmount < FULL_BYTES) this.#relieve();
  }

  #relieve(): void {
    this.#drain?.();
    this.#drained = undefined;
    this.#drain = undefined;
  }

  #break(reason: CloseReason): void {
    this.#lingers();
    this.#finish(reason);
  }

  #lingers(): void {
    setTimeout(() => this.#socket.terminate(), LINGER_MS).unref();
  }

  #finish(reason: CloseReason): void {
    if (this.#finished !== undefined) return;
    this.#finished = this.#closing ?? reason;
    this.#unwatch?.();
    this.#relieve();
    if (this.#opened && this.#sink !== undefined) this.#tellFinished(this.#sink, this.#finished);
  }

  #tellFinished(sink: ChannelSink, reason: CloseReason): void {
    // What came just before the end, also to a sink that is full: its handlers may run until they hear of the end.
    if (this.#inbox !== undefined) void sink.frames(this.#takeInbox());
    sink.closed(reason);
  }
}

function onMessage(this: Socket, data: unknown, isBinary: boolean): void {
  // As `binaryType` says.
  this[CHANNEL]?.take(data as Buffer, isBinary);
}

function onSign(this: Socket): void {
  this[CHANNEL]?.heard();
}

function onError(this: Socket, error: Error): void {
  this[CHANNEL]?.failed(error);
}

function onClose(this: Socket, code: number, text: Buffer): void {
  this[CHANNEL]?.closed(code, text);
}
