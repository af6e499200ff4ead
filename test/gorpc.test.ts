import { describe, expect, test } from "vitest";
import { GORPC_CASES, type GorpcCase } from "./gorpc-cases.ts";
import { BATCH_RUNS } from "./gorpc-runs/batches.ts";
import { CALL_RUNS } from "./gorpc-runs/calls.ts";
import { DAMAGE_RUNS } from "./gorpc-runs/damage.ts";
import { DISPATCHER_RUNS } from "./gorpc-runs/dispatcher.ts";
import { LINK_RUNS } from "./gorpc-runs/links.ts";
import { PLACE_RUNS } from "./gorpc-runs/places.ts";
import { QUEUE_RUNS } from "./gorpc-runs/queues.ts";
import { SERVICE_RUNS } from "./gorpc-runs/services.ts";
import type { Run, Runs } from "./gorpc-runs/stage.ts";
import { TIMEOUT_RUNS } from "./gorpc-runs/timeouts.ts";
import { UNFIT_RUNS } from "./gorpc-runs/unfit.ts";
import { WIRE_RUNS } from "./gorpc-runs/wire.ts";

/** The last four play on gorpc's own wire, the others on the native one. */
const AREAS: readonly Runs[] = [
  ...[CALL_RUNS, TIMEOUT_RUNS, QUEUE_RUNS, PLACE_RUNS, LINK_RUNS, BATCH_RUNS, SERVICE_RUNS],
  ...[WIRE_RUNS, UNFIT_RUNS, DAMAGE_RUNS, DISPATCHER_RUNS],
];
const RUN_NUMBERS = AREAS.flatMap((runs) => Object.keys(runs).map(Number));

/** What may differ, and nothing else: defects that the facts name (the hot loop, 30, 36), and promises. */
const DEFECTS = [24, 30, 36];
const PROMISES = [4, 8, 11, 17, 18, 19, 20, 21, 23, 27, 28, 31, 32, 34, 35, 38, 39, 43, 45];

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

function runOf({ number }: GorpcCase): Run {
  const run = AREAS.find((runs) => number in runs)?.[number];
  if (run === undefined) throw new TypeError("Nothing runs this row");
  return run;
}

/** What the run of a row should give. */
const wanted = ({ gorpc, ours = gorpc }: GorpcCase): string[] => ours.split("\n");

describe("the behaviours of gorpc", () => {
  test.each(GORPC_CASES.map((row) => [row.number, row.what, row] as const))("%i: %s", async (_, __, row) => {
    expect((await runOf(row)()).split("\n")).toEqual(wanted(row));
  });
});

describe("the table", () => {
  test("has one row for each number", () => {
    expect(GORPC_CASES.map(({ number }) => number)).toEqual(numbers(1, 49));
  });

  test("has one run for each row, and no run without a row", () => {
    expect(RUN_NUMBERS.sort((one, other) => one - other)).toEqual(GORPC_CASES.map(({ number }) => number));
  });

  test("differs for the reasons that are allowed, and says what happens instead", () => {
    for (const { match, reason, gorpc, ours } of GORPC_CASES) {
      expect([reason !== undefined, ours !== undefined]).toEqual([match === "different", match === "different"]);
      expect(ours).not.toBe(gorpc);
      if (reason !== undefined) expect(reason).toMatch(/^A (?:defect of gorpc|promise of ours): .+\.$/);
    }
    const because = (kind: string): number[] =>
      GORPC_CASES.filter(({ reason }) => reason?.startsWith(kind)).map(({ number }) => number);
    expect(because("A defect of gorpc")).toEqual(DEFECTS);
    expect(because("A promise of ours")).toEqual(PROMISES);
  });
});
