import { protocolError, RpcError } from "../core/errors.ts";
import { Allowance } from "./allowance.ts";
import { Compiler } from "./decode.ts";
import type { Node } from "./decode-node.ts";
import { messageBody, messageEnd } from "./prefix.ts";
import { MessageCut, Reader } from "./reader.ts";
import { Registry } from "./registry.ts";
import { Rest } from "./rest.ts";
import type { AnyType, GobType } from "./type.ts";
import { INTERFACE_ID, WireTypes } from "./wire-type.ts";

/** Deeper than this the engine's own stack would be the bound. */
const MAX_DEPTH = 1000;
/** Bytes of values in pieces that may be read again: at first, and for each byte that came. */
const REPLAYED_AT_FIRST = 262_144;
const REPLAYED_PER_BYTE = 16;

/** What a decoder may be told. */
export interface DecoderOptions {
  /** What the values inside interfaces may be, by registered name; `*main.S` and `main.S` both find either description. */
  readonly types?: readonly AnyType[];
  /** `typed`: what is inside an interface and is no struct comes as a `TypedValue`, so that it can be encoded again exactly. */
  readonly interfaces?: "plain" | "typed";
  /** Of one message, and of the pieces of one value together. */
  readonly maxMessageBytes?: number;
  /** How deep values, and types, may be nested; at most 1000. */
  readonly maxDepth?: number;
  /** Types that a stream may define. */
  readonly maxTypes?: number;
  /** Structs, their fields, containers, byte arrays and interface values in one value at the top. */
  readonly maxValues?: number;
}

/** The limits of a decoder that is told nothing. */
export const DECODER_DEFAULTS: Required<Omit<DecoderOptions, "types" | "interfaces">> = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxDepth: 128,
  maxTypes: 1024,
  maxValues: 1_048_576,
};

/** A value that has come. */
export interface Decoded<Value> {
  readonly value: Value;
  /**
   * Why something in it could not be had: `main.Pair.A: 9007199254740993 does not fit a number, describe it as int64`. The
   * stream is unharmed. The place holds 0, for a text what of it could be read, for a type that encodes itself its zero.
   */
  readonly misfit: string | undefined;
}

/**
 * Reads one stream of gob messages: it remembers the types that were defined. What it throws is an `RpcError`, and the end
 * of the stream: it throws the same at every further use.
 */
export class Decoder {
  readonly #maxBytes: number;
  readonly #types: WireTypes;
  readonly #compiler: Compiler;
  readonly #reader: Reader;
  /** The decoder of the last value, which is mostly that of the next. */
  #lastId = 0;
  #lastType: AnyType | undefined = undefined;
  #lastNode: Node | undefined = undefined;
  /** The messages of a value that is not complete. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  readonly #replays = new Allowance(REPLAYED_AT_FIRST, REPLAYED_PER_BYTE);
  /** What came of a message that is not complete, for `push`. */
  readonly #rest = new Rest();
  #failure: { readonly thrown: unknown } | undefined = undefined;

  /** Throws `RangeError` for a limit that is none and `TypeError` for two types of one name. */
  constructor(options: DecoderOptions = {}) {
    this.#maxBytes = limitOf("maxMessageBytes", options.maxMessageBytes, 2 ** 31 - 1);
    const maxDepth = limitOf("maxDepth", options.maxDepth, MAX_DEPTH);
    const maxValues = limitOf("maxValues", options.maxValues, 2 ** 31 - 1);
    this.#types = new WireTypes(limitOf("maxTypes", options.maxTypes, 2 ** 31 - 1), this.#maxBytes);
    this.#reader = new Reader({ maxBytes: this.#maxBytes, maxDepth, maxValues });
    this.#compiler = new Compiler({
      types: this.#types,
      registry: new Registry(options.types ?? []),
      typed: options.interfaces === "typed",
      maxDepth,
    });
  }

  /**
   * Takes one whole message with its count in front, and gives the value that it completes: none for a definition and for a
   * piece of a value that goes on. The bytes stay the caller's.
   */
  message<Value>(bytes: Uint8Array, type: GobType<Value, boolean>): Decoded<Value> | undefined {
    this.#check();
    try {
      if (messageEnd(bytes, 0, this.#maxBytes) !== bytes.length)
        throw protocolError(`${bytes.length} bytes are not one gob message`);
      return this.#message(bytes, 0, bytes.length, type) as Decoded<Value> | undefined;
    } catch (thrown) {
      throw this.#fail(thrown);
    }
  }

  /**
   * Takes the next bytes of the stream, however they are cut, and gives the values that they complete; without a type as
   * they are described in the stream. Here a misfit throws too.
   */
  push(chunk: Uint8Array): unknown[];
  push<Value>(chunk: Uint8Array, type: GobType<Value, boolean>): Value[];
  push(chunk: Uint8Array, type?: AnyType): unknown[] {
    this.#check();
    try {
      return this.#push(chunk, type);
    } catch (thrown) {
      throw this.#fail(thrown);
    }
  }

  /** Throws when the stream ended inside a message or a value. */
  end(): void {
    this.#check();
    if (this.#rest.length > 0) throw this.#fail(protocolError("The gob stream ended inside a message"));
    if (this.#pieces.length > 0) throw this.#fail(protocolError("The gob stream ended inside a value"));
  }

  #push(chunk: Uint8Array, type: AnyType | undefined): unknown[] {
    const bytes = this.#rest.joined(chunk);
    const values: unknown[] = [];
    let at = 0;
    for (let end = messageEnd(bytes, at, this.#maxBytes); end <= bytes.length; ) {
      const decoded = this.#message(bytes, at, end, type);
      if (decoded?.misfit !== undefined) throw new RpcError("out_of_range", decoded.misfit);
      if (decoded !== undefined) values.push(decoded.value);
      at = end;
      end = messageEnd(bytes, at, this.#maxBytes);
    }
    this.#rest.keep(bytes, at);
    return values;
  }

  #message(bytes: Uint8Array, at: number, end: number, type: AnyType | undefined): Decoded<unknown> | undefined {
    const reader = this.#reader;
    const start = messageBody(bytes, at);
    const again = this.#pieces.length > 0;
    reader.came(end - at, again);
    this.#replays.came(end - at, again);
    reader.begin(bytes, start, end);
    if (reader.atEnd) throw protocolError("A gob message is empty");
    const id = reader.typeId();
    if (id < 0) {
      const defined = this.#types.read(reader);
      if (reader.atEnd) {
        this.#types.define(-id, defined);
        return undefined;
      }
      // Only inside a value may there be more: its next piece begins with a definition.
      if (!again) throw protocolError("A gob message goes on behind the definition of a type");
    }
    if (again) return this.#continued(bytes.slice(start, end), type);
    this.#types.beginValue(false);
    try {
      return this.#value(id, type);
    } catch (thrown) {
      if (!(thrown instanceof MessageCut)) throw thrown;
      this.#pieces.push(bytes.slice(start, end));
      this.#piecesBytes = end - start;
      return undefined;
    }
  }

  /** Reads a value in pieces from its start, now that there is one more. */
  #continued(piece: Uint8Array, type: AnyType | undefined): Decoded<unknown> | undefined {
    const pieces = this.#pieces;
    pieces.push(piece);
    this.#piecesBytes += piece.length;
    if (this.#piecesBytes > this.#maxBytes) {
      throw new RpcError(
        "resource_exhausted",
        `A gob value in ${pieces.length} messages is above the limit of ${this.#maxBytes} bytes: raise maxMessageBytes`,
      );
    }
    if (!this.#replays.spend(this.#piecesBytes)) {
      throw new RpcError(
        "resource_exhausted",
        `A gob value in ${pieces.length} messages has too many new types inside: send values of them before it`,
      );
    }
    const [first = piece, ...next] = pieces;
    this.#reader.begin(first, 0, first.length, next);
    this.#types.beginValue(true);
    try {
      const decoded = this.#value(this.#reader.typeId(), type);
      this.#pieces = [];
      return decoded;
    } catch (thrown) {
      if (!(thrown instanceof MessageCut)) throw thrown;
      return undefined;
    }
  }

  #value(id: number, type: AnyType | undefined): Decoded<unknown> {
    const reader = this.#reader;
    let node = this.#lastNode;
    if (node === undefined || id !== this.#lastId || type !== this.#lastType) {
      if (id === INTERFACE_ID) throw protocolError("A gob message has an interface at the top");
      // What is in an interface at the top is sent as it is.
      node = this.#compiler.node(id, type?.shape.kind === "interface" ? undefined : type);
      this.#lastNode = node;
      this.#lastId = id;
      this.#lastType = type;
    }
    if (node.single && reader.delta() !== 0) throw protocolError("A gob message has a value without its mark");
    const value = node.decode(reader, 1);
    reader.finish();
    return { value, misfit: reader.misfit.text };
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  /** Ends the stream and lets go of what it held. */
  #fail(thrown: unknown): unknown {
    this.#failure = { thrown };
    this.#pieces = [];
    this.#rest.keep(new Uint8Array(), 0);
    this.#reader.clear();
    return thrown;
  }
}

function limitOf(name: keyof typeof DECODER_DEFAULTS, value: number | undefined, max: number): number {
  if (value === undefined) return DECODER_DEFAULTS[name];
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new RangeError(`${name} must be a whole number from 1 to ${max}, not ${String(value)}`);
  return value;
}
