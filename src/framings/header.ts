import type { Frame, Framing } from "../core/channel.ts";
import { protocolError, type RpcError } from "../core/errors.ts";
import { bytesOf, join, printable } from "../core/text.ts";
import { type Cutter, framed } from "./framed.ts";
import type { Outlet } from "./outlet.ts";
import { Rest, textFrame } from "./rest.ts";

const LF = 0x0a;
const CR = 0x0d;
/** Bounds of the lines before one frame, the empty one included. */
const MAX_BLOCK_BYTES = 8 << 10;
const MAX_BLOCK_LINES = 64;
/** A frame above the limit is skipped up to this size; waiting for the end of a larger one would look like a dead link. */
const MAX_SKIPPED_BYTES = 1 << 30;
/** The Content-Type that language servers write. */
const LSP_TYPE = "application/vscode-jsonrpc; charset=utf-8";

/**
 * Frames with a block of header lines before them: `Content-Length` in bytes, and `Content-Type` unless `type` is "".
 * When a block names another type the link ends; one without a type is taken. Names are read in any case and order,
 * unknown ones are ignored, LF alone ends a line too. A frame above the limit is skipped; a block that makes no sense,
 * never ends or is cut off ends the link, and so does the first line of an HTTP request. (jrpc2: `channel.Header`.)
 */
export function header(type = ""): Framing {
  return (pipe, link) => framed(pipe, new HeaderCutter(type, false, link.limits.maxFrameBytes));
}

/** As `header`, and a block without a Content-Type ends the link as well. (jrpc2: `channel.StrictHeader`.) */
export function strictHeader(type: string): Framing {
  return (pipe, link) => framed(pipe, new HeaderCutter(type, true, link.limits.maxFrameBytes));
}

/** The framing of the Language Server Protocol, "Base Protocol". (jrpc2: `channel.LSP`.) */
export function lsp(): Framing {
  return header(LSP_TYPE);
}

/** The block as everybody writes it: a length, perhaps a type before or after it. Anything else takes the long way. */
const USUAL_BLOCK =
  /(?:Content-Type: ([^\r\n]*)\r\n)?Content-Length: (\d{1,9})\r\n(?:Content-Type: ([^\r\n]*)\r\n)?\r\n/y;
/** The first line of an HTTP request (RFC 9112, 3), whose target may have a colon, so that the line would pass for a header. */
const HTTP_REQUEST = /^[!#$%&'*+\-.^_`|~\w]+ .* HTTP\/\d\.\d$/i;
/** Text in which every character is one byte. */
const ASCII = /^[\x00-\x7f]*$/;

class HeaderCutter implements Cutter {
  readonly #type: string;
  readonly #plainType: string;
  readonly #strict: boolean;
  readonly #maxBytes: number;
  readonly #usual = new RegExp(USUAL_BLOCK);
  /** What there is of a line. */
  readonly #line = new Rest(MAX_BLOCK_BYTES);
  /** What there is of a frame. */
  readonly #body: Rest;
  /** What the block said so far. */
  #length: number | undefined;
  #hasType = false;
  #blockBytes = 0;
  #blockLines = 0;
  /** Bytes of the frame that have not come; `undefined` inside of a block. */
  #missing: number | undefined;

  constructor(type: string, strict: boolean, maxBytes: number) {
    this.#type = type;
    this.#plainType = plainType(type);
    this.#strict = strict;
    this.#maxBytes = maxBytes;
    this.#body = new Rest(maxBytes);
  }

  cut(bytes: Uint8Array, out: Outlet): void {
    let isTried = false;
    for (let at = 0; at < bytes.length; ) {
      // Once a chunk, as soon as the frame that it began in the middle of is complete.
      if (!isTried && this.#missing === undefined && this.#blockBytes === 0) {
        isTried = true;
        at += this.#cutUsual(bytes.subarray(at), out);
        continue;
      }
      at = this.#missing === undefined ? this.#readLine(bytes, at) : at;
      if (this.#missing !== undefined) at = this.#readBody(bytes, at, this.#missing, out);
    }
  }

  end(): void {
    if (this.#missing !== undefined) throw protocolError("The stream ended inside a frame");
    if (this.#blockBytes > 0) throw blockError("the stream ended inside it");
  }

  pack(frames: readonly Frame[]): Uint8Array | string {
    const typeLine = this.#type === "" ? "" : `Content-Type: ${this.#type}\r\n`;
    let text = "";
    for (const frame of frames) {
      if (typeof frame !== "string" || !ASCII.test(frame)) return this.#packBytes(frames, typeLine);
      text += `${typeLine}Content-Length: ${frame.length}\r\n\r\n${frame}`;
    }
    return text;
  }

  #packBytes(frames: readonly Frame[], typeLine: string): Uint8Array {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (const frame of frames) {
      const body = bytesOf(frame);
      const block = bytesOf(`${typeLine}Content-Length: ${body.length}\r\n\r\n`);
      chunks.push(block, body);
      length += block.length + body.length;
    }
    return join(chunks, length);
  }

  /**
   * Cuts the usual case: whole frames of ASCII after usual blocks. The chunk is decoded once, and where it has a
   * character for each byte the text is cut in place of the bytes. Gives where it stopped; the long way goes on there.
   */
  #cutUsual(bytes: Uint8Array, out: Outlet): number {
    const text = textFrame(bytes);
    if (typeof text !== "string" || text.length !== bytes.length) return 0;
    const block = this.#usual;
    block.lastIndex = 0;
    let at = 0;
    for (let found = block.exec(text); found !== null; found = block.exec(text)) {
      const type = found[1] ?? found[3];
      const length = Number(found[2]);
      const start = block.lastIndex;
      if (found[1] !== undefined && found[3] !== undefined) break;
      if (type === undefined ? this.#strict : type !== this.#type) break;
      if (length > this.#maxBytes || start + length > text.length || start - at > MAX_BLOCK_BYTES) break;
      at = start + length;
      out.frame(text.slice(start, at));
      block.lastIndex = at;
    }
    return at;
  }

  /** Reads up to the end of a line; gives where the next one begins. */
  #readLine(bytes: Uint8Array, start: number): number {
    const found = bytes.indexOf(LF, start);
    const next = found < 0 ? bytes.length : found + 1;
    this.#blockBytes += next - start;
    if (this.#blockBytes > MAX_BLOCK_BYTES) throw blockError(`it is longer than ${MAX_BLOCK_BYTES} bytes`);
    if (found < 0) {
      this.#line.add(bytes.subarray(start));
      return next;
    }
    if (++this.#blockLines > MAX_BLOCK_LINES) throw blockError(`it has more than ${MAX_BLOCK_LINES} lines`);
    const part = bytes.subarray(start, found);
    if (this.#line.length === 0) this.#takeLine(part);
    else {
      this.#line.add(part);
      this.#takeLine(this.#line.bytes);
      this.#line.clear();
    }
    return next;
  }

  #takeLine(bytes: Uint8Array): void {
    const text = textFrame(bytes);
    if (typeof text !== "string") throw blockError("invalid header line, it is not UTF-8");
    const row = trimmed(text);
    if (row === "") return this.#endBlock();
    if (HTTP_REQUEST.test(row)) throw blockError("an HTTP request came, of which nothing is taken");
    const colon = row.indexOf(":");
    if (colon < 1) throw blockError(`invalid header line "${printable(row)}"`);
    const value = trimmed(row.slice(colon + 1));
    switch (trimmed(row.slice(0, colon)).toLowerCase()) {
      case "content-length":
        this.#takeLength(value);
        break;
      case "content-type":
        this.#hasType = true;
        if (value !== this.#type && this.#type !== "" && plainType(value) !== this.#plainType) this.#mismatch(value);
        break;
    }
  }

  #takeLength(value: string): void {
    const length = Number(value);
    if (!/^\d{1,15}$/.test(value) || length > Math.max(this.#maxBytes, MAX_SKIPPED_BYTES)) {
      throw blockError(`invalid content-length "${printable(value)}"`);
    }
    if (this.#length !== undefined && this.#length !== length) {
      throw blockError(`two content-length lines that differ, ${this.#length} and ${length}`);
    }
    this.#length = length;
  }

  #endBlock(): void {
    if (this.#length === undefined) throw blockError("missing required content-length");
    if (this.#strict && !this.#hasType) this.#mismatch("");
    if (this.#length > this.#maxBytes) this.#body.skip();
    this.#missing = this.#length;
    this.#length = undefined;
    this.#hasType = false;
    this.#blockBytes = 0;
    this.#blockLines = 0;
  }

  #mismatch(got: string): never {
    throw blockError(`content type mismatch: got "${printable(got)}", want "${this.#type}"`);
  }

  /** Reads up to the end of the frame; gives where the next block begins. */
  #readBody(bytes: Uint8Array, start: number, missing: number, out: Outlet): number {
    const end = Math.min(start + missing, bytes.length);
    const part = bytes.subarray(start, end);
    const isWhole = end - start === missing;
    this.#missing = isWhole ? undefined : missing - part.length;
    if (isWhole && this.#body.length === 0 && !this.#body.skipping) {
      out.frame(textFrame(part));
    } else {
      this.#body.add(part);
      if (isWhole) this.#body.finish(out);
    }
    return end;
  }
}

function blockError(problem: string): RpcError {
  return protocolError(`Cannot read a header block: ${problem}`);
}

/** Without blanks at both ends; not `trim`, which takes more than a header line calls a blank. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (isBlank(text.charCodeAt(start))) start++;
  // Not by a pattern, which begins anew at each blank inside of the line: 8 KiB of them would take 30 ms.
  while (end > start && (isBlank(text.charCodeAt(end - 1)) || text.charCodeAt(end - 1) === CR)) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A media type as it is compared: small letters, no quotes, and no charset when it is UTF-8, which a frame is in any case. */
function plainType(type: string): string {
  return type
    .toLowerCase()
    .split(";")
    .map((part) => part.replace(/[\s"']/g, ""))
    .filter((part) => part !== "" && part !== "charset=utf-8" && part !== "charset=utf8")
    .join(";");
}
