import type { Frame } from "../../core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../core/codec.ts";
import { type Code, type Fault, protocolError, RpcError } from "../../core/errors.ts";
import type { CallMessage, ErrorMessage, Id, InvalidMessage, Message, RequestMessage } from "../../core/message.ts";
import { printable } from "../../core/text.ts";
import { CommandEncoder, FIRST_PING_ID, type PingToken } from "./encoder.ts";
import { type Command, decodeCommand, glimpse, isObject, memberOf } from "./envelope.ts";
import { faultIn } from "./errors.ts";
import { aliasOf, isMarked, ownIdOf } from "./ids.ts";
import type { Dialect } from "./options.ts";
import { type CommandTable, type Entry, type Heard, replyTo } from "./table.ts";

/** How the command ends whose payload says why nobody is let in. */
const REFUSAL = "-error";

const CARRIES: Carries = {
  hello: "never",
  welcome: false,
  // The other side need not answer one: where the transport has no ping either, the framing makes one of a command.
  ping: false,
  cancel: false,
  goodbye: false,
  answersCancelled: true,
};
const CARRIES_WELCOME: Carries = { ...CARRIES, welcome: true };

/**
 * Commands as JSON, one a frame. The names of a method's request and reply are in the table, errors are in the payload.
 * The accepter's first ping is its welcome.
 */
export class CommandCodec implements Codec {
  readonly carries: Carries;
  readonly #link: CodecLink;
  readonly #table: CommandTable;
  readonly #dialect: Dialect;
  readonly #encoder: CommandEncoder;
  /** Nothing opens the link any more. */
  #isOpen: boolean;
  #aliases = 0;

  constructor(link: CodecLink, table: CommandTable, dialect: Dialect) {
    this.#link = link;
    this.#table = table;
    this.#dialect = dialect;
    this.#encoder = new CommandEncoder(link, table, dialect);
    this.carries = table.ping === undefined ? CARRIES : CARRIES_WELCOME;
    this.#isOpen = link.role === "server" || table.ping === undefined;
  }

  refuses(request: RequestMessage): RpcError | undefined {
    const why = this.#encoder.refuses(request);
    if (why === undefined) return undefined;
    const [code, text] = why;
    return new RpcError(code, `Cannot send "${printable(request.method)}": ${text}`, { executed: "no" });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly string[] {
    return this.#encoder.encode(messages, cannot);
  }

  decode(frame: Frame): readonly Message[] {
    let it: Command;
    try {
      it = decodeCommand(frame, { maxDepth: this.#link.limits.maxDepth, anyCase: this.#dialect.compat });
    } catch (thrown) {
      const error = RpcError.from(thrown);
      if (error.code === "resource_exhausted") return [this.#beyond(frame, error)];
      return [this.#bad(null, undefined, error.message, "invalid_argument")];
    }
    const heard = this.#table.heard(it.command);
    if (!this.#isOpen && heard === undefined) checkRefusal(it);
    const message = this.#message(it, heard ?? {});
    // Who does not know the protocol has not let this end in.
    if (this.#isOpen || (heard === undefined && !this.#dialect.compat)) return message === undefined ? [] : [message];
    // Whatever else comes first opens it, and is served unless it is the ping: a push may overtake that.
    this.#isOpen = true;
    const welcome: Message = { kind: "welcome", hello: {} };
    return message === undefined ? [welcome] : [welcome, message];
  }

  salvage(head: Uint8Array, reason: RpcError): Message {
    return this.#beyond(head, reason);
  }

  #message(it: Command, { request, isReply = false, notification }: Heard): Message | undefined {
    if (request !== undefined) return this.#request(it, request);
    const id = ownIdOf(it.id, this.#link.role);
    const call = id === undefined ? undefined : this.#link.pending(id);
    if (id !== undefined && call !== undefined && this.#answers(it, call, notification))
      return this.#reply(it, id, call);
    if (notification !== undefined) return this.#notification(it, notification);
    if (it.command === this.#table.ping?.reply) return { kind: "pong", token: undefined };
    return this.#unclaimed(it, isReply);
  }

  #request({ id: text, command, payload }: Command, { method }: Entry): Message | undefined {
    if (command === this.#table.ping?.command) {
      // The original's servers take an answer to their first ping for a mistake.
      if (this.#link.role === "client" && text === FIRST_PING_ID) return undefined;
      const token: PingToken = { id: text, timestamp: (payload as { readonly timestamp?: unknown }).timestamp };
      return { kind: "ping", token };
    }
    const id = this.#idOf(text);
    if (!isObject(payload)) return this.#bad(id, method, unfit(payload), "invalid_argument");
    const { requestTimeoutMs: timeoutMs } = this.#dialect;
    return { kind: "call", id, method, params: payload, timeoutMs, meta: undefined };
  }

  #idOf(text: string): Id {
    return isMarked(text) || this.#link.running(text) ? aliasOf(text, ++this.#aliases) : text;
  }

  #notification({ id, payload }: Command, { method }: Entry): Message {
    if (!isObject(payload)) return this.#bad(null, method, unfit(payload), "invalid_argument");
    return { kind: "notify", method, params: payload, meta: id === "" ? undefined : { id } };
  }

  /** Whether a command with the id of a call of this end is meant for it: a push may have that id by chance. */
  #answers({ command }: Command, { method }: CallMessage, notification: Entry | undefined): boolean {
    if (this.#dialect.compat || notification === undefined) return true;
    return this.#table.request(method)?.reply === command;
  }

  #reply({ command, payload }: Command, id: number, { method }: CallMessage): Message {
    const { compat } = this.#dialect;
    if (!compat && command !== this.#table.request(method)?.reply) {
      return lost(id, "data_loss", `The reply to "${method}" has another name, "${printable(command, 128)}"`);
    }
    if (!isObject(payload)) return lost(id, "data_loss", `The reply to "${method}" is no object`);
    const error = faultIn(payload, compat);
    if (error !== undefined) return { kind: "error", id, error, call: undefined };
    return { kind: "result", id, value: payload, call: undefined };
  }

  /** What is nobody's. A request is answered all the same, where its name says how. */
  #unclaimed(it: Command, isReply: boolean): Message {
    const { compat, onUnclaimed } = this.#dialect;
    const { command, id, payload } = it;
    const what = `unknown command: ${printable(command, 128)}`;
    // An end of the original that does not know the answer gives up all its calls.
    if (!isReply && !compat && id !== "" && replyTo(command) !== undefined) {
      return this.#bad(this.#idOf(id), command, what, "unimplemented");
    }
    if (onUnclaimed !== undefined) queueMicrotask(() => onUnclaimed(it));
    if (!isReply || this.#endsOnBad) return this.#bad(null, undefined, what, "unimplemented");
    // The engine counts it.
    return { kind: "result", id, value: payload, call: undefined };
  }

  /** What cannot be served: refused alone, or the end of the link for an end that does as the original. */
  #bad(id: Id | null, method: string | undefined, message: string, code: Code): InvalidMessage {
    if (this.#endsOnBad) throw protocolError(message);
    return invalid(id, method, { code, message, executed: "no" });
  }

  get #endsOnBad(): boolean {
    return this.#dialect.compat && this.#link.role === "server";
  }

  /** A frame above a limit, of which only its beginning is looked at. */
  #beyond(frame: Frame, { code, message }: RpcError): Message {
    const nobody = invalid(null, undefined, { code, message, executed: "no" });
    const it = glimpse(frame);
    if (it === undefined) return nobody;
    const request = this.#table.heard(it.command)?.request;
    if (request !== undefined) return { ...nobody, id: this.#idOf(it.id), method: request.method };
    const id = ownIdOf(it.id, this.#link.role);
    const call = id === undefined ? undefined : this.#link.pending(id);
    const isReply = call !== undefined && this.#table.request(call.method)?.reply === it.command;
    return id !== undefined && isReply ? lost(id, code, message) : nobody;
  }
}

/** What an authenticator says that does not let this end in, and of whose verdict the client's half does not hear: `secp256k1-error`. */
function checkRefusal({ command, payload }: Command): void {
  const fault = command.endsWith(REFUSAL) && isObject(payload) ? faultIn(payload, false) : undefined;
  if (fault === undefined) return;
  const closeCode = memberOf(memberOf(payload, "error", false), "closeCode", false);
  throw new RpcError("unauthenticated", `Refused by the other side: ${printable(fault.message)}`, {
    executed: "no",
    remote: true,
    wireCode: typeof closeCode === "number" ? closeCode : undefined,
  });
}

function invalid(id: Id | null, method: string | undefined, error: Fault): InvalidMessage {
  return { kind: "invalid", id, method, error };
}

/** The call ran, and its result was lost. */
function lost(id: number, code: Code, message: string): ErrorMessage {
  return { kind: "error", id, error: { code, message, executed: "yes" }, call: undefined };
}

function unfit(payload: unknown): string {
  return `invalid command: its payload is ${Array.isArray(payload) ? "a list" : `a ${typeof payload}`}, not an object`;
}
