import type { ChannelSink, CloseReason, Frame, Full } from "./channel.ts";
import type { Clock } from "./clock.ts";
import type { Codec } from "./codec.ts";
import { protocolError, RpcError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { ErrorMessage, GoodbyeMessage, Message, ResultMessage } from "./message.ts";
import type { Meter } from "./meter.ts";
import type { Opening } from "./opening.ts";
import type { OutgoingCall } from "./outgoing.ts";
import type { Pending } from "./pending.ts";
import type { Sender } from "./sender.ts";
import type { Service } from "./service.ts";
import { type Counters, countCode } from "./stats.ts";
import { printable } from "./text.ts";
import type { Watch } from "./watch.ts";

/** What the receiving half needs of its peer. */
export interface ReceiverHost {
  readonly codec: Codec;
  readonly calls: Pending;
  readonly opening: Opening;
  readonly sender: Sender;
  readonly service: Service;
  readonly watch: Watch;
  readonly counters: Counters;
  readonly meter: Meter;
  readonly options: { readonly limits: Limits; readonly clock: Clock; readonly logger: Logger };
  readonly isClosed: boolean;
  /** A chunk of frames was served. */
  served(): void;
  /** The link cannot go on. */
  broken(error: RpcError): void;
  onGoodbye(message: GoodbyeMessage): void;
  onRemoteEnded(): void;
  /** The channel has closed. */
  onLost(reason: CloseReason): void;
  /** The other side refused a call before it ran; says whether somebody else takes it over. */
  takesOver(call: OutgoingCall, error: ErrorMessage["error"]): boolean;
}

/** Reading has paused for so long, and no handler has ended: nothing will change by waiting. */
const STUCK_MS = 5000;

/** The receiving half of a peer: frames to messages, messages to whoever they are for, and when to stop reading. */
export class Receiver implements ChannelSink {
  readonly #host: ReceiverHost;
  /** Set while the channel is asked to bring nothing; calling it ends that. */
  #readOn: (() => void) | undefined = undefined;
  /** When reading paused, or a handler had ended since. */
  #pausedAt = 0;
  /** How many handlers had ended by then. */
  #ended = 0;
  /** It reads on although it should not, until a handler ends. */
  #isStuck = false;

  constructor(host: ReceiverHost) {
    this.#host = host;
  }

  /** Whether this end takes what the other side sends. */
  get isReading(): boolean {
    return this.#readOn === undefined;
  }

  /** Takes frames again, if it had stopped. */
  readOn(): void {
    this.#readOn?.();
  }

  frames(frames: readonly Frame[]): Full {
    const { meter } = this.#host;
    meter.begin();
    try {
      return this.#take(frames);
    } finally {
      meter.end();
    }
  }

  #take(frames: readonly Frame[]): Full {
    const { codec, watch, sender, options } = this.#host;
    watch.received(options.clock.now);
    let count = 0;
    for (const frame of frames) {
      if (this.#host.isClosed) return;
      let messages: readonly Message[];
      try {
        messages = codec.decode(frame);
      } catch (thrown) {
        return this.#unreadable(thrown);
      }
      for (const message of messages) this.#receive(message);
      count += messages.length;
    }
    sender.heard(count);
    this.#host.served();
    return this.#mayPause();
  }

  /**
   * Has handlers ended since reading paused? If none does for long, what would end them may stand behind the pause: a cancel, or
   * the end of the link. Then this end reads on, and refuses what it has no room for, until one ends.
   */
  visit(now: number): void {
    if (this.#readOn === undefined) return;
    const { service } = this.#host;
    if (service.ended !== this.#ended) {
      this.#ended = service.ended;
      this.#pausedAt = now;
    } else if (now - this.#pausedAt >= STUCK_MS) {
      this.#isStuck = true;
      this.readOn();
    }
  }

  skipped(head: Uint8Array, reason: RpcError, tail?: Uint8Array): void {
    const { codec, watch, options } = this.#host;
    if (this.#host.isClosed) return;
    watch.received(options.clock.now);
    let message: Message | undefined;
    try {
      message = codec.salvage?.(head, reason, tail);
    } catch (thrown) {
      return this.#unreadable(thrown);
    }
    // Somebody may wait for it until its deadline.
    if (message?.kind === "error" && message.id === null) options.logger.warn(`A reply was lost: ${reason.message}`);
    this.#receive(message ?? { kind: "invalid", id: null, method: undefined, error: reason });
  }

  #unreadable(thrown: unknown): void {
    this.#host.broken(RpcError.is(thrown) ? thrown : protocolError("Cannot decode a frame", { cause: thrown }));
  }

  ended(): void {
    this.#host.onRemoteEnded();
  }

  closed(reason: CloseReason): void {
    this.#host.onLost(reason);
  }

  #receive(message: Message): void {
    const { opening, service, sender, watch, counters, options } = this.#host;
    switch (message.kind) {
      case "result":
      case "error":
        return this.#settle(message);
      case "call":
        if (!opening.isDone) return opening.tooEarly();
        counters.requests++;
        return service.receive(message, options.clock.now);
      case "notify":
        if (!opening.isDone) return opening.tooEarly();
        counters.notificationsReceived++;
        return service.receive(message, options.clock.now);
      case "batch":
        if (!opening.isDone) return opening.tooEarly();
        for (const member of message.messages) this.#countMember(member);
        return service.receiveBatch(message, options.clock.now, (member) => this.#receive(member));
      case "cancel":
        if (!opening.isDone) return opening.tooEarly();
        return service.cancel(message.id);
      case "invalid":
        counters.invalid++;
        options.logger.debug(`Not a request: ${printable(message.error.message)}`);
        return service.answerInvalid(message);
      case "ping":
        if (!opening.isDone) return opening.tooEarly();
        return sender.post({ kind: "pong", token: message.token });
      case "pong":
        return watch.pong();
      case "hello":
        return opening.onHello(message.hello);
      case "welcome":
        return opening.onWelcome(message.hello);
      case "goodbye":
        return this.#host.onGoodbye(message);
      default:
        // The codecs' switches are exhaustive; this one takes what they give, and messages of streams are none of it yet.
        return this.#host.broken(protocolError("The codec gave a message that the engine does not know"));
    }
  }

  #countMember({ kind }: Message): void {
    const { counters } = this.#host;
    if (kind === "call") counters.requests++;
    else if (kind === "notify") counters.notificationsReceived++;
    else if (kind === "invalid") counters.invalid++;
  }

  #settle(reply: ResultMessage | ErrorMessage): void {
    const { calls, counters, meter, options } = this.#host;
    const call = reply.id === null ? undefined : calls.take(reply.id);
    if (call === undefined) {
      counters.strays++;
      options.logger.debug(`A reply to nothing, id ${printable(String(reply.id))}, was ignored`);
      return;
    }
    if (reply.kind === "result") {
      counters.results++;
      meter.callEnded(call);
      return call.resolve(reply.value);
    }
    if (reply.error.executed === "no" && this.#host.takesOver(call, reply.error)) return;
    countCode(counters, "errorsByCode", reply.error.code);
    meter.callEnded(call);
    call.fail(RpcError.is(reply.error) ? reply.error : RpcError.remote(reply.error), true);
  }

  /**
   * Reading stops only while requests pile up and nobody here waits for a reply: a handler that calls back makes the
   * peer read again, so a reply never waits behind a request.
   */
  #mayPause(): Full {
    const { service, calls, sender, watch, options } = this.#host;
    if (service.waiting < options.limits.maxWaiting || this.#host.isClosed) return;
    if (calls.size + sender.unsentCalls > 0) return;
    if (this.#isStuck && service.ended === this.#ended) return;
    this.#isStuck = false;
    this.#ended = service.ended;
    this.#pausedAt = options.clock.now;
    // A channel that cannot pause brings more all the same: whoever was told to wait first must be told to go on, too.
    const before = this.#readOn;
    return new Promise((resolve) => {
      this.#readOn = () => {
        this.#readOn = undefined;
        watch.received(options.clock.now);
        resolve();
        before?.();
      };
    });
  }
}
