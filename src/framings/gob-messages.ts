import { Arena } from "../core/arena.ts";
import type { Frame, Framing } from "../core/channel.ts";
import { messageEnd } from "../gob/prefix.ts";
import { type Count, CountedCutter } from "./counted.ts";
import { framed } from "./framed.ts";

/** What a gob stream says before a message: one byte of how many follow, and eight of the count. */
const COUNT: Count = { maxBytes: 9, skips: 0, endOf: messageEnd };

/**
 * Each frame is one message of a gob stream, with its count in front; what is sent may hold several. A count above the
 * limit ends the link, and so does a stream that ends inside a message.
 */
export function gobMessages(): Framing {
  const arena = new Arena();
  return (pipe, link) => framed(pipe, new GobCutter(COUNT, link.limits.maxFrameBytes, arena));
}

class GobCutter extends CountedCutter {
  pack(frames: readonly Frame[]): Uint8Array {
    const [only] = frames;
    if (frames.length === 1 && only instanceof Uint8Array) return only;
    let length = 0;
    for (const frame of frames) length += frame.length;
    const chunk = this.arena.reserve(length);
    let at = 0;
    for (const frame of frames) {
      if (typeof frame === "string") throw new TypeError("A gob stream has no text");
      chunk.set(frame, at);
      at += frame.length;
    }
    return this.arena.keep(chunk, length);
  }
}
