import { Arena } from "../core/arena.ts";
import type { Frame, Framing } from "../core/channel.ts";
import { protocolError } from "../core/errors.ts";
import { type Cutter, framed } from "./framed.ts";
import type { Outlet } from "./outlet.ts";
import { Rest } from "./rest.ts";

/** The length of a frame, before it: four bytes, big-endian, not counting themselves. */
const PREFIX_BYTES = 4;
/** Stateless, so that sharing it is safe. */
const encoder = new TextEncoder();

/**
 * Each frame is four bytes of length, big-endian, and that many bytes. Frames arrive as bytes. A length above the limit
 * ends the link, and so does a stream that ends inside a frame.
 */
export function lengthPrefix(): Framing {
  const arena = new Arena();
  return (pipe, link) => framed(pipe, new LengthPrefixCutter(link.limits.maxFrameBytes, arena));
}

class LengthPrefixCutter implements Cutter {
  readonly #maxBytes: number;
  readonly #arena: Arena;
  /** A prefix and what there is of its frame. */
  readonly #rest: Rest;

  constructor(maxBytes: number, arena: Arena) {
    this.#maxBytes = maxBytes;
    this.#arena = arena;
    this.#rest = new Rest(PREFIX_BYTES + maxBytes);
  }

  cut(bytes: Uint8Array, out: Outlet): void {
    const start = this.#rest.length > 0 ? this.#complete(bytes, out) : 0;
    let end = start;
    // What came before a bad length still goes out.
    try {
      for (let next = this.#endOf(bytes, end); next <= bytes.length; next = this.#endOf(bytes, end)) end = next;
    } finally {
      if (end > start) out.frames(framesOf(this.#arena.copy(bytes.subarray(start, end))));
    }
    if (end < bytes.length) this.#rest.add(bytes.subarray(end));
  }

  end(): void {
    if (this.#rest.length > 0) throw protocolError("The stream ended inside a frame");
  }

  pack(frames: readonly Frame[]): Uint8Array {
    let length = 0;
    for (const frame of frames) length += PREFIX_BYTES + frame.length;
    // Enough where all text is ASCII.
    let chunk = this.#arena.reserve(length);
    let at = 0;
    for (const frame of frames) {
      const start = at + PREFIX_BYTES;
      chunk = withRoom(chunk, start + frame.length);
      if (typeof frame === "string") {
        let { read, written } = encoder.encodeInto(frame, chunk.subarray(start));
        if (read < frame.length) {
          chunk = withRoom(chunk, start + written + (frame.length - read) * 3);
          written += encoder.encodeInto(frame.slice(read), chunk.subarray(start + written)).written;
        }
        at = start + written;
      } else {
        chunk.set(frame, start);
        at = start + frame.length;
      }
      writePrefix(chunk, start - PREFIX_BYTES, at - start);
    }
    return this.#arena.keep(chunk, at);
  }

  /** Brings the frame that has begun to its end; gives where the rest of the bytes begins. */
  #complete(bytes: Uint8Array, out: Outlet): number {
    const rest = this.#rest;
    let at = 0;
    if (rest.length < PREFIX_BYTES) {
      at = Math.min(PREFIX_BYTES - rest.length, bytes.length);
      rest.add(bytes.subarray(0, at));
      if (rest.length < PREFIX_BYTES) return at;
    }
    const missing = this.#endOf(rest.bytes, 0) - rest.length;
    const end = Math.min(at + missing, bytes.length);
    rest.add(bytes.subarray(at, end));
    if (end === at + missing) out.frame(rest.take().subarray(PREFIX_BYTES));
    return end;
  }

  /** Where the frame ends whose prefix is at `at`; Infinity when the prefix is not there. */
  #endOf(bytes: Uint8Array, at: number): number {
    if (bytes.length - at < PREFIX_BYTES) return Infinity;
    const length = readPrefix(bytes, at);
    if (length > this.#maxBytes) {
      throw protocolError(
        `A frame of ${length} bytes is above the limit of ${this.#maxBytes} bytes: send less at once or raise maxFrameBytes`,
      );
    }
    return at + PREFIX_BYTES + length;
  }
}

/** Cuts bytes that hold whole frames only. */
function framesOf(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + PREFIX_BYTES + readPrefix(bytes, at);
    frames.push(bytes.subarray(at + PREFIX_BYTES, end));
    at = end;
  }
  return frames;
}

function readPrefix(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return (bytes[at] ?? 0) * 0x1000000 + low;
}

function writePrefix(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
}

/** The chunk, or a larger copy with at least `length` bytes; it grows by half at least, so that growing stays linear. */
function withRoom(chunk: Uint8Array, length: number): Uint8Array {
  if (length <= chunk.length) return chunk;
  const grown = new Uint8Array(Math.max(length, chunk.length + (chunk.length >> 1)));
  grown.set(chunk);
  return grown;
}
