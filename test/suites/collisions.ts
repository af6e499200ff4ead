import { expect } from "vitest";

/** Whole numbers above 0, which V8's hash, which has no secret, puts at one place of every `Map` with up to 65 536 places. */
export function collidingNumbers(count: number): number[] {
  const numbers: number[] = [];
  for (let at = 0; numbers.length < count; at++) {
    if (at === 65_536) throw new RangeError(`There are no more than ${numbers.length} such numbers`);
    const number = wordOf(at << 16);
    if (number > 0) numbers.push(number);
  }
  return numbers;
}

/** Bigints that V8 puts at one place: their lowest 64 bits are the same. */
export function collidingBigints(count: number): bigint[] {
  return Array.from({ length: count }, (_, at) => (BigInt(at) << 64n) + 1n);
}

/** The word of a hash: each step of V8's `ComputeUnseededHash` undone, from the last one to the first. */
function wordOf(hash: number): number {
  let word = hash ^ (hash >>> 16);
  word = unshifted(Math.imul(word, inverse(2057)), 4);
  word = unshifted(Math.imul(word, inverse(5)), 12);
  return Math.imul(word + 1, inverse((1 << 15) - 1));
}

function unshifted(hash: number, by: number): number {
  let word = hash;
  for (let done = by; done < 32; done += by) word = hash ^ (word >>> by);
  return word;
}

/** What an odd number must be multiplied by to become 1, of which each round finds twice as many bits. */
function inverse(odd: number): number {
  let found = odd;
  for (let round = 0; round < 5; round++) found = Math.imul(found, 2 - Math.imul(odd, found));
  return found;
}

/** What the fastest of some runs took, in ms. */
export function fastest(run: () => unknown, runs = 4): number {
  let best = Number.POSITIVE_INFINITY;
  for (let each = 0; each < runs; each++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** What a peer chose costs no more than some times what is as long and was not chosen. */
export function expectNoDearer(chosen: () => unknown, control: () => unknown, times = 10): void {
  const usual = fastest(control);
  expect(fastest(chosen)).toBeLessThan(times * usual);
}
