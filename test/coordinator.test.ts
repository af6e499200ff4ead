import { describe, expect, test } from "vitest";
import { COORDINATOR_CASES, type CoordinatorCase } from "./coordinator-cases.ts";
import { AGENT_RUNS } from "./coordinator-runs/agents.ts";
import { CALL_RUNS } from "./coordinator-runs/calls.ts";
import { NAME_RUNS } from "./coordinator-runs/names.ts";
import type { Run, Runs } from "./coordinator-runs/stage.ts";
import { STREAM_RUNS } from "./coordinator-runs/streams.ts";

const AREAS: readonly Runs[] = [STREAM_RUNS, NAME_RUNS, CALL_RUNS, AGENT_RUNS];
const RUN_NUMBERS = AREAS.flatMap((runs) => Object.keys(runs).map(Number));

/** What may differ, and nothing else: faults that the facts name, and promises. */
const FAULTS = [19, 23, 32];
const PROMISES = [8, 9, 10, 11, 14, 15, 16, 18, 25, 26, 27, 29, 30, 33];

function runOf({ number }: CoordinatorCase): Run {
  const run = AREAS.find((runs) => number in runs)?.[number];
  if (run === undefined) throw new TypeError("Nothing runs this row");
  return run;
}

/** What the run of a row should give. */
const wanted = ({ aperture, ours = aperture }: CoordinatorCase): string[] => ours.split("\n");

describe("the behaviours of Aperture's reverse RPC", () => {
  test.each(COORDINATOR_CASES.map((row) => [row.number, row.what, row] as const))("%i: %s", async (_, __, row) => {
    expect((await runOf(row)()).split("\n")).toEqual(wanted(row));
  });
});

describe("the table", () => {
  const numbers = COORDINATOR_CASES.map(({ number }) => number);

  test("has one row for each number", () => {
    expect(numbers).toEqual(Array.from({ length: 33 }, (_, at) => at + 1));
  });

  test("has one run for each row, and no run without a row", () => {
    expect(RUN_NUMBERS.sort((one, other) => one - other)).toEqual(numbers);
  });

  test("differs for the reasons that are allowed, and says what happens instead", () => {
    for (const { match, reason, aperture, ours } of COORDINATOR_CASES) {
      expect([reason !== undefined, ours !== undefined]).toEqual([match === "different", match === "different"]);
      expect(ours).not.toBe(aperture);
      if (reason !== undefined) expect(reason).toMatch(/^A (?:fault of Aperture|promise of ours): .+\.$/);
    }
    const because = (kind: string): number[] =>
      COORDINATOR_CASES.filter(({ reason }) => reason?.startsWith(kind)).map(({ number }) => number);
    expect(because("A fault of Aperture")).toEqual(FAULTS);
    expect(because("A promise of ours")).toEqual(PROMISES);
  });
});
