import { expect } from "vitest";
import { play } from "./schedule.ts";

/** All the ways in which a call may end; a run of many schedules takes each of them. */
const CODES = [
  "aborted/-",
  "cancelled/no",
  "cancelled/unknown",
  "deadline_exceeded/no",
  "deadline_exceeded/unknown",
  "invalid_argument/no",
  "ok",
  "resource_exhausted/no",
  "unavailable/no",
  "unavailable/unknown",
];

/** Plays the schedules of all seeds from `first` to `last`; the first that finds a fault fails, and says how to play it again. */
export async function playSeeds(first: number, last: number): Promise<void> {
  const seen = new Set<string>();
  for (let seed = first; seed <= last; seed++) {
    const { faults, trail, codes } = await play(seed);
    if (faults.length > 0) {
      const again = `SCHEDULE=${seed} npx vitest run test/schedules.test.ts`;
      expect.fail(`Schedule ${seed} failed; "${again}" plays it again.\n${faults.join("\n")}\n\n${trail.join(", ")}`);
    }
    for (const code of codes) seen.add(code);
  }
  if (last > first) expect([...seen]).toEqual(expect.arrayContaining(CODES));
}
