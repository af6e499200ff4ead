/*
 * Random schedules of a ladder, in virtual time: doors open, close, hang and go mute, lines are cut, calls are made all the
 * while. `SCHEDULE=<n>` plays one again.
 */
import { expect, test } from "vitest";
import { Fleet } from "../src/fleet/fleet.ts";
import { Random } from "./schedules/random.ts";
import { codeOf, pass } from "./suites/engine.ts";
import { FLEET_WIRE } from "./suites/fleet-world.ts";
import { type Door, type LadderWorld, ladderWorld } from "./suites/ladder-world.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn } from "./suites/support.ts";

const DOORS: readonly Door[] = ["up", "up", "refused", "hangs", "mute"];
const WIRES = [
  plainWire({ carries: { hello: "must", welcome: true } }),
  plainWire({ carries: { hello: "must", welcome: true, ping: true, goodbye: true } }),
];
const SEEDS = Array.from({ length: 400 }, (_, seed) => seed);
const ONLY = process.env["SCHEDULE"];

/** Handlers that answer at once or when the test says so. */
function slowly(random: Random): { readonly handlers: object; answerSome(): void; answerAll(): void } {
  const waiting: (() => void)[] = [];
  return {
    handlers: {
      echo: (params: unknown) => params,
      slow: async (params: unknown) => {
        const gate = deferred();
        waiting.push(() => gate.resolve());
        await gate.promise;
        return params;
      },
    },
    answerSome: () => waiting.splice(0, random.below(waiting.length + 1)).forEach((answer) => answer()),
    answerAll: () => waiting.splice(0).forEach((answer) => answer()),
  };
}

async function play(seed: number): Promise<void> {
  const random = new Random(seed);
  const withCuts = random.once(2);
  const name = random.once(2) ? "ann" : undefined;
  const wire = name === undefined ? random.pick(WIRES) : FLEET_WIRE;
  const fleet = name === undefined ? undefined : new Fleet({ random: () => random.below(1000) / 1000 });
  const slow = slowly(random);
  const rungs = 2 + random.below(3);
  // The last one is the one that always works, where nothing is cut.
  const doors = Array.from({ length: rungs }, (_, at): Door => (at === rungs - 1 ? "up" : random.pick(DOORS)));
  const it = await ladderWorld({ wire, doors, handlers: slow.handlers, server: { fleet } });
  const connecting = it.connect({
    name,
    handlers: slow.handlers as never,
    connections: name === undefined ? 1 + random.below(2) : 1,
    random: () => random.below(1000) / 1000,
    lazy: withCuts,
    ladder: { rungTimeoutMs: 1000, retryBetterMs: 2000, maxRetryBetterMs: 20_000 },
  });
  if (!withCuts) await pass(it.clock, 1000 * rungs, 500);
  const client = await connecting;
  const calls: Promise<string>[] = [];
  for (let step = 0; step < 60; step++) {
    if (random.once(4)) it.doors[random.below(rungs - (withCuts ? 0 : 1))] = random.pick(DOORS);
    if (withCuts && random.once(6)) it.cut(random.once(2) ? undefined : random.pick(["a", "b", "c"]));
    for (let each = random.below(4); each > 0; each--) {
      const method = random.once(2) ? "echo" : "slow";
      calls.push(codeOf(client.call(method, each, { timeoutMs: withCuts ? 5000 : Infinity })));
    }
    if (random.once(3)) slow.answerSome();
    // A fleet gives the link that an agent has left 10 s to answer.
    if (fleet !== undefined && step % 4 === 0) slow.answerAll();
    await pass(it.clock, 1 + random.below(1500), 250);
  }
  // From here on all is well: the best one is found.
  it.doors.fill("up");
  await settled(it, slow, 60_000);
  expect([client.state, client.address]).toEqual(["open", "a"]);
  expect(it.server.connections.every(({ remoteAddress }) => remoteAddress === "a")).toBe(true);
  expect(it.server.connections).toHaveLength(client.connections.length);
  expect(client.pendingCount).toBe(0);
  const codes = new Set(await Promise.all(calls));
  const expected = withCuts
    ? ["ok", "unavailable/unknown", "deadline_exceeded/unknown", "deadline_exceeded/no"]
    : ["ok"];
  expect([...codes].filter((code) => !expected.includes(code))).toEqual([]);
  // 60 steps and a minute, on at most 5 rungs, for each of 2 links.
  expect(it.dials.length).toBeLessThan(400);
  if (fleet !== undefined) {
    expect(fleet.list()).toMatchObject([{ name: "ann", address: "a" }]);
    expect(await fleet.call("ann", "echo", seed)).toBe(seed);
  }
  await client.close();
  await turn();
  await it.server.close({ graceMs: 0 });
  await turn();
  expect([it.server.connections.length, it.clock.listeners]).toEqual([0, 0]);
}

/** Answers what comes until nothing more does. */
async function settled(it: LadderWorld, slow: ReturnType<typeof slowly>, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    slow.answerAll();
    await pass(it.clock, 1000, 500);
  }
}

test.each(ONLY === undefined ? SEEDS.filter((seed) => seed % 100 === 0) : [Number(ONLY)])(
  "random schedules of a ladder from %d on: each call settles, none is lost by a move, the best address is found",
  { timeout: 120_000 },
  async (from) => {
    for (let seed = from; seed < from + (ONLY === undefined ? 100 : 1); seed++) {
      try {
        await play(seed);
      } catch (thrown) {
        const again = `"SCHEDULE=${seed} npx vitest run test/ladder-schedules.test.ts" plays it again`;
        throw new Error(`Schedule ${seed} failed; ${again}`, { cause: thrown });
      }
    }
  },
);
