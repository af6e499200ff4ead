import { describe, expect, test } from "vitest";
import { COMMAND_CASES, type CommandCase } from "./command-cases.ts";
import { ERROR_RUNS } from "./command-runs/errors.ts";
import { FRAME_RUNS } from "./command-runs/frames.ts";
import { ID_RUNS } from "./command-runs/ids.ts";
import { LINK_RUNS } from "./command-runs/links.ts";
import type { Run, Runs } from "./command-runs/stage.ts";

const AREAS: readonly Runs[] = [FRAME_RUNS, ID_RUNS, ERROR_RUNS, LINK_RUNS];
const RUN_NUMBERS = AREAS.flatMap((runs) => Object.keys(runs).map(Number));

/** What may differ, and nothing else: faults that the facts name, and promises. */
const FAULTS = [30, 36];
const PROMISES = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 19, 20, 21, 22, 24, 25, 27, 29, 31, 32, 33, 37, 39, 40, 41, 42, 43, 44, 45,
];
/** Where `compat` makes a difference. */
const COMPAT = [3, 4, 5, 8, 9, 10, 11, 19, 20, 25, 27];

function runOf({ number }: CommandCase): Run {
  const run = AREAS.find((runs) => number in runs)?.[number];
  if (run === undefined) throw new TypeError("Nothing runs this row");
  return run;
}

const rows = COMMAND_CASES.map((row) => [row.number, row.what, row] as const);

describe("the behaviours of Hemi's protocol", () => {
  test.each(rows)("%i: %s", async (_, __, row) => {
    const { hemi, ours = hemi } = row;
    expect((await runOf(row)(false)).split("\n")).toEqual(ours.split("\n"));
  });
});

describe("with compat", () => {
  test.each(rows)("%i: %s", async (_, __, row) => {
    const { hemi, ours = hemi, compat = ours } = row;
    expect((await runOf(row)(true)).split("\n")).toEqual(compat.split("\n"));
  });
});

describe("the table", () => {
  const numbers = COMMAND_CASES.map(({ number }) => number);

  test("has one row for each number", () => {
    expect(numbers).toEqual(Array.from({ length: 45 }, (_, at) => at + 1));
  });

  test("has one run for each row, and no run without a row", () => {
    expect(RUN_NUMBERS.sort((one, other) => one - other)).toEqual(numbers);
  });

  test("differs for the reasons that are allowed, and says what happens instead", () => {
    for (const { match, reason, hemi, ours, compat } of COMMAND_CASES) {
      expect([reason !== undefined, ours !== undefined]).toEqual([match === "different", match === "different"]);
      expect(ours).not.toBe(hemi);
      expect(compat ?? null).not.toBe(ours);
      if (reason !== undefined) expect(reason).toMatch(/^A (?:fault of Hemi|promise of ours): .+\.$/);
    }
    const because = (kind: string): number[] =>
      COMMAND_CASES.filter(({ reason }) => reason?.startsWith(kind)).map(({ number }) => number);
    expect(because("A fault of Hemi")).toEqual(FAULTS);
    expect(because("A promise of ours")).toEqual(PROMISES);
    expect(COMMAND_CASES.filter(({ compat }) => compat !== undefined).map(({ number }) => number)).toEqual(COMPAT);
  });
});
