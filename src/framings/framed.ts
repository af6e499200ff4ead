import type { Channel, ChannelSink, CloseReason, Frame, Full, Pipe, PipeSink } from "../core/channel.ts";
import { protocolError, RpcError } from "../core/errors.ts";
import { Outlet } from "./outlet.ts";

/** The part of a framing that knows its format; one per link. What it throws breaks the link. */
export interface Cutter {
  /** Takes the next bytes, its own until it returns, and gives what they complete to `out`. */
  cut(bytes: Uint8Array, out: Outlet): void;
  /** The stream has ended: gives what may stand without an end, or throws. */
  end(out: Outlet): void;
  /** Makes one write of frames. */
  pack(frames: readonly Frame[]): Uint8Array | string;
}

/**
 * Makes a channel of a pipe. Frames that came before a break are delivered, nothing after it; the same holds for the
 * owner's own `close`.
 */
export function framed(pipe: Pipe, cutter: Cutter): Channel {
  return new FramedChannel(pipe, cutter);
}

/** One object for both directions, because a server has one for each of its links. */
class FramedChannel implements Channel, PipeSink {
  readonly #pipe: Pipe;
  readonly #cutter: Cutter;
  /** While something is being brought to the sink: an idle link has none. */
  #out: Outlet | undefined = undefined;
  #sink: ChannelSink | undefined = undefined;
  /** Broken or closed: nothing more is cut. */
  #over = false;

  constructor(pipe: Pipe, cutter: Cutter) {
    this.#pipe = pipe;
    this.#cutter = cutter;
  }

  open(sink: ChannelSink): void {
    this.#sink = sink;
    this.#pipe.open(this);
  }

  send(frames: readonly Frame[]): Full {
    if (frames.length === 0 || this.#over) return;
    let packed: Uint8Array | string;
    try {
      packed = this.#cutter.pack(frames);
    } catch (thrown) {
      this.#out?.stop();
      this.#fail(thrown);
      return;
    }
    return this.#pipe.write(packed);
  }

  close(reason?: CloseReason): void {
    this.#over = true;
    this.#out?.stop();
    this.#pipe.close(reason);
  }

  data(bytes: Uint8Array): Full {
    if (this.#over || this.#sink === undefined) return;
    this.#out ??= new Outlet(this.#sink);
    const out = this.#out;
    try {
      this.#cutter.cut(bytes, out);
    } catch (thrown) {
      this.#failAfter(out, thrown);
    }
    return this.#flush(out);
  }

  ended(): void {
    if (this.#over || this.#sink === undefined) return;
    this.#out ??= new Outlet(this.#sink);
    const out = this.#out;
    try {
      this.#cutter.end(out);
      out.next(() => this.#sink?.ended());
    } catch (thrown) {
      this.#failAfter(out, thrown);
    }
    void this.#flush(out);
  }

  closed(reason: CloseReason): void {
    this.#over = true;
    this.#out?.stop();
    this.#sink?.closed(reason);
  }

  #flush(out: Outlet): Full {
    const full = out.flush();
    if (out.isEmpty) this.#out = undefined;
    return full;
  }

  /** What came before still goes out. */
  #failAfter(out: Outlet, thrown: unknown): void {
    this.#over = true;
    out.next(() => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    this.#over = true;
    const error = RpcError.is(thrown) ? thrown : protocolError("Cannot read the stream", { cause: thrown });
    this.#pipe.close({ message: error.message, error });
  }
}
