import { after, type Clock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import { type Courier, Missed } from "./courier.ts";
import { type Answering, readAnswering } from "./envelope.ts";
import type { Bytes } from "./fields.ts";

/** What a lane says, and how long the answer to it may be held. */
export interface Saying {
  readonly body: Bytes;
  readonly holdMs: number;
  /** The number of its first item, or of the next one. */
  readonly first: number;
  /** The items in it; without them it is only a question. */
  readonly items: readonly Bytes[];
  /** How many these are. */
  readonly count: number;
}

export interface LaneSetup {
  readonly courier: Courier;
  readonly link: string;
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  /** How long requests may fail one after the other. */
  readonly resumeMs: number;
  readonly maxRetryMs: number;
  /** Between 0 and 1, for how long it waits. */
  readonly random: () => number;
  /** Says anew what is to be said; asked for each request, and whether the one before was missed. */
  say(isRepeat: boolean): Saying;
  /** Gives whether it was of use; if not, the next request waits a while. */
  answered(answer: Answering, said: Saying, tookMs: number): boolean;
  /** Something on the way did not let a body pass, because of its size. Gives whether there is a smaller one to say. */
  tooLarge?(said: Saying, error: RpcError): boolean;
  /** The server means no, or could not be reached for too long. Nothing is sent any more. */
  failed(error: RpcError): void;
  /** It may be started again. */
  idle(): void;
}

/** The first wait before a request is repeated, at most; it doubles. */
const FIRST_RETRY_MS = 100;

/** Requests of a link that follow one another: each is repeated until it is answered. */
export class Lane {
  readonly #setup: LaneSetup;
  readonly #abort = new AbortController();
  #state: "idle" | "busy" | "waiting" | "stopped" = "idle";
  #stopWaiting: () => void = () => {};
  /** In a row. */
  #misses = 0;
  #missingSince = 0;
  #useless = 0;

  constructor(setup: LaneSetup) {
    this.#setup = setup;
  }

  /** Whether a request is under way, or waits to be repeated. */
  get isBusy(): boolean {
    return this.#state !== "idle";
  }

  /** Sends one, unless one is under way. */
  start(): void {
    if (this.#state === "idle") void this.#run();
  }

  /** Waits no longer before it repeats one. */
  hurry(): void {
    if (this.#state !== "waiting") return;
    this.#stopWaiting();
    void this.#run();
  }

  /** Ends it, and what is under way. */
  stop(): void {
    this.#state = "stopped";
    this.#stopWaiting();
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { courier, link, clock, maxFrameBytes, say, answered, idle } = this.#setup;
    this.#state = "busy";
    const began = clock.now;
    const said = say(this.#misses > 0);
    let answer: Answering;
    try {
      answer = readAnswering(await courier.post(link, said.body, said.holdMs, this.#abort.signal), maxFrameBytes);
    } catch (thrown) {
      return this.#missed(thrown, said);
    }
    if (this.#isStopped) return;
    this.#misses = 0;
    this.#state = "idle";
    const isUseful = answered(answer, said, clock.now - began);
    if (this.#state !== "idle") return;
    this.#useless = isUseful ? 0 : this.#useless + 1;
    // Once is nothing: the answer may have crossed another request.
    if (this.#useless > 1) this.#wait(this.#delay(this.#useless));
    else idle();
  }

  #missed(thrown: unknown, said: Saying): void {
    const { clock, resumeMs, failed, tooLarge } = this.#setup;
    if (this.#isStopped) return;
    if (RpcError.is(thrown) && thrown.wireCode === 413 && tooLarge?.(said, thrown) === true) return void this.#run();
    if (!(thrown instanceof Missed)) return failed(RpcError.from(thrown));
    if (this.#misses++ === 0) this.#missingSince = clock.now;
    const delay = Math.max(this.#delay(this.#misses), thrown.retryAfterMs);
    if (clock.now + delay - this.#missingSince <= resumeMs) return this.#wait(delay);
    const message = `The server could not be reached for ${Math.round(clock.now - this.#missingSince)} ms: ${thrown.message}`;
    failed(new RpcError("unavailable", message, { cause: thrown.cause }));
  }

  #delay(times: number): number {
    const { maxRetryMs, random } = this.#setup;
    return random() * Math.min(maxRetryMs, FIRST_RETRY_MS * 2 ** (times - 1));
  }

  #wait(delayMs: number): void {
    this.#state = "waiting";
    this.#stopWaiting = after(this.#setup.clock, delayMs, () => void this.#run());
  }

  get #isStopped(): boolean {
    return this.#state === "stopped";
  }
}
