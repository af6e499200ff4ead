import { RpcError } from "../core/errors.ts";

/** What is taken is a view of a chunk of this size: memory of its own costs more than everything else about it. */
const CHUNK_BYTES = 8192;
const NO_BYTES = new Uint8Array(0);
/** Up to here a loop over the characters is faster than a call of the encoder. */
const SHORT_TEXT = 48;
const TWO_32 = 4_294_967_296;

/**
 * Gob's numbers, strings and counts, written one after the other into one growing buffer. Nothing is allocated per value.
 * Values are taken as they are: whoever writes has checked their ranges.
 */
export class Writer {
  #bytes = NO_BYTES;
  /** Where what is not taken begins, and where it ends. */
  #start = 0;
  #at = 0;
  #limit = Number.POSITIVE_INFINITY;
  readonly #double = new DataView(new ArrayBuffer(8));
  readonly #text = new TextEncoder();

  /** How many bytes are written and not taken. */
  get length(): number {
    return this.#at - this.#start;
  }

  /**
   * Bounds `length`. What goes far beyond is refused while it is written, with `resource_exhausted`; whether the bound was
   * kept to the byte is for the caller to see in the end.
   */
  limit(bytes: number): void {
    this.#limit = bytes;
  }

  /** Takes back what was written after the first `length` bytes. */
  truncate(length: number): void {
    this.#at = this.#start + length;
  }

  byte(value: number): void {
    if (this.#at >= this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  unsigned(value: number): void {
    if (value < 128) this.byte(value);
    else if (value < TWO_32) this.#wide(0, value);
    else this.#wide(Math.floor(value / TWO_32), value % TWO_32);
  }

  /** A bigint from 0 to 2^64 - 1. */
  unsignedBig(value: bigint): void {
    this.#pair(Number(value >> 32n), Number(value & 0xffff_ffffn));
  }

  /** A whole number from -2^53 to 2^53. */
  signed(value: number): void {
    const negative = value < 0;
    // Without the last bit, which is the sign: twice the value might not fit a number.
    const rest = negative ? -value - 1 : value;
    if (rest < 0x4000_0000) {
      this.unsigned(negative ? rest * 2 + 1 : rest * 2);
      return;
    }
    const low = (rest % 0x8000_0000) * 2;
    this.#pair(Math.floor(rest / 0x8000_0000), negative ? low + 1 : low);
  }

  /** A bigint from -2^63 to 2^63 - 1. */
  signedBig(value: bigint): void {
    this.unsignedBig(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  /** The eight bytes of a double, which gob sends turned around, so that short ones have zeros in front. */
  float(value: number): void {
    this.#double.setFloat64(0, value, true);
    this.#pair(this.#double.getUint32(0), this.#double.getUint32(4));
  }

  /** The count of the bytes, then the text as UTF-8. */
  string(text: string): void {
    const { length } = text;
    if (length > SHORT_TEXT) {
      this.#longString(text);
      return;
    }
    if (this.#at + length >= this.#bytes.length) this.#grow(length + 1);
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.#longString(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[this.#at] = length;
    this.#at = at;
  }

  /** The count of the bytes, then the bytes. */
  bytes(value: Uint8Array): void {
    this.unsigned(value.length);
    this.raw(value);
  }

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    const { length } = value;
    if (this.#at + length > this.#bytes.length) this.#grow(length);
    const bytes = this.#bytes;
    const start = this.#at;
    this.#at = start + length;
    if (length > SHORT_TEXT) bytes.set(value, start);
    else for (let i = 0; i < length; i++) bytes[start + i] = value[i] ?? 0;
  }

  /** Leaves room for the count of the bytes that follow; `count` fills it in, given what this returns. */
  reserve(): number {
    const mark = this.length;
    this.byte(0);
    return mark;
  }

  /** Fills in how many bytes were written since `reserve` returned `mark`. */
  count(mark: number): void {
    const at = this.#start + mark;
    const bytes = this.#at - at - 1;
    if (bytes < 128) this.#bytes[at] = bytes;
    else this.#widen(mark, bytes);
  }

  /** Whether what was written since `length` was `start` is just this. */
  endsWith(start: number, value: Uint8Array): boolean {
    const from = this.#start + start;
    if (this.#at - from !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (this.#bytes[from + i] !== value[i]) return false;
    return true;
  }

  /** Puts all that `other` holds before what was written since `length` was `start`. The limit does not matter here. */
  insert(start: number, other: Writer): void {
    const { length } = other;
    if (this.#at + length > this.#bytes.length) this.#resize(this.length + length);
    const from = this.#start + start;
    this.#bytes.copyWithin(from + length, from, this.#at);
    this.#bytes.set(other.#bytes.subarray(other.#start, other.#at), from);
    this.#at += length;
  }

  /** All that was written since the last time. It is not touched again; its memory may be shared with what is taken later. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    // What is taken later must not keep a large one in memory.
    if (this.#bytes.length > CHUNK_BYTES) {
      this.#bytes = NO_BYTES;
      this.#start = 0;
      this.#at = 0;
    }
    return taken;
  }

  /** 64 bits, in the shortest form. */
  #pair(high: number, low: number): void {
    if (high !== 0) this.#wide(high, low);
    else if (low < 128) this.byte(low);
    else this.#wide(0, low);
  }

  /** 128 and above: how many bytes, as 256 less their number, and the bytes. */
  #wide(high: number, low: number): void {
    if (this.#at + 9 > this.#bytes.length) this.#grow(9);
    const bytes = this.#bytes;
    const size = high !== 0 ? 4 + size32(high) : size32(low);
    let at = this.#at;
    bytes[at++] = 256 - size;
    for (let shift = (size - 5) * 8; shift >= 0; shift -= 8) bytes[at++] = high >>> shift;
    for (let shift = (size > 4 ? 3 : size - 1) * 8; shift >= 0; shift -= 8) bytes[at++] = low >>> shift;
    this.#at = at;
  }

  #longString(text: string): void {
    const mark = this.length;
    // A text has at least as many bytes as units: what cannot fit is refused before it is encoded.
    if (mark + text.length > this.#limit) throw this.#tooLarge();
    const most = text.length * 3 + 9;
    if (this.#at + most > this.#bytes.length) this.#resize(mark + most);
    const { written } = this.#text.encodeInto(text, this.#bytes.subarray(this.#at + 1));
    this.#at += 1 + written;
    this.count(mark);
  }

  #widen(mark: number, count: number): void {
    const extra = size32(count);
    if (this.#at + extra > this.#bytes.length) this.#grow(extra);
    const at = this.#start + mark;
    const end = this.#at + extra;
    this.#bytes.copyWithin(at + 1 + extra, at + 1, this.#at);
    this.#at = at;
    this.unsigned(count);
    this.#at = end;
  }

  #grow(more: number): void {
    const needed = this.length + more;
    // Counts that are not part of what is limited may lie a few bytes above.
    if (needed > this.#limit + 64) throw this.#tooLarge();
    this.#resize(needed);
  }

  /** Goes on in a new chunk that has room for so many bytes. */
  #resize(needed: number): void {
    const { length } = this;
    const chunk = new Uint8Array(Math.max(CHUNK_BYTES, needed + length));
    chunk.set(this.#bytes.subarray(this.#start, this.#at));
    this.#bytes = chunk;
    this.#start = 0;
    this.#at = length;
  }

  #tooLarge(): RpcError {
    return new RpcError("resource_exhausted", "Cannot encode a value: its message is larger than maxMessageBytes");
  }
}

/** In how many bytes a number below 2^32 fits. */
function size32(value: number): number {
  if (value < 0x100) return 1;
  if (value < 0x1_0000) return 2;
  return value < 0x100_0000 ? 3 : 4;
}
