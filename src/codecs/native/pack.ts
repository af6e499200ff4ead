import type { Arena } from "../../core/arena.ts";
import { RpcError } from "../../core/errors.ts";
import type { Forms } from "../../core/message.ts";
import type { FieldWriter } from "./body.ts";
import { BIGINT, MAP, TIMESTAMP, UNDEFINED } from "./extensions.ts";
import { isBare, isOpaque, tagOf } from "./opaque.ts";

/** Stateless, so that sharing it is safe. */
const encoder = new TextEncoder();
const LEAST_BYTES = 256;
const NOTHING = new Uint8Array(0);
/** Numbers of 8 bytes are written here and copied: a view of each frame would cost more. */
const copied = new Uint8Array(8);
const copy = new DataView(copied.buffer);
/** Texts up to this length are written byte by byte, which is cheaper than a call of the encoder; below 32, so that their head is one byte. */
const SHORT_TEXT = 28;

/** What bounds a body that is written; the numbers may change while the link opens. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/**
 * Writes MessagePack. Beside the values of JSON it carries `undefined`, NaN and the infinities, `Uint8Array`, `Date`,
 * `bigint` and `Map`. Throws `TypeError` for what would arrive as something else.
 */
export class Packer implements FieldWriter {
  readonly #limits: BodyLimits;
  readonly #arena: Arena;
  /** The next frame is made as large as the last one was, and a bit. */
  #expected = LEAST_BYTES;
  #bytes: Uint8Array;
  #at = 0;

  constructor(limits: BodyLimits, arena: Arena) {
    this.#limits = limits;
    this.#arena = arena;
    // An idle link has no buffer.
    this.#bytes = NOTHING;
  }

  put(value: unknown, forms?: Forms): void {
    if (forms === undefined) this.#value(value, 0);
    else this.#shared(value, forms);
  }

  take(): Uint8Array {
    const frame = this.#arena.keep(this.#bytes, this.#at);
    this.#expected = Math.max(LEAST_BYTES, this.#at + (this.#at >> 2));
    this.reset();
    return frame;
  }

  reset(): void {
    this.#bytes = NOTHING;
    this.#at = 0;
  }

  #shared(value: unknown, forms: Forms): void {
    // How deep it may be is agreed on by the ends of each link.
    const key = `msgpack ${this.#limits.maxDepth}`;
    const kept = forms.get(key);
    const start = this.#at;
    if (kept instanceof Uint8Array) {
      this.#room(kept.length);
      this.#bytes.set(kept, start);
      this.#at += kept.length;
    } else {
      this.#value(value, 0);
      forms.set(key, this.#bytes.slice(start, this.#at));
    }
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return this.#number(value);
      case "object":
        return value === null ? this.#byte(0xc0) : this.#object(value, depth + 1);
      case "boolean":
        return this.#byte(value ? 0xc3 : 0xc2);
      case "undefined":
        this.#room(3);
        this.#bytes[this.#at++] = 0xd4;
        this.#bytes[this.#at++] = UNDEFINED;
        this.#bytes[this.#at++] = 0;
        return;
      case "bigint":
        return this.#bigint(value);
      default:
        throw new TypeError(`A value of type ${typeof value} cannot be sent`);
    }
  }

  #object(value: object, depth: number): void {
    if (depth > this.#limits.maxDepth) {
      throw new RpcError("resource_exhausted", `The message is nested deeper than ${this.#limits.maxDepth} levels`);
    }
    if (Array.isArray(value)) return this.#array(value, depth);
    const { constructor: made } = value;
    if (made === Object || made === undefined) return this.#members(value, depth);
    if (value instanceof Uint8Array) return this.#binary(value);
    if (value instanceof Date) return this.#date(value);
    if (value instanceof Map) return this.#map(value, depth);
    this.#instance(value, depth);
  }

  #instance(value: object, depth: number): void {
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === "function") return this.#value(toJSON.call(value, ""), depth);
    if (isOpaque(value)) throw unsendable(value);
    this.#members(value, depth);
  }

  #array(value: readonly unknown[], depth: number): void {
    // What a getter of the user's adds meanwhile would not be in the count.
    const { length } = value;
    this.#count(0x90, 0xdc, length);
    for (let at = 0; at < length; at++) this.#value(value[at], depth);
  }

  #members(value: object, depth: number): void {
    const start = this.#at;
    const keys = Object.keys(value);
    if (keys.length === 0 && !isBare(value)) throw unsendable(value);
    this.#count(0x80, 0xde, keys.length);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string;
      const member = (value as Readonly<Record<string, unknown>>)[key];
      if (key === "toJSON" && typeof member === "function") {
        this.#at = start;
        return this.#value(member.call(value, ""), depth);
      }
      this.#text(key);
      this.#value(member, depth);
    }
  }

  /** The count of an array or a map: in the byte itself, in two bytes, or in four. */
  #count(fixed: number, wide: number, count: number): void {
    this.#room(5);
    if (count < 16) this.#bytes[this.#at++] = fixed | count;
    else if (count < 0x10000) {
      this.#bytes[this.#at++] = wide;
      this.#uint16(this.#at, count);
      this.#at += 2;
    } else {
      this.#bytes[this.#at++] = wide + 1;
      this.#uint32(this.#at, count);
      this.#at += 4;
    }
  }

  #text(text: string): void {
    const { length } = text;
    this.#room(5 + length * 3);
    if (length > SHORT_TEXT || !this.#shortText(text)) this.#longText(text);
  }

  /** Short ASCII, byte by byte: cheaper than a call of the encoder. */
  #shortText(text: string): boolean {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const { length } = text;
    for (let at = 0; at < length; at++) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) return false;
      bytes[start + at] = unit;
    }
    bytes[start - 1] = 0xa0 | length;
    this.#at = start + length;
    return true;
  }

  #longText(text: string): void {
    // Half a surrogate pair has no UTF-8: it would arrive as another character.
    if (!text.isWellFormed()) throw new TypeError("A text with half a surrogate pair cannot be sent");
    // Where its head ends is known when all of it is ASCII; otherwise it is moved.
    const { length } = text;
    const guess = headBytes(length);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#at + guess));
    const head = headBytes(written);
    if (head !== guess) this.#bytes.copyWithin(this.#at + head, this.#at + guess, this.#at + guess + written);
    if (head === 1) this.#bytes[this.#at] = 0xa0 | written;
    else this.#length(0xd9, written, head);
    this.#at += head + written;
  }

  #binary(value: Uint8Array): void {
    const { length } = value;
    this.#room(5 + length);
    const head = length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
    this.#length(0xc4, length, head);
    this.#bytes.set(value, this.#at + head);
    this.#at += head + length;
  }

  /** Writes a head of 2, 3 or 5 bytes without moving on: three types in a row, for lengths of 1, 2 and 4 bytes. */
  #length(first: number, length: number, head: number): void {
    const at = this.#at;
    if (head === 2) {
      this.#bytes[at] = first;
      this.#bytes[at + 1] = length;
    } else if (head === 3) {
      this.#bytes[at] = first + 1;
      this.#uint16(at + 1, length);
    } else {
      this.#bytes[at] = first + 2;
      this.#uint32(at + 1, length);
    }
  }

  #number(value: number): void {
    this.#room(9);
    const bytes = this.#bytes;
    if (value >>> 0 === value && !Object.is(value, -0)) {
      if (value < 0x80) bytes[this.#at++] = value;
      else if (value < 0x100) {
        bytes[this.#at++] = 0xcc;
        bytes[this.#at++] = value;
      } else if (value < 0x10000) {
        bytes[this.#at++] = 0xcd;
        bytes[this.#at++] = value >> 8;
        bytes[this.#at++] = value;
      } else {
        bytes[this.#at++] = 0xce;
        this.#uint32(this.#at, value);
        this.#at += 4;
      }
    } else if (value >> 0 === value && value < 0) {
      if (value >= -0x20) bytes[this.#at++] = value;
      else {
        bytes[this.#at++] = 0xd2;
        this.#uint32(this.#at, value);
        this.#at += 4;
      }
    } else {
      bytes[this.#at++] = 0xcb;
      copy.setFloat64(0, value);
      this.#putCopy();
    }
  }

  /** MessagePack's own integers arrive as numbers where a number can say them: those go as an extension. */
  #bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value && !Number.isSafeInteger(Number(value))) {
      this.#room(9);
      this.#bytes[this.#at++] = 0xd3;
      copy.setBigInt64(0, value);
      this.#putCopy();
      return;
    }
    const start = this.#openExtension(BIGINT);
    const text = value.toString(16);
    this.#room(text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.#at++] = text.charCodeAt(at);
    this.#closeExtension(start);
  }

  /** MessagePack's own timestamp of 96 bits: nanoseconds, then seconds. */
  #date(value: Date): void {
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw new TypeError("An invalid Date cannot be sent");
    const start = this.#openExtension(TIMESTAMP);
    const seconds = Math.floor(ms / 1000);
    this.#room(12);
    this.#uint32(this.#at, (ms - seconds * 1000) * 1_000_000);
    this.#at += 4;
    copy.setBigInt64(0, BigInt(seconds));
    this.#putCopy();
    this.#closeExtension(start);
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): void {
    const start = this.#openExtension(MAP);
    for (const [key, each] of value) {
      this.#value(key, depth);
      this.#value(each, depth);
    }
    this.#closeExtension(start);
  }

  #openExtension(type: number): number {
    this.#room(6);
    this.#bytes[this.#at] = 0xc9;
    this.#bytes[this.#at + 5] = type;
    this.#at += 6;
    return this.#at;
  }

  #closeExtension(start: number): void {
    this.#uint32(start - 5, this.#at - start);
  }

  #uint16(at: number, value: number): void {
    this.#bytes[at] = value >> 8;
    this.#bytes[at + 1] = value;
  }

  #uint32(at: number, value: number): void {
    this.#bytes[at] = value >> 24;
    this.#bytes[at + 1] = value >> 16;
    this.#bytes[at + 2] = value >> 8;
    this.#bytes[at + 3] = value;
  }

  /** For room that was made. */
  #putCopy(): void {
    for (let at = 0; at < 8; at++) this.#bytes[this.#at++] = copied[at] as number;
  }

  #byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = byte;
  }

  /** Makes room for so many bytes more, which may be three times what is written in the end. */
  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed > this.#bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    const { maxBytes } = this.#limits;
    if (this.#at > maxBytes || needed > maxBytes * 3 + 64) {
      throw new RpcError("resource_exhausted", `The message is larger than ${maxBytes} bytes`);
    }
    const grown = this.#arena.reserve(Math.max(needed, this.#bytes.length * 2, this.#expected));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

/** How many bytes the head of a text of so many bytes has. */
function headBytes(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}

function unsendable(value: object): TypeError {
  return new TypeError(`A value of class ${tagOf(value)} cannot be sent`);
}
