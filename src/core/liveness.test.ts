import { describe, expect, test } from "vitest";
import { codeOf, Hand, never, pass } from "../../test/suites/engine.ts";
import { fleetWorld } from "../../test/suites/fleet-world.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { native } from "../wires/native.ts";
import { Liveness } from "./liveness.ts";

const HEARTBEAT = { intervalMs: 15_000, timeoutMs: 15_000 };

/** When an end that is told `wantedMs`, and hears something all the time, pings within 20 s. */
function pingsOf(wantedMs: number | undefined, heartbeat = HEARTBEAT): number[] {
  const liveness = new Liveness(heartbeat, "client", 0);
  const pings: number[] = [];
  for (let now = 0; now <= 20_000; now += 50) {
    liveness.received(now);
    const lastSent = pings.at(-1) ?? 0;
    const due = liveness.due(lastSent, wantedMs);
    if (liveness.judge(now, lastSent, true, wantedMs) === undefined) {
      expect(due).toBeGreaterThan(now);
      continue;
    }
    expect(due).toBeLessThanOrEqual(now);
    pings.push(now);
  }
  return pings;
}

describe("an end that says nothing itself", () => {
  test("pings at its own interval where the other side said nothing of its heartbeat", () => {
    expect(pingsOf(undefined)).toEqual([15_000]);
  });

  test("pings at the other side's interval where that is shorter", () => {
    expect(pingsOf(5000)).toEqual([5000, 10_000, 15_000, 20_000]);
    expect(pingsOf(60_000)).toEqual([15_000]);
  });

  test("is never made to ping more than once a second, but may want to by itself", () => {
    expect(pingsOf(1)).toHaveLength(20);
    expect(pingsOf(1, { intervalMs: 500, timeoutMs: 500 })).toHaveLength(40);
  });

  test("judges by its own heartbeat all the same", () => {
    const liveness = new Liveness(HEARTBEAT, "client", 0);
    expect(liveness.judge(29_900, 29_900, true, 5000)).toBe("ping");
    expect(liveness.judge(30_100, 29_900, true, 5000)).toBe("dead");
  });
});

test("what a welcome says of the heartbeat counts from then on", async () => {
  const wire = plainWire({ carries: { hello: "must", welcome: true, ping: true } });
  const hand = new Hand({ wire, role: "client", hello: {}, heartbeat: HEARTBEAT });
  await hand.say({ kind: "welcome", hello: { heartbeatMs: 5000 } });
  await pass(hand.clock, 5100, 100);
  expect(hand.got.map(({ kind }) => kind)).toEqual(["hello", "ping"]);
});

test("who says no more is asked once a second while something runs for it: a link that is gone breaks", async () => {
  const wire = plainWire({ carries: { ping: true } });
  const hand = new Hand({ wire, role: "client", heartbeat: HEARTBEAT, handlers: { wait: never } });
  await hand.say({ kind: "call", id: 1, method: "wait" });
  hand.channel.end();
  await pass(hand.clock, 3100, 100);
  expect(hand.got.map(({ kind }) => kind)).toEqual(["ping", "ping", "ping"]);
});

test("an agent that is too busy to read is kept by a controller whose heartbeat is shorter than its own", async () => {
  const it = await fleetWorld({ wire: native(), server: { heartbeat: { intervalMs: 5000, timeoutMs: 5000 } } });
  await it.agent({ name: "busy", concurrency: 1, maxWaiting: 4, handlers: { wait: never } });
  const calls = Array.from({ length: 50 }, () => codeOf(it.fleet.call("busy", "wait", [], { timeoutMs: 25_000 })));
  // Those that it did not read are answered by nobody.
  await pass(it.clock, 24_000, 100);
  expect(it.fleet.size).toBe(1);
  await pass(it.clock, 2000, 100);
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["deadline_exceeded/unknown"]));
  await it.close();
});

test.each([
  ["the same", 15_000, 11],
  ["the client's is shorter", 5000, 33],
])("of two ends that began together one asks and the other answers; their intervals: %s", (_, clientMs, pings) => {
  const intervals = { client: clientMs, server: HEARTBEAT.intervalMs };
  const ends = (["client", "server"] as const).map((role) => ({
    liveness: new Liveness({ intervalMs: intervals[role], timeoutMs: 15_000 }, role, 0),
    wantedMs: intervals[role === "client" ? "server" : "client"],
    lastSent: 0,
    asked: 0,
  }));
  for (let now = 0; now <= 150_000; now += 50) {
    for (const end of ends) {
      if (end.liveness.judge(now, end.lastSent, true, end.wantedMs) !== "ping") continue;
      end.asked++;
      // The other side has it at once, and answers.
      for (const each of ends) {
        each.liveness.received(now);
        each.lastSent = now;
      }
    }
  }
  expect(ends.map(({ asked }) => asked)).toEqual([0, pings]);
});
