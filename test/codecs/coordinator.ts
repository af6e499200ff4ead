import type { Frame } from "../../src/core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../src/core/codec.ts";
import { type Code, protocolError, RpcError } from "../../src/core/errors.ts";
import { parseJson } from "../../src/core/json.ts";
import type { Id, Message, RequestMessage } from "../../src/core/message.ts";
import { bytesOf, textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { lengthPrefix } from "../../src/framings/length-prefix.ts";

/** Turns values of one type into bytes: a protobuf schema in the real thing. */
export interface Type {
  toBytes(value: unknown): string;
  fromBytes(bytes: string): unknown;
}

/** The types of one method. */
export interface TypePair {
  readonly request: Type;
  readonly response: Type;
}

/** A type that takes any JSON value. */
export const JSON_TYPE: Type = {
  toBytes: (value) => JSON.stringify(value ?? null),
  fromBytes: (bytes) => JSON.parse(bytes),
};

/** A stand-in for the wire of Aperture's coordinator, until the real one comes. */
export function coordinator(types: ReadonlyMap<string, TypePair>): Wire {
  return {
    name: "coordinator",
    framing: lengthPrefix(),
    ordered: false,
    firstId: 0,
    codec: (link) => new CoordinatorCodec(types, link),
  };
}

/** The members that an object of this wire may have. */
interface Json {
  readonly hello?: unknown;
  readonly cancelId?: unknown;
  readonly request?: unknown;
  readonly response?: unknown;
  readonly id?: unknown;
  readonly timeoutMs?: unknown;
  readonly payload?: unknown;
  readonly error?: unknown;
  readonly typeUrl?: unknown;
  readonly value?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly name?: unknown;
  readonly nextId?: unknown;
}

const STATUS: readonly Code[] = [
  "unknown",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

/** Agents say hello, the controller calls; a response does not say its type, the call that waits for it does. */
export class CoordinatorCodec implements Codec {
  readonly carries: Carries = {
    hello: "must",
    welcome: false,
    ping: false,
    cancel: true,
    goodbye: false,
    answersCancelled: false,
  };
  readonly #types: ReadonlyMap<string, TypePair>;
  readonly #link: CodecLink;

  constructor(types: ReadonlyMap<string, TypePair>, link: CodecLink) {
    this.#types = types;
    this.#link = link;
  }

  refuses({ kind, method }: RequestMessage): RpcError | undefined {
    if (this.#link.role === "client") return refusal(`Cannot call "${method}": here only the accepting side calls`);
    if (kind === "notify") return refusal("The coordinator wire has no notifications");
    return this.#types.has(method) ? undefined : refusal(`No type for "${method.slice(0, 64)}"`);
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const frames: Frame[] = [];
    for (const message of messages.flatMap((each) => (each.kind === "batch" ? each.messages : [each]))) {
      try {
        const wire = this.#wire(message);
        if (wire === undefined) continue;
        const frame = bytesOf(JSON.stringify(wire));
        if (frame.length > this.#link.maxFrameBytes)
          throw new RpcError("resource_exhausted", "The message is too large");
        frames.push(frame);
      } catch (thrown) {
        const instead = cannot(message, thrown);
        if (instead !== undefined) frames.push(...this.encode([instead], () => undefined));
      }
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    let value: unknown;
    try {
      value = parseJson(textOf(frame), this.#link.limits.maxDepth);
    } catch (cause) {
      throw protocolError("Not a message", { cause });
    }
    const wire = recordOf(value);
    if (this.#link.role === "server") {
      if (wire.hello !== undefined) return [hello(recordOf(wire.hello))];
      return wire.response === undefined ? [] : [this.#response(recordOf(wire.response))];
    }
    if (wire.cancelId !== undefined) return [{ kind: "cancel", id: idOf(wire.cancelId) }];
    return wire.request === undefined ? [] : [this.#request(recordOf(wire.request))];
  }

  #wire(message: Message): Json | undefined {
    switch (message.kind) {
      case "hello":
        return { hello: { name: message.hello.name ?? "", nextId: message.hello.nextId ?? 0 } };
      case "call": {
        const type = this.#types.get(message.method);
        if (type === undefined) throw new TypeError("No type for the request");
        const payload = { typeUrl: `types/${message.method}`, value: type.request.toBytes(message.params) };
        return { request: { id: Number(message.id), timeoutMs: message.timeoutMs ?? 20_000, payload } };
      }
      case "cancel":
        return { cancelId: Number(message.id) };
      case "result": {
        const type = message.call && this.#types.get(message.call.method);
        if (type === undefined) throw new TypeError("No type for the reply");
        return { response: { id: Number(message.id), payload: type.response.toBytes(message.value) } };
      }
      case "error": {
        if (message.id === null) return undefined;
        const error = { code: Math.max(2, STATUS.lastIndexOf(message.error.code)), message: message.error.message };
        if (message.error.code === "cancelled") error.code = 1;
        return { response: { id: Number(message.id), error } };
      }
      default:
        return undefined;
    }
  }

  #request(wire: Json): Message {
    const id = idOf(wire.id);
    const { typeUrl, value } = recordOf(wire.payload);
    const method = String(typeUrl).slice(String(typeUrl).lastIndexOf("/") + 1);
    const type = this.#types.get(method);
    if (type === undefined) return invalid(id, method, "unimplemented", "No handler for this type");
    const timeoutMs = typeof wire.timeoutMs === "number" ? wire.timeoutMs : undefined;
    try {
      const params = type.request.fromBytes(String(value));
      return { kind: "call", id, method, params, timeoutMs, meta: undefined };
    } catch {
      return invalid(id, method, "invalid_argument", "The request is not of its type");
    }
  }

  #response(wire: Json): Message {
    const id = idOf(wire.id);
    const call = this.#link.pending(id);
    if (wire.error !== undefined) {
      const { code, message } = recordOf(wire.error);
      const error = { code: STATUS[Number(code)] ?? "unknown", message: String(message), wireCode: Number(code) };
      return { kind: "error", id, call: undefined, error };
    }
    const type = call && this.#types.get(call.method);
    try {
      return { kind: "result", id, value: type?.response.fromBytes(String(wire.payload)), call: undefined };
    } catch {
      const error = { code: "invalid_argument", message: "The response is not of its type", executed: "yes" } as const;
      return { kind: "error", id, call: undefined, error };
    }
  }
}

function hello(wire: Json): Message {
  const { name, nextId } = wire;
  if (typeof name !== "string" || !Number.isSafeInteger(nextId)) throw protocolError("Not a hello");
  return { kind: "hello", hello: { name, nextId: nextId as number } };
}

function invalid(id: Id, method: string, code: Code, message: string): Message {
  return { kind: "invalid", id, method, error: { code, message } };
}

function refusal(message: string): RpcError {
  return new RpcError("unimplemented", message, { executed: "no" });
}

function recordOf(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw protocolError("Not an object");
  return value as Json;
}

function idOf(value: unknown): Id {
  if (Number.isSafeInteger(value)) return value as number;
  throw protocolError("Not an id");
}
