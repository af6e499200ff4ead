import type { Frame, Framing } from "../core/channel.ts";
import { protocolError } from "../core/errors.ts";
import { bytesOf, join, textOf } from "../core/text.ts";
import { type Cutter, framed } from "./framed.ts";
import type { Outlet } from "./outlet.ts";
import { Rest, textFrame } from "./rest.ts";

/**
 * Frames that end in one byte; the last one of a stream may lack it. Frames are text, or bytes where they are not
 * UTF-8. A frame that holds the byte itself cannot be sent and breaks the link; one above the limit is skipped. Throws
 * `RangeError` for a byte that is not ASCII, since it could stand inside a character. (jrpc2: `channel.Split`.)
 */
export function split(byte: number): Framing {
  if (!Number.isInteger(byte) || byte < 0 || byte > 0x7f) {
    throw new RangeError(`The byte that ends a frame must be between 0 and 127, not ${byte}`);
  }
  return (pipe, link) => framed(pipe, new SplitCutter(byte, link.limits.maxFrameBytes));
}

class SplitCutter implements Cutter {
  readonly #byte: number;
  readonly #separator: string;
  readonly #maxBytes: number;
  readonly #rest: Rest;

  constructor(byte: number, maxBytes: number) {
    this.#byte = byte;
    this.#separator = String.fromCharCode(byte);
    this.#maxBytes = maxBytes;
    this.#rest = new Rest(maxBytes);
  }

  cut(bytes: Uint8Array, out: Outlet): void {
    const rest = this.#rest;
    const end = bytes.lastIndexOf(this.#byte);
    let start = 0;
    if (rest.length > 0 && end >= 0) {
      start = bytes.indexOf(this.#byte) + 1;
      rest.add(bytes.subarray(0, start - 1));
      rest.finish(out);
    }
    if (start <= end) this.#cutRecords(bytes.subarray(start, end), out);
    if (end + 1 < bytes.length) rest.add(bytes.subarray(end + 1));
  }

  end(out: Outlet): void {
    if (this.#rest.length > 0) this.#rest.finish(out);
  }

  pack(frames: readonly Frame[]): Uint8Array | string {
    let isText = true;
    for (const frame of frames) {
      if (typeof frame !== "string") isText = false;
      if (typeof frame === "string" ? frame.includes(this.#separator) : frame.includes(this.#byte)) {
        throw protocolError(`Cannot send a frame that holds the byte ${this.#byte}, which ends frames on this link`);
      }
    }
    if (isText)
      return frames.length === 1 ? frames[0] + this.#separator : frames.join(this.#separator) + this.#separator;
    const separator = Uint8Array.of(this.#byte);
    return joinAll(frames.flatMap((frame) => [bytesOf(frame), separator]));
  }

  /** Cuts whole records, without the byte that ends the last one. Decoding once and splitting the text is the fast way. */
  #cutRecords(bytes: Uint8Array, out: Outlet): void {
    if (bytes.length <= this.#maxBytes) {
      try {
        out.frames(textOf(bytes).split(this.#separator));
        return;
      } catch {
        // One of them is not UTF-8: the way below finds out which.
      }
    }
    for (let at = 0; at <= bytes.length; ) {
      const found = bytes.indexOf(this.#byte, at);
      const end = found < 0 ? bytes.length : found;
      const record = bytes.subarray(at, end);
      if (record.length <= this.#maxBytes) out.frame(textFrame(record));
      else {
        this.#rest.add(record);
        this.#rest.finish(out);
      }
      at = end + 1;
    }
  }
}

function joinAll(chunks: readonly Uint8Array[]): Uint8Array {
  return join(
    chunks,
    chunks.reduce((length, chunk) => length + chunk.length, 0),
  );
}
