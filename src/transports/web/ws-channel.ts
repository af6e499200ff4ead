import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import { bytesOf, isLonger } from "../../core/text.ts";
import { closeFrameOf, reasonOfClose } from "./ws-close.ts";

/** What waits in the browser when a sender is told "full"; it is free again at half of it. */
const FULL_BYTES: number = 1 << 20;
/** What a sink that is full may leave here: a browser cannot be told to read no more. */
const HELD_LENGTH: number = 1 << 20;
/** How much of a frame above the limit is shown. */
const HEAD_BYTES = 1024;
const TAIL_LENGTH = 256;
/** `WebSocket.OPEN`, of any maker's class. */
const OPEN = 1;

/** What the channel must know of its link. */
export interface WebSocketTerms {
  /** What asks the other side for a sign of life, if it can. */
  readonly wire: { readonly probe?: (() => Frame) | undefined };
  readonly limits: { readonly maxFrameBytes: number };
  readonly clock: Clock;
}

/**
 * A channel over an open WebSocket of the platform; it owns it from now on. Text is a text message, bytes are a binary one.
 *
 * The platform tells nobody when what was sent has left: while the way is full, and only then, the channel looks at
 * `bufferedAmount` on each tick of the clock. Nor can it stop reading: what comes while the sink is full is kept, up to
 * 1 MiB, and then given to the sink all the same. A message above the limit has been read when it is seen: it is skipped,
 * and the link goes on. There is no ping below the wire, because the browser answers those of the other side and tells
 * nobody: `ping` sends what the wire has for it.
 */
export function webSocketChannel(socket: WebSocket, terms: WebSocketTerms): Channel {
  return new WebSocketChannel(socket, terms);
}

class WebSocketChannel implements Channel {
  readonly ping: (() => void) | undefined;
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #maxFrameBytes: number;
  #sink: ChannelSink | undefined = undefined;
  /** `open` has returned. */
  #isOpened = false;
  /** What has come and was not delivered yet. */
  #inbox: Frame[] = [];
  #inboxLength = 0;
  /** The sink's last word, if it was "full". */
  #full: Full = undefined;
  #closing: CloseReason | undefined = undefined;
  #finished: CloseReason | undefined = undefined;
  /** One promise for all sends of a full period, and what ends it. */
  #drained: Promise<void> | undefined = undefined;
  #relieve: (() => void) | undefined = undefined;

  constructor(socket: WebSocket, { clock, limits, wire: { probe } }: WebSocketTerms) {
    this.ping = probe && (() => void this.send([probe()]));
    this.#socket = socket;
    this.#clock = clock;
    this.#maxFrameBytes = limits.maxFrameBytes;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#take(data);
    socket.onclose = ({ code, reason }) => this.#finish(reasonOfClose(code, reason));
  }

  open(sink: ChannelSink): void {
    if (this.#sink !== undefined) throw new TypeError("The channel is open already");
    this.#sink = sink;
    queueMicrotask(() => {
      this.#isOpened = true;
      if (this.#finished !== undefined) this.#tellFinished(sink, this.#finished);
      else this.#deliver(sink);
    });
  }

  send(frames: readonly Frame[]): Full {
    const socket = this.#socket;
    if (this.#closing !== undefined || socket.readyState !== OPEN) return;
    // The bytes are copied before `send` returns, and are never shared memory.
    for (const frame of frames) socket.send(frame as string | Uint8Array<ArrayBuffer>);
    // A platform that does not tell is never full.
    return socket.bufferedAmount >= FULL_BYTES ? this.#untilDrained() : undefined;
  }

  close(given?: CloseReason): void {
    if (this.#finished !== undefined) return;
    const reason = given ?? { message: "Closed by this end" };
    const atOnce = reason.error !== undefined;
    if (this.#closing !== undefined && !(atOnce && this.#closing.error === undefined)) return;
    this.#closing = reason;
    this.#inbox = [];
    this.#relieve?.();
    const { code, text } = closeFrameOf(given ?? { message: "" });
    // Behind what was sent; the browser bounds the time that the other side has to answer it.
    this.#socket.close(code, text);
    if (atOnce) queueMicrotask(() => this.#finish(reason));
  }

  #take(data: string | ArrayBuffer): void {
    if (this.#closing !== undefined || this.#finished !== undefined) return;
    const frame = typeof data === "string" ? data : new Uint8Array(data);
    this.#inbox.push(frame);
    this.#inboxLength += frame.length;
    const holds = this.#full !== undefined && this.#inboxLength <= HELD_LENGTH;
    if (this.#isOpened && !holds && this.#sink !== undefined) this.#deliver(this.#sink);
  }

  #deliver(sink: ChannelSink): void {
    const frames = this.#inbox;
    if (frames.length === 0) return;
    this.#inbox = [];
    this.#inboxLength = 0;
    let sound: Frame[] = [];
    for (const frame of frames) {
      if (!this.#isTooLarge(frame)) sound.push(frame);
      else {
        this.#give(sink, sound);
        sound = [];
        if (this.#closing === undefined)
          sink.skipped(
            bytesOf(frame.slice(0, HEAD_BYTES)).subarray(0, HEAD_BYTES),
            this.#tooLarge(),
            bytesOf(frame.slice(-TAIL_LENGTH)),
          );
      }
    }
    this.#give(sink, sound);
  }

  #give(sink: ChannelSink, frames: readonly Frame[]): void {
    if (frames.length === 0 || this.#closing !== undefined) return;
    const full = sink.frames(frames);
    this.#full = full;
    void full?.then(() => {
      // It may have been told to wait again, by frames that could not be kept.
      if (this.#full !== full) return;
      this.#full = undefined;
      if (this.#closing === undefined && this.#finished === undefined) this.#deliver(sink);
    });
  }

  #isTooLarge(frame: Frame): boolean {
    const max = this.#maxFrameBytes;
    return typeof frame === "string" ? isLonger(frame, max) : frame.length > max;
  }

  #tooLarge(): RpcError {
    const message = `A WebSocket message is above the limit of ${this.#maxFrameBytes} bytes (maxFrameBytes)`;
    return new RpcError("resource_exhausted", message);
  }

  #untilDrained(): Promise<void> {
    this.#drained ??= new Promise((resolve) => {
      const socket = this.#socket;
      const stop = this.#clock.onTick(() => {
        if (!(socket.bufferedAmount > FULL_BYTES / 2)) this.#relieve?.();
      });
      this.#relieve = () => {
        stop();
        this.#drained = this.#relieve = undefined;
        resolve();
      };
    });
    return this.#drained;
  }

  #finish(reason: CloseReason): void {
    if (this.#finished !== undefined) return;
    this.#finished = this.#closing ?? reason;
    this.#relieve?.();
    if (this.#isOpened && this.#sink !== undefined) this.#tellFinished(this.#sink, this.#finished);
  }

  #tellFinished(sink: ChannelSink, reason: CloseReason): void {
    // What came just before the end, also to a sink that is full: its handlers may run until they hear of the end.
    this.#deliver(sink);
    sink.closed(reason);
  }
}
