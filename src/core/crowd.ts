import { RpcError } from "./errors.ts";

/** Maps with fewer entries are filled fast, whatever their keys are. */
export const CROWD = 256;
/** Keys that may stand before another one at its place, on average. With keys that nobody chose to collide it is about one. */
const MEAN_BEFORE = 64;
/** And this many in all, so that some 700 keys may share one place: multiples of 2^64, say, do. */
const FREE_BEFORE = 1 << 18;

/**
 * Counts what it takes to fill a map with a peer's keys. The hash of texts has a secret; that of numbers and bigints has
 * none, so that a peer can choose keys that all stand at one place of a `Map`, and n of them take n² steps: 64 000 bigints
 * 20 seconds. A count by the same hash tells them from honest keys, which no bound on their number could. Where an engine
 * hashes in another way nothing is refused, and nothing prevented.
 */
export class Crowd {
  readonly #map: ReadonlyMap<unknown, unknown>;
  /** How many keys stand at each place; as V8 has it, half as many places as there is room for keys. */
  #places = new Uint32Array(0);
  #size = 0;
  #entries = CROWD;
  #before = 0;

  /** For a map that has got `CROWD` entries. */
  constructor(map: ReadonlyMap<unknown, unknown>) {
    this.#map = map;
  }

  /** To be called after each further entry. Throws `RpcError` when its key, and those before it, stand too close together. */
  add(key: unknown): void {
    this.#entries++;
    const { size } = this.#map;
    if (size > this.#places.length * 2) return this.#spread(size);
    const hash = hashOf(key);
    if (hash === undefined) return;
    const place = hash & (this.#places.length - 1);
    const before = this.#places[place] as number;
    this.#before += before;
    if (this.#before > FREE_BEFORE + MEAN_BEFORE * this.#entries) throw crowded();
    // A key that comes again takes no other place.
    if (size > this.#size) this.#places[place] = before + 1;
    this.#size = size;
  }

  /** The map has been made anew, with twice as many places. */
  #spread(size: number): void {
    let places = CROWD;
    while (size > places * 2) places *= 2;
    this.#places = new Uint32Array(places);
    this.#size = size;
    for (const key of this.#map.keys()) {
      const hash = hashOf(key);
      if (hash === undefined) continue;
      const place = hash & (places - 1);
      this.#places[place] = (this.#places[place] as number) + 1;
    }
  }
}

function crowded(): RpcError {
  return new RpcError("resource_exhausted", "The keys of a Map were chosen so that it takes too long to fill");
}

/** The same 64 bits as numbers, as bigints and as halves; little-endian, as is every machine that V8 runs on, but for few. */
const halves = new Uint32Array(2);
const doubles = new Float64Array(halves.buffer);
const bigints = new BigUint64Array(halves.buffer);

/** Where V8 puts a key (`Object::GetSimpleHash`); `undefined` where the peer cannot know it. */
export function hashOf(key: unknown): number | undefined {
  if (typeof key === "number") {
    if (key === (key | 0)) return wordHash(key);
    // All NaN are one key, at the last place.
    if (Number.isNaN(key)) return -1;
    doubles[0] = key;
  } else if (typeof key === "bigint") bigints[0] = key < 0n ? -key : key;
  else return undefined;
  return longHash(halves[0] as number, halves[1] as number);
}

/** V8's `ComputeUnseededHash`. */
function wordHash(word: number): number {
  let hash = (~word + (word << 15)) | 0;
  hash ^= hash >>> 12;
  hash = (hash + (hash << 2)) | 0;
  hash ^= hash >>> 4;
  hash = Math.imul(hash, 2057);
  return hash ^ (hash >>> 16);
}

/** V8's `ComputeLongHash`, in two halves. */
function longHash(low: number, high: number): number {
  // ~key + (key << 18)
  let sum = (~low >>> 0) + ((low << 18) >>> 0);
  let upper = (~high + ((high << 18) | (low >>> 14)) + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  let lower = sum | 0;
  // ^ >>> 31
  lower ^= (upper << 1) | (lower >>> 31);
  upper ^= upper >>> 31;
  // * 21
  sum = (lower >>> 0) * 21;
  upper = (Math.imul(upper, 21) + Math.floor(sum / 0x1_0000_0000)) | 0;
  lower = sum | 0;
  // ^ >>> 11
  lower ^= (upper << 21) | (lower >>> 11);
  upper ^= upper >>> 11;
  // * 65
  sum = (lower >>> 0) * 65;
  upper = (Math.imul(upper, 65) + Math.floor(sum / 0x1_0000_0000)) | 0;
  lower = sum | 0;
  // ^ >>> 22
  return lower ^ ((upper << 10) | (lower >>> 22));
}
