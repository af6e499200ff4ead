import { GorpcCodec } from "../../src/codecs/gorpc/codec.ts";
import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../src/core/codec.ts";
import type { RpcError } from "../../src/core/errors.ts";
import type { Message, RequestMessage } from "../../src/core/message.ts";
import type { Wire } from "../../src/core/wire.ts";
import { gorpc } from "../../src/gorpc.ts";
import type { GorpcWireOptions } from "../../src/wires/gorpc.ts";

/** gorpc's wire for suites that speak of any JSON: their values cross as its text. */
export function gorpcJson(options?: GorpcWireOptions): Wire {
  return { ...gorpc(options), name: "gorpc", codec: (link) => new GorpcJsonCodec(link) };
}

/** The real codec; only params and values are turned into text before it, and back behind it. */
export class GorpcJsonCodec implements Codec {
  readonly #codec: GorpcCodec;

  constructor(link: CodecLink) {
    this.#codec = new GorpcCodec(link);
  }

  get carries(): Carries {
    return this.#codec.carries;
  }

  refuses(request: RequestMessage): RpcError | undefined {
    return this.#codec.refuses(request);
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const given = new Map<Message, Message>();
    const asText = (message: Message): Message => {
      const text = textIn(message);
      given.set(text, message);
      return text;
    };
    const texts = messages.map((message) =>
      message.kind === "batch" ? { ...message, messages: message.messages.map(asText) } : asText(message),
    );
    return this.#codec.encode(texts, (text, reason) => {
      const instead = cannot(given.get(text) ?? text, reason);
      return instead === undefined ? undefined : textIn(instead);
    });
  }

  decode(frame: Frame): readonly Message[] {
    return this.#codec.decode(frame).map((message) => {
      if (message.kind === "result") return { ...message, value: parsed(message.value) };
      if (message.kind !== "call" && message.kind !== "notify") return message;
      return { ...message, params: parsed(message.params) };
    });
  }
}

function textIn(message: Message): Message {
  if (message.kind === "result") return { ...message, value: textOf(message.value) };
  if (message.kind !== "call" && message.kind !== "notify") return message;
  return { ...message, params: textOf(message.params) };
}

/** What is no JSON is left for the codec to refuse. */
function textOf(value: unknown): unknown {
  try {
    return JSON.stringify(value) ?? (value === undefined ? undefined : Symbol("no JSON"));
  } catch {
    return Symbol("no JSON");
  }
}

function parsed(text: unknown): unknown {
  return typeof text === "string" ? JSON.parse(text) : text;
}
