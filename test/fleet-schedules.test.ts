import { expect, test } from "vitest";
import { playFleet } from "./schedules/fleet-schedule.ts";
import { playFleetSeeds } from "./schedules/fleet-seeds.ts";

/** The number of one schedule to play alone. */
const only = Number(process.env["SCHEDULE"] ?? 0);

test("100 000 random schedules of a fleet: the rule says who has a name, and everything settles exactly once: the first half", async () => {
  await (only > 0 ? playFleetSeeds(only, only) : playFleetSeeds(1, 50_000));
}, 300_000);

test("a schedule of a fleet is the same each time it is played", async () => {
  for (const seed of [7, 77, 777, 7777]) {
    const [one, other] = [await playFleet(seed), await playFleet(seed)];
    expect(other.trail).toEqual(one.trail);
    expect(other.codes).toEqual(one.codes);
  }
});
