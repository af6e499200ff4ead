import type { Channel, ChannelSink, CloseReason, Frame, Full } from "./channel.ts";
import { RpcError } from "./errors.ts";
import { Queue } from "./queue.ts";
import type { Exchange } from "./wire.ts";

/** A handshake takes a frame at a time: who sends many, or much, is made to wait. */
const MAX_KEPT = 16;
const MAX_KEPT_BYTES: number = 64 << 10;

/** Lends a channel to an authenticator, then passes it on with every frame that was not received. */
export class ChannelLoan implements Exchange {
  readonly remoteAddress: string | undefined;
  readonly #channel: Channel;
  readonly #frames = new Queue<Frame>();
  #keptBytes = 0;
  #waiting: { resolve(frame: Frame): void; reject(error: RpcError): void } | undefined = undefined;
  /** Where everything goes once the loan is over. */
  #sink: ChannelSink | undefined = undefined;
  #ended = false;
  #closed: CloseReason | undefined = undefined;
  #expired: RpcError | undefined = undefined;
  #readOn: (() => void) | undefined = undefined;

  constructor(channel: Channel, remoteAddress: string | undefined) {
    this.#channel = channel;
    this.remoteAddress = remoteAddress;
    channel.open({
      frames: (frames) => (this.#sink === undefined ? this.#keep(frames) : this.#sink.frames(frames)),
      skipped: (head, reason, tail) => {
        if (this.#sink !== undefined) return this.#sink.skipped(head, reason, tail);
        this.#channel.close({ message: reason.message, error: reason });
      },
      ended: () => {
        this.#ended = true;
        if (this.#sink !== undefined) this.#sink.ended();
        else this.#fail(endedEarly());
      },
      closed: (reason) => {
        this.#closed = reason;
        if (this.#sink !== undefined) this.#sink.closed(reason);
        else this.#fail(errorOf(reason));
      },
    });
  }

  async send(frame: Frame): Promise<void> {
    await this.#channel.send([frame]);
  }

  receive(): Promise<Frame> {
    const frame = this.#frames.shift();
    if (frame !== undefined) {
      this.#keptBytes -= frame.length;
      if (this.#frames.length === 0) this.#readOn?.();
      return Promise.resolve(frame);
    }
    if (this.#expired !== undefined) return Promise.reject(this.#expired);
    if (this.#closed !== undefined) return Promise.reject(errorOf(this.#closed));
    if (this.#ended) return Promise.reject(endedEarly());
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** The time is over: whoever waits for a frame learns it first, and may still say so to the other side. */
  expire(error: RpcError): void {
    this.#expired = error;
    this.#fail(error);
  }

  /** The channel for what comes next; the loan is not used after that. */
  release(): Channel {
    return {
      open: (sink) => queueMicrotask(() => this.#passTo(sink)),
      send: (frames) => this.#channel.send(frames),
      ping: this.#channel.ping && (() => this.#channel.ping?.()),
      close: (reason) => this.#channel.close(reason),
    };
  }

  #passTo(sink: ChannelSink): void {
    const kept: Frame[] = [];
    for (let frame = this.#frames.shift(); frame !== undefined; frame = this.#frames.shift()) kept.push(frame);
    this.#sink = sink;
    const full = kept.length > 0 ? sink.frames(kept) : undefined;
    if (full === undefined) this.#readOn?.();
    else void full.then(() => this.#readOn?.());
    if (this.#ended) sink.ended();
    if (this.#closed !== undefined) sink.closed(this.#closed);
  }

  #keep(frames: readonly Frame[]): Full {
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#keptBytes += frame.length;
    }
    const waiting = this.#waiting;
    const first = waiting && this.#frames.shift();
    if (first !== undefined) {
      this.#waiting = undefined;
      this.#keptBytes -= first.length;
      waiting?.resolve(first);
    }
    if (this.#frames.length <= MAX_KEPT && this.#keptBytes <= MAX_KEPT_BYTES) return;
    return new Promise((resolve) => {
      this.#readOn = resolve;
    });
  }

  #fail(error: RpcError): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

function endedEarly(): RpcError {
  return new RpcError("unavailable", "The other side ended the link during the handshake");
}

function errorOf({ message, error, closeCode }: CloseReason): RpcError {
  return error ?? new RpcError("unavailable", message, { wireCode: closeCode });
}
