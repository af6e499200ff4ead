import { test } from "vitest";
import { playSeeds } from "./seeds.ts";

// A file of its own, so that the two halves share two processors.
test("each call of 100 000 random schedules settles exactly once, and nothing is left: the second half", async () => {
  await playSeeds(50_001, 100_000);
}, 300_000);
