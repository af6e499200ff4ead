import type { Frame, Framing } from "../../src/core/channel.ts";
import { type Cannot, type Carries, type Codec, type CodecLink, lastResort } from "../../src/core/codec.ts";
import { type Code, type Fault, protocolError, RpcError } from "../../src/core/errors.ts";
import { parseJson } from "../../src/core/json.ts";
import type { CallMessage, Hello, Id, Message, Meta } from "../../src/core/message.ts";
import { isLonger, textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { lengthPrefix } from "../../src/framings/length-prefix.ts";

/** How the link of a test opens. */
export interface FullOptions {
  readonly hello?: "never" | "may" | "must";
  readonly welcome?: boolean;
  readonly answersCancelled?: boolean;
  readonly ordered?: boolean;
  readonly framing?: Framing;
}

/** The members that an object of this wire may have. */
interface Json {
  readonly kind?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly timeoutMs?: unknown;
  readonly meta?: unknown;
  readonly value?: unknown;
  readonly error?: unknown;
  readonly token?: unknown;
  readonly hello?: unknown;
  readonly text?: unknown;
  readonly redialAfterMs?: unknown;
  readonly messages?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly maxFrameBytes?: unknown;
}

/** A wire for tests of the engine that can say everything: each message is a JSON object with its kind. */
export function full(options: FullOptions = {}): Wire {
  return {
    name: "full",
    framing: options.framing ?? lengthPrefix(),
    ordered: options.ordered ?? false,
    codec: (link) => new FullCodec(link, options),
  };
}

/** Carries every kind of message, and every field of each. */
export class FullCodec implements Codec {
  readonly carries: Carries;
  readonly #link: CodecLink;

  constructor(link: CodecLink, { hello = "must", welcome = true, answersCancelled = true }: FullOptions = {}) {
    this.#link = link;
    this.carries = { hello, welcome, ping: true, cancel: true, goodbye: true, answersCancelled };
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: string[] = [];
    for (const message of messages) {
      if (message.kind !== "batch") {
        const text = this.#safely(message, cannot);
        if (text !== undefined) frames.push(text);
        continue;
      }
      let texts: string[] = [];
      let length = 64;
      for (const member of message.messages) {
        const text = this.#safely(member, cannot, 64);
        if (text === undefined) continue;
        if (texts.length > 0 && length + text.length * 3 > this.#link.maxFrameBytes) {
          frames.push(batchOf(texts));
          texts = [];
          length = 64;
        }
        texts.push(text);
        length += text.length * 3;
      }
      if (texts.length > 0) frames.push(batchOf(texts));
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    let value: unknown;
    try {
      value = parseJson(textOf(frame), this.#link.limits.maxDepth);
    } catch (cause) {
      throw protocolError("Not a message of the full wire", { cause });
    }
    return [this.#message(value)];
  }

  #safely(message: Message, cannot: Cannot, room = 0): string | undefined {
    let reason: unknown;
    try {
      const text = this.#text(message);
      if (text === undefined || !isLonger(text, this.#link.maxFrameBytes - room)) return text;
      reason = new RpcError("resource_exhausted", `The message is larger than ${this.#link.maxFrameBytes} bytes`);
    } catch (thrown) {
      reason = thrown;
    }
    const instead = cannot(message, reason);
    return instead && this.#safely(instead, lastResort, room);
  }

  #text(message: Message): string | undefined {
    if (message.kind === "hello" && this.carries.hello === "never") return undefined;
    if (message.kind === "welcome" && !this.carries.welcome) return undefined;
    return textFor(message);
  }

  #message(value: unknown): Message {
    const it = recordOf(value);
    switch (it.kind) {
      case "call": {
        const id = idOf(it.id);
        if (typeof it.method !== "string") return broken(id, "A call needs a method");
        if (this.#link.running(id)) return broken(id, "The id is in use");
        return callOf(it, id, it.method);
      }
      case "notify":
        if (typeof it.method !== "string") return broken(null, "A notification needs a method");
        return { kind: "notify", method: it.method, params: it.params, meta: metaOf(it.meta) };
      case "result":
        return { kind: "result", id: idOf(it.id), value: it.value, call: undefined };
      case "error":
        return {
          kind: "error",
          id: it.id === null ? null : idOf(it.id),
          error: faultOf(it.error),
          call: undefined,
        };
      case "cancel":
        return { kind: "cancel", id: idOf(it.id) };
      case "ping":
      case "pong":
        return { kind: it.kind, token: it.token };
      case "hello":
      case "welcome":
        return { kind: it.kind, hello: helloOf(it.hello) };
      case "goodbye":
        return { kind: "goodbye", text: String(it.text), redialAfterMs: delayOf(it.redialAfterMs) };
      case "batch":
        if (!Array.isArray(it.messages)) throw protocolError("A batch needs messages");
        return { kind: "batch", messages: it.messages.map((member) => this.#message(member)) };
      default:
        throw protocolError("A message of no known kind");
    }
  }
}

function batchOf(texts: readonly string[]): string {
  return `{"kind":"batch","messages":[${texts.join(",")}]}`;
}

function textFor(message: Message): string | undefined {
  switch (message.kind) {
    case "call": {
      const { kind, id, method, params, timeoutMs, meta } = message;
      return JSON.stringify({ kind, id, method, params: sendable(params), timeoutMs, meta });
    }
    case "notify": {
      const { kind, method, params, meta } = message;
      return JSON.stringify({ kind, method, params: sendable(params), meta });
    }
    case "result":
      return JSON.stringify({ kind: message.kind, id: message.id, value: sendable(message.value) });
    case "error": {
      const { code, message: text, data, details, trace, timestamp, executed, wireCode } = message.error;
      const error = { code, message: text, data: sendable(data), details, trace, timestamp, executed, wireCode };
      return JSON.stringify({ kind: message.kind, id: message.id, error });
    }
    case "goodbye": {
      const { kind, text, redialAfterMs } = message;
      return JSON.stringify({
        kind,
        text,
        redialAfterMs: redialAfterMs === Number.POSITIVE_INFINITY ? "never" : redialAfterMs,
      });
    }
    case "cancel":
    case "ping":
    case "pong":
    case "hello":
    case "welcome":
      return JSON.stringify(message);
    case "batch":
    case "invalid":
      return undefined;
    default:
      return message satisfies never;
  }
}

function sendable(value: unknown): unknown {
  if (typeof value !== "function" && typeof value !== "symbol") return value;
  throw new TypeError(`A value of type ${typeof value} cannot be sent`);
}

function recordOf(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw protocolError("Not an object");
  return value as Json;
}

function idOf(value: unknown): Id {
  if (typeof value === "string" || Number.isSafeInteger(value)) return value as Id;
  throw protocolError("Not an id");
}

function callOf(it: Json, id: Id, method: string): CallMessage {
  const timeoutMs = typeof it.timeoutMs === "number" ? it.timeoutMs : undefined;
  return { kind: "call", id, method, params: it.params, timeoutMs, meta: metaOf(it.meta) };
}

function metaOf(value: unknown): Meta | undefined {
  return typeof value === "object" && value !== null ? (value as Meta) : undefined;
}

function helloOf(value: unknown): Hello {
  const { maxFrameBytes } = recordOf(value);
  if (maxFrameBytes !== undefined && typeof maxFrameBytes !== "number") throw protocolError("Not a hello");
  return value as Hello;
}

function delayOf(value: unknown): number | undefined {
  if (value === "never") return Number.POSITIVE_INFINITY;
  return typeof value === "number" ? value : undefined;
}

function faultOf(value: unknown): Fault {
  const { code, message } = recordOf(value);
  if (typeof code !== "string" || typeof message !== "string") throw protocolError("Not an error");
  return { ...(value as Fault), code: code as Code };
}

function broken(id: Id | null, message: string): Message {
  return { kind: "invalid", id, method: undefined, error: { code: "invalid_argument", message } };
}
