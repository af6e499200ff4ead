import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../src/core/codec.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { ErrorMessage, Message, RequestMessage } from "../../src/core/message.ts";
import { textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { line } from "../../src/framings/line.ts";

/** What a plain wire carries unless a test says otherwise: everything but an opening and pings. */
const CARRIES: Carries = {
  hello: "never",
  welcome: false,
  ping: false,
  cancel: true,
  goodbye: false,
  answersCancelled: false,
};

/** How a plain wire differs from the usual one. */
export interface PlainOptions {
  readonly carries?: Partial<Carries>;
  readonly ordered?: boolean;
  readonly firstId?: number;
  readonly refuses?: (request: RequestMessage) => RpcError | undefined;
  readonly closed?: Wire["closed"];
}

/** A wire for tests of the engine: one frame a message, and a frame is the message itself as JSON, so that a test can play either end. */
export function plainWire({ carries, ordered = false, firstId, refuses, closed }: PlainOptions = {}): Wire {
  return {
    name: "plain",
    framing: line(),
    ordered,
    ...(firstId === undefined ? {} : { firstId }),
    ...(closed === undefined ? {} : { closed }),
    codec: (link) => new PlainCodec({ ...CARRIES, ...carries }, link, refuses),
  };
}

class PlainCodec implements Codec {
  readonly carries: Carries;
  readonly refuses: (request: RequestMessage) => RpcError | undefined;
  readonly #link: CodecLink;

  constructor(carries: Carries, link: CodecLink, refuses: PlainOptions["refuses"]) {
    this.carries = carries;
    this.refuses = refuses ?? (() => undefined);
    this.#link = link;
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: Frame[] = [];
    for (const message of messages) {
      const text = this.#encode(message, cannot);
      if (text !== undefined) frames.push(text);
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    const text = textOf(frame);
    try {
      return [JSON.parse(text) as Message];
    } catch {
      const error = { code: "invalid_argument", message: "not JSON" } as const;
      return [{ kind: "invalid", id: null, method: undefined, error }];
    }
  }

  #encode(message: Message, cannot: Cannot): string | undefined {
    if (message.kind === "batch") {
      const members = message.messages
        .map((member) => this.#encode(member, cannot))
        .filter((text) => text !== undefined);
      return members.length === 0 ? undefined : `{"kind":"batch","messages":[${members.join()}]}`;
    }
    try {
      const text = JSON.stringify(record(message));
      if (text.length <= this.#link.maxFrameBytes) return text;
      throw new RpcError("resource_exhausted", `The message is larger than ${this.#link.maxFrameBytes} bytes`);
    } catch (thrown) {
      const instead = cannot(message, thrown);
      return instead === undefined ? undefined : JSON.stringify(record(instead));
    }
  }
}

/** What stands on the wire: the message without what is only for this end. */
function record(message: Message): object {
  switch (message.kind) {
    case "call": {
      const { kind, id, method, params, timeoutMs, meta } = message;
      return { kind, id, method, params, timeoutMs, meta };
    }
    case "notify": {
      const { kind, method, params, meta } = message;
      return { kind, method, params, meta };
    }
    case "result":
      return { kind: "result", id: message.id, value: message.value };
    case "error":
      return { kind: "error", id: message.id, error: fault(message) };
    default:
      return message;
  }
}

function fault({ error }: ErrorMessage): object {
  const { code, message, data, details, trace, timestamp, executed, wireCode } = error;
  return { code, message, data, details, trace, timestamp, executed, wireCode };
}
