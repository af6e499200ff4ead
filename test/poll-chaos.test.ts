import { expect, test } from "vitest";
import { play } from "./poll-chaos/schedule.ts";

/** The number of one schedule to play alone. */
const only = Number(process.env["POLL_SCHEDULE"] ?? 0);
const SCHEDULES = 10_000;
/** How a link may end; a run of many schedules has each of them. */
const ENDS = ["client broke, told", "client closed, told", "lost", "server broke, told", "server closed, told"];
const MISHAPS = ["cuts", "forgets", "lies", "loses", "repeats"];

async function playAll(first: number, last: number): Promise<void> {
  const ends = new Map<string, number>();
  const did = new Set<string>();
  for (let seed = first; seed <= last; seed++) {
    const played = await play(seed);
    if (played.faults.length > 0) {
      const again = `POLL_SCHEDULE=${seed} npx vitest run test/poll-chaos.test.ts`;
      expect.fail(
        `Schedule ${seed} failed; "${again}" plays it again.\n${played.faults.join("\n")}\n\n${played.trail.join(", ")}`,
      );
    }
    ends.set(played.end, (ends.get(played.end) ?? 0) + 1);
    for (const kind of played.did.keys()) did.add(kind);
  }
  if (last === first) return;
  expect([...did].sort()).toEqual(MISHAPS);
  expect([...ends.keys()]).toEqual(expect.arrayContaining(ENDS));
  // Most links live through it all.
  expect(ends.get("lost") ?? 0).toBeLessThan((last - first) / 4);
}

test(`no frame is lost and none comes twice in ${SCHEDULES} random schedules of a bad network`, async () => {
  await (only > 0 ? playAll(only, only) : playAll(1, SCHEDULES));
}, 300_000);

test("a schedule is the same each time it is played", async () => {
  for (const seed of [7, 77, 777]) {
    const [one, other] = [await play(seed), await play(seed)];
    expect(other).toEqual(one);
  }
});
