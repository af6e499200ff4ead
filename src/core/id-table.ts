import { IdMap } from "./id-map.ts";
import type { Id } from "./message.ts";

/** Places of a table with few entries; a power of two. */
const LEAST_PLACES = 16;
const MOST_IDLE_PLACES = 4096;
/** The ring of a table that has held nothing yet: most links are idle. Nobody writes to it. */
const NOTHING: never[] = [];
/** The ring is not made larger for entries that stand in one another's way when so few of its places are taken. */
const SPARSE = 4;

/**
 * Finds entries by the id of a call. Ids mostly count up, so an entry stands at the place in a ring that its id says; one
 * that outlasts a whole round, and one whose id is no whole number, is in a map. A map alone would do, but each time it is
 * made anew its old table keeps what it held alive until the next full collection, and with 100 000 calls a second that
 * costs a third of the speed. Whatever ids a peer chooses, the ring has at most a few times as many places as there are entries.
 */
export class IdTable<Entry> {
  #ring: (Entry | undefined)[] = NOTHING;
  /** The ids of what stands in the ring. */
  #ids: number[] = NOTHING;
  #others: IdMap<Entry> | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: Id): Entry | undefined {
    if (typeof id === "number") {
      const place = id & (this.#ring.length - 1);
      if (this.#ids[place] === id) {
        const entry = this.#ring[place];
        if (entry !== undefined) return entry;
      }
    }
    return this.#others?.get(id);
  }

  /** Adds an entry, in place of another one with this id. */
  set(id: Id, entry: Entry): void {
    this.delete(id);
    this.#size++;
    if (typeof id === "number") this.#place(id, entry);
    else this.#setAside(id, entry);
  }

  delete(id: Id): Entry | undefined {
    const entry = this.get(id);
    if (entry === undefined) return undefined;
    this.#size--;
    const place = typeof id === "number" ? id & (this.#ring.length - 1) : -1;
    if (this.#ids[place] === id && this.#ring[place] === entry) this.#ring[place] = undefined;
    else this.#others?.delete(id);
    // After a flood the places are given back.
    if (this.#size === 0 && this.#ring.length > MOST_IDLE_PLACES) this.clear();
    return entry;
  }

  /** All entries, in no order. */
  values(): Entry[] {
    return [...(this.#others?.values() ?? []), ...this.#ring.filter((entry) => entry !== undefined)];
  }

  clear(): void {
    this.#ring = NOTHING;
    this.#ids = NOTHING;
    this.#others = undefined;
    this.#size = 0;
  }

  #place(id: number, entry: Entry): void {
    const places = this.#ring.length;
    const place = id & (places - 1);
    const before = this.#ring[place];
    if (before !== undefined && this.#size * SPARSE < places) {
      // Most places are free: what stands here is far older than all others.
      this.#setAside(this.#ids[place] as number, before);
    } else if (before !== undefined || places === 0) {
      this.#grow();
      return this.#place(id, entry);
    }
    this.#ring[place] = entry;
    this.#ids[place] = id;
  }

  #setAside(id: Id, entry: Entry): void {
    this.#others ??= new IdMap();
    this.#others.set(id, entry);
  }

  #grow(): void {
    const ring = this.#ring;
    const ids = this.#ids;
    const places = Math.max(LEAST_PLACES, ring.length * 2);
    this.#ring = new Array<Entry | undefined>(places).fill(undefined);
    this.#ids = new Array<number>(places).fill(0);
    for (const [at, entry] of ring.entries()) {
      if (entry === undefined) continue;
      // Two that share no place in the smaller ring share none in this one.
      const id = ids[at] as number;
      this.#ring[id & (places - 1)] = entry;
      this.#ids[id & (places - 1)] = id;
    }
  }
}
