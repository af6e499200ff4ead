import { nameOf, RpcError } from "../core/errors.ts";
import type { Forms } from "../core/message.ts";
import type { Begun, CallListener } from "../core/outgoing.ts";
import { checkCount } from "./options.ts";

/** How the call to one member ended. */
export type Outcome<Value = unknown> =
  | { readonly member: string; readonly ok: true; readonly value: Value }
  | { readonly member: string; readonly ok: false; readonly error: RpcError };

/** What a fan-out is made with. */
export interface FanOutSetup {
  readonly method: string;
  /** The members' names. */
  readonly members: readonly string[];
  /** Calls the member at this place. Never throws. */
  readonly begin: (at: number, listener: CallListener) => Begun;
  readonly first?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ENOUGH = "enough members have answered";

/**
 * One call to many members, which has begun when there is one. Iterate it for the outcomes in order of arrival, or await it
 * for all of them as a list: exactly one for each member. Leaving the loop gives up what is still under way.
 */
export class FanOut<Value = unknown> implements AsyncIterable<Outcome<Value>>, PromiseLike<Outcome<Value>[]> {
  /** The names of those that are called. */
  readonly members: readonly string[];
  readonly #setup: FanOutSetup;
  readonly #first: number;
  readonly #concurrency: number;
  readonly #outcomes: Outcome<Value>[] = [];
  readonly #calls: Begun[] = [];
  /** The params are encoded once for each wire, not once for each member. */
  readonly #forms: Forms = new Map();
  /** Who waits for one more outcome. */
  #waiting: (() => void)[] = [];
  /** Who waits for the last one: not woken for each, which would cost more than the outcome. */
  #waitingForAll: (() => void)[] = [];
  #started = 0;
  #underWay = 0;
  #successes = 0;
  #isGivenUp = false;
  #isStarting = false;

  /** Throws `RangeError` for a wrong `first` or `concurrency`. */
  constructor(setup: FanOutSetup) {
    this.members = setup.members;
    this.#setup = setup;
    this.#first = checkCount("first", setup.first ?? Number.POSITIVE_INFINITY);
    this.#concurrency = checkCount("concurrency", setup.concurrency ?? Number.POSITIVE_INFINITY);
    const { signal } = setup;
    if (!this.#isDone) signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#giveUp(signal.reason);
    this.#start();
  }

  /** Gives up what is still under way: its outcomes are `cancelled`. */
  cancel(): void {
    this.#giveUp(new RpcError("cancelled", "the caller gave up"));
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaitable on purpose.
  then<Result = Outcome<Value>[], Failure = never>(
    onDone?: ((outcomes: Outcome<Value>[]) => Result | PromiseLike<Result>) | null,
    onFailed?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#all().then(onDone, onFailed);
  }

  [Symbol.asyncIterator](): AsyncIterator<Outcome<Value>, undefined> {
    let at = 0;
    return {
      next: async () => {
        const mine = at++;
        while (mine >= this.#outcomes.length && !this.#isDone) await this.#more();
        const value = this.#outcomes[mine];
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      return: async () => {
        at = Number.POSITIVE_INFINITY;
        this.cancel();
        return { done: true, value: undefined };
      },
    };
  }

  get #isDone(): boolean {
    return this.#outcomes.length === this.members.length;
  }

  async #all(): Promise<Outcome<Value>[]> {
    if (!this.#isDone) await new Promise<void>((resolve) => this.#waitingForAll.push(resolve));
    return [...this.#outcomes];
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): void {
    // A call may fail while it begins.
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#underWay < this.#concurrency && this.#started < this.members.length && !this.#isGivenUp) {
      const at = this.#started++;
      this.#underWay++;
      const member = this.members[at] as string;
      this.#calls.push(this.#setup.begin(at, new Asked(member, this.#forms, this.#settle)));
    }
    this.#isStarting = false;
  }

  readonly #settle = (outcome: Outcome<Value>): void => {
    this.#underWay--;
    if (outcome.ok && ++this.#successes > this.#first) this.#add(this.#surplus(outcome.member));
    else this.#add(outcome);
    if (this.#successes >= this.#first) this.#giveUp(new RpcError("cancelled", ENOUGH));
    this.#start();
  };

  /** Who answered in the same moment as the last of the first ones. */
  #surplus(member: string): Outcome<Value> {
    const error = new RpcError("cancelled", `Gave up "${this.#setup.method}": ${ENOUGH}`, { executed: "yes" });
    return { member, ok: false, error };
  }

  #add(outcome: Outcome<Value>): void {
    this.#outcomes.push(outcome);
    if (this.#waiting.length > 0) for (const wake of this.#waiting.splice(0)) wake();
    if (!this.#isDone) return;
    if (!this.#isGivenUp) this.#setup.signal?.removeEventListener("abort", this.#onAbort);
    for (const wake of this.#waitingForAll.splice(0)) wake();
  }

  readonly #onAbort = (): void => this.#giveUp(this.#setup.signal?.reason);

  #giveUp(reason: unknown): void {
    if (this.#isGivenUp || this.#isDone) return;
    this.#isGivenUp = true;
    this.#setup.signal?.removeEventListener("abort", this.#onAbort);
    const { method } = this.#setup;
    const why = RpcError.is(reason) ? reason.message : "it was cancelled";
    const isLate = nameOf(reason) === "TimeoutError";
    for (; this.#started < this.members.length; this.#started++) {
      const error = new RpcError(isLate ? "deadline_exceeded" : "cancelled", `Cannot call "${method}": ${why}`, {
        cause: reason,
        executed: "no",
      });
      this.#add({ member: this.members[this.#started] as string, ok: false, error });
    }
    for (const call of this.#calls) call.giveUp(reason);
  }
}

/** One member that was called. */
class Asked<Value> implements CallListener {
  readonly forms: Forms;
  readonly #member: string;
  readonly #settle: (outcome: Outcome<Value>) => void;

  constructor(member: string, forms: Forms, settle: (outcome: Outcome<Value>) => void) {
    this.forms = forms;
    this.#member = member;
    this.#settle = settle;
  }

  resolved(value: unknown): void {
    // Who called says what type it is, and may have had it checked.
    this.#settle({ member: this.#member, ok: true, value: value as Value });
  }

  rejected(error: RpcError): void {
    this.#settle({ member: this.#member, ok: false, error });
  }
}
