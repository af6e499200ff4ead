import { Arena } from "../../core/arena.ts";
import type { Frame } from "../../core/channel.ts";
import { type Cannot, type Carries, type Codec, type CodecLink, lastResort } from "../../core/codec.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import { IdMap } from "../../core/id-map.ts";
import { parseJson } from "../../core/json.ts";
import type { Hello, Id, Message } from "../../core/message.ts";
import { refusedUnasked } from "../../core/refused.ts";
import { isLonger, textOf } from "../../core/text.ts";
import type { BodyName, FieldReader, FieldWriter } from "./body.ts";
import { agree, helloFields, offer, readHello, type Terms } from "./hello.ts";
import { JsonReader, JsonWriter } from "./json-body.ts";
import { HELLO, WELCOME } from "./kinds.ts";
import { invalid, readMessage, writeMessage } from "./messages.ts";
import { NameCache } from "./names.ts";
import { type BodyLimits, Packer } from "./pack.ts";
import { Unpacker } from "./unpack.ts";

/** How a JSON body begins: no kind is this byte. */
const OPEN = 0x5b;

/** How an end speaks the native wire. */
export interface NativeOptions {
  /**
   * What messages are written in; when either end asks for one, both use it, and the accepter's wish goes first.
   * `msgpack`: smaller and faster, and carries `Uint8Array`, `Date`, `bigint`, `Map`, `undefined` and NaN. `json`: text
   * that can be read on the way. Default: what the other end asks for, else `msgpack`.
   */
  readonly body?: BodyName | undefined;
}

/** What the links of a wire share, so that an idle one has none of it. */
export interface NativeStores {
  readonly names: NameCache;
  readonly arena: Arena;
}

export function newStores(): NativeStores {
  return { names: new NameCache(), arena: new Arena() };
}

const CARRIES: Carries = {
  hello: "must",
  welcome: true,
  ping: true,
  cancel: true,
  goodbye: true,
  answersCancelled: false,
};

/** The native wire: a frame is one flat list of messages, whose body the two ends agree on in hello and welcome. */
export class NativeCodec implements Codec {
  readonly carries: Carries = CARRIES;
  readonly #link: CodecLink;
  readonly #wish: BodyName | undefined;
  readonly #limits: { -readonly [Name in keyof BodyLimits]: BodyLimits[Name] };
  readonly #names: NameCache;
  readonly #arena: Arena;
  /** What the other side said of itself. */
  #theirs: Terms | undefined = undefined;
  #writer: FieldWriter;

  constructor(link: CodecLink, { body }: NativeOptions = {}, { names, arena }: NativeStores = newStores()) {
    this.#names = names;
    this.#arena = arena;
    this.#link = link;
    this.#wish = body;
    this.#limits = { maxBytes: link.maxFrameBytes, maxDepth: link.limits.maxDepth };
    this.#writer = new JsonWriter(this.#limits);
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const [first] = messages;
    if (first?.kind === "hello" || first?.kind === "welcome") return this.#open(first.kind, first.hello);
    const writer = this.#writer;
    this.#limits.maxBytes = this.#link.maxFrameBytes;
    let reason: unknown;
    try {
      for (const message of messages) writeMessage(writer, message);
      const frame = writer.take();
      if (!this.#isTooLong(frame)) return frame.length === 0 || frame === EMPTY ? [] : [frame];
      reason = new RpcError("resource_exhausted", `The message is larger than ${this.#link.maxFrameBytes} bytes`);
    } catch (thrown) {
      writer.reset();
      reason = thrown;
    }
    return this.#split(messages, cannot, reason);
  }

  decode(frame: Frame): readonly Message[] {
    if (this.#theirs === undefined) throwRefusal(frame);
    const body = this.#reader(frame);
    const messages: Message[] = [];
    const ids = new FrameIds();
    while (!body.done) {
      const message = readMessage(body);
      if (message.kind === "fields") messages.push(this.#meet(message.is, body.next()));
      else if (message.kind !== "call") messages.push(message);
      else {
        const isTaken = ids.has(message.id, messages) || this.#link.running(message.id);
        messages.push(isTaken ? invalid(message.id, "The id of a call that still runs", message.method) : message);
      }
    }
    return messages;
  }

  #open(kind: "hello" | "welcome", hello: Hello): readonly Frame[] {
    const { limits, maxFrameBytes } = this.#link;
    const terms =
      kind === "hello" || this.#theirs === undefined
        ? offer(this.#wish, limits.maxDepth)
        : agree(this.#theirs, this.#wish, limits.maxDepth);
    const fields = helloFields({ maxFrameBytes: limits.maxFrameBytes, ...hello }, terms);
    if (kind === "welcome") this.#write(terms);
    const frame = JSON.stringify([kind === "hello" ? HELLO : WELCOME, fields]);
    if (isLonger(frame, maxFrameBytes)) throw new RpcError("resource_exhausted", "The labels of this end are too long");
    return [frame];
  }

  #meet(kind: number, fields: unknown): Message {
    const { hello, terms } = readHello(fields);
    this.#theirs = terms;
    this.#limits.maxDepth = Math.min(this.#limits.maxDepth, terms.maxDepth);
    if (kind === HELLO) return { kind: "hello", hello };
    this.#write(terms);
    return { kind: "welcome", hello };
  }

  #write({ bodies }: Terms): void {
    if (bodies[0] === "msgpack") this.#writer = new Packer(this.#limits, this.#arena);
  }

  #reader(frame: Frame): FieldReader {
    const { maxDepth } = this.#link.limits;
    if (typeof frame !== "string" && frame[0] !== OPEN) return new Unpacker(frame, this.#names, maxDepth);
    let fields: unknown;
    try {
      // The list around the messages, and the object around an error's data.
      fields = parseJson(textOf(frame), maxDepth + 2);
    } catch (cause) {
      throw RpcError.is(cause) ? cause : protocolError("A frame that is no JSON", { cause });
    }
    if (!Array.isArray(fields)) throw protocolError("A frame must be a list");
    return new JsonReader(fields);
  }

  #isTooLong(frame: Frame): boolean {
    const { maxFrameBytes } = this.#link;
    return typeof frame === "string" ? isLonger(frame, maxFrameBytes) : frame.length > maxFrameBytes;
  }

  /** Halves until the message at fault stands alone; its neighbours leave in their order. */
  #split(messages: readonly Message[], cannot: Cannot, reason: unknown): readonly Frame[] {
    const flat = messages.flatMap((message) => (message.kind === "batch" ? message.messages : [message]));
    const [first] = flat;
    if (flat.length === 1 && first !== undefined) {
      const instead = cannot(first, reason);
      return instead === undefined ? [] : this.encode([instead], lastResort);
    }
    const middle = flat.length >> 1;
    return [...this.encode(flat.slice(0, middle), cannot), ...this.encode(flat.slice(middle), cannot)];
  }
}

/** Throws what an end says that has an authenticator, to one that has none: an object in the place of the first list. */
function throwRefusal(frame: Frame): void {
  if (frame[0] !== "{" && frame[0] !== 0x7b) return;
  let refusal: RpcError | undefined;
  try {
    refusal = refusedUnasked(parseJson(textOf(frame), 8));
  } catch {
    return;
  }
  if (refusal !== undefined) throw refusal;
}

/** A list without fields, as JSON. */
const EMPTY = "[]";

/** The ids of the calls of one frame. As long as they go up none can be there twice, and nothing is kept of them. */
class FrameIds {
  #last = Number.NEGATIVE_INFINITY;
  #seen: IdMap<true> | undefined = undefined;

  /** Whether a call before this one had its id; `before` holds them. */
  has(id: Id, before: readonly Message[]): boolean {
    if (this.#seen === undefined) {
      if (typeof id === "number" && id > this.#last) {
        this.#last = id;
        return false;
      }
      this.#seen = new IdMap();
      for (const message of before) if (message.kind === "call") this.#seen.set(message.id, true);
    }
    if (this.#seen.has(id)) return true;
    this.#seen.set(id, true);
    return false;
  }
}
