import type { BatchMember, BatchOutcome } from "../../src/core/context.ts";
import { never, pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { allOf, flagOf, flagOfError, type Runs, stage, strike, watch } from "./stage.ts";

const flagsOf = (outcomes: readonly BatchOutcome[]): string[] =>
  outcomes.map((each) => (each.ok ? "ok" : flagOfError(each.error)));

/** How many outcomes are the params of their members. */
const matching = (members: readonly BatchMember[], outcomes: readonly BatchOutcome[]): number =>
  outcomes.filter((each, at) => each.ok && each.value === members[at]?.[1]).length;

async function batches(): Promise<string> {
  const lines: string[] = [];
  const it = await stage();
  const members = Array.from({ length: 100 }, (_, at): BatchMember => ["echo", at]);
  const batch = it.client.batch(members);
  const seen = watch(batch);
  await Promise.resolve();
  lines.push(`before the replies: ${seen.isSettled ? "settled" : "open"}`);
  lines.push(`after: ${matching(members, await batch)} of 100 match`);
  const echoed = (): number => it.ran.filter((each) => each.startsWith("echo ")).length;
  const before = echoed();
  const skips = Array.from({ length: 5 }, (_, at): BatchMember => ["echo", `skip ${at}`, { notify: true }]);
  lines.push(`skip-response: ${allOf(flagsOf(await it.client.batch(skips)))}`);
  const mixed = flagsOf(await it.client.batch([["echo", 1], ["echo", 2, { notify: true }], ["nope"]]));
  await turn();
  lines.push(`delivered: ${echoed() - before}`, `mixed: ${mixed.join(", ")}`);
  lines.push(`empty: ${await flagOf(it.client.batch([]))}`);
  await strike(it);
  return lines.join("\n");
}

/** A batch of a method that never ends, with one time for all. */
async function timedOut(method: string, handlers: object): Promise<string> {
  const it = await stage({ handlers });
  const batch = it.client.batch([[method], [method, 1], [method, 2]], { timeoutMs: 50 });
  const seen = watch(batch);
  await pass(it.clock, 60, 10);
  const whole = await flagOf(batch);
  const flags = seen.isSettled ? flagsOf(await batch).join(", ") : "open";
  await strike(it);
  return `the batch: ${whole}, its results: ${flags}`;
}

async function manyAdds(): Promise<string> {
  const it = await stage();
  const members: BatchMember[] = [];
  const worker = async (_: unknown, at: number): Promise<void> => {
    for (let nth = 0; nth < 10; nth++) {
      await Promise.resolve();
      members.push(["echo", `${at}/${nth}`]);
    }
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  const others = Array.from({ length: 10 }, (_, at) =>
    Array.from({ length: 10 }, (_each, nth): BatchMember => ["echo", `other ${at}/${nth}`]),
  );
  const all = [members, ...others];
  const outcomes = await Promise.all(all.map((each) => it.client.batch(each)));
  const right = all.reduce((sum, each, at) => sum + matching(each, outcomes[at] ?? []), 0);
  await strike(it);
  return `${right} of ${all.flat().length} match`;
}

/** Batches: rows 34 to 37. */
export const BATCH_RUNS: Runs = {
  34: batches,
  35: () => timedOut("never", { never }),
  36: () => timedOut("Store.get", { Store: { get: never } }),
  37: manyAdds,
};
