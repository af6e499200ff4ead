import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec } from "../../src/core/codec.ts";
import type { RpcError } from "../../src/core/errors.ts";
import type { Message, RequestMessage } from "../../src/core/message.ts";

/** How a wire of typed values holds the text of any JSON; both are given `undefined` where there is no value. */
export interface JsonForm {
  /** What stands for the text; for a value that is no JSON, something that the codec refuses. */
  wrap(text: string | symbol | undefined): unknown;
  /** The text of what arrived; what is none arrives as it is. */
  unwrap(value: unknown): unknown;
}

/** A real codec for suites that speak of any JSON: params and values are turned into text before it, and back behind it. */
export class JsonTextCodec implements Codec {
  readonly #codec: Codec;
  readonly #form: JsonForm;

  constructor(codec: Codec, form: JsonForm) {
    this.#codec = codec;
    this.#form = form;
  }

  get carries(): Carries {
    return this.#codec.carries;
  }

  refuses(request: RequestMessage): RpcError | undefined {
    return this.#codec.refuses?.(request);
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const given = new Map<Message, Message>();
    const asText = (message: Message): Message => {
      const text = this.#textIn(message);
      given.set(text, message);
      return text;
    };
    const texts = messages.map((message) =>
      message.kind === "batch" ? { ...message, messages: message.messages.map(asText) } : asText(message),
    );
    return this.#codec.encode(texts, (text, reason) => {
      const instead = cannot(given.get(text) ?? text, reason);
      return instead === undefined ? undefined : this.#textIn(instead);
    });
  }

  decode(frame: Frame): readonly Message[] {
    return this.#codec.decode(frame).map((message) => {
      if (message.kind === "result") return { ...message, value: this.#parsed(message.value) };
      if (message.kind !== "call" && message.kind !== "notify") return message;
      return { ...message, params: this.#parsed(message.params) };
    });
  }

  #textIn(message: Message): Message {
    if (message.kind === "result") return { ...message, value: this.#form.wrap(textOf(message.value)) };
    if (message.kind !== "call" && message.kind !== "notify") return message;
    return { ...message, params: this.#form.wrap(textOf(message.params)) };
  }

  #parsed(value: unknown): unknown {
    const text = this.#form.unwrap(value);
    if (typeof text !== "string") return text;
    try {
      return JSON.parse(text);
    } catch {
      // It was damaged on the way, and is a good text all the same.
      return text;
    }
  }
}

/** A symbol for what is no JSON. */
function textOf(value: unknown): string | symbol | undefined {
  try {
    return JSON.stringify(value) ?? (value === undefined ? undefined : Symbol("no JSON"));
  } catch {
    return Symbol("no JSON");
  }
}
