import type { Id } from "./message.ts";

/** The bits that are scrambled: as many as a small integer has, which a `Map` keeps without an object. */
const LOW = 0x7fff_ffff;

/**
 * A map whose keys are the ids of calls. A `Map` alone hashes numbers without a secret, so that a peer can choose ids that
 * all stand at one place of it, and n of them would take n² steps. Here numbers are scrambled first, by two random words.
 * Texts stay as they are: their hash has a secret.
 */
export class IdMap<Entry> {
  readonly #entries = new Map<Id, Entry>();
  readonly #flip = randomBits();
  readonly #times = randomBits() | 1;

  has(id: Id): boolean {
    return this.#entries.has(this.#key(id));
  }

  get(id: Id): Entry | undefined {
    return this.#entries.get(this.#key(id));
  }

  set(id: Id, entry: Entry): void {
    this.#entries.set(this.#key(id), entry);
  }

  delete(id: Id): void {
    this.#entries.delete(this.#key(id));
  }

  values(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** A key for each id, and another one for another id: the upper bits stay, and each step on the lower ones can be undone. */
  #key(id: Id): Id {
    if (typeof id === "string" || !Number.isSafeInteger(id)) return id;
    const low = id & LOW;
    let word = Math.imul(low ^ this.#flip, this.#times) & LOW;
    word = Math.imul(word ^ (word >>> 15), this.#times) & LOW;
    return id - low + (word ^ (word >>> 16));
  }
}

function randomBits(): number {
  return Math.floor(Math.random() * (LOW + 1));
}
