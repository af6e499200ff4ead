import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../src/core/codec.ts";
import { protocolError, RpcError } from "../../src/core/errors.ts";
import { parseJson } from "../../src/core/json.ts";
import type { Message, RequestMessage } from "../../src/core/message.ts";
import { bytesOf, textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { lengthPrefix } from "../../src/framings/length-prefix.ts";

/** A stand-in for the wire of gorpc, until the real one comes. */
export function gobLike(): Wire {
  return { name: "gob-like", framing: lengthPrefix(), ordered: false, codec: (link) => new GobLikeCodec(link) };
}

type Reply = { readonly id: number; readonly body: unknown; readonly error: unknown };

/**
 * Gob's hard parts: a shape is defined once per stream, in a frame of its own that holds no message, before the first
 * value of it; a value is nothing without the definitions before it; ids and errors as gorpc has them (id 0: no reply wanted).
 */
export class GobLikeCodec implements Codec {
  readonly carries: Carries = {
    hello: "never",
    welcome: false,
    ping: false,
    cancel: false,
    goodbye: false,
    answersCancelled: true,
  };
  readonly #link: CodecLink;
  readonly #sent = new Map<string, number>();
  readonly #known = new Map<number, readonly string[]>();

  constructor(link: CodecLink) {
    this.#link = link;
  }

  refuses({ method }: RequestMessage): RpcError | undefined {
    if (this.#link.role === "client") return undefined;
    return new RpcError("unimplemented", `Cannot call "${method}": gorpc has no calls from the server`, {
      executed: "no",
    });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: Frame[] = [];
    for (const message of messages.flatMap((each) => (each.kind === "batch" ? each.messages : [each]))) {
      try {
        frames.push(...this.#frames(message));
      } catch (thrown) {
        const instead = cannot(message, thrown);
        if (instead !== undefined) frames.push(...this.encode([instead], () => undefined));
      }
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    let list: unknown;
    try {
      list = parseJson(textOf(frame), this.#link.limits.maxDepth);
    } catch (cause) {
      throw protocolError("Not a value", { cause });
    }
    if (!Array.isArray(list) || !Number.isSafeInteger(list[0])) throw protocolError("Not a value");
    const [tag, ...rest] = list as [number, ...unknown[]];
    if (tag < 0) return this.#define(-tag, rest);
    return [this.#message(this.#rebuild(rest[0]))];
  }

  /** A definition counts as sent only when its value is: both or neither. */
  #frames(message: Message): Frame[] {
    const content = contentOf(message);
    if (content === undefined) return [];
    const fresh = new Map<string, number>();
    const value = this.#flatten(content, fresh, "message");
    const frames = [...fresh].map(([shape, id]) => bytesOf(JSON.stringify([-id, ...(JSON.parse(shape) as string[])])));
    frames.push(bytesOf(JSON.stringify([0, value])));
    const { maxFrameBytes } = this.#link;
    if (frames.some((frame) => frame.length > maxFrameBytes)) {
      throw new RpcError("resource_exhausted", `The value is larger than ${maxFrameBytes} bytes`);
    }
    for (const [shape, id] of fresh) this.#sent.set(shape, id);
    return frames;
  }

  #define(id: number, fields: readonly unknown[]): readonly Message[] {
    if (this.#known.has(id)) throw protocolError(`Type ${id} is defined twice`);
    if (!fields.every((field) => typeof field === "string")) throw protocolError(`Type ${id} has no names`);
    this.#known.set(id, fields);
    return [];
  }

  #message(value: unknown): Message {
    const it = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
    const { id, name, body = null, error } = it as { id?: unknown; name?: unknown; body?: unknown; error?: unknown };
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0) throw protocolError("A message without id");
    if (this.#link.role === "client") return reply({ id, body, error });
    if (typeof name !== "string") throw protocolError("A request without name");
    const params = body ?? undefined;
    if (id === 0) return { kind: "notify", method: name, params, meta: undefined };
    return { kind: "call", id, method: name, params, timeoutMs: undefined, meta: undefined };
  }

  #flatten(value: unknown, fresh: Map<string, number>, path: string): unknown {
    if (value === null || value === undefined) return null;
    if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
      throw new TypeError(`${path}: a ${typeof value} cannot be encoded`);
    }
    if (typeof value !== "object") return value;
    if (Array.isArray(value)) return ["L", ...value.map((each, at) => this.#flatten(each, fresh, `${path}[${at}]`))];
    const fields = Object.entries(value);
    const shape = JSON.stringify(fields.map(([field]) => field));
    let id = this.#sent.get(shape) ?? fresh.get(shape);
    if (id === undefined) {
      id = 65 + this.#sent.size + fresh.size;
      fresh.set(shape, id);
    }
    return ["S", id, ...fields.map(([field, each]) => this.#flatten(each, fresh, `${path}.${field}`))];
  }

  #rebuild(value: unknown): unknown {
    if (!Array.isArray(value)) return value;
    if (value[0] === "L") return value.slice(1).map((each) => this.#rebuild(each));
    const fields = this.#known.get(value[1] as number);
    if (fields === undefined) throw protocolError("A value whose type was never defined");
    return Object.fromEntries(fields.map((field, at) => [field, this.#rebuild(value[at + 2])]));
  }
}

/** The original drops the link at an unknown id; a late reply has one too, so the peer just counts it. */
function reply({ id, body, error }: Reply): Message {
  if (typeof error === "string" && error !== "") {
    return { kind: "error", id, error: { code: "unknown", message: error }, call: undefined };
  }
  return { kind: "result", id, value: body, call: undefined };
}

function contentOf(message: Message): object | undefined {
  switch (message.kind) {
    case "call":
      return { id: message.id, name: message.method, body: message.params };
    case "notify":
      return { id: 0, name: message.method, body: message.params };
    case "result":
      return { id: message.id, body: message.value };
    case "error":
      return message.id === null ? undefined : { id: message.id, error: message.error.message || "error" };
    default:
      return undefined;
  }
}
