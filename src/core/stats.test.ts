import { describe, expect, test } from "vitest";
import { call, codeOf, Hand, note, pair, pass, result } from "../../test/suites/engine.ts";
import { turn } from "../../test/suites/support.ts";
import { ManualClock } from "./clock.ts";
import type { CallContext } from "./context.ts";
import { RpcError } from "./errors.ts";
import { Meter } from "./meter.ts";
import { NO_GAUGES, perCall, type Stats, statsBetween } from "./stats.ts";

/** Every number of a snapshot that only grows. */
function grown({ callTime, handlerTime, pending, running, waiting, queued, queuedBytes, connections, ...rest }: Stats) {
  return { ...rest, times: callTime.count + handlerTime.count };
}

describe("the stats of a link", () => {
  test("count every call, result, error and notification, each way, errors by code", async () => {
    const handlers = {
      add: ({ a, b }: { a: number; b: number }) => a + b,
      deny: () => {
        throw new RpcError("permission_denied", "no");
      },
      later: async () => {
        await turn();
        throw new RpcError("aborted", "no");
      },
      note: () => {},
    };
    const { client, server } = pair({ server: { handlers } });
    await client.call("add", { a: 1, b: 2 });
    await codeOf(client.call("deny"));
    await codeOf(client.call("deny"));
    await codeOf(client.call("later"));
    await codeOf(client.call("nope"));
    await client.notify("note");
    await client.batch([["add", { a: 1, b: 2 }], ["deny"], ["note", undefined, { notify: true }]]);
    await turn(4);
    expect(client.stats()).toMatchObject({
      calls: 7,
      results: 2,
      errors: 5,
      errorsByCode: { permission_denied: 3, aborted: 1, unimplemented: 1 },
      failures: 0,
      notificationsSent: 2,
      requests: 0,
      served: 0,
      pending: 0,
      connections: 1,
      callTime: { count: 7 },
    });
    expect(server.stats()).toMatchObject({
      calls: 0,
      requests: 7,
      notificationsReceived: 2,
      served: 7,
      servedErrors: 5,
      servedErrorsByCode: { permission_denied: 3, aborted: 1, unimplemented: 1 },
      handlerTime: { count: 9 },
    });
  });

  test("each call of this end is a result, an error, a failure, or pending", async () => {
    const { peer, clock, say } = handOf();
    const controller = new AbortController();
    const calls = [
      peer.call("a"),
      peer.call("b", undefined, { timeoutMs: 100 }),
      peer.call("c", undefined, { signal: controller.signal }),
      peer.call("d"),
      peer.call("e"),
    ].map(codeOf);
    await turn();
    controller.abort();
    await say(result(1), { kind: "error", id: 4, error: { code: "aborted", message: "no" } });
    await pass(clock, 500);
    expect(peer.stats()).toMatchObject({
      calls: 5,
      results: 1,
      errors: 1,
      failures: 2,
      failuresByCode: { deadline_exceeded: 1, cancelled: 1 },
      timeouts: 1,
      pending: 1,
    });
    peer.end();
    await Promise.all(calls);
    expect(peer.stats()).toMatchObject({ failures: 3, pending: 0, connections: 0 });
    expect(peer.stats().failuresByCode).toEqual({ deadline_exceeded: 1, cancelled: 1, unavailable: 1 });
  });

  test("are a frozen snapshot", async () => {
    const { client } = pair();
    const stats = client.stats();
    await codeOf(client.call("nope"));
    expect(stats.calls).toBe(0);
    expect([stats, stats.callTime, stats.errorsByCode].map(Object.isFrozen)).toEqual([true, true, true]);
  });

  test("a reply that cannot be sent counts as the error that went out", async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    const { client, server } = pair({ server: { handlers: { circle: () => circle } } });
    await codeOf(client.call("circle"));
    expect(server.stats()).toMatchObject({ served: 1, servedErrorsByCode: { internal: 1 } });
  });

  test("a reset sets to 0 what counts, and leaves what is under way", async () => {
    const { peer, say } = handOf({ handlers: { hang: () => new Promise(() => {}) } });
    const first = codeOf(peer.call("a"));
    void codeOf(peer.call("b"));
    await turn();
    await say(call(1, "hang"), note("x"), result(1));
    await first;
    peer.resetStats();
    const stats = peer.stats();
    expect(stats).toMatchObject({ pending: 1, running: 1, connections: 1 });
    expect(Object.values(grown(stats)).filter((value) => typeof value === "number" && value !== 0)).toEqual([]);
    expect([stats.errorsByCode, stats.failuresByCode, stats.servedErrorsByCode]).toEqual([{}, {}, {}]);
    await say(result(2));
    expect(peer.stats()).toMatchObject({ calls: 0, results: 1, pending: 0, callTime: { count: 1 } });
  });
});

describe("times", () => {
  test("a call takes from its making to its settlement, also when it fails or has no limit", async () => {
    const { peer, clock, say } = handOf();
    const calls = [peer.call("a", undefined, { timeoutMs: Infinity }), peer.call("b", undefined, { timeoutMs: 50 })];
    const ended = calls.map(codeOf);
    await turn();
    clock.advance(30);
    await say(result(1));
    await pass(clock, 100, 10);
    await Promise.all(ended);
    const { count, totalMs, maxMs } = peer.stats().callTime;
    expect([count, totalMs - maxMs]).toEqual([2, 30]);
    expect(maxMs).toBeGreaterThanOrEqual(50);
  });

  test("handlers that return at once share the time between two readings; others have their own", async () => {
    const { peer, clock, say } = handOf({
      handlers: { work: () => void clock.advance(10), rest: () => new Promise((resolve) => clock.onTick(resolve)) },
    });
    await say(call(1, "work"), call(2, "work"), call(3, "work"));
    const { count, averageMs, maxMs } = peer.stats().handlerTime;
    expect([count, averageMs, maxMs]).toEqual([3, 10, 10]);
    peer.resetStats();
    await say(call(4, "rest"));
    clock.advance(70);
    await turn();
    expect(peer.stats().handlerTime).toMatchObject({ count: 1, averageMs: 70 });
  });

  test("the clock is read a few times for a train of calls, not for each", async () => {
    let reads = 0;
    class Counting extends ManualClock {
      override exact(): number {
        reads++;
        return super.exact();
      }
    }
    const { client } = pair({ clock: new Counting(), server: { handlers: { one: () => 1 } } });
    await Promise.all(Array.from({ length: 256 }, () => client.call("one")));
    expect(client.stats().callTime.count).toBe(256);
    expect(reads).toBeLessThan(64);
  });

  test("time that passes between turns is seen, however the calls are made", async () => {
    const clock = new ManualClock();
    const meter = new Meter(clock, () => NO_GAUGES);
    const began = meter.moment;
    clock.advance(5);
    expect(meter.moment).toBe(began);
    await Promise.resolve();
    expect(meter.moment.ms).toBe(5);
    clock.advance(5);
    meter.lap();
    expect(meter.moment.ms).toBe(10);
  });
});

test("what happened between two snapshots: counters as differences, gauges as they are", async () => {
  const slow = { hang: (_: unknown, { signal }: CallContext) => new Promise((_, no) => (signal.onabort = no)) };
  const { client, server } = pair({ server: { handlers: { ...slow, one: () => 1 } } });
  await client.call("one");
  await codeOf(client.call("nope"));
  const before = server.stats();
  await client.call("one");
  void codeOf(client.call("hang"));
  await turn();
  const between = statsBetween(before, server.stats());
  expect(between).toMatchObject({ requests: 2, served: 1, servedErrors: 0, running: 1, handlerTime: { count: 1 } });
  expect(between.servedErrorsByCode).toEqual({});
  expect(statsBetween(before, before).handlerTime.count).toBe(0);
});

test("averages are over the calls of both directions, and 0 without any", () => {
  const { client } = pair();
  expect(perCall(client.stats())).toEqual({ bytesRead: 0, bytesWritten: 0, reads: 0, writes: 0 });
  const stats = { ...client.stats(), calls: 3, requests: 1, bytesRead: 40, bytesWritten: 80, reads: 1, writes: 2 };
  expect(perCall(stats)).toEqual({ bytesRead: 10, bytesWritten: 20, reads: 0.25, writes: 0.5 });
});

/** A peer whose other side the test plays. */
function handOf(setup: ConstructorParameters<typeof Hand>[0] = {}) {
  const hand = new Hand(setup);
  return { peer: hand.peer, clock: hand.clock, say: hand.say.bind(hand) };
}
