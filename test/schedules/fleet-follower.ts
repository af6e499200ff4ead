import { RpcError } from "../../src/core/errors.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Watching } from "../../src/fleet/watching.ts";
import type { Tally } from "./fleet-tally.ts";

/** Knows who is there by asking once, and by the events from then on. */
export class Follower {
  /** Events so far. */
  seen = 0;
  /** By the events. */
  readonly #there: Set<string>;
  readonly #abort = new AbortController();
  readonly #events: Watching;
  readonly #fleet: Fleet;
  readonly #tally: Tally;

  constructor(fleet: Fleet, tally: Tally) {
    this.#fleet = fleet;
    this.#tally = tally;
    this.#events = fleet.watch({ signal: this.#abort.signal });
    this.#there = new Set(fleet.list().map(({ name }) => name));
    tally.open++;
    void this.#follow();
  }

  /** Everything stands still: the events told of all who are there. */
  check(): void {
    const names = this.#fleet.list().map(({ name }) => name);
    if (names.length === this.#there.size && names.every((name) => this.#there.has(name))) return;
    this.#tally.fault(`listed ${names.join()} where events tell of ${[...this.#there].join()}`);
  }

  /** By the signal, or as one leaves the loop. */
  stop(how: "signal" | "return"): void {
    if (how === "signal") this.#abort.abort();
    else void this.#events.return();
  }

  async #follow(): Promise<void> {
    for await (const { kind, member } of this.#events) {
      this.seen++;
      const known = this.#there.has(member);
      if (known !== (kind !== "joined"))
        this.#tally.fault(`${member} has ${kind}, and was ${known ? "" : "not "}there`);
      if (kind === "left") this.#there.delete(member);
      else this.#there.add(member);
    }
    this.#tally.open--;
  }
}

/** Asks for events and reads none of them before the end. */
export class Sleeper {
  readonly #events: Watching;
  readonly #abort = new AbortController();
  readonly #maxBehind: number;
  readonly #before: number;

  /** `before`: events so far. */
  constructor(fleet: Fleet, maxBehind: number, before: number) {
    this.#events = fleet.watch({ maxBehind, signal: this.#abort.signal });
    this.#maxBehind = maxBehind;
    this.#before = before;
  }

  /** Reads what waits, and says what is wrong with it; `now`: events so far. */
  async wake(now: number): Promise<string | undefined> {
    this.#abort.abort();
    const missed = now - this.#before;
    let read = 0;
    let isTold = false;
    try {
      for await (const _ of this.#events) read++;
    } catch (thrown) {
      isTold = RpcError.is(thrown) && thrown.code === "resource_exhausted";
    }
    const isRight = isTold === missed > this.#maxBehind && read === Math.min(missed, this.#maxBehind);
    return isRight ? undefined : `who slept over ${missed} events read ${read}${isTold ? ", and was told so" : ""}`;
  }
}
