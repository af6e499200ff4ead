import { CROWD, Crowd } from "../../core/crowd.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import { textOf } from "../../core/text.ts";
import type { FieldReader } from "./body.ts";
import { BIGINT, MAP, TIMESTAMP, UNDEFINED } from "./extensions.ts";
import type { NameCache } from "./names.ts";

/** Texts up to this length are looked at byte by byte, which is cheaper than a call of the decoder. */
const SHORT_TEXT = 20;

/** Numbers and times are read from a copy of their bytes: a view of each frame would cost more. */
const copied = new Uint8Array(12);
const copy = new DataView(copied.buffer);

/**
 * Reads the MessagePack that a `Packer` writes; one per frame. Sizes are checked against what is left before anything is
 * made, and depth before it is entered. Throws `RpcError`: `data_loss` for what is no MessagePack.
 */
export class Unpacker implements FieldReader {
  readonly #bytes: Uint8Array;
  readonly #names: NameCache;
  readonly #maxDepth: number;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array, names: NameCache, maxDepth: number) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#names = names;
    this.#maxDepth = maxDepth;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  next(): unknown {
    return this.#value(0);
  }

  /** The next field, which is expected to be one of few texts: a method, a key. */
  name(): unknown {
    const type = this.#bytes[this.#at];
    if (type === undefined || (type & 0xe0) !== 0xa0) return this.#value(0);
    this.#at++;
    return this.#name(type & 0x1f);
  }

  #value(depth: number): unknown {
    if (this.#at >= this.#end) throw ended();
    const type = this.#bytes[this.#at++] as number;
    if (type < 0x80) return type;
    if (type < 0x90) return this.#members(type & 0x0f, depth + 1);
    if (type < 0xa0) return this.#array(type & 0x0f, depth + 1);
    if (type < 0xc0) return this.#text(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#uint8());
      case 0xc5:
        return this.#binary(this.#uint16());
      case 0xc6:
        return this.#binary(this.#uint32());
      case 0xc7:
        return this.#extension(this.#uint8(), depth + 1);
      case 0xc8:
        return this.#extension(this.#uint16(), depth + 1);
      case 0xc9:
        return this.#extension(this.#uint32(), depth + 1);
      case 0xca:
        return this.#copy(4).getFloat32(0);
      case 0xcb:
        return this.#copy(8).getFloat64(0);
      case 0xcc:
        return this.#uint8();
      case 0xcd:
        return this.#uint16();
      case 0xce:
        return this.#uint32();
      case 0xcf:
        return integerOf(this.#copy(8).getBigUint64(0));
      case 0xd0:
        return this.#copy(1).getInt8(0);
      case 0xd1:
        return this.#copy(2).getInt16(0);
      case 0xd2:
        return this.#copy(4).getInt32(0);
      case 0xd3:
        return integerOf(this.#copy(8).getBigInt64(0));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (type - 0xd4), depth + 1);
      case 0xd9:
        return this.#text(this.#uint8());
      case 0xda:
        return this.#text(this.#uint16());
      case 0xdb:
        return this.#text(this.#uint32());
      case 0xdc:
        return this.#array(this.#uint16(), depth + 1);
      case 0xdd:
        return this.#array(this.#uint32(), depth + 1);
      case 0xde:
        return this.#members(this.#uint16(), depth + 1);
      case 0xdf:
        return this.#members(this.#uint32(), depth + 1);
      default:
        throw protocolError(`The byte ${type} begins no MessagePack value`);
    }
  }

  #array(count: number, depth: number): unknown[] {
    this.#enter(depth, count);
    const array: unknown[] = [];
    for (let at = 0; at < count; at++) array.push(this.#value(depth));
    return array;
  }

  #members(count: number, depth: number): object {
    this.#enter(depth, count * 2);
    const object: Record<string, unknown> = {};
    for (let at = 0; at < count; at++) {
      const key = this.#key();
      const value = this.#value(depth);
      if (key === "__proto__") {
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      } else object[key] = value;
    }
    return object;
  }

  #key(): string {
    if (this.#at >= this.#end) throw ended();
    const type = this.#bytes[this.#at] as number;
    if ((type & 0xe0) === 0xa0) {
      this.#at++;
      return this.#name(type & 0x1f);
    }
    const key = this.#value(0);
    if (typeof key === "string") return key;
    throw protocolError("A key of an object must be a text");
  }

  /** Each value takes a byte at least, so that a count says at once whether it can be true. */
  #enter(depth: number, values: number): void {
    if (depth > this.#maxDepth) {
      throw new RpcError("resource_exhausted", `The message is nested deeper than ${this.#maxDepth} levels`);
    }
    if (values > this.#end - this.#at) throw ended();
  }

  #name(length: number): string {
    const start = this.#skip(length);
    return this.#names.at(this.#bytes, start, length) ?? this.#textAt(start, length);
  }

  #text(length: number): string {
    return this.#textAt(this.#skip(length), length);
  }

  #textAt(start: number, length: number): string {
    if (length <= SHORT_TEXT) {
      const text = shortText(this.#bytes, start, length);
      if (text !== undefined) return text;
    }
    try {
      return textOf(this.#bytes.subarray(start, start + length));
    } catch (cause) {
      throw protocolError("A text that is not UTF-8", { cause });
    }
  }

  /** A copy: the frame is a part of a larger chunk, which would live as long as the value. */
  #binary(length: number): Uint8Array {
    const start = this.#skip(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  #extension(length: number, depth: number): unknown {
    const type = this.#uint8();
    const start = this.#skip(length);
    switch (type) {
      case UNDEFINED:
        return undefined;
      case TIMESTAMP:
        return this.#date(start, length);
      case BIGINT:
        return bigintOf(this.#textAt(start, length));
      case MAP:
        return this.#map(start, depth);
      default:
        throw protocolError(`There is no extension of type ${type}`);
    }
  }

  /** Its fields end where the extension ends, and so the reader is turned back to its beginning. */
  #map(start: number, depth: number): Map<unknown, unknown> {
    const after = this.#at;
    const end = this.#end;
    this.#at = start;
    this.#end = after;
    this.#enter(depth, 0);
    const map = new Map<unknown, unknown>();
    for (let count = 0; count < CROWD && this.#at < after; count++) {
      const key = this.#value(depth);
      map.set(key, this.#value(depth));
    }
    if (this.#at < after) this.#crowd(map, after, depth);
    this.#end = end;
    return map;
  }

  /** The entries of a map that has many. */
  #crowd(map: Map<unknown, unknown>, after: number, depth: number): void {
    const crowd = new Crowd(map);
    while (this.#at < after) {
      const key = this.#value(depth);
      map.set(key, this.#value(depth));
      crowd.add(key);
    }
  }

  #date(start: number, length: number): Date {
    if (length !== 4 && length !== 8 && length !== 12) throw protocolError(`A time of ${length} bytes`);
    const view = this.#copyAt(start, length);
    let seconds = 0;
    let nanoseconds = 0;
    if (length === 4) seconds = view.getUint32(0);
    else if (length === 8) {
      const high = view.getUint32(0);
      nanoseconds = high >>> 2;
      seconds = (high & 3) * 0x1_0000_0000 + view.getUint32(4);
    } else {
      nanoseconds = view.getUint32(0);
      seconds = Number(view.getBigInt64(4));
    }
    const date = new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000));
    if (Number.isNaN(date.getTime())) throw protocolError("A time beyond what a Date can say");
    return date;
  }

  #uint8(): number {
    if (this.#at >= this.#end) throw ended();
    return this.#bytes[this.#at++] as number;
  }

  #uint16(): number {
    const bytes = this.#bytes;
    const at = this.#skip(2);
    return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  }

  #uint32(): number {
    const bytes = this.#bytes;
    const at = this.#skip(4);
    const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    return (bytes[at] as number) * 0x1000000 + low;
  }

  /** Passes over so many bytes, 12 at most, and gives a copy to read them from at once. */
  #copy(length: number): DataView {
    return this.#copyAt(this.#skip(length), length);
  }

  #copyAt(start: number, length: number): DataView {
    for (let at = 0; at < length; at++) copied[at] = this.#bytes[start + at] as number;
    return copy;
  }

  /** Passes over so many bytes and says where they begin. */
  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw ended();
    this.#at = start + length;
    return start;
  }
}

/** ASCII as text; `undefined` where it is not all ASCII. In steps of eight, because joining is what costs. */
function shortText(bytes: Uint8Array, start: number, length: number): string | undefined {
  let text = "";
  let at = start;
  const end = start + length;
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    const e = bytes[at + 4] as number;
    const f = bytes[at + 5] as number;
    const g = bytes[at + 6] as number;
    const h = bytes[at + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined;
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte > 0x7f) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** A number where it can say the integer exactly. */
function integerOf(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function bigintOf(text: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(text)) throw protocolError("An integer must have hexadecimal digits");
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

function ended(): RpcError {
  return protocolError("The frame ended inside a value");
}
