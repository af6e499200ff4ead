import { describe, expect, test } from "vitest";
import { RpcError } from "../src/core/errors.ts";
import type { CallMessage } from "../src/core/message.ts";
import type { CallContext } from "../src/index.ts";
import { native } from "../src/wires/native.ts";
import { codeOf, never, pass, result } from "./suites/engine.ts";
import { type FleetWorld, fleetWorld, type HandAgent } from "./suites/fleet-world.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn } from "./suites/support.ts";

// What the reverse RPC that this one comes from could do to its users: the letters are those of the list of its faults.

const handlers = { echo: (params: unknown) => params };

/** An agent that took one call and reads no more: its channel is full for ever. */
async function stalled(it: FleetWorld): Promise<{ hand: HandAgent; first: Promise<string> }> {
  const hand = await it.hand({ name: "stalled" }, 1);
  hand.stall();
  const first = codeOf(it.fleet.call("stalled", "echo", [0]));
  await turn();
  // What fills the channel.
  for (let each = 0; each < 2; each++) {
    void it.fleet.notify("stalled", "echo");
    await turn();
  }
  return { hand, first };
}

function callsOf(hand: HandAgent): CallMessage[] {
  return hand.got.filter((each) => each.kind === "call");
}

describe("fault A: one stalled agent froze the controller", () => {
  test("calls to it wait in its own queue and end by their deadline; list, calls and callAll of others do not wait", async () => {
    const it = await fleetWorld();
    await it.agent({ name: "well", handlers });
    const { first } = await stalled(it);
    const others = Array.from({ length: 200 }, (_, each) => codeOf(it.fleet.call("stalled", "echo", [each])));
    expect(it.fleet.list().map(({ name, pending }) => [name, pending])).toEqual([
      ["well", 0],
      ["stalled", 201],
    ]);
    expect(await it.fleet.call("well", "echo", [1])).toEqual([1]);
    const seen: string[] = [];
    for await (const { member } of it.fleet.callAll("echo", [2])) {
      seen.push(member);
      if (member === "well") await pass(it.clock, 5100);
    }
    expect(seen).toEqual(["well", "stalled"]);
    expect(new Set(await Promise.all([first, ...others]))).toEqual(
      new Set(["deadline_exceeded/unknown", "deadline_exceeded/no"]),
    );
    expect(await it.agent({ name: "new", handlers })).toBeDefined();
    expect(it.fleet.size).toBe(3);
    await it.close();
  });

  test("its full queue is resource_exhausted for it alone", async () => {
    const it = await fleetWorld({ server: { maxPending: 4 } });
    await it.agent({ name: "well", handlers });
    await stalled(it);
    await turn();
    const calls = Array.from({ length: 8 }, (_, each) => codeOf(it.fleet.call("stalled", "echo", [each])));
    await turn();
    expect(await Promise.race(calls)).toBe("resource_exhausted/no");
    expect(await Promise.all([1, 2, 3, 4, 5, 6].map((each) => it.fleet.call("well", "echo", [each])))).toHaveLength(6);
    const outcomes: string[] = [];
    for await (const outcome of it.fleet.callAll("echo", [], { first: 1 })) outcomes.push(outcome.member);
    expect(outcomes).toEqual(["well", "stalled"]);
    await it.close();
    for (const code of await Promise.all(calls))
      expect(code).toMatch(/^(resource_exhausted|unavailable|cancelled)\/no$/);
  });
});

test("fault B: an agent that goes while its queue is full frees its callers, and the controller goes on", async () => {
  const it = await fleetWorld();
  const { hand, first } = await stalled(it);
  const queued = codeOf(it.fleet.call("stalled", "echo", [1]));
  hand.channel.close({ message: "gone", error: new RpcError("unavailable", "gone") });
  await turn();
  expect(await first).toBe("unavailable/unknown");
  expect(await queued).toMatch(/^unavailable/);
  expect(it.fleet.list()).toEqual([]);
  await it.agent({ name: "stalled", handlers });
  expect(await it.fleet.call("stalled", "echo", [2])).toEqual([2]);
  await it.close();
});

test("fault C: a call that was queued when the agent went away settles once, and giving it up afterwards harms nothing", async () => {
  const it = await fleetWorld();
  const { hand } = await stalled(it);
  const abort = new AbortController();
  const queued = codeOf(it.fleet.call("stalled", "echo", [1], { signal: abort.signal }));
  hand.channel.close();
  abort.abort();
  await pass(it.clock, 10_000, 1000);
  expect(await queued).toMatch(/^(cancelled|unavailable)\/no$/);
  expect(await codeOf(it.fleet.call("stalled", "echo"))).toBe("not_found/no");
  await it.close();
});

test("fault D: an agent whose channel is stuck is no member any more when its link has ended", async () => {
  const it = await fleetWorld();
  const { hand } = await stalled(it);
  void it.fleet.notify("stalled", "echo", ["x".repeat(1000)]);
  expect(it.fleet.size).toBe(1);
  hand.channel.close();
  await turn();
  expect([it.fleet.size, it.fleet.get("stalled")]).toEqual([0, undefined]);
  await it.close();
});

test("fault E: a cancel that comes too late is about nobody, also where ids begin at 0", async () => {
  const wire = plainWire({ carries: { hello: "must", welcome: true, goodbye: true }, firstId: 0 });
  const it = await fleetWorld({ wire });
  const hand = await it.hand({ name: "one" });
  const zero = it.fleet.call("one", "echo", [0]);
  const abort = new AbortController();
  const one = it.fleet.call("one", "echo", [1], { signal: abort.signal });
  await turn();
  expect(callsOf(hand).map(({ id }) => id)).toEqual([0, 1]);
  hand.say(result(1, "first"));
  await turn();
  abort.abort();
  hand.say(result(1, "again"), result(7, "invented"));
  await turn();
  hand.say(result(0, "alive"));
  expect([await one, await zero]).toEqual(["first", "alive"]);
  expect(hand.got.some(({ kind }) => kind === "cancel")).toBe(false);
  await it.close();
});

test("fault F: a reply that comes while its link is closed, replaced or ended does no harm", async () => {
  const it = await fleetWorld();
  const hand = await it.hand({ name: "one", session: "1.a.1" });
  const lost = codeOf(it.fleet.call("one", "echo", [0]));
  await turn();
  const newer = await it.hand({ name: "one", session: "2.a.1" });
  expect(await lost).toBe("unavailable/unknown");
  hand.say(result(1, "late"));
  await turn();
  const call = it.fleet.call("one", "echo", [1]);
  await turn();
  newer.say(result(1, "well"), result(1, "twice"));
  newer.channel.end();
  newer.channel.close();
  expect(await call).toBe("well");
  hand.say(result(2, "later still"));
  await turn();
  expect(it.fleet.size).toBe(0);
  await it.close();
});

describe("fault G: errors were lost, the time was fixed, nothing could be given up", () => {
  test("an agent's error arrives with its code, data and details, for one and for all", async () => {
    const it = await fleetWorld({ wire: native() });
    const fail = (): never => {
      throw new RpcError("failed_precondition", "preview is disabled", { data: { flag: 1 }, details: ["d"] });
    };
    await it.agent({ name: "one", handlers: { fail } });
    const said = { code: "failed_precondition", message: "preview is disabled", data: { flag: 1 }, details: ["d"] };
    await expect(it.fleet.call("one", "fail")).rejects.toMatchObject(said);
    expect(await it.fleet.callAll("fail")).toMatchObject([{ member: "one", ok: false, error: said }]);
    expect(await codeOf(it.fleet.call("one", "nothing"))).toMatch(/^unimplemented/);
    await it.close();
  });

  test("a handler that throws something else is internal with a trace", async () => {
    const it = await fleetWorld({ wire: native() });
    const fail = (): never => {
      throw new Error("secret");
    };
    await it.agent({ name: "one", handlers: { fail } });
    await expect(it.fleet.call("one", "fail")).rejects.toMatchObject({
      code: "internal",
      message: "Internal error",
      trace: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    await it.close();
  });

  test("each call has its own time, 5 s by default; the agent is told how much is left, and is told when it is over", async () => {
    const it = await fleetWorld();
    const hand = await it.hand({ name: "one" });
    const usual = codeOf(it.fleet.call("one", "echo"));
    const short = codeOf(it.fleet.call("one", "echo", undefined, { timeoutMs: 200 }));
    const long = it.fleet.call("one", "echo", undefined, { timeoutMs: 60_000 });
    await turn();
    expect(callsOf(hand).map(({ timeoutMs }) => timeoutMs)).toEqual([5000, 200, 60_000]);
    await pass(it.clock, 210);
    expect(await short).toBe("deadline_exceeded/unknown");
    expect(hand.got.at(-1)).toEqual({ kind: "cancel", id: 2 });
    await pass(it.clock, 4900);
    expect(await usual).toBe("deadline_exceeded/unknown");
    await pass(it.clock, 10_000, 1000);
    hand.say(result(3, "late, and in time"));
    expect(await long).toBe("late, and in time");
    await it.close();
  });

  test("a call is given up by its signal, which reaches the handler; metadata travels along", async () => {
    const it = await fleetWorld({ wire: native() });
    const begun = deferred<unknown>();
    const stopped = deferred<unknown>();
    const wait = (_: unknown, { signal, meta }: CallContext): Promise<never> => {
      begun.resolve(meta);
      signal.addEventListener("abort", () => stopped.resolve((signal.reason as RpcError).code));
      return never();
    };
    await it.agent({ name: "one", handlers: { wait } });
    const abort = new AbortController();
    const call = codeOf(it.fleet.call("one", "wait", undefined, { signal: abort.signal, meta: { trace: "t1" } }));
    expect(await begun.promise).toEqual({ trace: "t1" });
    abort.abort();
    expect([await call, await stopped.promise]).toEqual(["cancelled/unknown", "cancelled"]);
    await it.close();
  });

  test("an agent refuses work whose time is over while it waits", async () => {
    const it = await fleetWorld({ wire: native() });
    const ran: unknown[] = [];
    const gate = deferred();
    const work = async (params: unknown): Promise<void> => {
      ran.push(params);
      await gate.promise;
    };
    const agent = await it.agent({ name: "one", concurrency: 1, handlers: { work } });
    const first = it.fleet.call("one", "work", "first");
    const second = codeOf(it.fleet.call("one", "work", "second", { timeoutMs: 50 }));
    await pass(it.clock, 100);
    expect(await second).toMatch(/^deadline_exceeded/);
    gate.resolve();
    await first;
    await turn();
    expect(ran).toEqual(["first"]);
    expect(agent.stats().running).toBe(0);
    await it.close();
  });
});
