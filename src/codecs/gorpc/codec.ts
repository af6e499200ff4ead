import type { Frame } from "../../core/channel.ts";
import { type Cannot, type Carries, type Codec, type CodecLink, lastResort } from "../../core/codec.ts";
import { type Code, type Fault, protocolError, RpcError } from "../../core/errors.ts";
import type { CallMessage, ErrorMessage, Id, InvalidMessage, Message, RequestMessage } from "../../core/message.ts";
import type { Complaint } from "../../core/method.ts";
import { printable } from "../../core/text.ts";
import { Unfit } from "../../core/unfit.ts";
import { Decoder } from "../../gob/decoder.ts";
import { Encoder } from "../../gob/encoder.ts";
import { messageEnd } from "../../gob/prefix.ts";
import { type AnyType, typeOf } from "../../gob/type.ts";
import { fromWire, RAW, toWire } from "./names.ts";
import {
  DispatcherRequest,
  type DispatcherRequestValue,
  DispatcherResponse,
  type DispatcherResponseValue,
  WireRequest,
  WireResponse,
} from "./types.ts";

/** What the codec speaks of. */
export interface GorpcOptions {
  /** What requests and responses may be, beside basic types and slices of them. */
  readonly types?: readonly AnyType[] | undefined;
}

/** What a link without bounds gets. */
const MOST_BYTES = 2 ** 31 - 1;
const MOST_DEPTH = 1000;

/** In front of each message. */
const COUNT_BYTES = 9;
const NO_HANDLER = "There is no handler for requests without a name: call one of the server's methods by its name";
const UNKNOWN_METHOD = /^(gorpc\.Dispatcher: )?unknown (method|service name) \[/;

const CARRIES: Carries = {
  hello: "never",
  welcome: false,
  ping: false,
  cancel: false,
  goodbye: false,
  answersCancelled: true,
};

/** The wire of Go's gorpc: one gob stream in each direction, requests from the dialler, responses from the accepter. */
export class GorpcCodec implements Codec {
  readonly carries: Carries = CARRIES;
  readonly #link: CodecLink;
  readonly #encoder: Encoder;
  readonly #decoder: Decoder;

  constructor(link: CodecLink, { types = [] }: GorpcOptions = {}) {
    const maxMessageBytes = Math.floor(Math.min(link.limits.maxFrameBytes, MOST_BYTES));
    const maxDepth = Math.floor(Math.min(link.limits.maxDepth, MOST_DEPTH));
    this.#link = link;
    this.#encoder = new Encoder({ maxMessageBytes, maxDepth });
    this.#decoder = new Decoder({
      types: [...types, link.role === "client" ? DispatcherResponse : DispatcherRequest],
      maxMessageBytes,
      maxDepth,
    });
  }

  refuses({ method }: RequestMessage): RpcError | undefined {
    if (this.#link.role === "client") return undefined;
    const why = `Cannot call "${method}": on gorpc's wire only the end that dialled makes calls`;
    return new RpcError("unimplemented", why, { executed: "no" });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[] {
    const encoder = this.#encoder;
    const { maxFrameBytes } = this.#link;
    encoder.maxMessageBytes = Math.max(1, Math.floor(Math.min(maxFrameBytes, MOST_BYTES)) - COUNT_BYTES);
    for (const message of messages) {
      for (const each of message.kind === "batch" ? message.messages : [message]) this.#addOr(each, cannot);
    }
    if (encoder.size === 0) return [];
    const bytes = encoder.take();
    return bytes.length <= maxFrameBytes ? [bytes] : split(bytes, maxFrameBytes);
  }

  decode(frame: Frame): readonly Message[] {
    if (typeof frame === "string") throw protocolError("A gob stream has no text");
    const messages: Message[] = [];
    try {
      // A flush is one frame where nothing between the ends cuts it up.
      for (let at = 0; at < frame.length; ) {
        const end = messageEnd(frame, at, MOST_BYTES);
        const message = this.#message(end - at === frame.length ? frame : frame.subarray(at, end));
        if (message !== undefined) messages.push(message);
        at = end;
      }
    } catch (thrown) {
      // A limit that is passed is the end of the stream, as anything else is that cannot be read.
      throw protocolError(RpcError.from(thrown).message, { cause: thrown });
    }
    return messages;
  }

  #addOr(message: Message, cannot: Cannot): void {
    try {
      this.#add(message);
    } catch (thrown) {
      const instead = cannot(message, placed(thrown, message));
      if (instead !== undefined) this.#addOr(instead, lastResort);
    }
  }

  #message(bytes: Uint8Array): Message | undefined {
    return this.#link.role === "client" ? this.#response(bytes) : this.#request(bytes);
  }

  #add(message: Message): void {
    switch (message.kind) {
      case "call":
        return this.#encoder.add(WireRequest, { ID: idOf(message.id), Request: requestOf(message) });
      case "notify":
        return this.#encoder.add(WireRequest, { ID: 0, Request: requestOf(message) });
      case "result":
        return this.#answer(message.id, isRaw(message.call), message.value, "");
      case "error":
        return this.#fail(message);
      default:
        return;
    }
  }

  #fail({ id, error, call }: ErrorMessage): void {
    if (id === null) return;
    const text = textOf(error, call);
    if (isRaw(call) || error.code === "internal") {
      return this.#encoder.add(WireResponse, { ID: idOf(id), Response: null, Error: text });
    }
    this.#answer(id, false, null, text);
  }

  #answer(id: Id, raw: boolean, value: unknown, error: string): void {
    const Response = raw ? value : DispatcherResponse.of({ Response: value, Error: error });
    this.#encoder.add(WireResponse, { ID: idOf(id), Response, Error: "" });
  }

  #request(frame: Uint8Array): Message | undefined {
    const decoded = this.#decoder.message(frame, WireRequest);
    if (decoded === undefined) return undefined;
    const { value, misfit } = decoded;
    const id = value.ID;
    let method: string | undefined = RAW;
    let params = value.Request;
    if (typeOf(params) === DispatcherRequest) {
      const { Name, Request } = params as DispatcherRequestValue;
      method = fromWire(Name);
      params = Request;
      if (method === undefined) return invalid(id, undefined, noName(Name));
    }
    if (misfit !== undefined) return invalid(id, method, misfit);
    if (id === 0) return { kind: "notify", method, params: params ?? undefined, meta: undefined };
    if (this.#link.running(id)) return invalid(id, method, "The id of a call that still runs");
    return { kind: "call", id, method, params: params ?? undefined, timeoutMs: undefined, meta: undefined };
  }

  #response(frame: Uint8Array): Message | undefined {
    const decoded = this.#decoder.message(frame, WireResponse);
    if (decoded === undefined) return undefined;
    const { value, misfit } = decoded;
    const id = value.ID;
    if (value.Error !== "") return failure(id, "internal", value.Error);
    if (misfit !== undefined) return failure(id, "data_loss", misfit);
    if (isRaw(this.#link.pending(id))) return { kind: "result", id, value: value.Response, call: undefined };
    if (typeOf(value.Response) !== DispatcherResponse) {
      return failure(
        id,
        "internal",
        "The reply is no dispatcher's: call the server's one handler with the method \"\"",
      );
    }
    const { Response, Error: failed } = value.Response as DispatcherResponseValue;
    if (failed !== "") return failure(id, codeOf(failed), failed);
    return { kind: "result", id, value: Response, call: undefined };
  }
}

/** Cuts a flush between its messages, none of which is above the limit. */
function split(bytes: Uint8Array, maxBytes: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = messageEnd(bytes, at, MOST_BYTES);
    if (end - start > maxBytes && at > start) {
      frames.push(bytes.subarray(start, at));
      start = at;
    }
    at = end;
  }
  frames.push(bytes.subarray(start));
  return frames;
}

/** What cannot be encoded is told by the user's names, without the structs that this wire puts around a value. */
function placed(thrown: unknown, message: Message): unknown {
  if (!(thrown instanceof Unfit)) return thrown;
  const isRequest = message.kind === "call" || message.kind === "notify";
  const isBare = isRequest ? message.method === RAW : message.kind === "result" && isRaw(message.call);
  return thrown.at(isRequest ? "params" : "result", isBare ? 1 : 2);
}

function requestOf({ method, params }: RequestMessage): unknown {
  if (method === RAW) return params;
  return DispatcherRequest.of({ Request: params, Name: toWire(method) });
}

function isRaw(call: CallMessage | InvalidMessage | undefined): boolean {
  return call?.method === RAW;
}

function noName(name: string): string {
  return `"${printable(name)}" is no name of a method: a dot stands before a function's, and between a service and its method`;
}

/** An error is a text here, and an empty one would mean success. What stands in the log is found by its trace. */
function textOf(error: Fault, call: CallMessage | InvalidMessage | undefined): string {
  const { code, message, trace, executed } = error;
  // A handler that ran may be unimplemented too, and has a text of its own.
  if (code === "unimplemented" && executed === "no" && call?.method !== undefined) {
    return isRaw(call) ? NO_HANDLER : `unknown method [${toWire(call.method)}]`;
  }
  const text = message === "" ? code : `${message}${complaintIn(error)}`;
  return trace === undefined ? text : `${text}, trace ${trace}`;
}

/** What a schema found wrong first; elsewhere it travels beside the text. */
function complaintIn({ code, data }: Fault): string {
  if (code !== "invalid_argument" || !Array.isArray(data)) return "";
  const first = data[0] as Partial<Complaint> | null | undefined;
  if (typeof first?.message !== "string" || !Array.isArray(first.path)) return "";
  const where = first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  return `: ${where}${first.message}`;
}

/** Of a dispatcher's own errors the text says what they are, of Go's and of ours. */
function codeOf(text: string): Code {
  return UNKNOWN_METHOD.test(text) ? "unimplemented" : "unknown";
}

/** On this wire an engine's ids are numbers. */
function idOf(id: Id): number {
  return id as number;
}

function invalid(id: number, method: string | undefined, why: string): Message {
  const error = { code: "invalid_argument", message: why } as const;
  return { kind: "invalid", id: id === 0 ? null : id, method, error };
}

function failure(id: number, code: Code, message: string): Message {
  return { kind: "error", id, error: { code, message }, call: undefined };
}
