import type zlib from "node:zlib";
import type { Full } from "../../core/channel.ts";
import { join } from "../../core/text.ts";

/** One zlib stream, which gives what it makes when it is asked, at most one step ahead. */
export class ZlibStream {
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
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  return join(
    pieces,
    pieces.reduce((sum, piece) => sum + piece.length, 0),
  );
}
