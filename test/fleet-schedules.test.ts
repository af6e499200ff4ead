import { expect, test } from "vitest";
import { playFleet } from "./schedules/fleet-schedule.ts";

/** The number of one schedule to play alone. */
const only = Number(process.env["SCHEDULE"] ?? 0);

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

test("2 000 random schedules of a fleet: the rule decides who has a name, and each call and each outcome settles exactly once", async () => {
  const seen = new Set<string>();
  const [first, last] = only > 0 ? [only, only] : [1, 2000];
  for (let seed = first; seed <= last; seed++) {
    const { faults, trail, codes } = await playFleet(seed);
    if (faults.length > 0) {
      const again = `SCHEDULE=${seed} npx vitest run test/fleet-schedules.test.ts`;
      expect.fail(`Schedule ${seed} failed; "${again}" plays it again.\n${faults.join("\n")}\n\n${trail.join(", ")}`);
    }
    for (const code of codes) seen.add(code);
  }
  if (last > first) expect([...seen]).toEqual(expect.arrayContaining(CODES));
}, 300_000);
