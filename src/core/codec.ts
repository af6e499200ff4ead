import type { Frame, LinkContext } from "./channel.ts";
import type { Fault, RpcError } from "./errors.ts";
import type { CallMessage, Id, Message, RequestMessage } from "./message.ts";

/** What this end can say on its wire. The peer asks instead of trying. */
export interface Carries {
  /** `must`: the dialler says it first, and the accepter serves nothing before it. `may`: a dialler that has something to say does. */
  readonly hello: "never" | "may" | "must";
  /** The accepter says `welcome`: as the answer to hello, or as a greeting where there is no hello. The dialler sends nothing else before it. */
  readonly welcome: boolean;
  readonly ping: boolean;
  readonly cancel: boolean;
  readonly goodbye: boolean;
  /** A cancelled call is still answered (JSON-RPC yes, coordinator no). */
  readonly answersCancelled: boolean;
}

/** What a peer lends to its codec: the only two tables of calls that there are. */
export interface CodecLink extends LinkContext {
  /** The call of mine that waits for a reply under this id. */
  pending(id: Id): CallMessage | undefined;
  /** Whether the other side has a call with this id waiting or running here. */
  running(id: Id): boolean;
  /** The smaller of my limit and the one that the other side announced. */
  readonly maxFrameBytes: number;
  /** This end says who it is, or wants to know who dials: a wire that can do without an opening has one then. */
  readonly meets?: boolean;
}

/** Takes a message that cannot be encoded and returns what to encode in its place, or nothing. Never throws, never calls the codec. */
export type Cannot = (message: Message, reason: unknown) => Message | undefined;

/** What is said of a reply that cannot be encoded when there is not even room to say why. */
const UNSAYABLE: Fault = { code: "internal", message: "The reply cannot be sent", executed: "yes" };

/** What a codec encodes where the substitute of a reply cannot be encoded either: an error that says no more than that. */
export function lastResort(message: Message): Message | undefined {
  const isReply = message.kind === "result" || (message.kind === "error" && message.error !== UNSAYABLE);
  return isReply ? { kind: "error", id: message.id, error: UNSAYABLE, call: message.call } : undefined;
}

/** Turns frames into messages and back. One per link; it keeps what the wire's stream needs, but no table of calls. */
export interface Codec {
  /** Asked again each time: a link may be able to say more once its ends have met. */
  readonly carries: Carries;
  /** Says why this end cannot send the request on this wire; asked at call time, before an id is given. */
  refuses?(request: RequestMessage): RpcError | undefined;
  /**
   * Encodes messages in order. What is returned is sent, all of it, in this order, or the link dies. A message that
   * cannot be encoded goes to `cannot` and leaves no trace in frames or state. No frame exceeds `maxFrameBytes`: a
   * codec that packs splits. A kind that the wire cannot say gives no frame.
   */
  encode(messages: readonly Message[], cannot: Cannot): readonly Frame[];
  /** Decodes the next frame; may give nothing. A bad request is an `invalid` message; throws only when the link cannot go on. */
  decode(frame: Frame): readonly Message[];
  /**
   * Makes what it can of a frame that was too large to take: an error for the call that it answers, or an `invalid` request.
   * Throws only when the link cannot go on.
   */
  salvage?(head: Uint8Array, reason: RpcError, tail?: Uint8Array): Message | undefined;
}
