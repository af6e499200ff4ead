import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { Slots } from "../src/core/limits.ts";
import { connect, native, serve } from "../src/node.ts";
import { call, codeOf, Hand, Log, never, note, pass } from "./suites/engine.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn, until } from "./suites/support.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, each) => each + 1);
const cancel = (id: number): object => ({ kind: "cancel", id });

describe("notifications that wait", () => {
  test("are kept past the bound of calls, because nobody would hear that one was left out", async () => {
    const gate = deferred();
    const seen: unknown[] = [];
    const hand = new Hand({
      ordered: true,
      limits: { maxWaiting: 100 },
      handlers: { first: () => gate.promise, next: (params: unknown) => void seen.push(params) },
    });
    const asked = hand.peer.call("ask").catch(() => {});
    await hand.say(note("first"));
    await hand.say(...numbers(20_000).map((each) => note("next", each)));
    gate.resolve();
    await turn(20);
    expect(seen).toEqual(numbers(20_000));
    hand.peer.end();
    await asked;
  });

  test("end the link when they are more than memory is given to", async () => {
    const hand = new Hand({
      ordered: true,
      limits: { maxWaiting: 100, maxQueuedBytes: 100_000 },
      handlers: { first: never, next: () => {} },
    });
    const asked = codeOf(hand.peer.call("ask"));
    await hand.say(note("first"));
    await hand.say(...numbers(20_000).map((each) => note("next", each)));
    expect((await hand.peer.closed).error).toMatchObject({
      code: "resource_exhausted",
      message: "Too many notifications wait for the handlers of this end",
    });
    expect(await asked).toMatch(/^unavailable/);
  });

  test("settle when the client closes, however many bytes wait for a side that does not read", async () => {
    const hand = new Hand({ role: "client", capacity: 1, limits: { maxQueuedBytes: 100_000 } });
    hand.stopReading();
    const notes: Promise<string>[] = [];
    for (let n = 0; n < 20 && hand.peer.queuedBytes < 90_000; n++) {
      notes.push(codeOf(hand.peer.notify("log", "x".repeat(8000))));
      await turn();
    }
    notes.push(codeOf(hand.peer.notify("log", "x".repeat(90_000))));
    await turn();
    const before = hand.peer.queuedBytes;
    hand.peer.giveUp(({ method }) => new Error(method) as never);
    expect(hand.peer.queuedBytes).toBeLessThanOrEqual(before);
    expect(hand.peer.isOpen).toBe(true);
    hand.peer.end();
    await Promise.all(notes);
  });
});

describe("notifications that come to nothing", () => {
  test("are counted, and one line of a link says so; unknown methods are for those who look for them", async () => {
    const logger = new Log();
    const hand = new Hand({
      logger,
      handlers: {
        fails: () => {
          throw new Error("boom");
        },
        refuse: () => {
          throw Object.assign(new Error("no"), { [Symbol.for("convoke.RpcError")]: true, code: "failed_precondition" });
        },
      },
    });
    await hand.say(note("nobody"), note("fails"), note("refuse"), note("refuse"));
    const counted = { unimplemented: 1, internal: 1, failed_precondition: 2 };
    expect(hand.peer.stats().servedErrorsByCode).toEqual(counted);
    expect(logger.of("error")).toHaveLength(1);
    expect(logger.of("warn")).toEqual([
      expect.stringContaining('The notification "refuse" came to nothing: no') as string,
    ]);
    expect(logger.lines.filter(({ message }) => message.includes("came to nothing"))).toHaveLength(4);
  });
});

describe("an end that has stopped reading", () => {
  test("counts only what still waits", async () => {
    const hand = new Hand({ limits: { maxRunning: 1, maxWaiting: 10 }, handlers: { hang: never, get: () => 1 } });
    await hand.say(call(0, "hang"), ...numbers(9).map((each) => call(each, "get")));
    expect(hand.peer.waitingCount).toBe(9);
    await hand.say(...numbers(8).map((each) => cancel(each)));
    expect(hand.peer.waitingCount).toBe(1);
    await hand.say(...numbers(1000).flatMap((each) => [call(each * 10, "get"), cancel(each * 10)]));
    expect([hand.peer.waitingCount, hand.peer.isReading]).toEqual([1, true]);
  });

  test("reads on when no handler has ended for 5 s: a cancel may stand behind the pause", async () => {
    const hand = new Hand({
      limits: { maxRunning: 2, maxWaiting: 10 },
      handlers: {
        follow: (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
          new Promise((resolve) => signal.addEventListener("abort", resolve)),
        get: () => 1,
      },
    });
    await hand.say(call(1001, "follow"), call(1002, "follow"), ...numbers(20).map((each) => call(each, "get")));
    await hand.say(cancel(1001), cancel(1002));
    expect([hand.peer.isReading, hand.peer.runningCount]).toEqual([false, 2]);
    await pass(hand.clock, 4900, 100);
    expect([hand.peer.isReading, hand.peer.runningCount]).toEqual([false, 2]);
    await pass(hand.clock, 300, 100);
    expect([hand.peer.isReading, hand.peer.runningCount, hand.peer.waitingCount]).toEqual([true, 0, 0]);
  });
});

test.each([true, false])(
  "a call that the serving end gives up is answered, also where its caller's own cancels are not: %s",
  async (answersCancelled) => {
    const hand = new Hand({
      wire: plainWire({ carries: { answersCancelled } }),
      handlers: { work: () => sleep(1, "done") },
    });
    await hand.say(call(1, "work"));
    hand.peer.cancelIncoming("1");
    await until(() => hand.got.length > 0);
    expect(hand.got).toMatchObject([{ id: 1 }]);
  },
);

test("concurrency may be a fraction or Infinity", () => {
  const taken = (count: number) => {
    const slots = new Slots(count);
    let most = 0;
    while (most < 100 && slots.take()) most++;
    return [most, slots.taken];
  };
  expect([taken(1.5), taken(2), taken(Number.POSITIVE_INFINITY)]).toEqual([
    [1, 1],
    [2, 2],
    [100, 100],
  ]);
});

describe("a client without a link", () => {
  const server = async () => {
    const it = await serve("tcp://127.0.0.1:0", { wire: native(), logger: false, handlers: { get: () => 1 } });
    const client = await connect(it.addresses[0] ?? "", {
      wire: native(),
      logger: false,
      maxPending: 10,
      redial: { baseMs: 60_000, maxMs: 60_000 },
    });
    onTestFinished(() => client.close());
    await it.close();
    await until(() => client.state === "connecting");
    return client;
  };

  test("bounds batches that notify like notifications, and keeps no batch of which everything has settled", async () => {
    const client = await server();
    const batches: Promise<unknown>[] = [];
    for (let n = 0; n < 1000; n++) batches.push(client.batch([["log", n, { notify: true }], ["get"]]).catch(() => {}));
    expect(client.stats().queued).toBeLessThanOrEqual(20);
    for (let n = 0; n < 1000; n++) batches.push(client.batch([["log", n, { notify: true }]]).catch(() => {}));
    expect(client.stats().queued).toBeLessThanOrEqual(20);
    const signal = AbortSignal.abort();
    for (let n = 0; n < 100; n++) batches.push(client.batch([["get"], ["get"]], { signal }));
    expect(client.stats().queued).toBeLessThanOrEqual(20);
    await client.close();
    await Promise.all(batches);
  });
});

describe("the options of a call", () => {
  test("are read when it is made, so that the object may be used again", async () => {
    let charged = 0;
    const server = await serve("tcp://127.0.0.1:0", {
      wire: native(),
      logger: false,
      handlers: {
        charge: async (_: unknown, { connection }: { readonly connection: { close(options: object): unknown } }) => {
          if (++charged === 1) void connection.close({ graceMs: 0 });
          await sleep(20);
          return charged;
        },
        meta: (_: unknown, { meta }: { readonly meta: unknown }) => meta,
      },
    });
    const client = await connect(server.addresses[0] ?? "", { wire: native(), logger: false, redial: { baseMs: 1 } });
    onTestFinished(async () => {
      await client.close({ graceMs: 0 });
      await server.close({ graceMs: 0 });
    });
    const options: { timeoutMs: number; idempotent?: boolean; meta?: Record<string, string> } = { timeoutMs: 3000 };
    const charge = codeOf(client.call("charge", {}, options));
    options.idempotent = true;
    expect(await charge).toBe("unavailable/unknown");
    expect(charged).toBe(1);
    options.meta = { n: "a" };
    const one = client.call("meta", {}, options);
    options.meta = { n: "b" };
    expect(await Promise.all([one, client.call("meta", {}, options)])).toEqual([{ n: "a" }, { n: "b" }]);
  });
});

test("a call that breaks every link on which it is sent is given up, idempotent or not", async () => {
  let calls = 0;
  const server = await serve("tcp://127.0.0.1:0", {
    logger: false,
    handlers: {
      poison: async (_: unknown, { connection }: { readonly connection: { close(options: object): unknown } }) => {
        calls++;
        void connection.close({ graceMs: 0 });
        await sleep(10);
      },
    },
  });
  const client = await connect(server.addresses[0] ?? "", { logger: false, redial: { baseMs: 1, maxMs: 5 } });
  onTestFinished(async () => {
    await client.close({ graceMs: 0 });
    await server.close({ graceMs: 0 });
  });
  expect(await codeOf(client.call("poison", {}, { idempotent: true }))).toBe("unavailable/unknown");
  expect(calls).toBe(3);
});

test("client.closed resolves when its handlers have answered and its links have ended", async () => {
  const server = await serve("tcp://127.0.0.1:0", { wire: native(), logger: false });
  const gate = deferred();
  const handlers = { job: async () => (await gate.promise, "done") };
  const client = await connect(server.addresses[0] ?? "", { wire: native(), logger: false, handlers });
  onTestFinished(() => server.close({ graceMs: 0 }));
  await until(() => server.connections.length === 1);
  const job = server.connections[0]?.call("job");
  await until(() => client.stats().running === 1);
  const order: string[] = [];
  void client.closed.then(() => order.push(`closed with ${client.connections.length} links`));
  const closing = client.close();
  await sleep(50);
  expect(order).toEqual([]);
  gate.resolve();
  expect(await job).toBe("done");
  await closing;
  await turn();
  expect(order).toEqual(["closed with 0 links"]);
});

describe("whatever a handler throws", () => {
  const hostile = new Proxy(new Error("x"), {
    has: () => {
      throw new Error("has");
    },
    get: () => {
      throw new Error("get");
    },
    getPrototypeOf: () => {
      throw new Error("prototype");
    },
  });
  class Lazy extends Error {
    override get name(): string {
      return (undefined as unknown as string).toUpperCase();
    }
  }
  const bare: unknown = Object.create(null);
  const things: readonly (readonly [string, unknown])[] = [
    ["an error whose name throws", new Lazy("no disk")],
    ["a hostile Proxy", hostile],
    ["an object without a prototype", bare],
  ];

  test.each(things)("its caller is answered, and its place is free again: %s", async (_, thrown) => {
    const fail = (): never => {
      throw thrown;
    };
    const hand = new Hand({
      limits: { maxRunning: 1 },
      handlers: {
        now: fail,
        later: async () => (await turn(), fail()),
        value: () => ({ toJSON: fail }),
      },
    });
    await hand.say(call(1, "now"), call(2, "later"), call(3, "value"));
    await until(() => hand.got.length === 3);
    expect(hand.got.map((message) => (message.kind === "error" ? message.error.code : message.kind))).toEqual([
      "internal",
      "internal",
      "internal",
    ]);
    expect([hand.peer.isOpen, hand.peer.runningCount]).toEqual([true, 0]);
  });
});
