import type { Frame } from "../../core/channel.ts";
import type { Cannot, Carries, Codec, CodecLink } from "../../core/codec.ts";
import type { Fault } from "../../core/errors.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import { IdMap } from "../../core/id-map.ts";
import { parseJson } from "../../core/json.ts";
import type { ErrorMessage, Id, InvalidMessage, Message, RequestMessage } from "../../core/message.ts";
import { refusedUnasked } from "../../core/refused.ts";
import { textOf } from "../../core/text.ts";
import { Encoder } from "./encoder.ts";
import { type Envelope, envelopeOf, hasOutcome, hasSoundError, isReply, replyFault, requestFault } from "./envelope.ts";
import { beyondLimit, faultOf, readError } from "./faults.ts";
import { isHttpRequest, mayBeHttpRequest } from "./http-request.ts";
import { glimpse, idOf, idOfText, membersOf, memberText, oddIds } from "./id-text.ts";
import { Meeting } from "./meeting.ts";
import type { Dialect } from "./options.ts";

/**
 * JSON-RPC 2.0, one message or one batch per frame. It keeps no state between frames. An id is a number when it is a
 * plain decimal integer, and its JSON text otherwise, so that `1`, `1.0` and `"1"` are three ids. What is wrong with a
 * message is said in the words of jrpc2.
 */
export class JsonRpcCodec implements Codec {
  readonly #link: CodecLink;
  readonly #dialect: Dialect;
  /** Of a link whose end has a name or a fleet. */
  readonly #meeting: Meeting | undefined;
  readonly #encoder: Encoder;
  readonly #maxDepth: number;
  readonly #hasOddId: (text: string) => boolean;
  /** This end accepted the link and answers as jrpc2's server does. */
  readonly #answersStrays: boolean;
  /** This end dialled and serves what is pushed as jrpc2's client does: unchecked. */
  readonly #trusts: boolean;

  /** So many have come. In the first an authenticator of the other side may say that it wants one here. */
  #frames = 0;

  constructor(link: CodecLink, dialect: Dialect) {
    const { cancel, verbatim } = dialect;
    this.#link = link;
    this.#dialect = dialect;
    this.#meeting = link.meets === true && dialect.meets ? new Meeting(link.role, dialect) : undefined;
    this.#encoder = new Encoder(link, dialect, this.#meeting);
    this.#maxDepth = link.limits.maxDepth;
    this.#hasOddId = oddIds(cancel === undefined || cancel.key === "id" ? ["id"] : ["id", cancel.key]);
    this.#answersStrays = verbatim && link.role === "server";
    this.#trusts = verbatim && link.role === "client";
  }

  get carries(): Carries {
    return this.#meeting === undefined ? this.#dialect.carries.bare : this.#meeting.carries;
  }

  /** Push must be allowed, and params an array, an object or absent; jrpc2's server does not check what it pushes. */
  refuses({ kind, params }: RequestMessage): RpcError | undefined {
    if (!this.#dialect.push && this.#link.role === "server") {
      // The number is jrpc2's: a handler that lets this error pass answers as a handler there does.
      return new RpcError("failed_precondition", "server push is not enabled", { wireCode: -32098, executed: "no" });
    }
    if (params === undefined || typeof params === "object") return undefined;
    if (kind === "notify" && this.#answersStrays) return undefined;
    return new RpcError("invalid_argument", "invalid parameters: array or object required", {
      wireCode: -32600,
      executed: "no",
    });
  }

  encode(messages: readonly Message[], cannot: Cannot): readonly string[] {
    const frames = this.#encoder.encode(messages, cannot);
    const kind = messages[0]?.kind;
    // Nobody else would say that the link cannot open.
    if ((kind === "hello" || kind === "welcome") && this.#meeting !== undefined && frames.length === 0) {
      throw new RpcError("resource_exhausted", "The labels of this end are too long");
    }
    return frames;
  }

  decode(frame: Frame): readonly Message[] {
    this.#frames++;
    let text = "";
    let value: unknown;
    try {
      text = textOf(frame);
      value = parseJson(text, this.#maxDepth);
    } catch (reason) {
      if (this.#link.role === "server" && isHttpRequest(rough(frame))) throw httpRefusal();
      return RpcError.is(reason) ? this.#tooDeep(text, reason.message) : [notJson()];
    }
    if (Array.isArray(value)) return this.#list(value, text);
    const source = this.#hasOddId(text) ? text : undefined;
    return [(this.#meeting && this.#met(this.#meeting, value, source)) ?? this.#message(value, source)];
  }

  salvage(head: Uint8Array, reason: RpcError, tail?: Uint8Array): Message {
    // It may be cut in the middle of a character.
    const text = rough(head);
    if (this.#link.role === "server" && mayBeHttpRequest(text)) throw httpRefusal();
    const { texts } = membersOf(text);
    if (texts.length === 0) return this.#beyond(text, reason.message, tail);
    return { kind: "batch", messages: texts.map((member) => this.#beyond(member, reason.message)) };
  }

  /** What the other side says to this end itself, not to its user. */
  #met(meeting: Meeting, value: unknown, source: string | undefined): Message | undefined {
    const it = envelopeOf(value);
    if (it?.jsonrpc !== "2.0") return undefined;
    const id = idOf(it.id, source === undefined || it.id === undefined ? undefined : memberText(source, "id"));
    return id === undefined ? undefined : meeting.read(it, id);
  }

  /** `source` is the message's own text where an id in it may have more than one spelling. */
  #message(value: unknown, source: string | undefined): Message {
    const it = envelopeOf(value);
    if (it === undefined) return invalid(null, faultOf(-32700, "request is not a JSON object"));
    const id = idOf(it.id, source === undefined || it.id === undefined ? undefined : memberText(source, "id"));
    if (id === undefined) return invalid(null, faultOf(-32600, "invalid request ID"));
    if (isReply(it)) return this.#reply(it, id) ?? this.#unfit(it, id);
    return this.#request(it, id, source);
  }

  #request(it: Envelope, id: Id | null, source: string | undefined): Message {
    if (id !== null && this.#link.running(id)) return twin(id);
    const fault = requestFault(it, this.#dialect.strict);
    if (fault !== undefined && !(this.#trusts && typeof it.method === "string")) return invalid(id, fault);
    const method = it.method as string;
    const params = it.params ?? undefined;
    if (id !== null) return { kind: "call", id, method, params, timeoutMs: undefined, meta: undefined };
    const { cancel } = this.#dialect;
    if (cancel !== undefined && cancel.method === method) {
      const named = cancelledId(params, cancel.key, source);
      if (named !== undefined) return { kind: "cancel", id: named };
    }
    return { kind: "notify", method, params, meta: undefined };
  }

  /** A message without a method: the reply to a call of this end, or to nothing. Gives nothing for what must be answered. */
  #reply(it: Envelope, id: Id | null): Message | undefined {
    if (this.#frames === 1 && this.#link.role === "client" && id === null && it.jsonrpc === undefined) {
      const refusal = refusedUnasked(it);
      if (refusal !== undefined) throw refusal;
    }
    if (this.#link.role === "server" && (id === null || this.#link.pending(id) === undefined)) {
      if (this.#answersStrays || !hasOutcome(it)) return undefined;
    }
    // The end that accepted the link takes the reply to its own call as it is (case 156).
    const fault = this.#link.role === "client" ? replyFault(it, this.#dialect.strict) : undefined;
    if (fault !== undefined) return failure(id, it.result === undefined ? fault : { ...fault, executed: "yes" });
    const { error } = it;
    if (!hasSoundError(it)) return failure(id, faultOf(-32700, "invalid error value"));
    if (error !== undefined && error !== null) return failure(id, readError(error as object, this.#dialect));
    if (id === null) return failure(id, faultOf(-32600, "empty method name"));
    return { kind: "result", id, value: it.result, call: undefined };
  }

  /** A message without a method that is no reply. */
  #unfit(it: Envelope, id: Id | null): InvalidMessage {
    if (id !== null && this.#link.running(id)) return twin(id);
    return invalid(id, requestFault(it, this.#dialect.strict) ?? faultOf(-32600, "empty method name"));
  }

  #list(values: readonly unknown[], text: string): readonly Message[] {
    if (values.length === 0) {
      const fault = faultOf(-32600, "empty request batch");
      return [this.#link.role === "client" ? failure(null, fault) : invalid(null, fault)];
    }
    const sources = this.#hasOddId(text) ? membersOf(text).texts : undefined;
    return this.#batch(values.map((value, index) => this.#message(value, sources?.[index])));
  }

  /** Replies alone are no batch: nothing waits for them together. */
  #batch(members: readonly Message[]): readonly Message[] {
    let requests = 0;
    let nameless = 0;
    for (const member of members) {
      if (member.kind === "invalid" && member.id === null) nameless++;
      else if (member.kind === "call" || member.kind === "notify" || member.kind === "invalid") requests++;
    }
    if (requests + nameless === 0) return members;
    const { maxWaiting } = this.#link.limits;
    const bounded = nameless > maxWaiting ? dropNameless(members, maxWaiting) : members;
    return [{ kind: "batch", messages: refuseTwins(bounded) }];
  }

  /** The text was not parsed: it may be no JSON at all. In a batch only the members that are too deep suffer. */
  #tooDeep(text: string, why: string): readonly Message[] {
    const { texts, whole } = membersOf(text);
    if (texts.length === 0) return [this.#beyond(text, why)];
    if (!whole) return [notJson()];
    const members: Message[] = [];
    for (const source of texts) {
      try {
        members.push(this.#message(parseJson(source, this.#maxDepth - 1), source));
      } catch (reason) {
        if (!RpcError.is(reason)) return [notJson()];
        members.push(this.#beyond(source, why));
      }
    }
    return this.#batch(members);
  }

  /** A message beyond a limit, of which only the text is known: the waiting call ends at once, the request is refused. */
  #beyond(text: string, why: string, tail?: Uint8Array): Message {
    const { id, isRequest, isReply } = glimpse(text);
    const key = id === undefined ? null : idOfText(id);
    if (!isReply || isRequest) return invalid(key, beyondLimit(why, "no"));
    return failure(key ?? this.#lastId(tail), beyondLimit(why, "yes"));
  }

  /** The id of a reply that says it last, as long as it is one that somebody waits for: only the end of the text is there. */
  #lastId(tail: Uint8Array | undefined): Id | null {
    const text = tail === undefined ? undefined : ID_AT_THE_END.exec(rough(tail))?.[1];
    const id = text === undefined ? null : idOfText(text);
    return id !== null && this.#link.pending(id) !== undefined ? id : null;
  }
}

/** How a reply ends whose id is its last member but for the version. */
const ID_AT_THE_END = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/** A web page, say, has put records into the body of a request that it sent here. */
function httpRefusal(): RpcError {
  return protocolError("An HTTP request came where JSON-RPC records are expected: nothing in it is run");
}

/** Text with U+FFFD where it is not UTF-8. */
function rough(frame: Frame): string {
  return typeof frame === "string" ? frame : new TextDecoder("utf-8", { ignoreBOM: true }).decode(frame);
}

function invalid(id: Id | null, error: Fault): InvalidMessage {
  return { kind: "invalid", id, method: undefined, error };
}

function failure(id: Id | null, error: Fault): ErrorMessage {
  return { kind: "error", id, error, call: undefined };
}

function notJson(): InvalidMessage {
  return invalid(null, faultOf(-32700, "invalid request value"));
}

function twin(id: Id): InvalidMessage {
  return invalid(id, faultOf(-32600, "duplicate request ID", String(id)));
}

/** The id that a cancel names; `undefined` where there is none, and then it is a notification like any other. */
function cancelledId(params: unknown, key: string, source: string | undefined): Id | undefined {
  if (typeof params !== "object" || params === null || !Object.hasOwn(params, key)) return undefined;
  const value = (params as Readonly<Record<string, unknown>>)[key];
  const text = source === undefined ? undefined : memberText(source, "params");
  return idOf(value, text === undefined ? undefined : memberText(text, key)) ?? undefined;
}

/** Members with the same id would get replies that nobody can tell apart: none of them runs. */
function refuseTwins(members: readonly Message[]): readonly Message[] {
  if (areAscending(members)) return members;
  /** Whether an id has come again. */
  const again = new IdMap<boolean>();
  let twins = 0;
  for (const member of members) {
    const id = requestId(member);
    if (id === null) continue;
    const isTwin = again.has(id);
    again.set(id, isTwin);
    if (isTwin) twins++;
  }
  if (twins === 0) return members;
  return members.map((member) => {
    const id = requestId(member);
    return id !== null && again.get(id) === true ? twin(id) : member;
  });
}

/** As long as ids go up none can be there twice, and nothing is kept of them. */
function areAscending(members: readonly Message[]): boolean {
  let last = Number.NEGATIVE_INFINITY;
  for (const member of members) {
    const id = requestId(member);
    if (id === null) continue;
    if (typeof id !== "number" || id <= last) return false;
    last = id;
  }
  return true;
}

function requestId(member: Message): Id | null {
  return member.kind === "call" || member.kind === "invalid" ? member.id : null;
}

/** `[1,1,1,…]` would be answered by fifty times its own size: past the bound such members are left out. */
function dropNameless(members: readonly Message[], max: number): readonly Message[] {
  let left = max;
  return members.filter((member) => member.kind !== "invalid" || member.id !== null || left-- > 0);
}
