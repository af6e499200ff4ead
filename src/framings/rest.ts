import type { Frame } from "../core/channel.ts";
import { RpcError } from "../core/errors.ts";
import { bytesOf } from "../core/text.ts";
import type { Outlet } from "./outlet.ts";

/** How much is kept of a frame that is dropped because it is too large; the rule of `ChannelSink.skipped`. */
const HEAD_BYTES = 1024;
/** And of its end. */
const TAIL_BYTES = 256;
/** A buffer up to this size is used again for the next frame. */
const SMALL_BYTES = 4096;
const EMPTY = new Uint8Array(0);
/** Stateless, so that sharing it is safe. Puts U+FFFD where bytes are not UTF-8. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The beginning of a frame whose end has not come. It is one buffer that doubles, so that a frame which comes byte by
 * byte costs time and memory in proportion to its size, whatever the chunks. Of a frame above `maxBytes` only the head
 * and the tail are kept.
 */
export class Rest {
  length = 0;
  /** The frame is above the limit: only its head is kept. */
  skipping = false;
  readonly #maxBytes: number;
  #buffer: Uint8Array = EMPTY;
  /** The last bytes of what is skipped, and some before them. */
  #tail: Uint8Array = EMPTY;
  #tailLength = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Copies more bytes of the frame. */
  add(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#maxBytes) this.skip();
    if (this.skipping) this.#addToTail(bytes);
    this.#append(this.skipping ? bytes.subarray(0, Math.max(0, HEAD_BYTES - this.length)) : bytes);
  }

  /** The frame is too large, or may not be taken for another reason: keeps only its head from here on. */
  skip(): void {
    if (this.skipping) return;
    this.skipping = true;
    this.#tail = new Uint8Array(2 * TAIL_BYTES);
    this.#addToTail(this.bytes);
    this.#buffer = this.#buffer.slice(0, Math.min(this.length, HEAD_BYTES));
    this.length = this.#buffer.length;
  }

  /** What came so far; valid until the next call. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  /** Gives the bytes away and begins anew. */
  take(): Uint8Array {
    const bytes = this.#buffer.length === this.length ? this.#buffer : this.#buffer.slice(0, this.length);
    if (bytes === this.#buffer) this.#buffer = EMPTY;
    this.clear();
    return bytes;
  }

  clear(): void {
    this.length = 0;
    this.skipping = false;
    this.#tail = EMPTY;
    this.#tailLength = 0;
    if (this.#buffer.length > SMALL_BYTES) this.#buffer = EMPTY;
  }

  /** The frame is complete: it goes out, or the news that it was dropped; begins anew. `why` replaces the usual reason. */
  finish(out: Outlet, why?: string): void {
    if (this.skipping) {
      const tooLong = `A frame of more than ${this.#maxBytes} bytes was dropped: send less at once or raise maxFrameBytes`;
      const tail = this.#tail.subarray(Math.max(0, this.#tailLength - TAIL_BYTES), this.#tailLength);
      out.skipped(this.take(), new RpcError("resource_exhausted", why ?? tooLong), tail);
    } else {
      out.frame(textFrame(this.bytes));
      this.clear();
    }
  }

  #addToTail(bytes: Uint8Array): void {
    const last = bytes.subarray(-TAIL_BYTES);
    if (this.#tailLength + last.length > this.#tail.length) {
      this.#tail.copyWithin(0, this.#tailLength - TAIL_BYTES, this.#tailLength);
      this.#tailLength = TAIL_BYTES;
    }
    this.#tail.set(last, this.#tailLength);
    this.#tailLength += last.length;
  }

  #append(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(this.#buffer.length * 2, this.#maxBytes), 64));
      grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.length);
    this.length = length;
  }
}

/**
 * Bytes as text, or a copy of them when they are not UTF-8: the codec says what is wrong with those. A stream of such
 * frames must not cost an exception each, so broken UTF-8 shows by not being the same when it is encoded again.
 */
export function textFrame(bytes: Uint8Array): Frame {
  const text = lenient.decode(bytes);
  return !text.includes("\ufffd") || isSame(bytesOf(text), bytes) ? text : bytes.slice();
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
