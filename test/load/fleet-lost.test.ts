import { afterEach, describe, expect, test } from "vitest";
import { Client } from "../../src/client/client.ts";
import type { Wire } from "../../src/core/wire.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import type { FleetEvent, Watching } from "../../src/fleet/watching.ts";
import { Fleet } from "../../src/index.ts";
import { jsonrpc } from "../../src/jsonrpc.ts";
import { native, serve } from "../../src/node.ts";
import type { ServeOptions, Server } from "../../src/server/server.ts";
import { tcpDialer } from "../../src/transports/node/tcp.ts";
import { codeOf } from "../suites/engine.ts";
import { relayTo } from "../suites/relay.ts";
import { until } from "../suites/support.ts";
import { LoadProcess } from "./process.ts";

const MIB = 1 << 20;
const WIRES: Readonly<Record<string, Wire>> = { native: native(), jsonrpc: jsonrpc() };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

interface Controller {
  readonly fleet: Fleet;
  readonly server: Server;
  readonly address: string;
  /** Its agents' processes, which speak its wire. */
  agents(names: readonly string[], options?: object): Promise<LoadProcess>;
}

async function controller(wire: string, options: FleetOptions = {}, serving: ServeOptions = {}): Promise<Controller> {
  const fleet = new Fleet(options);
  const server = await serve("tcp://127.0.0.1:0", { wire: WIRES[wire], fleet, logger: false, ...serving });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const address = server.addresses[0] ?? "";
  return {
    fleet,
    server,
    address,
    async agents(names, more = {}) {
      const made = newProcess("./fleet-agents.js");
      await made.ask("connect", { address, wire, names, options: more });
      await until(() => names.every((name) => fleet.get(name) !== undefined));
      return made;
    },
  };
}

function newProcess(program: string): LoadProcess {
  const made = new LoadProcess(new URL(program, import.meta.url));
  cleanups.push(() => made.kill());
  return made;
}

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
}

/** What was said until now, in short. */
async function said(events: Watching): Promise<string[]> {
  const seen: FleetEvent[] = [];
  const drained = (async () => {
    for await (const event of events) seen.push(event);
  })();
  // What waits is read in this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  await events.return();
  await drained;
  return seen.map(({ kind, member }) => `${kind} ${member}`);
}

test("50 agents are killed with 5000 calls under way: each settles once within a second, unavailable, and the members are gone by then", async () => {
  const { fleet, agents } = await controller("native");
  const names = namesOf("agent", 50);
  const doomed = await agents(names);
  await agents(namesOf("other", 10));
  const events = fleet.watch();
  const settled = new Map<string, number>();
  let listed = 0;
  const calls = names.flatMap((name) =>
    Array.from({ length: 100 }, async (_, n) => {
      const code = await codeOf(fleet.call(name, "hang", [], { timeoutMs: Infinity }));
      if (fleet.get(name) !== undefined) listed++;
      settled.set(`${name} ${n}`, (settled.get(`${name} ${n}`) ?? 0) + 1);
      return code;
    }),
  );
  const all = fleet.callAll("hang", [], { timeoutMs: Infinity });
  // The others answer nothing either, but they live.
  while ((await doomed.ask<number>("hanging")) < 5050) await new Promise((resolve) => setImmediate(resolve));
  const killed = performance.now();
  await doomed.kill();
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable/unknown"]));
  expect(performance.now() - killed).toBeLessThan(1000);
  expect([settled.size, new Set(settled.values()), listed]).toEqual([5000, new Set([1]), 0]);
  expect(fleet.list().map(({ name }) => name)).toEqual(namesOf("other", 10));
  expect((await said(events)).sort()).toEqual(names.map((name) => `left ${name}`).sort());
  all.cancel();
  const outcomes = (await all).map((each) => (each.ok ? "ok" : `${each.error.code}/${each.error.executed}`));
  expect(outcomes.filter((code) => code === "unavailable/unknown")).toHaveLength(50);
  expect(outcomes.filter((code) => code === "cancelled/unknown")).toHaveLength(10);
  expect(fleet.list().map(({ pending }) => pending)).toEqual(Array.from({ length: 10 }, () => 0));
});

test("of two agents with one name under load the younger one remains, and the other stays away until that one has gone", async () => {
  const { fleet, server, agents } = await controller("native", { stayAwayMs: 1000 });
  const events = fleet.watch();
  const redial = { baseMs: 10, maxMs: 50 };
  await agents(["one"], { startedAt: 1000, labels: { who: "old" }, redial });
  const isOf = (who: string) => (): boolean => fleet.get("one")?.labels["who"] === who;
  const codes: string[] = [];
  let isOver = false;
  const loops = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      codes.push(await codeOf(fleet.call("one", "echo", [1])));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const young = await agents(["one"], { startedAt: 2000, labels: { who: "young" }, redial });
  await until(isOf("young"));
  const before = codes.length;
  await sleep(3000);
  // Calls that were under way when the link was replaced, at most one of each loop.
  expect(codes.slice(0, before + 20).filter((code) => code !== "ok").length).toBeLessThanOrEqual(20);
  expect(new Set(codes.slice(before + 20))).toEqual(new Set(["ok"]));
  // Both came once, and the older one asked again once a second.
  expect(server.stats().accepts).toBeLessThanOrEqual(6);
  await young.kill();
  await until(isOf("old"));
  isOver = true;
  await Promise.all(loops);
  expect(await said(events)).toEqual(["joined one", "replaced one", "left one", "joined one"]);
  for (const code of new Set(codes)) expect(code).toMatch(/^(ok|unavailable\/(no|unknown)|not_found\/no)$/);
});

describe.each(["native", "jsonrpc"])("50 agents on %s that come and go all the time", (wire) => {
  test("leave nothing behind", async () => {
    const [ruler, flapping] = [newProcess("./fleet-controller.js"), newProcess("./fleet-agents.js")];
    const address = await ruler.ask<string>("listen", { wire });
    const names = namesOf("agent", 50);
    const flap = (rounds: number): Promise<void> => flapping.ask("flap", { address, wire, names, rounds });
    interface State {
      readonly pending: number;
      readonly running: number;
      readonly connections: number;
      readonly handles: number;
      readonly heapBytes: number;
    }
    interface Pestered {
      readonly counts: Record<string, number>;
      readonly wrong: number;
    }
    const comeAndGo = async (): Promise<Pestered> => {
      const [, pestered] = await Promise.all([flap(40), ruler.ask<Pestered>("pester", { ms: 1500 })]);
      return pestered;
    };
    // What is made once is made: most of it is code, compiled for what is called often.
    await comeAndGo();
    const before = await ruler.ask<State>("state");
    const pestered = await comeAndGo();
    const { heapBytes, ...after } = await ruler.ask<State>("state");
    expect(after).toEqual({ pending: 0, running: 0, connections: 0, handles: 0 });
    expect(heapBytes - before.heapBytes).toBeLessThan(MIB);
    expect(pestered.wrong).toBe(0);
    const { ok = 0, unavailable = 0, ...others } = pestered.counts;
    expect(Math.min(ok, unavailable)).toBeGreaterThan(0);
    expect(Object.keys(others).filter((code) => code !== "deadline_exceeded" && code !== "not_found")).toEqual([]);
  });
});

describe.each(["native", "jsonrpc"])("an agent on %s whose other side has vanished without a word", (wire) => {
  const heartbeat = { intervalMs: 300, timeoutMs: 300 };
  /** Two ticks of the clock, and what else this machine has to do. */
  const TOLERANCE_MS = 600;

  test("is found within interval and timeout when its process was stopped, and comes back when that goes on", async () => {
    const { fleet, agents } = await controller(wire, {}, { heartbeat });
    await agents(["alive"]);
    const stopping = await agents(["stopped"], { redial: { baseMs: 10, maxMs: 50 } });
    const calls = Array.from({ length: 100 }, () => codeOf(fleet.call("stopped", "hang", [], { timeoutMs: Infinity })));
    while ((await stopping.ask<number>("hanging")) < 100) await sleep(1);
    const events = fleet.watch();
    const began = performance.now();
    stopping.freeze();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable/unknown"]));
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThan(heartbeat.timeoutMs / 2);
    expect(tookMs).toBeLessThan(heartbeat.intervalMs + heartbeat.timeoutMs + TOLERANCE_MS);
    expect(fleet.list().map(({ name }) => name)).toEqual(["alive"]);
    stopping.thaw();
    await until(() => fleet.get("stopped") !== undefined);
    expect(await fleet.call("stopped", "echo", [1])).toEqual([1]);
    expect(await said(events)).toEqual(["left stopped", "joined stopped"]);
  });

  test("is found as well when what lies between forwards nothing any more", async () => {
    const { fleet, address } = await controller(wire, {}, { heartbeat });
    const relay = await relayTo(Number(new URL(address).port));
    cleanups.push(() => relay.close());
    const options = { wire, names: ["one"], options: { redial: false } };
    await newProcess("./fleet-agents.js").ask("connect", { address: `tcp://127.0.0.1:${relay.port}`, ...options });
    await until(() => fleet.size === 1);
    const lost = codeOf(fleet.call("one", "hang", [], { timeoutMs: Infinity }));
    await until(() => (fleet.get("one")?.connection.stats().sent ?? 0) > 1);
    const began = performance.now();
    relay.freeze();
    expect(await lost).toBe("unavailable/unknown");
    expect(performance.now() - began).toBeLessThan(heartbeat.intervalMs + heartbeat.timeoutMs + TOLERANCE_MS);
    expect(fleet.size).toBe(0);
  });

  test("gives its name at once to the same agent over another link, long before a heartbeat would find it", async () => {
    const { fleet, address } = await controller(wire);
    const direct = Number(new URL(address).port);
    const relay = await relayTo(direct);
    cleanups.push(() => relay.close());
    let port = relay.port;
    const agent = await Client.open((signal) => tcpDialer({ port })(signal), WIRES[wire] as Wire, {
      name: "one",
      handlers: { echo: (params: unknown) => params, hang: () => new Promise(() => {}) },
      redial: { baseMs: 10, maxMs: 50 },
      logger: false,
    });
    cleanups.push(() => agent.close({ graceMs: 0 }));
    await until(() => fleet.size === 1);
    const events = fleet.watch();
    const calls = Array.from({ length: 100 }, () => codeOf(fleet.call("one", "hang", [], { timeoutMs: Infinity })));
    relay.freeze();
    port = direct;
    const [halfOpen] = agent.connections;
    // As if the agent had found it dead itself; of this end nothing arrives any more.
    await halfOpen?.close({ graceMs: 0 });
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable/unknown"]));
    expect(await fleet.call("one", "echo", [1])).toEqual([1]);
    expect([fleet.size, await said(events)]).toEqual([1, ["replaced one"]]);
  });
});

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
