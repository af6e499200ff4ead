import { Arena } from "../core/arena.ts";
import type { Frame, Framing } from "../core/channel.ts";
import { type Count, CountedCutter, tooLong } from "./counted.ts";
import { framed } from "./framed.ts";

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

const COUNT: Count = {
  maxBytes: PREFIX_BYTES,
  skips: PREFIX_BYTES,
  endOf(bytes, at, maxBytes) {
    if (bytes.length - at < PREFIX_BYTES) return Infinity;
    const length = readPrefix(bytes, at);
    if (length > maxBytes) throw tooLong(length, maxBytes);
    return at + PREFIX_BYTES + length;
  },
};

class LengthPrefixCutter extends CountedCutter {
  constructor(maxFrameBytes: number, arena: Arena) {
    super(COUNT, maxFrameBytes, arena);
  }

  pack(frames: readonly Frame[]): Uint8Array {
    let length = 0;
    for (const frame of frames) length += PREFIX_BYTES + frame.length;
    // Enough where all text is ASCII.
    let chunk = this.arena.reserve(length);
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
    return this.arena.keep(chunk, at);
  }
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
