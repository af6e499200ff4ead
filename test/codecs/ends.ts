import type { Frame, Role } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { Cannot, Codec, CodecLink } from "../../src/core/codec.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import type { CallMessage, Id, Message } from "../../src/core/message.ts";
import { bytesOf, textOf } from "../../src/core/text.ts";

export type MakeCodec = (link: CodecLink) => Codec;

/** What a codec sees of its peer, to be set by hand. */
export class FakeLink implements CodecLink {
  readonly role: Role;
  readonly limits: Limits;
  readonly clock: ManualClock = new ManualClock();
  maxFrameBytes: number;
  /** Calls of this end that wait for a reply. */
  readonly calls = new Map<Id, CallMessage>();
  /** Ids of the other side's calls that run here. */
  readonly incoming = new Set<Id>();

  constructor(role: Role, limits: Partial<Limits> = {}) {
    this.role = role;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.maxFrameBytes = this.limits.maxFrameBytes;
  }

  pending(id: Id): CallMessage | undefined {
    return this.calls.get(id);
  }

  running(id: Id): boolean {
    return this.incoming.has(id);
  }
}

/** A message that could not be encoded, and why. */
export interface Failed {
  readonly message: Message;
  readonly reason: unknown;
}

/** One end of a link without a peer: a codec, and the table of calls that it may ask. */
export class End {
  readonly link: FakeLink;
  readonly codec: Codec;
  readonly failed: Failed[] = [];

  constructor(make: MakeCodec, role: Role, limits?: Partial<Limits>) {
    this.link = new FakeLink(role, limits);
    this.codec = make(this.link);
  }

  /** Encodes as a peer does: calls are in the table before the codec sees them. */
  encode(
    messages: readonly Message[],
    instead: (failed: Failed) => Message | undefined = () => undefined,
  ): readonly Frame[] {
    for (const call of callsOf(messages)) this.link.calls.set(call.id, call);
    const cannot: Cannot = (message, reason) => {
      this.failed.push({ message, reason });
      return instead({ message, reason });
    };
    return this.codec.encode(messages, cannot);
  }

  /** Decodes frames in order; the members of a batch stand for themselves. */
  decode(frames: readonly Frame[]): Message[] {
    const messages = frames.flatMap((frame) => this.codec.decode(frame));
    return messages.flatMap((message) => (message.kind === "batch" ? message.messages : [message]));
  }
}

/** Both ends of a link, past its opening. */
export class Ends {
  readonly client: End;
  readonly server: End;

  constructor(make: MakeCodec, options: { readonly limits?: Partial<Limits>; readonly open?: boolean } = {}) {
    this.client = new End(make, "client", options.limits);
    this.server = new End(make, "server", options.limits);
    if (options.open === false) return;
    const { hello, welcome } = this.client.codec.carries;
    if (hello !== "never") this.pass("client", [{ kind: "hello", hello: {} }]);
    if (welcome) this.pass("server", [{ kind: "welcome", hello: {} }]);
  }

  of(role: Role): End {
    return role === "client" ? this.client : this.server;
  }

  other(role: Role): End {
    return role === "client" ? this.server : this.client;
  }

  /** What arrives at the other end when this one sends the messages in one flush. */
  pass(from: Role, messages: readonly Message[], form: "as sent" | "bytes" | "text" = "as sent"): Message[] {
    const frames = this.of(from).encode(messages);
    return this.other(from).decode(
      frames.map((frame) => (form === "bytes" ? bytesOf(frame) : form === "text" ? textOf(frame) : frame)),
    );
  }
}

function callsOf(messages: readonly Message[]): CallMessage[] {
  return messages
    .flatMap((each) => (each.kind === "batch" ? each.messages : [each]))
    .filter((each) => each.kind === "call");
}

/** A call as a peer makes it. */
export function callOf(method: string, params: unknown, id: Id = 1): CallMessage {
  return { kind: "call", id, method, params, timeoutMs: 20_000, meta: undefined };
}
