import type { Frame, Framing } from "../core/channel.ts";
import { protocolError } from "../core/errors.ts";
import { bytesOf, join, printable } from "../core/text.ts";
import { type Cutter, framed } from "./framed.ts";
import type { Outlet } from "./outlet.ts";
import { Rest, textFrame } from "./rest.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** A number or literal; only what comes after one shows that it has ended. */
const WORD = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
/** No word that means anything is longer; above it the stream is something else. */
const MAX_WORD_BYTES = 1024;

/**
 * JSON values one after the other, with nothing or blanks between them. Only where a value ends is found out here, not
 * whether it is sound inside; what cannot begin a value ends the link, and so does a stream that ends inside one. A
 * value above the limit, or nested deeper than `maxDepth`, is skipped. `null` stands for a frame without content, both
 * ways. (jrpc2: `channel.RawJSON`.)
 */
export function rawJson(): Framing {
  return (pipe, link) => framed(pipe, new RawJsonCutter(link.limits.maxFrameBytes, link.limits.maxDepth));
}

class RawJsonCutter implements Cutter {
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  /** What there is of a value. */
  readonly #rest: Rest;
  /** `value` is an object, array or string. */
  #inside: "nothing" | "word" | "value" = "nothing";
  #wordBytes = 0;
  #depth = 0;
  #isTooDeep = false;
  #inString = false;
  #escaped = false;

  constructor(maxBytes: number, maxDepth: number) {
    this.#maxBytes = maxBytes;
    this.#maxDepth = maxDepth;
    this.#rest = new Rest(maxBytes);
  }

  cut(bytes: Uint8Array, out: Outlet): void {
    for (let at = 0; ; ) {
      if (this.#inside === "nothing") {
        at = skipBlanks(bytes, at);
        if (at === bytes.length) return;
        this.#inside = beginning(bytes[at]);
      }
      const end = this.#inside === "word" ? this.#scanWord(bytes, at) : this.#scanValue(bytes, at);
      if (end === undefined) return this.#rest.add(bytes.subarray(at));
      if (this.#inside === "word") this.#endWord(bytes.subarray(at, end), out);
      else this.#endValue(bytes.subarray(at, end), out);
      at = end;
    }
  }

  end(out: Outlet): void {
    if (this.#inside === "word") this.#endWord(new Uint8Array(0), out);
    if (this.#inside === "value") throw protocolError("The stream ended inside a JSON value");
  }

  pack(frames: readonly Frame[]): Uint8Array | string {
    if (frames.every((frame) => typeof frame === "string")) return frames.map(packText).join("");
    const chunks = frames.map((frame) => (typeof frame === "string" ? bytesOf(packText(frame)) : packBytes(frame)));
    return join(
      chunks,
      chunks.reduce((length, chunk) => length + chunk.length, 0),
    );
  }

  /** Gives where the word ends, or nothing when the bytes are over before. */
  #scanWord(bytes: Uint8Array, start: number): number | undefined {
    let at = start;
    while (at < bytes.length && !endsWord(bytes[at])) at++;
    this.#wordBytes += at - start;
    if (this.#wordBytes > MAX_WORD_BYTES) {
      throw protocolError(`Cannot read JSON: a number or literal of more than ${MAX_WORD_BYTES} bytes`);
    }
    return at < bytes.length ? at : undefined;
  }

  /** Gives where the value ends, or nothing when the bytes are over before. */
  #scanValue(bytes: Uint8Array, start: number): number | undefined {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        if (inString || depth > 0) continue;
      } else if (byte === QUOTE) {
        inString = true;
        continue;
      } else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > this.#maxDepth) this.#isTooDeep = true;
        continue;
      } else if ((byte !== 0x7d && byte !== 0x5d) || --depth > 0) continue;
      this.#depth = 0;
      this.#inString = false;
      this.#escaped = false;
      return at + 1;
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return;
  }

  #endWord(last: Uint8Array, out: Outlet): void {
    const rest = this.#rest;
    rest.add(last);
    this.#inside = "nothing";
    this.#wordBytes = 0;
    if (rest.skipping) return rest.finish(out);
    const text = textFrame(rest.bytes);
    rest.clear();
    if (typeof text !== "string" || !WORD.test(text)) {
      const what = typeof text === "string" ? `"${printable(text, 32)}"` : "text that is not UTF-8";
      throw protocolError(`Cannot read JSON: ${what} is no value`);
    }
    out.frame(text === "null" ? "" : text);
  }

  #endValue(last: Uint8Array, out: Outlet): void {
    const rest = this.#rest;
    this.#inside = "nothing";
    if (rest.length === 0 && last.length <= this.#maxBytes && !this.#isTooDeep) {
      out.frame(textFrame(last));
      return;
    }
    if (this.#isTooDeep) rest.skip();
    rest.add(last);
    rest.finish(out, this.#isTooDeep ? `A frame nested deeper than ${this.#maxDepth} levels was dropped` : undefined);
    this.#isTooDeep = false;
  }
}

/** What the first byte of a value begins. */
function beginning(byte = 0): "word" | "value" {
  if (byte === QUOTE || byte === 0x7b || byte === 0x5b) return "value";
  const char = String.fromCharCode(byte);
  if (/[-0-9tfn]/.test(char)) return "word";
  throw protocolError(`Cannot read JSON: a value cannot begin with the byte 0x${byte.toString(16).padStart(2, "0")}`);
}

function skipBlanks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && isBlank(bytes[at])) at++;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Blanks, quotes and `{}[],:`. */
function endsWord(byte: number | undefined): boolean {
  if (isBlank(byte)) return true;
  return [QUOTE, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a].includes(byte ?? 0);
}

/** A word needs a blank after it, or it would run into the next one. */
function packText(frame: string): string {
  if (frame === "") return "null\n";
  return /["}\]]$/.test(frame) ? frame : `${frame}\n`;
}

function packBytes(frame: Uint8Array): Uint8Array {
  if (frame.length === 0) return bytesOf("null\n");
  const last = frame[frame.length - 1];
  if (last === QUOTE || last === 0x7d || last === 0x5d) return frame;
  return join([frame, Uint8Array.of(0x0a)], frame.length + 1);
}
