import { RpcError } from "../core/errors.ts";
import { Queue } from "../core/queue.ts";
import type { MemberInfo } from "./member.ts";
import { checkCount } from "./options.ts";

/** Who came or went. `replaced`: the name now belongs to another link, and `info` is about that one. */
export interface FleetEvent {
  readonly kind: "joined" | "left" | "replaced";
  readonly member: string;
  readonly info: MemberInfo;
  /** Why it left. */
  readonly reason?: string;
}

/** How somebody watches a fleet. */
export interface WatchOptions {
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Events that may wait to be read; one more, and the loop throws `resource_exhausted`. Default 1024. */
  readonly maxBehind?: number | undefined;
}

/** The events of a fleet from the moment when it was asked. Leaving the loop ends it. */
export class Watching implements AsyncIterableIterator<FleetEvent, undefined> {
  readonly #events = new Queue<FleetEvent>();
  readonly #maxBehind: number;
  readonly #signal: AbortSignal | undefined;
  readonly #ended: (watching: Watching) => void;
  #waiting: (() => void)[] = [];
  #isOver = false;
  #error: RpcError | undefined = undefined;

  /** `ended` is called once. Throws `RangeError` for a wrong `maxBehind`. */
  constructor({ signal, maxBehind = 1024 }: WatchOptions, ended: (watching: Watching) => void) {
    this.#maxBehind = checkCount("maxBehind", maxBehind);
    this.#signal = signal;
    this.#ended = ended;
    if (signal?.aborted === true) this.#isOver = true;
    else signal?.addEventListener("abort", this.#end, { once: true });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  push(event: FleetEvent): void {
    if (this.#isOver) return;
    if (this.#events.length < this.#maxBehind) {
      this.#events.push(event);
      return this.#wake();
    }
    const why = `${this.#maxBehind} events wait to be read: list the members and watch again`;
    this.#error = new RpcError("resource_exhausted", `Cannot watch the fleet any longer: ${why}`);
    this.#end();
  }

  async next(): Promise<IteratorResult<FleetEvent, undefined>> {
    for (;;) {
      const event = this.#events.length === 0 ? undefined : this.#events.shift();
      if (event !== undefined) return { done: false, value: event };
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      if (this.#isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<FleetEvent, undefined>> {
    this.#events.takeAll();
    this.#end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #end = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener("abort", this.#end);
    this.#ended(this);
    this.#wake();
  };

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
