import zlib from "node:zlib";
import type { CloseReason, Full, Pipe, PipeSink } from "../../core/channel.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import { bytesOf, join } from "../../core/text.ts";

/** What each compressed byte may inflate to for ever; deflate itself can do about 1030. */
const ALLOWED_RATIO = 200;

/** Frames of the greatest size that may come out at once beyond that ratio. */
const BURST_FRAMES = 2;

/** Compressed bytes that are inflated before the next are counted: a chunk of any size is read in such steps. */
const STEP_BYTES = 16 << 10;

/** Bytes that wait to be compressed; above it the writer is told "full". */
const HIGH_WATER_BYTES = 64 << 10;

/** What `TRAILER` inflates to: eight bytes that nobody sends by chance. */
const CANARY = Uint8Array.of(0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15);

/** A final stored block of the canary. Only a stream that stands between two blocks, at a whole byte, inflates it to that. */
const TRAILER = Uint8Array.of(0x01, 0x08, 0x00, 0xf7, 0xff, ...CANARY);

/** How a stream is compressed. */
export interface DeflateOptions {
  readonly limits: Limits;
  /** 0 (stored) to 9 (smallest). Default: 1, the only one that keeps up with a fast network. */
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
  const { limits, level = 1 } = options;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`level must be a whole number from 0 to 9, not ${String(level)}`);
  }
  return new DeflatedPipe(pipe, limits, level);
}

class DeflatedPipe implements Pipe {
  readonly #pipe: Pipe;
  readonly #limits: Limits;
  readonly #writer: Writer;
  #sink: PipeSink | undefined;
  #reader: Reader | undefined;
  /** Why this end closes. */
  #closing: CloseReason | undefined;

  constructor(pipe: Pipe, limits: Limits, level: number) {
    this.#pipe = pipe;
    this.#limits = limits;
    this.#writer = new Writer(pipe, level, (error) => this.close({ message: error.message, error }));
  }

  open(sink: PipeSink): void {
    if (this.#sink !== undefined) throw new TypeError("The pipe is open already");
    this.#sink = sink;
    const reader = new Reader(sink, this.#limits, (error) => this.close({ message: error.message, error }));
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

/** The compressing direction: one piece at a time, in order. */
class Writer {
  readonly #pipe: Pipe;
  readonly #level: number;
  readonly #broken: (error: RpcError) => void;
  #engine: Engine | undefined;
  #waiting: Uint8Array[] = [];
  /** Bytes that wait or are being compressed. */
  #held = 0;
  #busy = false;
  /** The pipe said "full". */
  #pipeFull: Promise<void> | undefined;
  #room: Promise<void> | undefined;
  #makeRoom: (() => void) | undefined;
  #finished: (() => void) | undefined;
  #stopped = false;

  constructor(pipe: Pipe, level: number, broken: (error: RpcError) => void) {
    this.#pipe = pipe;
    this.#level = level;
    this.#broken = broken;
  }

  write(bytes: Uint8Array): Full {
    if (this.#stopped) return;
    this.#waiting.push(bytes);
    this.#held += bytes.length;
    if (!this.#busy) void this.#run();
    if (!this.#isFull()) return;
    this.#room ??= new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
    return this.#room;
  }

  /**
   * Frees zlib's state when all was given to the pipe, and calls `finished`. Nothing is written any more. Of two calls
   * before that the second one counts.
   */
  finish(finished: () => void): void {
    if (this.#stopped) return finished();
    this.#finished = finished;
    this.#free();
    if (!this.#busy) this.stop();
  }

  /** Drops what waits. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#waiting = [];
    this.#engine?.close();
    this.#engine = undefined;
    this.#free();
    this.#finished?.();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    // One option makes each write a sync flush: `flush()` after it would be a second trip to zlib's threads.
    this.#engine ??= new Engine(zlib.createDeflateRaw({ level: this.#level, flush: zlib.constants.Z_SYNC_FLUSH }));
    while (this.#waiting.length > 0) {
      const piece = joined(this.#waiting);
      this.#waiting = [];
      const out: Uint8Array[] = [];
      await this.#engine.put(piece, (bytes) => void out.push(bytes));
      if (this.#stopped) return;
      if (this.#engine.error !== undefined) {
        this.#broken(new RpcError("internal", "Cannot compress", { cause: this.#engine.error }));
        return this.stop();
      }
      this.#held -= piece.length;
      this.#send(joined(out));
    }
    this.#busy = false;
    if (this.#finished !== undefined) this.stop();
  }

  #send(compressed: Uint8Array): void {
    const full = this.#pipe.write(compressed);
    if (full !== undefined && full !== this.#pipeFull) {
      this.#pipeFull = full;
      void full.then(() => {
        if (this.#pipeFull === full) this.#pipeFull = undefined;
        if (!this.#isFull()) this.#free();
      });
    }
    if (!this.#isFull()) this.#free();
  }

  #isFull(): boolean {
    return this.#held > HIGH_WATER_BYTES || this.#pipeFull !== undefined;
  }

  #free(): void {
    this.#makeRoom?.();
    this.#makeRoom = undefined;
    this.#room = undefined;
  }
}

/** The inflating direction. The pipe brings one chunk and waits until it is read, so there is never a second. */
class Reader {
  readonly #sink: PipeSink;
  readonly #broken: (error: RpcError) => void;
  readonly #burstBytes: number;
  /** Inflated bytes that may come before more compressed ones do. */
  #allowedBytes: number;
  #engine: Engine | undefined;
  #work: Promise<void> | undefined;
  /** The sink said "full". */
  #sinkFull = false;
  /** Why the pipe closed, while the last chunk is still being read. */
  #reason: CloseReason | undefined;
  #stopped = false;
  #told = false;

  constructor(sink: PipeSink, limits: Limits, broken: (error: RpcError) => void) {
    this.#sink = sink;
    this.#broken = broken;
    // One step must fit, or a sound stream would be refused for the size of its chunks.
    this.#burstBytes = Math.max(BURST_FRAMES * limits.maxFrameBytes, ALLOWED_RATIO * STEP_BYTES);
    this.#allowedBytes = this.#burstBytes;
  }

  data(bytes: Uint8Array): Full {
    if (this.#stopped) return;
    // Not `slice`, which of a Buffer makes a second view of the same memory.
    const mine = new Uint8Array(bytes);
    return this.#after(() => this.#inflate(mine));
  }

  end(): void {
    void this.#after(() => this.#finish());
  }

  /** The pipe is closed: what it brought before is delivered first, unless the sink has no room for it. */
  close(reason: CloseReason): void {
    this.#reason = reason;
    if (this.#stopped || this.#work === undefined || this.#sinkFull) this.#tell(reason);
  }

  /** Nothing is delivered any more. */
  stop(): void {
    this.#stopped = true;
    this.#engine?.close();
    this.#engine = undefined;
  }

  /** Runs `step` when the step before has ended. */
  #after(step: () => Promise<void>): Promise<void> {
    const before = this.#work;
    const run = async (): Promise<void> => {
      await before;
      if (!this.#stopped) await step();
      if (this.#work !== work) return;
      this.#work = undefined;
      if (this.#reason !== undefined) this.#tell(this.#reason);
    };
    const work = run();
    this.#work = work;
    return work;
  }

  #tell(reason: CloseReason): void {
    if (this.#told) return;
    this.#told = true;
    this.stop();
    this.#sink.closed(reason);
  }

  async #inflate(bytes: Uint8Array): Promise<void> {
    this.#engine ??= new Engine(zlib.createInflateRaw({ flush: zlib.constants.Z_SYNC_FLUSH }));
    const engine = this.#engine;
    for (let at = 0; at < bytes.length; at += STEP_BYTES) {
      const step = bytes.subarray(at, at + STEP_BYTES);
      this.#allowedBytes = Math.min(this.#burstBytes, this.#allowedBytes + step.length * ALLOWED_RATIO);
      const before = engine.consumed;
      await engine.put(step, (inflated) => this.#deliver(inflated));
      if (this.#stopped) return;
      if (engine.error !== undefined) {
        return this.#fail(protocolError("The other side's data is not raw deflate", { cause: engine.error }));
      }
      if (engine.consumed < before + step.length) {
        return this.#fail(protocolError("The other side's compressed data goes on after its final block"));
      }
    }
  }

  /** zlib does not say whether it stands inside a block, so it is given one more, which comes out whole if it does not. */
  async #finish(): Promise<void> {
    const engine = this.#engine;
    if (engine !== undefined) {
      const rest: Uint8Array[] = [];
      const before = engine.consumed;
      await engine.put(TRAILER, (bytes) => void rest.push(bytes));
      if (this.#stopped) return;
      const finalBlockCame = engine.error === undefined && engine.consumed === before;
      if (!finalBlockCame && Buffer.compare(joined(rest), CANARY) !== 0) {
        return this.#fail(protocolError("The other side's compressed data ended in the middle of a block"));
      }
      engine.close();
      this.#engine = undefined;
    }
    this.#sink.ended();
  }

  #deliver(inflated: Uint8Array): Full {
    this.#allowedBytes -= inflated.length;
    if (this.#allowedBytes < 0) {
      const times = `more than ${ALLOWED_RATIO} times its size`;
      this.#fail(
        new RpcError(
          "resource_exhausted",
          `The other side's compressed data inflates to ${times}. Raise maxFrameBytes if it is meant to`,
        ),
      );
      return;
    }
    const full = this.#sink.data(inflated);
    if (full === undefined) return;
    // The pipe is gone already and the sink has no room: it would never learn that.
    if (this.#reason !== undefined) return this.#tell(this.#reason);
    this.#sinkFull = true;
    return full.then(() => {
      this.#sinkFull = false;
    });
  }

  #fail(error: RpcError): void {
    this.stop();
    const { message } = error;
    if (this.#reason === undefined) this.#broken(error);
    else this.#reason = { ...this.#reason, message, error };
  }
}

/** One zlib stream, which gives what it makes when it is asked, at most one step ahead. */
class Engine {
  error: Error | undefined;
  readonly #stream: zlib.DeflateRaw | zlib.InflateRaw;
  #closed = false;
  #wake: () => void = () => {};

  constructor(stream: zlib.DeflateRaw | zlib.InflateRaw) {
    this.#stream = stream;
    stream.on("readable", () => this.#wake());
    stream.on("error", (error) => {
      this.error = error;
      this.#wake();
    });
  }

  /** Bytes that it has read. */
  get consumed(): number {
    return this.#stream.bytesWritten;
  }

  /**
   * Puts a piece through; `out` gets what it becomes and is waited for where it is full. Ends when there is nothing
   * more, when the stream is broken (then there is an `error`) and when it is closed. One call at a time.
   */
  async put(piece: Uint8Array, out: (bytes: Uint8Array) => Full): Promise<void> {
    let taken = false;
    this.#stream.write(piece, () => {
      taken = true;
      this.#wake();
    });
    while (!this.#closed && this.error === undefined) {
      const bytes: Uint8Array | null = this.#stream.read();
      if (bytes !== null) {
        const full = out(bytes);
        if (full !== undefined) await full;
      } else if (taken) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Frees its memory; an inflation under way ends first. */
  close(): void {
    this.#closed = true;
    this.#stream.destroy();
    this.#wake();
  }
}

/** Copies only where there is more than one. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  return join(
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
}
