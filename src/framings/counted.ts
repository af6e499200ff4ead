import type { Arena } from "../core/arena.ts";
import type { Frame } from "../core/channel.ts";
import { protocolError } from "../core/errors.ts";
import type { Cutter } from "./framed.ts";
import type { Outlet } from "./outlet.ts";
import { Rest } from "./rest.ts";

/** How a stream says how long its next frame is. */
export interface Count {
  /** The bytes of the longest count. */
  readonly maxBytes: number;
  /** How many bytes of it are left out of the frame that is given. */
  readonly skips: number;
  /** Where the frame ends whose count is at `at`; Infinity when the count has not come whole. Throws for one above `maxBytes`, or a bad one. */
  endOf(bytes: Uint8Array, at: number, maxBytes: number): number;
}

/** Cuts frames whose length stands before them. A stream that ends inside a frame breaks the link. */
export abstract class CountedCutter implements Cutter {
  protected readonly arena: Arena;
  readonly #count: Count;
  readonly #maxFrameBytes: number;
  /** A count and what there is of its frame. */
  readonly #rest: Rest;

  constructor(count: Count, maxFrameBytes: number, arena: Arena) {
    this.#count = count;
    this.#maxFrameBytes = maxFrameBytes;
    this.arena = arena;
    this.#rest = new Rest(count.maxBytes + maxFrameBytes);
  }

  abstract pack(frames: readonly Frame[]): Uint8Array;

  cut(bytes: Uint8Array, out: Outlet): void {
    const start = this.#rest.length > 0 ? this.#complete(bytes, out) : 0;
    let end = start;
    // What came before a bad count still goes out.
    try {
      for (let next = this.#endOf(bytes, end); next <= bytes.length; next = this.#endOf(bytes, end)) end = next;
    } finally {
      if (end > start) out.frames(this.#framesOf(this.arena.copy(bytes.subarray(start, end))));
    }
    if (end < bytes.length) this.#rest.add(bytes.subarray(end));
  }

  end(): void {
    if (this.#rest.length > 0) throw protocolError("The stream ended inside a frame");
  }

  /** Brings the frame that has begun to its end; gives where the rest of the bytes begins. */
  #complete(bytes: Uint8Array, out: Outlet): number {
    const rest = this.#rest;
    let at = 0;
    while (this.#endOf(rest.bytes, 0) === Infinity) {
      if (at === bytes.length) return at;
      rest.add(bytes.subarray(at, ++at));
    }
    const missing = this.#endOf(rest.bytes, 0) - rest.length;
    const end = Math.min(at + missing, bytes.length);
    rest.add(bytes.subarray(at, end));
    if (end === at + missing) out.frame(rest.take().subarray(this.#count.skips));
    return end;
  }

  #endOf(bytes: Uint8Array, at: number): number {
    return this.#count.endOf(bytes, at, this.#maxFrameBytes);
  }

  /** Cuts bytes that hold whole frames only. */
  #framesOf(bytes: Uint8Array): Frame[] {
    const { skips } = this.#count;
    const frames: Frame[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = this.#endOf(bytes, at);
      frames.push(bytes.subarray(at + skips, end));
      at = end;
    }
    return frames;
  }
}

/** The error of a frame that may not be taken. */
export function tooLong(length: number | bigint, maxBytes: number): Error {
  return protocolError(
    `A frame of ${length} bytes is above the limit of ${maxBytes} bytes: send less at once or raise maxFrameBytes`,
  );
}
