import { expect, test } from "vitest";
import { play } from "./schedules/schedule.ts";
import { playSeeds } from "./schedules/seeds.ts";

/** The number of one schedule to play alone. */
const only = Number(process.env["SCHEDULE"] ?? 0);

test("each call of 100 000 random schedules settles exactly once, and nothing is left: the first half", async () => {
  await (only > 0 ? playSeeds(only, only) : playSeeds(1, 50_000));
}, 300_000);

test("a schedule is the same each time it is played", async () => {
  for (const seed of [7, 77, 777, 7777]) {
    const [one, other] = [await play(seed), await play(seed)];
    expect(other.trail).toEqual(one.trail);
    expect(other.codes).toEqual(one.codes);
  }
});
