import zlib from "node:zlib";
import type { CloseReason, Full, PipeSink } from "../../core/channel.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import { joined, ZlibStream } from "./zlib-stream.ts";

/** What each compressed byte may inflate to for ever; deflate itself can do about 1030. */
const ALLOWED_RATIO = 200;

/** Frames of the greatest size that may come out at once beyond that ratio. */
const BURST_FRAMES = 2;

/** Compressed bytes that are inflated before the next are counted: a chunk of any size is read in such steps. */
const STEP_BYTES = 16 << 10;

/** What `TRAILER` inflates to: eight bytes that nobody sends by chance. */
const CANARY = Uint8Array.of(0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15);

/** A final stored block of the canary. Only a stream that stands between two blocks, at a whole byte, inflates it to that. */
const TRAILER = Uint8Array.of(0x01, 0x08, 0x00, 0xf7, 0xff, ...CANARY);

/** The inflating direction. The pipe brings one chunk and waits until it is read, so there is never a second. */
export class Inflater {
  readonly #sink: PipeSink;
  readonly #broken: (error: RpcError) => void;
  readonly #burstBytes: number;
  /** Inflated bytes that may come before more compressed ones do. */
  #allowedBytes: number;
  #stream: ZlibStream | undefined;
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
    this.#stream?.close();
    this.#stream = undefined;
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
    this.#stream ??= new ZlibStream(zlib.createInflateRaw({ flush: zlib.constants.Z_SYNC_FLUSH }));
    const stream = this.#stream;
    for (let at = 0; at < bytes.length; at += STEP_BYTES) {
      const step = bytes.subarray(at, at + STEP_BYTES);
      this.#allowedBytes = Math.min(this.#burstBytes, this.#allowedBytes + step.length * ALLOWED_RATIO);
      const before = stream.consumed;
      await stream.put(step, (inflated) => this.#deliver(inflated));
      if (this.#stopped) return;
      if (stream.error !== undefined) {
        return this.#fail(protocolError("The other side's data is not raw deflate", { cause: stream.error }));
      }
      if (stream.consumed < before + step.length) {
        return this.#fail(protocolError("The other side's compressed data goes on after its final block"));
      }
    }
  }

  /** zlib does not say whether it stands inside a block, so it is given one more, which comes out whole if it does not. */
  async #finish(): Promise<void> {
    const stream = this.#stream;
    if (stream !== undefined) {
      const rest: Uint8Array[] = [];
      const before = stream.consumed;
      await stream.put(TRAILER, (bytes) => void rest.push(bytes));
      if (this.#stopped) return;
      const finalBlockCame = stream.error === undefined && stream.consumed === before;
      if (!finalBlockCame && Buffer.compare(joined(rest), CANARY) !== 0) {
        return this.#fail(protocolError("The other side's compressed data ended in the middle of a block"));
      }
      stream.close();
      this.#stream = undefined;
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
