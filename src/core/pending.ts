import type { Id } from "./message.ts";
import type { OutgoingCall } from "./outgoing.ts";

/** Places of a link with few calls under way; a power of two. */
const LEAST_PLACES = 16;
const MOST_IDLE_PLACES = 4096;

/**
 * The calls of one link that were sent and have not settled. The only such table in the library. Ids count up, so a call
 * stands at the place that its id says; one that outlasts a whole round of the ring moves to a map. A map alone would do,
 * but each time it grows anew its old table keeps what it held alive until the next full collection, and at 100 000 calls a
 * second that halves the speed.
 */
export class Pending {
  nextId = 1;
  #ring: (OutgoingCall | undefined)[] = [];
  readonly #stragglers = new Map<Id, OutgoingCall>();
  #size = 0;
  /** No call ends before this. */
  #earliest = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  get(id: Id): OutgoingCall | undefined {
    const call = typeof id === "number" ? this.#ring[id & (this.#ring.length - 1)] : undefined;
    return call?.id === id ? call : this.#stragglers.get(id);
  }

  /** Gives the call its id on this link: from here on it may have run. */
  add(call: OutgoingCall): void {
    call.id = this.nextId++;
    call.sent = true;
    if (call.deadline < this.#earliest) this.#earliest = call.deadline;
    this.#size++;
    this.#place(call, call.id);
  }

  take(id: Id): OutgoingCall | undefined {
    const call = this.get(id);
    if (call === undefined) return undefined;
    this.#size--;
    const place = (id as number) & (this.#ring.length - 1);
    if (this.#ring[place] === call) this.#ring[place] = undefined;
    else this.#stragglers.delete(id);
    // After a flood the places are given back.
    if (this.#size === 0 && this.#ring.length > MOST_IDLE_PLACES) this.#ring = [];
    return call;
  }

  /** In the order of their ids. */
  takeAll(): OutgoingCall[] {
    const calls = this.#all();
    this.#ring = [];
    this.#stragglers.clear();
    this.#size = 0;
    return calls.sort((one, other) => (one.id as number) - (other.id as number));
  }

  /** Takes the calls whose time is over. */
  expire(now: number): OutgoingCall[] {
    if (now < this.#earliest) return [];
    const over: OutgoingCall[] = [];
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const call of this.#all()) {
      if (call.deadline <= now) over.push(call);
      else if (call.deadline < this.#earliest) this.#earliest = call.deadline;
    }
    for (const call of over) this.take(call.id);
    return over;
  }

  #place(call: OutgoingCall, id: number): void {
    const place = id & (this.#ring.length - 1);
    const before = this.#ring[place];
    if (before === undefined && this.#ring.length > 0) this.#ring[place] = call;
    // Most places are free: the one that stands here is far older than all others.
    else if (before !== undefined && this.#size * 4 < this.#ring.length) {
      this.#stragglers.set(before.id, before);
      this.#ring[place] = call;
    } else {
      this.#grow();
      this.#place(call, id);
    }
  }

  #grow(): void {
    const calls = this.#ring.filter((call) => call !== undefined);
    this.#ring = new Array<OutgoingCall | undefined>(Math.max(LEAST_PLACES, this.#ring.length * 2)).fill(undefined);
    // Two that share no place in the smaller ring share none in this one.
    for (const call of calls) this.#ring[(call.id as number) & (this.#ring.length - 1)] = call;
  }

  #all(): OutgoingCall[] {
    return [...this.#stragglers.values(), ...this.#ring.filter((call) => call !== undefined)];
  }
}
