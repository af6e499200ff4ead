import type { CloseReason, Full, Pipe, PipeSink } from "../../core/channel.ts";
import type { Limits } from "../../core/limits.ts";
import { bytesOf } from "../../core/text.ts";
import { Deflater } from "./deflater.ts";
import { Inflater } from "./inflater.ts";

/** The only one that keeps up with a fast network. */
const DEFAULT_LEVEL = 1;

/** How a stream is compressed. */
export interface DeflateOptions {
  readonly limits: Limits;
  /** 0 (stored) to 9 (smallest). Default: 1. */
  readonly level?: number;
}

/**
 * Makes a pipe whose bytes cross `pipe` as one endless raw deflate stream in each direction (RFC 1951; gorpc's form).
 * The window is kept. Each write ends in one sync flush, and what is written while another write is being compressed
 * shares the next one. The final block is never sent, but is understood. It owns `pipe`: only it is opened, written and
 * closed. zlib's state (about 256 KiB to send, 64 KiB to receive) exists from the first byte until the link ends.
 *
 * What comes in is inflated in steps, none while the sink is full. It may inflate to 200 times its size, and beyond that
 * to twice `maxFrameBytes` at once (at least 3 MiB); then the link is closed with `resource_exhausted`. Data that is
 * not deflate, that goes on after the final block or ends inside a block closes it with `data_loss`.
 *
 * After `close` nothing is delivered. `pipe` is closed when what was written is compressed and given to it: at once if
 * that has happened, else within milliseconds, with an error too. Throws `RangeError` for a level that is none.
 */
export function deflated(pipe: Pipe, options: DeflateOptions): Pipe {
  const { limits, level = DEFAULT_LEVEL } = options;
  checkLevel(level);
  return new DeflatedPipe(pipe, limits, level);
}

/**
 * Whole-stream deflate as a wire's option: `native({ compression: deflate() })` at both ends. It pays on slow links; on
 * fast ones it costs more than it saves. `level` is 0 (stored) to 9 (smallest). Throws `RangeError` for another one.
 */
export function deflate(level: number = DEFAULT_LEVEL): {
  readonly bit: number;
  wrap(pipe: Pipe, limits: Limits): Pipe;
} {
  checkLevel(level);
  return { bit: 1, wrap: (pipe, limits) => deflated(pipe, { limits, level }) };
}

function checkLevel(level: number): void {
  if (Number.isInteger(level) && level >= 0 && level <= 9) return;
  throw new RangeError(`level must be a whole number from 0 to 9, not ${String(level)}`);
}

class DeflatedPipe implements Pipe {
  readonly #pipe: Pipe;
  readonly #limits: Limits;
  readonly #writer: Deflater;
  #sink: PipeSink | undefined;
  #reader: Inflater | undefined;
  /** Why this end closes. */
  #closing: CloseReason | undefined;

  constructor(pipe: Pipe, limits: Limits, level: number) {
    this.#pipe = pipe;
    this.#limits = limits;
    this.#writer = new Deflater(pipe, level, (error) => this.close({ message: error.message, error }));
  }

  open(sink: PipeSink): void {
    if (this.#sink !== undefined) throw new TypeError("The pipe is open already");
    this.#sink = sink;
    const reader = new Inflater(sink, this.#limits, (error) => this.close({ message: error.message, error }));
    this.#reader = reader;
    if (this.#closing !== undefined) reader.stop();
    this.#pipe.open({
      data: (bytes) => reader.data(bytes),
      ended: () => reader.end(),
      closed: (reason) => {
        this.#writer.stop();
        reader.close(reason);
      },
    });
  }

  write(bytes: Uint8Array | string): Full {
    if (this.#closing !== undefined || bytes.length === 0) return;
    return this.#writer.write(bytesOf(bytes));
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    const { error } = reason;
    if (this.#closing !== undefined && (error === undefined || this.#closing.error !== undefined)) return;
    this.#closing = reason;
    this.#reader?.stop();
    // Also with an error: the last reply usually says what was wrong. Whether it is sent is for the pipe to decide.
    this.#writer.finish(() => this.#pipe.close(reason));
  }
}
