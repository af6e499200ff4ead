import type { Channel, ChannelSink, CloseReason, Frame, Full, Pipe, PipeSink } from "./channel.ts";
import type { RpcError } from "./errors.ts";
import type { Counters } from "./stats.ts";

/** The pipe, counted: bytes, reads, writes and how they failed. Nothing else about it changes. */
export function countedPipe(pipe: Pipe, counters: Counters): Pipe {
  return new CountedPipe(pipe, counters);
}

/** The channel, counted: the bytes of its frames, and lists of frames as reads and writes. */
export function countedChannel(channel: Channel, counters: Counters): Channel {
  return new CountedChannel(channel, counters);
}

/** One object for both directions, because a server has one for each of its links. */
class CountedPipe implements Pipe, PipeSink {
  readonly #pipe: Pipe;
  readonly #counters: Counters;
  #sink: PipeSink | undefined = undefined;

  constructor(pipe: Pipe, counters: Counters) {
    this.#pipe = pipe;
    this.#counters = counters;
  }

  open(sink: PipeSink): void {
    this.#sink = sink;
    this.#pipe.open(this);
  }

  write(bytes: Uint8Array | string): Full {
    this.#counters.writes++;
    this.#counters.bytesWritten += byteLength(bytes);
    return this.#pipe.write(bytes);
  }

  close(reason?: CloseReason): void {
    this.#pipe.close(reason);
  }

  data(bytes: Uint8Array): Full {
    this.#counters.reads++;
    this.#counters.bytesRead += bytes.length;
    return this.#sink?.data(bytes);
  }

  ended(): void {
    this.#sink?.ended();
  }

  closed(reason: CloseReason): void {
    countError(this.#counters, reason.error);
    this.#sink?.closed(reason);
  }
}

class CountedChannel implements Channel, ChannelSink {
  readonly ping: (() => void) | undefined;
  readonly repliesOnly: boolean | undefined;
  readonly abandoned: Channel["abandoned"];
  readonly #channel: Channel;
  readonly #counters: Counters;
  #sink: ChannelSink | undefined = undefined;

  constructor(channel: Channel, counters: Counters) {
    this.ping = channel.ping && (() => channel.ping?.());
    this.repliesOnly = channel.repliesOnly;
    this.abandoned = channel.abandoned && ((id) => channel.abandoned?.(id));
    this.#channel = channel;
    this.#counters = counters;
  }

  open(sink: ChannelSink): void {
    this.#sink = sink;
    this.#channel.open(this);
  }

  send(frames: readonly Frame[]): Full {
    this.#counters.writes++;
    for (const frame of frames) this.#counters.bytesWritten += byteLength(frame);
    return this.#channel.send(frames);
  }

  close(reason?: CloseReason): void {
    this.#channel.close(reason);
  }

  frames(frames: readonly Frame[]): Full {
    if (frames.length > 0) this.#counters.reads++;
    for (const frame of frames) this.#counters.bytesRead += byteLength(frame);
    return this.#sink?.frames(frames);
  }

  skipped(head: Uint8Array, reason: RpcError, tail?: Uint8Array): void {
    this.#counters.bytesRead += head.length;
    this.#sink?.skipped(head, reason, tail);
  }

  ended(): void {
    this.#sink?.ended();
  }

  closed(reason: CloseReason): void {
    countError(this.#counters, reason.error);
    this.#sink?.closed(reason);
  }
}

/** Stateless, so that sharing it is safe. */
const encoder = new TextEncoder();
/** Text up to this length is encoded whole to be counted: what is longer, in pieces. */
const PIECE = 16 << 10;
/** Where it is encoded to. Nobody reads it, so that sharing it is safe too. */
const scratch = new Uint8Array(PIECE * 3);

/** Bytes of a frame. The bytes of a text are known by encoding it; into the same place each time, that is the fast way. */
function byteLength(frame: Frame): number {
  if (typeof frame !== "string") return frame.length;
  if (frame.length <= PIECE) return encoder.encodeInto(frame, scratch).written;
  let bytes = 0;
  for (let at = 0; at < frame.length; ) {
    // A pair of surrogates is one character, of four bytes.
    const isPair = /[\uD800-\uDBFF]/.test(frame.charAt(at + PIECE - 1));
    const end = isPair ? at + PIECE - 1 : at + PIECE;
    bytes += encoder.encodeInto(frame.slice(at, end), scratch).written;
    at = end;
  }
  return bytes;
}

/** Which direction failed, as far as an error tells: the system's says so itself. */
function countError(counters: Counters, error: RpcError | undefined): void {
  if (error === undefined) return;
  const { code, cause } = error;
  const call = typeof cause === "object" && cause !== null && "syscall" in cause ? cause.syscall : undefined;
  if (call === "write" || code === "resource_exhausted") counters.writeErrors++;
  else if (code === "unavailable" || code === "data_loss") counters.readErrors++;
}
