import { type Cannot, type CodecLink, lastResort } from "../../core/codec.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import type { ErrorMessage, Message, RequestMessage } from "../../core/message.ts";
import { isLonger } from "../../core/text.ts";
import { encodeCommand, isObject } from "./envelope.ts";
import { errorOf, nowSeconds } from "./errors.ts";
import { callIdOf, isCallId, wireIdOf } from "./ids.ts";
import type { Dialect } from "./options.ts";
import { type CommandTable, replyTo } from "./table.ts";

/** The id of the accepter's first ping, which no call has. */
export const FIRST_PING_ID = "0";

/** What the answer needs of its ping. */
export interface PingToken {
  readonly id: string;
  readonly timestamp: unknown;
}

/** Turns messages into the texts of commands. */
export class CommandEncoder {
  readonly #link: CodecLink;
  readonly #table: CommandTable;
  readonly #dialect: Dialect;

  constructor(link: CodecLink, table: CommandTable, dialect: Dialect) {
    this.#link = link;
    this.#table = table;
    this.#dialect = dialect;
  }

  /** Why a request cannot be sent. */
  refuses({ kind, method, params, meta }: RequestMessage): readonly [Code, string] | undefined {
    const id = meta?.["id"];
    if (params !== undefined && params !== null && !isObject(params)) {
      return ["invalid_argument", "what a command says must be an object"];
    }
    if (kind === "call") {
      if (this.#table.request(method) === undefined) return ["unimplemented", "command() was given no such request"];
      if (id === undefined) return undefined;
      return ["invalid_argument", "the link gives calls their ids; notify() sends a command with one of your own"];
    }
    if (id !== undefined && isCallId(id, this.#link.role)) {
      return ["invalid_argument", `such ids are those of calls; choose another one than "${id}"`];
    }
    if (this.#table.notification(method) !== undefined) return undefined;
    if (this.#table.request(method) === undefined) return ["unimplemented", "command() was given no such notification"];
    if (id !== undefined) return undefined;
    return ["unimplemented", "it is a request, so call it, or give it an id of your own: { meta: { id } }"];
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly string[] {
    const frames: string[] = [];
    for (const message of messages) {
      for (const each of message.kind === "batch" ? message.messages : [message]) this.#addOr(frames, each, cannot);
    }
    return frames;
  }

  #addOr(frames: string[], message: Message, cannot: Cannot): void {
    try {
      const text = this.#text(message);
      if (text !== undefined) frames.push(this.#fitting(text));
    } catch (thrown) {
      const instead = cannot(message, thrown);
      if (instead !== undefined) this.#addOr(frames, instead, lastResort);
    }
  }

  #fitting(text: string): string {
    const { maxFrameBytes } = this.#link;
    if (!isLonger(text, maxFrameBytes)) return text;
    throw new RpcError("resource_exhausted", `The command is larger than ${maxFrameBytes} bytes`);
  }

  #text(message: Message): string | undefined {
    switch (message.kind) {
      case "call":
        return written(
          this.#table.request(message.method)?.command,
          callIdOf(message.id, this.#link.role),
          message.params,
        );
      case "notify": {
        const { method, params, meta } = message;
        const entry = this.#table.notification(method) ?? this.#table.request(method);
        return written(entry?.command, meta?.["id"] ?? "", params);
      }
      case "result":
        return written(this.#replyName(message.call), wireIdOf(message.id), message.value);
      case "error": {
        if (message.id === null) return undefined;
        const error = errorOf(message.error, this.#dialect.compat);
        return written(this.#replyName(message.call), wireIdOf(message.id), { error });
      }
      case "welcome":
        return written(this.#table.ping?.command, FIRST_PING_ID, { timestamp: nowSeconds() });
      case "pong":
        return this.#pong(message.token as Partial<PingToken> | undefined);
      default:
        return undefined;
    }
  }

  /** Of a request that is not in the table the reader has kept the whole name. */
  #replyName(call: ErrorMessage["call"]): string | undefined {
    if (call?.method === undefined) return undefined;
    return this.#table.request(call.method)?.reply ?? replyTo(call.method);
  }

  #pong(token: Partial<PingToken> | undefined): string | undefined {
    if (token?.id === undefined) return undefined;
    const origintimestamp = typeof token.timestamp === "number" ? token.timestamp : 0;
    return written(this.#table.ping?.reply, token.id, { origintimestamp, timestamp: nowSeconds() });
  }
}

function written(command: string | undefined, id: string, payload: unknown): string | undefined {
  return command === undefined ? undefined : encodeCommand({ command, id, payload });
}
