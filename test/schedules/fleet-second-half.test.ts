import { test } from "vitest";
import { playFleetSeeds } from "./fleet-seeds.ts";

// A file of its own, so that the two halves share two processors.
test("100 000 random schedules of a fleet: the rule says who has a name, and everything settles exactly once: the second half", async () => {
  await playFleetSeeds(50_001, 100_000);
}, 300_000);
