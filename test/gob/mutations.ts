import type { Random } from "../schedules/random.ts";
import { fromHex, unsigned } from "./bytes.ts";

/** Counts that say more than is there, or than there can be. */
const BLOWN = [0xff, 1 << 16, 2 ** 22, 2 ** 31, 2 ** 40, 2n ** 63n - 1n, 2n ** 64n - 1n].map((count) =>
  fromHex(unsigned(count)),
);

/** Bytes that were sound, changed in one to four places: flipped, cut, doubled, spliced with others, counts blown up. */
export function mutated(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let changed = bytes;
  for (let times = 1 + random.below(4); times > 0; times--) changed = mutatedOnce(changed, others, random);
  return changed;
}

function mutatedOnce(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const to = at + random.below(bytes.length - at + 1);
  switch (random.below(8)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    case 2:
      return joined(bytes.subarray(0, to), bytes.subarray(at));
    case 3: {
      const other = random.pick(others);
      return joined(bytes.subarray(0, at), other.subarray(random.below(other.length)));
    }
    case 4:
      return joined(bytes.subarray(0, at), random.pick(BLOWN), bytes.subarray(at + 1));
    case 5: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = random.below(256);
      return copy;
    }
    case 6: {
      // The smallest numbers are kinds, ids, counts and distances.
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = random.below(8);
      return copy;
    }
    default: {
      const copy = bytes.slice();
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
