import { idOfText } from "../../codecs/jsonrpc/id-text.ts";
import { after, type Clock } from "../../core/clock.ts";
import type { Id } from "../../core/message.ts";
import { callsIn } from "./outgoing-record.ts";

/** Records that wait for their turn before a sender is told "full", and how much text. */
const FULL_RECORDS = 256;
const FULL_LENGTH = 1 << 20;
/** How long a notification that is not answered keeps the others waiting. */
const HOLD_MS = 20_000;

/** One record, and the request that carries it. */
export interface Posting {
  readonly record: string;
  /** The calls in it that somebody waits for, by their ids as JSON text. */
  readonly ids: Set<string>;
  /** Nobody answers it. */
  readonly isNote: boolean;
  /** Ends the request. */
  readonly abort: AbortController;
  /** Something of it may be on its way to the server. */
  hasLeft: boolean;
  /** Resolves when the request has ended; there once it is under way. */
  done?: Promise<void>;
}

/**
 * The records of one link: those that wait, in their order, and those that are under way. On an ordered wire nothing leaves
 * after a notification before that has ended.
 */
export class PostQueue {
  readonly #maxActive: number;
  readonly #ordered: boolean;
  readonly #clock: Clock;
  readonly #onFree: () => void;
  readonly #waiting = new Set<Posting>();
  #waitingLength = 0;
  /** Those under way, and what ends the time for which a notification among them holds the others. */
  readonly #active = new Map<Posting, (() => void) | undefined>();
  /** Notifications for which the others wait. */
  #holding = 0;

  /** `onFree` is called when something may leave because a notification took too long. */
  constructor(maxActive: number, ordered: boolean, clock: Clock, onFree: () => void) {
    this.#maxActive = maxActive;
    this.#ordered = ordered;
    this.#clock = clock;
    this.#onFree = onFree;
  }

  get isFull(): boolean {
    return this.#waiting.size >= FULL_RECORDS || this.#waitingLength >= FULL_LENGTH;
  }

  /** A sender that was told "full" may go on. */
  get hasRoom(): boolean {
    return this.#waiting.size < FULL_RECORDS / 2 && this.#waitingLength < FULL_LENGTH / 2;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0 && this.#active.size === 0;
  }

  get active(): Posting[] {
    return [...this.#active.keys()];
  }

  /** The calls of which nothing has left this end. */
  get unsent(): Set<Id> {
    const unsent = this.#all.filter(({ hasLeft }) => !hasLeft);
    return new Set(unsent.flatMap(({ ids }) => [...ids].map(idOfText)));
  }

  add(record: string): void {
    const ids = callsIn(record);
    this.#waiting.add({ record, ids, isNote: ids.size === 0, abort: new AbortController(), hasLeft: false });
    this.#waitingLength += record.length;
  }

  /** Gives the next that may leave; it counts as under way until `ended`. */
  next(): Posting | undefined {
    if (this.#active.size >= this.#maxActive || (this.#ordered && this.#holding > 0)) return undefined;
    const [posting] = this.#waiting;
    if (posting === undefined) return undefined;
    this.#takeOut(posting);
    this.#active.set(posting, posting.isNote ? this.#hold() : undefined);
    return posting;
  }

  ended(posting: Posting): void {
    this.#active.get(posting)?.();
    this.#active.delete(posting);
  }

  /** Nobody waits for the call any more, whose id is given as JSON text: a request with nothing else in it ends. */
  giveUp(id: string): void {
    // Calls mostly end in the order in which they were made: the first that is looked at has it.
    for (const postings of [this.#active.keys(), this.#waiting]) {
      for (const posting of postings) if (posting.ids.delete(id)) return this.#endUnwanted(posting);
    }
  }

  /** Nobody waits for any call any more; notifications still leave. */
  giveUpCalls(): void {
    for (const posting of this.#all) {
      posting.ids.clear();
      this.#endUnwanted(posting);
    }
  }

  /** Ends all of them. */
  clear(): void {
    this.#waiting.clear();
    this.#waitingLength = 0;
    for (const { abort } of this.#active.keys()) abort.abort();
  }

  get #all(): Posting[] {
    return [...this.#active.keys(), ...this.#waiting];
  }

  #endUnwanted(posting: Posting): void {
    if (posting.isNote || posting.ids.size > 0) return;
    if (this.#waiting.has(posting)) this.#takeOut(posting);
    else posting.abort.abort();
  }

  #takeOut(posting: Posting): void {
    this.#waiting.delete(posting);
    this.#waitingLength -= posting.record.length;
  }

  #hold(): () => void {
    this.#holding++;
    let isHolding = true;
    const letPass = (): void => {
      if (isHolding) this.#holding--;
      isHolding = false;
      stop();
    };
    const stop = after(this.#clock, HOLD_MS, () => {
      letPass();
      this.#onFree();
    });
    return letPass;
  }
}
