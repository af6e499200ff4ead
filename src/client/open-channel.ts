import type { Channel, CloseReason, Frame, Full } from "../core/channel.ts";
import { after, type Clock, checkMs, systemClock } from "../core/clock.ts";
import { type CloseOptions, farewellOf } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { type Limits, limitsOf } from "../core/limits.ts";
import { DEFAULT_HEARTBEAT } from "../core/liveness.ts";
import { type LoggerOption, loggerOf } from "../core/logger.ts";
import { Queue } from "../core/queue.ts";
import type { Dialer, Exchange, Wire } from "../core/wire.ts";
import { dialWithin } from "./dial.ts";

/** How a channel is opened. */
export interface OpenChannelOptions extends Partial<{ readonly [Name in keyof Limits]: number | undefined }> {
  /** Its framing cuts a pipe into frames; nothing else of it is used. */
  readonly wire?: Wire | undefined;
  /** How long the attempt may take. Default 20 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Where the transport says what happened; `false`: nowhere. Default: warnings and errors to stderr. */
  readonly logger?: LoggerOption;
  /** Time; tests turn it by hand. */
  readonly clock?: Clock | undefined;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 20_000;
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 15_000;
/** Past so many frames that nobody has taken the other side is made to wait. */
const MAX_KEPT = 16;

/**
 * Dials once and gives the frames themselves, without a codec, calls, a heartbeat or a second attempt: for those who write a
 * protocol or look into one. Rejects with an `RpcError` (`unavailable`, `deadline_exceeded`) when there is no connection. The
 * caller closes it.
 */
export async function openChannel(dial: Dialer, wire: Wire, options: OpenChannelOptions = {}): Promise<OpenChannel> {
  const { connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, clock = systemClock() } = options;
  const limits = limitsOf(options);
  const attempt = new AbortController();
  const why = `Cannot connect within ${checkMs("connectTimeoutMs", connectTimeoutMs)} ms`;
  const stop = after(clock, connectTimeoutMs, () =>
    attempt.abort(new RpcError("deadline_exceeded", why, { executed: "no" })),
  );
  try {
    const raw = await dialWithin(dial, attempt.signal, {
      wire,
      limits,
      heartbeat: DEFAULT_HEARTBEAT,
      handshakeTimeoutMs: DEFAULT_HANDSHAKE_TIMEOUT_MS,
      clock,
      logger: loggerOf(options.logger),
    });
    const channel = raw.channel ?? wire.framing(raw.pipe, { role: "client", limits, clock });
    return new OpenChannel(channel, raw);
  } finally {
    stop();
  }
}

/** Frames in, frames out. It is an `Exchange` too, so that one half of an authenticator can be run on it. */
export class OpenChannel implements Exchange, AsyncIterable<Frame>, AsyncDisposable {
  readonly remoteAddress: string | undefined;
  /** What the transport proved about the other side. */
  readonly identity: unknown;
  /** Resolves when the channel has ended; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #channel: Channel;
  readonly #frames = new Queue<Frame>();
  #waiting: { resolve(frame: Frame | undefined): void; reject(error: RpcError): void }[] = [];
  /** The other side says no more. */
  #hasEnded = false;
  #reason: CloseReason | undefined = undefined;
  /** Set while the channel is asked to bring nothing. */
  #readOn: (() => void) | undefined = undefined;

  /** Takes the channel, which nobody has opened. */
  constructor(channel: Channel, about: { readonly remoteAddress?: string; readonly identity?: unknown } = {}) {
    this.remoteAddress = about.remoteAddress;
    this.identity = about.identity;
    this.#channel = channel;
    this.closed = new Promise((resolve) => {
      channel.open({
        frames: (frames) => this.#take(frames),
        skipped: (_, error) => channel.close({ message: error.message, error }),
        ended: () => {
          this.#hasEnded = true;
          this.#tellEnded();
        },
        closed: (reason) => {
          this.#reason = reason;
          this.#tellEnded();
          resolve(reason);
        },
      });
    });
  }

  /** Sends a frame, text or bytes. Resolves when the channel takes more; rejects with `unavailable` once it has ended. */
  async send(frame: Frame): Promise<void> {
    if (this.#reason !== undefined) throw errorOf(this.#reason);
    await this.#channel.send([frame]);
  }

  /** The next frame. Rejects with `unavailable`, or with what broke the channel, when there will be none. */
  async receive(): Promise<Frame> {
    const frame = await this.#next();
    if (frame === undefined) throw errorOf(this.#reason ?? { message: "The other side sends no more" });
    return frame;
  }

  /** The frames until the channel ends; throws what broke it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, undefined> {
    for (let frame = await this.#next(); frame !== undefined; frame = await this.#next()) yield frame;
  }

  /** Sends what was given, then closes, with a code and a reason where the transport has them. May be called twice. */
  async close(options: Pick<CloseOptions, "code" | "reason"> = {}): Promise<void> {
    this.#channel.close(farewellOf(options));
    this.#readOn?.();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** `undefined` when there will be none. */
  #next(): Promise<Frame | undefined> {
    const frame = this.#frames.shift();
    if (frame !== undefined) {
      if (this.#frames.length === 0) this.#readOn?.();
      return Promise.resolve(frame);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#tellEnded();
    });
  }

  #take(frames: readonly Frame[]): Full {
    for (const frame of frames) {
      const first = this.#waiting.shift();
      if (first === undefined) this.#frames.push(frame);
      else first.resolve(frame);
    }
    if (this.#frames.length <= MAX_KEPT) return;
    return new Promise((resolve) => {
      this.#readOn = () => {
        this.#readOn = undefined;
        resolve();
      };
    });
  }

  #tellEnded(): void {
    const error = this.#reason?.error;
    if (this.#reason === undefined && !this.#hasEnded) return;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve(undefined);
      else reject(error);
    }
  }
}

function errorOf({ message, error, closeCode }: CloseReason): RpcError {
  return error ?? new RpcError("unavailable", message, { wireCode: closeCode });
}
