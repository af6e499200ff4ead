import { IdTable } from "./id-table.ts";
import type { Id } from "./message.ts";
import type { OutgoingCall } from "./outgoing.ts";

/** From here on there are as many ids left as a link can ever use. */
const MAX_FIRST_ID = 2 ** 52;

/** The calls of one link that were sent and have not settled. The only such table in the library. */
export class Pending {
  nextId = 1;
  readonly #calls = new IdTable<OutgoingCall>();
  /** No call ends before this. */
  #earliest = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#calls.size;
  }

  get(id: Id): OutgoingCall | undefined {
    return this.#calls.get(id);
  }

  /** The other side wants ids from here on. One from which nobody could count on is passed over: ids must differ. */
  from(id: number): void {
    if (id <= MAX_FIRST_ID) this.nextId = id;
  }

  /** Gives the call its id on this link: from here on it may have run. */
  add(call: OutgoingCall): void {
    call.id = this.nextId++;
    call.sent = true;
    if (call.deadline < this.#earliest) this.#earliest = call.deadline;
    this.#calls.set(call.id, call);
  }

  take(id: Id): OutgoingCall | undefined {
    return this.#calls.delete(id);
  }

  /** In the order of their ids. */
  takeAll(): OutgoingCall[] {
    const calls = this.#calls.values();
    this.#calls.clear();
    return calls.sort((one, other) => (one.id as number) - (other.id as number));
  }

  /** Takes the calls whose time is over. */
  expire(now: number): OutgoingCall[] {
    if (now < this.#earliest) return [];
    const over: OutgoingCall[] = [];
    this.#earliest = Number.POSITIVE_INFINITY;
    for (const call of this.#calls.values()) {
      if (call.deadline <= now) over.push(call);
      else if (call.deadline < this.#earliest) this.#earliest = call.deadline;
    }
    for (const call of over) this.#calls.delete(call.id);
    return over;
  }
}
