import type { CloseReason } from "../../core/channel.ts";
import { after, type Clock } from "../../core/clock.ts";

/** How long a server is left alone that does not say how long; twice that if it was of no use since, and so on. */
const REST_MS = 1000;
const MAX_REST_MS = 10_000;

/** A time in which nothing new is sent, because the server, or something on the way to it, cannot answer now. */
export class Rest {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #reason: CloseReason | undefined = undefined;
  #until = 0;
  /** In a row. */
  #times = 0;
  #stop: () => void = () => {};
  #over: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};

  /** `onOver` is called when something may be sent again. */
  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  /** Why nothing may be sent now, with what is left of the time that was asked for. */
  get reason(): CloseReason | undefined {
    if (this.#reason?.redialAfterMs === undefined) return this.#reason;
    return { ...this.#reason, redialAfterMs: Math.max(0, this.#until - this.#clock.now) };
  }

  /** Resolves when it has ended. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Begins, or goes on for longer. */
  begin(reason: CloseReason): void {
    const { now } = this.#clock;
    const isNew = this.#reason === undefined;
    if (isNew) this.#times++;
    const ms = reason.redialAfterMs ?? Math.min(MAX_REST_MS, REST_MS * 2 ** (this.#times - 1));
    if (!isNew && now + ms < this.#until) return;
    this.#stop();
    this.#reason = reason;
    this.#until = now + ms;
    this.#stop = after(this.#clock, ms, () => {
      this.end();
      this.#onOver();
    });
    if (!isNew) return;
    this.#over = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** The server is of use. */
  answered(): void {
    this.#times = 0;
  }

  /** Ends it before its time. */
  end(): void {
    this.#stop();
    this.#reason = undefined;
    this.#wake();
  }
}
