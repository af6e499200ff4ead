import type { Clock } from "./clock.ts";

/** A link, as the rounds see it. */
export interface Visited {
  /** Kept by the rounds: whether it is visited on the next tick. */
  isAwake: boolean;
  /** Kept by the rounds: the slot of time in which it is woken; 0 for none. */
  wakesIn: number;
  /** Does what is due, and says when it wants the next visit if nothing happens before: now or earlier for each tick. */
  visit(now: number): number;
  /** This process stood still for so long: the silence was nobody else's. */
  excuse(pausedMs: number): void;
}

/** How finely sleeping links are sorted by the time of their next visit. */
const SLOT_MS = 256;

/**
 * Visits the links of one end: those for which something runs out on every tick of the clock, all others only when their
 * silence must be judged. Ten thousand idle links then cost next to nothing.
 */
export class Rounds {
  readonly #clock: Clock;
  readonly #links = new Set<Visited>();
  readonly #awake = new Set<Visited>();
  /** Those that sleep, by the slot of time in which they wake; each stands in one at most. */
  readonly #asleep = new Map<number, Set<Visited>>();
  #slot = 0;
  #stop: (() => void) | undefined = undefined;
  /** Set while a link is awake: what it waits for may have no socket that would keep the process alive. */
  #letGo: (() => void) | undefined = undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(link: Visited): void {
    if (this.#links.size === 0) this.#slot = slotOf(this.#clock.now);
    this.#links.add(link);
    this.wake(link);
    this.#stop ??= this.#clock.onTick((now, pausedMs) => this.#tick(now, pausedMs));
  }

  leave(link: Visited): void {
    this.#links.delete(link);
    this.#awake.delete(link);
    // A link that has ended is not kept until the time of its next visit.
    this.#unlist(link);
    this.#rest();
    if (this.#links.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Something happened on the link: it is visited on the next tick. One that has left stays away. */
  wake(link: Visited): void {
    if (!this.#links.has(link)) return;
    link.isAwake = true;
    this.#awake.add(link);
    this.#letGo ??= this.#clock.hold?.();
  }

  #tick(now: number, pausedMs: number): void {
    // After a pause of this process what came meanwhile is read first: the next tick judges.
    if (pausedMs > 0) {
      for (const link of this.#links) link.excuse(pausedMs);
      return;
    }
    const slot = slotOf(now);
    if (slot > this.#slot) {
      this.#slot = slot;
      for (const each of this.#asleep.keys()) if (each <= slot) this.#wakeSlot(each);
    }
    for (const link of this.#awake) this.#visit(link, now);
    this.#rest();
  }

  #rest(): void {
    if (this.#awake.size > 0) return;
    this.#letGo?.();
    this.#letGo = undefined;
  }

  #wakeSlot(slot: number): void {
    const links = this.#asleep.get(slot);
    if (links === undefined) return;
    this.#asleep.delete(slot);
    for (const link of links) {
      link.wakesIn = 0;
      this.wake(link);
    }
  }

  #visit(link: Visited, now: number): void {
    const due = link.visit(now);
    const slot = slotOf(due);
    if (slot <= this.#slot || !this.#links.has(link)) return;
    this.#awake.delete(link);
    link.isAwake = false;
    // It may be listed from an earlier sleep: an early visit harms nobody.
    if (due === Number.POSITIVE_INFINITY || (link.wakesIn > this.#slot && link.wakesIn <= slot)) return;
    this.#unlist(link);
    link.wakesIn = slot;
    const links = this.#asleep.get(slot);
    if (links === undefined) this.#asleep.set(slot, new Set([link]));
    else links.add(link);
  }

  #unlist(link: Visited): void {
    const links = this.#asleep.get(link.wakesIn);
    if (links?.delete(link) === true && links.size === 0) this.#asleep.delete(link.wakesIn);
    link.wakesIn = 0;
  }
}

function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}
