import zlib from "node:zlib";
import type { Full, Pipe } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { joined, ZlibStream } from "./zlib-stream.ts";

/** Bytes that wait to be compressed; above it the writer is told "full". */
const HIGH_WATER_BYTES = 64 << 10;

/** The compressing direction: one piece at a time, in order. */
export class Deflater {
  readonly #pipe: Pipe;
  readonly #level: number;
  readonly #broken: (error: RpcError) => void;
  #stream: ZlibStream | undefined;
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
    this.#stream?.close();
    this.#stream = undefined;
    this.#free();
    this.#finished?.();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    // One option makes each write a sync flush: `flush()` after it would be a second trip to zlib's threads.
    this.#stream ??= new ZlibStream(zlib.createDeflateRaw({ level: this.#level, flush: zlib.constants.Z_SYNC_FLUSH }));
    while (this.#waiting.length > 0) {
      const piece = joined(this.#waiting);
      this.#waiting = [];
      const out: Uint8Array[] = [];
      await this.#stream.put(piece, (bytes) => void out.push(bytes));
      if (this.#stopped) return;
      if (this.#stream.error !== undefined) {
        this.#broken(new RpcError("internal", "Cannot compress", { cause: this.#stream.error }));
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
