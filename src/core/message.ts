import type { Fault } from "./errors.ts";

/**
 * Names one call on one link, in one direction. A number is written as its decimal digits; a string is whatever text
 * the codec needs to echo the id exactly (JSON-RPC: the id's source text, quotes included). Compared with `===` only.
 */
export type Id = number | string;

/** Text that travels beside a call on wires that can carry it (trace context, tenants). */
export type Meta = Readonly<Record<string, string>>;

/** What an end says about itself when a link opens. */
export interface Hello {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly session?: string;
  /** The dialler leaves a link of its own for this one, and that one works: what is under way there shall be answered there. */
  readonly moves?: boolean;
  /** The largest frame that this end accepts. */
  readonly maxFrameBytes?: number;
  readonly heartbeatMs?: number;
  /** The first id that the receiver may use for its own calls (coordinator). */
  readonly nextId?: number;
}

/**
 * What the params of a call to many were encoded to, under a key of the codec's own: whoever comes first encodes them, and all
 * the others take it. What stands there depends on nothing but the params and its key.
 */
export type Forms = Map<unknown, string | Uint8Array>;

/** A request that wants a reply. */
export interface CallMessage {
  readonly kind: "call";
  readonly id: Id;
  readonly method: string;
  /** `undefined` when the request has none. */
  readonly params: unknown;
  /** The time that is left to the caller when the message is encoded; `undefined` when there is no limit. */
  readonly timeoutMs: number | undefined;
  readonly meta: Meta | undefined;
  /** Outgoing only: the very same params go out in other calls, too. A codec need not care. */
  readonly forms?: Forms | undefined;
}

/** A request that wants no reply. */
export interface NotifyMessage {
  readonly kind: "notify";
  readonly method: string;
  readonly params: unknown;
  readonly meta: Meta | undefined;
}

/** `call` is the request that this answers: outgoing replies have it, so that a codec takes name, type or form from it. */
export interface ResultMessage {
  readonly kind: "result";
  readonly id: Id;
  readonly value: unknown;
  readonly call: CallMessage | undefined;
}

/** `id` is null when the request's id could not be read; a peer counts such a reply and ignores it. */
export interface ErrorMessage {
  readonly kind: "error";
  readonly id: Id | null;
  readonly error: Fault;
  readonly call: CallMessage | InvalidMessage | undefined;
}

/** Names a call that its sender made and no longer waits for. */
export interface CancelMessage {
  readonly kind: "cancel";
  readonly id: Id;
}

/** Asks for a sign of life. `token` is the codec's own and comes back in the pong. */
export interface PingMessage {
  readonly kind: "ping";
  readonly token: unknown;
}

/** Answers a ping. */
export interface PongMessage {
  readonly kind: "pong";
  readonly token: unknown;
}

/** The dialler's first message, where the wire has one. */
export interface HelloMessage {
  readonly kind: "hello";
  readonly hello: Hello;
}

/** The accepter's answer to hello, or its greeting where the wire has no hello. */
export interface WelcomeMessage {
  readonly kind: "welcome";
  readonly hello: Hello;
}

/** Send me no new calls: I answer what I have and then close. */
export interface GoodbyeMessage {
  readonly kind: "goodbye";
  readonly text: string;
  /** When to dial again; Infinity: never, `undefined`: as always. */
  readonly redialAfterMs: number | undefined;
}

/** Incoming only: a request that cannot be served. The codec says what is wrong; the peer answers it with an `error` whose `call` is this. */
export interface InvalidMessage {
  readonly kind: "invalid";
  readonly id: Id | null;
  readonly method: string | undefined;
  readonly error: Fault;
}

/** Messages that travel as one on wires that can; its calls run together and are answered by one batch, in order. Never nested. */
export interface BatchMessage {
  readonly kind: "batch";
  readonly messages: readonly Message[];
}

/** Everything that two ends say to one another. `item`, `end` and `credit` are reserved for streams. */
export type Message =
  | CallMessage
  | NotifyMessage
  | ResultMessage
  | ErrorMessage
  | CancelMessage
  | PingMessage
  | PongMessage
  | HelloMessage
  | WelcomeMessage
  | GoodbyeMessage
  | InvalidMessage
  | BatchMessage;

export type ReplyMessage = ResultMessage | ErrorMessage;
export type RequestMessage = CallMessage | NotifyMessage;
