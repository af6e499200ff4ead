import { expect } from "vitest";
import { playFleet } from "./fleet-schedule.ts";

/** All the ways in which a call may end; a run of many schedules takes each of them. */
const CODES = [
  "aborted/-",
  "cancelled/no",
  "cancelled/unknown",
  "cancelled/yes",
  "deadline_exceeded/no",
  "deadline_exceeded/unknown",
  "not_found/no",
  "ok",
  "resource_exhausted/no",
  "unavailable/no",
  "unavailable/unknown",
];

/** After so many schedules the event loop turns, which they do without. */
const PER_TURN = 20;

/** Plays the fleet's schedules of all seeds from `first` to `last`; the first that finds a fault fails, and says how to play it again. */
export async function playFleetSeeds(first: number, last: number): Promise<void> {
  const seen = new Set<string>();
  const { stackTraceLimit } = Error;
  // Capturing stacks is a sixth of the cost; who plays one schedule again wants to see them.
  if (last > first) Error.stackTraceLimit = 0;
  try {
    for (let seed = first; seed <= last; seed++) {
      const { faults, trail, codes } = await playFleet(seed);
      if (seed % PER_TURN === 0 || seed === last) await new Promise((resolve) => setImmediate(resolve));
      if (faults.length > 0) {
        const again = `SCHEDULE=${seed} npx vitest run test/fleet-schedules.test.ts`;
        expect.fail(`Schedule ${seed} failed; "${again}" plays it again.\n${faults.join("\n")}\n\n${trail.join(", ")}`);
      }
      for (const code of codes) seen.add(code);
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  if (last > first) expect([...seen]).toEqual(expect.arrayContaining(CODES));
}
