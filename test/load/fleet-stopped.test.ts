import { afterEach, describe, expect, test } from "vitest";
import { LoadProcess } from "./process.ts";

const MIB = 1 << 20;
const OTHERS = 99;
/** Into so many processes the others are put. */
const PROCESSES = 3;
const CALLS = 10_000;
/** Between two calls to one member. */
const PAUSE_MS = 25;
const ATTEMPTS = 3;
const STOPPED = "stopped";
const FLOOD = 256 * MIB;
/**
 * What a member that does not read may cost: `maxQueuedBytes`, and what the sockets swallow before they are full. How much
 * that is the system decides; the params of those calls are kept until they settle.
 */
const COST = FLOOD / 4;

type Codes = Readonly<Record<string, number>>;

/** What the controller saw of 10 000 calls to the others. */
interface Measured {
  readonly calls: number;
  readonly p99Ms: number;
  readonly slowestListMs: number;
  /** Calls to the one member. */
  readonly toOne: Codes;
  /** What calls to all said of the one member, and of the others. */
  readonly ofOne: Codes;
  readonly ofOthers: Codes;
}

const processes: LoadProcess[] = [];
async function killAll(): Promise<void> {
  await Promise.all(processes.splice(0).map((each) => each.kill()));
}
afterEach(killAll);

function newProcess(program: string, flags: readonly string[] = []): LoadProcess {
  const made = new LoadProcess(new URL(program, import.meta.url), flags);
  processes.push(made);
  return made;
}

/** A controller with 100 agents, one of them in a process of its own. */
async function start(wire: string, flags: string[] = []): Promise<{ controller: LoadProcess; stopping: LoadProcess }> {
  const controller = newProcess("./fleet-controller.js", flags);
  const stopping = newProcess("./fleet-agents.js");
  const address = await controller.ask<string>("listen", { wire });
  const perProcess = OTHERS / PROCESSES;
  for (let each = 0; each < PROCESSES; each++) {
    const names = Array.from({ length: perProcess }, (_, at) => `agent-${each * perProcess + at}`);
    await newProcess("./fleet-agents.js").ask("connect", { address, wire, names });
  }
  await stopping.ask("connect", { address, wire, names: [STOPPED] });
  return { controller, stopping };
}

/** Before one agent is stopped, while it is, and when it goes on: all that must be, but for the times. */
async function compare(wire: string): Promise<{ readonly before: Measured; readonly during: Measured }> {
  const { controller, stopping } = await start(wire);
  const measure = (calls: number, pauseMs: number): Promise<Measured> =>
    controller.ask("measure", { calls, pauseMs, one: STOPPED });
  await measure(4 * CALLS, 0); // Warms up: a p99 before that is compiling is no measure.
  const before = await measure(CALLS, PAUSE_MS);
  expect(Object.keys({ ...before.toOne, ...before.ofOne, ...before.ofOthers })).toEqual(["ok"]);
  stopping.freeze();
  const during = await measure(CALLS, PAUSE_MS);
  expect(during.calls).toBeGreaterThanOrEqual(CALLS);
  expect(Object.keys(during.ofOthers)).toEqual(["ok"]);
  for (const codes of [during.toOne, during.ofOne]) {
    const { deadline_exceeded, resource_exhausted, ...others } = codes;
    expect([(deadline_exceeded ?? 0) + (resource_exhausted ?? 0) > 0, others]).toEqual([true, {}]);
  }
  stopping.thaw();
  await controller.ask("reach", { name: STOPPED });
  expect(await controller.ask("pending")).toBe(0);
  await killAll();
  return { before, during };
}

describe.each(["native", "jsonrpc"])("one of 100 agents on %s is stopped, and is called all the same", (wire) => {
  const time = { timeout: ATTEMPTS * 40_000 };

  test(
    "the p99 of 10 000 calls to the others at most doubles, no list takes 5 ms, and it serves again when it goes on",
    time,
    async () => {
      const seen: string[] = [];
      // The machine has hiccups of its own, which only one of the two measurements may meet.
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const { before, during } = await compare(wire);
        const list = Math.max(before.slowestListMs, during.slowestListMs);
        seen.push(`${before.p99Ms.toFixed(1)} ms, then ${during.p99Ms.toFixed(1)} ms, list ${list.toFixed(1)} ms`);
        if (during.p99Ms <= 2 * before.p99Ms && list < 5) return;
      }
      expect.fail(`Too slow each time: ${seen.join("; ")}`);
    },
  );

  test("flooded with 256 MiB, it costs the controller its bounds and no more, and nobody else a call", async () => {
    // V8's young generation grows for anybody; here it has its full size from the start.
    const { controller, stopping } = await start(wire, ["--min-semi-space-size=16"]);
    // It reads at first, so that what sending costs has been paid.
    await controller.ask("flood", { bytes: FLOOD / 4, one: STOPPED, other: "agent-0" });
    stopping.freeze();
    const flooded = await controller.ask<{ grown: number; pending: number; toOne: Codes; toOther: Codes }>("flood", {
      bytes: FLOOD,
      one: STOPPED,
      other: "agent-0",
    });
    expect(Object.keys(flooded.toOther)).toEqual(["ok"]);
    expect(Object.keys(flooded.toOne)).toContain("resource_exhausted");
    expect(flooded.pending * (64 << 10)).toBeLessThan(COST);
    expect(flooded.grown).toBeLessThan(COST);
    stopping.thaw();
    await controller.ask("reach", { name: STOPPED });
  });
});
