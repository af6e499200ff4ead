import { protocolError, RpcError } from "../core/errors.ts";
import { textOf } from "../core/text.ts";
import { Allowance } from "./allowance.ts";
import { Misfit } from "./misfit.ts";
import { lenientTextOf, shortText } from "./short-text.ts";

/** What may be left out of structs that only the stream describes: a number costs 1. Go's own are far below it. */
const OMITTED_AT_FIRST = 16_384;
const OMITTED_PER_BYTE = 64;

/** What bounds the reading of one value. */
export interface ReaderLimits {
  /** Of all messages that hold the value, together. */
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** Structs, their fields, containers, byte arrays and interface values. */
  readonly maxValues: number;
}

/** Thrown where a value goes on in a message that is not there yet. The decoder's own; no caller sees it. */
export class MessageCut extends Error {}

/**
 * A cursor over the message that holds a value, or over the pieces of a value that came in several. Every bound is checked
 * before anything is made for what a count says. What throws is an `RpcError` that ends the stream. What only does not
 * fit its place here is noted, and the reading goes on.
 */
export class Reader {
  /** What did not fit its place. */
  readonly misfit: Misfit = new Misfit();
  readonly #limits: ReaderLimits;
  /** The bits of the last long number. */
  readonly #bits = new DataView(new ArrayBuffer(8));
  #high = 0;
  #low = 0;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;
  /** The messages after this one that hold the value. */
  #next: readonly Uint8Array[] = [];
  #nextIndex = 0;
  #values = 0;
  readonly #omitted = new Allowance(OMITTED_AT_FIRST, OMITTED_PER_BYTE);

  constructor(limits: ReaderLimits) {
    this.#limits = limits;
  }

  /** Tells that a message of the stream came; `again` when a value goes on in it. */
  came(bytes: number, again: boolean): void {
    this.#omitted.came(bytes, again);
  }

  /** Begins a value, or a definition, at `at`; `next` are the messages in which it goes on. */
  begin(bytes: Uint8Array, at: number, end: number, next: readonly Uint8Array[] = []): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#next = next;
    this.#nextIndex = 0;
    this.#values = 0;
    this.misfit.clear();
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.begin(new Uint8Array(), 0, 0);
  }

  /** Whether the message ends here. */
  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Goes to the next message of a value that is cut here. Throws `MessageCut` when that is still to come. */
  proceed(): void {
    const bytes = this.#next[this.#nextIndex];
    if (bytes === undefined) throw new MessageCut();
    this.#nextIndex++;
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Throws when something is left over. */
  finish(): void {
    if (this.#at < this.#end || this.#nextIndex < this.#next.length)
      throw protocolError(`A gob message has ${this.#end - this.#at} bytes more than its value`);
  }

  /** Counts what is about to be made at this depth, where it may hold something. */
  enter(depth: number, values: number): void {
    if (depth > this.#limits.maxDepth) {
      throw new RpcError(
        "resource_exhausted",
        `A gob value is nested deeper than the limit of ${this.#limits.maxDepth}: send it flatter or raise maxDepth`,
      );
    }
    this.add(values);
  }

  /** Counts what is about to be made. */
  add(values: number): void {
    this.#values += values;
    if (this.#values > this.#limits.maxValues) {
      throw new RpcError(
        "resource_exhausted",
        `A gob value holds more than the limit of ${this.#limits.maxValues} values: send less at once or raise maxValues`,
      );
    }
  }

  /** Counts what is about to be made for a field that was left out, of a struct that only the stream describes. */
  omit(cost: number): void {
    if (this.#omitted.spend(cost)) return;
    throw new RpcError(
      "resource_exhausted",
      "The structs of a gob stream leave out more fields than its bytes allow: describe their types",
    );
  }

  /** An unsigned number; a bigint only where a number cannot hold it exactly. */
  unsigned(): number | bigint {
    const first = this.#byte();
    if (first < 128) return first;
    this.#long(first);
    if (this.#high <= 0x1fffff) return this.#high * 0x1_0000_0000 + this.#low;
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A signed number; a bigint only where a number cannot hold it exactly. */
  signed(): number | bigint {
    const first = this.#byte();
    if (first < 128) return (first & 1) === 0 ? first >> 1 : ~(first >> 1);
    this.#long(first);
    // Below, negative numbers lose one: the last that fits is left out on that side, so that both sides look alike.
    if (this.#high < 0x3fffff) {
      const half = this.#high * 0x8000_0000 + (this.#low >>> 1);
      return (this.#low & 1) === 0 ? half : -half - 1;
    }
    const bits = (BigInt(this.#high) << 32n) | BigInt(this.#low);
    const value = (bits & 1n) === 0n ? bits >> 1n : ~(bits >> 1n);
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }

  /** A float of either width: the bytes of a double, the last first. */
  float(): number {
    const first = this.#byte();
    if (first < 128) {
      this.#high = 0;
      this.#low = first;
    } else {
      this.#long(first);
    }
    this.#bits.setUint32(0, this.#high);
    this.#bits.setUint32(4, this.#low);
    return this.#bits.getFloat64(0, true);
  }

  /** How many bytes, or elements of at least a byte each, come in this message. */
  count(): number {
    const count = this.unsigned();
    if (typeof count === "bigint" || count > this.#end - this.#at)
      throw protocolError(`A gob value counts ${count} where ${this.#end - this.#at} bytes are left`);
    return count;
  }

  /** How many elements come, where their rest may be in further messages: a bound, and nothing to allocate for. */
  elements(): number {
    const count = this.unsigned();
    if (typeof count === "bigint" || count > this.#limits.maxBytes)
      throw protocolError(`A gob value counts ${count} elements: no message may be as long as that`);
    return count;
  }

  /** How far the next field is from the last; 0 ends the struct. */
  delta(): number {
    const first = this.#byte();
    if (first < 128) return first;
    this.#long(first);
    return this.#high * 0x1_0000_0000 + this.#low;
  }

  /** The id of a type, negative where its definition follows. */
  typeId(): number {
    const id = this.signed();
    if (typeof id === "bigint" || id === 0 || Math.abs(id) > 0x7fffffff)
      throw protocolError(`A gob message names the type ${id}, which there cannot be`);
    return id;
  }

  /** The bytes that a count announces, as they stand in the message: whoever keeps them copies them. */
  view(): Uint8Array {
    return this.take(this.count());
  }

  /** A copy of the bytes that a count announces. */
  bytes(): Uint8Array {
    const length = this.count();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** So many bytes that are there, as they stand in the message. */
  take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Passes over as many bytes, which are there, if they are the same. */
  takeSame(bytes: Uint8Array): boolean {
    const at = this.#at;
    for (let each = 0; each < bytes.length; each++) if (this.#bytes[at + each] !== bytes[each]) return false;
    this.#at = at + bytes.length;
    return true;
  }

  /** A byte that is there, so far ahead. */
  ahead(offset: number): number {
    return this.#bytes[this.#at + offset] ?? 0;
  }

  /** Passes over bytes that a count announces. */
  skip(): void {
    const length = this.count();
    this.#at += length;
  }

  /** A text of a value. One that is no UTF-8, which Go allows, is noted and has U+FFFD for what cannot be read. */
  text(): string {
    const length = this.count();
    const short = shortText(this.#bytes, this.#at, length);
    if (short !== undefined) {
      this.#at += length;
      return short;
    }
    const view = this.take(length);
    try {
      return textOf(view);
    } catch {
      this.misfit.note("its text is no UTF-8: send it as []byte");
      return lenientTextOf(view);
    }
  }

  /** A name, which must be UTF-8. */
  name(): string {
    const view = this.view();
    try {
      return textOf(view);
    } catch {
      throw protocolError("A gob message has a name that is no UTF-8");
    }
  }

  #byte(): number {
    if (this.#at >= this.#end) throw protocolError("A gob message ends inside a value");
    return this.#bytes[this.#at++] ?? 0;
  }

  /** Reads the bytes that follow the first one of a number that takes more. */
  #long(first: number): void {
    const size = 256 - first;
    if (size > 8) throw protocolError(`A gob message has a number of ${size} bytes: none has more than 8`);
    if (size > this.#end - this.#at) throw protocolError("A gob message ends inside a number");
    let high = 0;
    let low = 0;
    for (const end = this.#at + size; this.#at < end; this.#at++) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | (this.#bytes[this.#at] ?? 0);
    }
    this.#high = high >>> 0;
    this.#low = low >>> 0;
  }
}
