import { after, type Clock } from "../../core/clock.ts";
import { callsIn, givenUpBy } from "./outgoing-record.ts";

/** Records that wait for their turn before a sender is told "full", and how much text. */
const FULL_RECORDS = 256;
const FULL_LENGTH = 1 << 20;
/** How long a notification that is not answered keeps the others waiting. */
const HOLD_MS = 20_000;

/** One record, and the request that carries it. */
export interface Posting {
  readonly record: string;
  /** The calls in it that somebody waits for. */
  readonly ids: Set<string>;
  /** Nobody answers it. */
  readonly isNote: boolean;
  /** Ends the request. */
  readonly abort: AbortController;
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

  /** Takes a record. One that gives up a call takes that call's request with it. */
  add(record: string): void {
    const cancel = givenUpBy(record);
    if (cancel !== undefined) this.#giveUp(cancel.id);
    if (cancel?.isSaid === false) return;
    const ids = callsIn(record);
    this.#waiting.add({ record, ids, isNote: ids.size === 0, abort: new AbortController() });
    this.#waitingLength += record.length;
  }

  /** Gives the next that may leave; it counts as under way until `ended`. Calls that nobody waits for are left out. */
  next(): Posting | undefined {
    for (const posting of this.#waiting) {
      if (this.#active.size >= this.#maxActive || (this.#ordered && this.#holding > 0)) return undefined;
      this.#waiting.delete(posting);
      this.#waitingLength -= posting.record.length;
      if (!posting.isNote && posting.ids.size === 0) continue;
      this.#active.set(posting, posting.isNote ? this.#hold() : undefined);
      return posting;
    }
    return undefined;
  }

  ended(posting: Posting): void {
    this.#active.get(posting)?.();
    this.#active.delete(posting);
  }

  /** Nobody waits for any call any more; notifications still leave. */
  giveUpCalls(): void {
    for (const posting of [...this.#active.keys(), ...this.#waiting]) {
      posting.ids.clear();
      if (!posting.isNote) posting.abort.abort();
    }
  }

  /** Ends all of them. */
  clear(): void {
    this.#waiting.clear();
    this.#waitingLength = 0;
    for (const { abort } of this.#active.keys()) abort.abort();
  }

  #giveUp(id: string): void {
    for (const posting of [...this.#active.keys(), ...this.#waiting]) {
      if (posting.ids.delete(id) && posting.ids.size === 0) posting.abort.abort();
    }
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
