import { RpcError } from "./errors.ts";
import type { Outgoing } from "./outgoing.ts";
import { OutgoingBatch, type OutgoingCall } from "./outgoing.ts";

/** What waits to be sent, in order. A client has one for the time without a link; each peer has one. */
export class Outbox {
  #queue: Outgoing[] = [];
  #calls = 0;
  /** Calls in the queue that have settled since: they are left out when their turn comes. */
  #settled = 0;
  /** Where the search for the oldest unsent call goes on. */
  #oldest = 0;
  /** No call in here ends before this. */
  #earliest = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.#queue.length;
  }

  /** Unsent calls; settled ones are not counted. */
  get calls(): number {
    return this.#calls;
  }

  /** Returns the new length. */
  push(message: Outgoing): number {
    if (message.kind === "call") this.#count(message);
    else if (message instanceof OutgoingBatch) for (const call of callsOf(message)) this.#count(call);
    return this.#queue.push(message);
  }

  /** Takes up to `count` messages; settled calls vanish here, so that a call which was cancelled in time is never sent. */
  take(count: number): Outgoing[] {
    let taken = this.#queue;
    if (taken.length <= count) {
      this.#queue = [];
      this.#calls = 0;
    } else {
      taken = this.#queue.splice(0, count);
      for (const message of taken) this.#calls -= callsOf(message).length;
    }
    this.#oldest = 0;
    if (this.#settled === 0) return taken;
    if (this.#queue.length === 0) this.#settled = 0;
    return live(taken);
  }

  /** Takes every message that `wanted` names and leaves the others in order. */
  extract<Kept extends Outgoing>(wanted: (message: Outgoing) => message is Kept): Kept[] {
    const taken: Kept[] = [];
    for (const message of this.take(Number.POSITIVE_INFINITY)) {
      if (wanted(message)) taken.push(message);
      else this.push(message);
    }
    return taken;
  }

  /** Notes that a call in here has settled. */
  forget(): void {
    this.#calls--;
    if (++this.#settled * 2 < this.#queue.length) return;
    this.#queue = live(this.#queue);
    this.#settled = 0;
    this.#oldest = 0;
  }

  /** Makes room for so many more calls within the limit, at the cost of the oldest ones; false when there is none. */
  makeRoom(calls: number, limit: number): boolean {
    if (calls > limit) return false;
    while (this.#calls + calls > limit) if (!this.dropOldest(limit)) return false;
    return true;
  }

  /** Fails the oldest unsent call to make room; false when there is none. */
  dropOldest(limit: number): boolean {
    for (; this.#oldest < this.#queue.length; this.#oldest++) {
      const message = this.#queue[this.#oldest];
      const call = message === undefined ? undefined : callsOf(message)[0];
      if (call === undefined) continue;
      const why = `Cannot call "${call.method}": more than ${limit} calls wait to be sent`;
      call.fail(new RpcError("resource_exhausted", why, { executed: "no" }));
      this.forget();
      return true;
    }
    return false;
  }

  /** Fails unsent calls whose time is over, and returns how many. */
  expire(now: number): number {
    if (now < this.#earliest || this.#calls === 0) return 0;
    this.#earliest = Number.POSITIVE_INFINITY;
    let expired = 0;
    for (const message of [...this.#queue]) {
      for (const call of callsOf(message)) {
        if (call.deadline > now) {
          if (call.deadline < this.#earliest) this.#earliest = call.deadline;
          continue;
        }
        const why = `Cannot call "${call.method}": it was not sent in time`;
        call.fail(new RpcError("deadline_exceeded", why, { executed: "no" }));
        this.forget();
        expired++;
      }
    }
    return expired;
  }

  #count(call: OutgoingCall): void {
    this.#calls++;
    if (call.deadline < this.#earliest) this.#earliest = call.deadline;
  }
}

/** The unsettled calls of a message of this end. */
function callsOf(message: Outgoing): readonly OutgoingCall[] {
  if (message.kind === "call") return message.settled ? [] : [message];
  if (!(message instanceof OutgoingBatch)) return [];
  return message.messages.filter((member): member is OutgoingCall => member.kind === "call" && !member.settled);
}

function live(messages: readonly Outgoing[]): Outgoing[] {
  const kept: Outgoing[] = [];
  for (const message of messages) {
    if (message instanceof OutgoingBatch) {
      const members = message.messages.filter((member) => member.kind !== "call" || !member.settled);
      if (members.length === message.messages.length) kept.push(message);
      else if (members.length > 0) kept.push(new OutgoingBatch(members));
    } else if (message.kind !== "call" || !message.settled) kept.push(message);
  }
  return kept;
}
