import { describe, expect, test } from "vitest";
import type { Connection } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import type { CallContext } from "../src/index.ts";
import { type Client, Server } from "../src/index.ts";
import { call, codeOf, Hand, Log, never, note, pair, pass, result, watchedSignal } from "./suites/engine.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn } from "./suites/support.ts";
import { world } from "./suites/world.ts";

describe("1. each call settles exactly once, by its deadline", () => {
  test("with its result, its remote error, deadline_exceeded, cancelled, unavailable or resource_exhausted", async () => {
    const hand = new Hand({ role: "client", capacity: 1, limits: { maxPending: 1 } });
    const { controller, listeners } = watchedSignal();
    const signal = controller.signal;
    const outcomes: Promise<string>[] = [];
    const make = (timeoutMs = 1000): Promise<void> => {
      outcomes.push(codeOf(hand.peer.call("x", undefined, { timeoutMs, signal })));
      return turn();
    };
    await make();
    await make();
    await make(50);
    await hand.say(result(1, "yes"), { kind: "error", id: 2, error: { code: "not_found", message: "no" } });
    hand.clock.advance(52);
    const cancelled = new AbortController();
    outcomes.push(codeOf(hand.peer.call("x", undefined, { signal: cancelled.signal })));
    await turn();
    cancelled.abort();
    await make();
    hand.stopReading();
    for (let each = 0; each < 4; each++) await make();
    hand.peer.end({ message: "gone" });
    expect(await Promise.all(outcomes)).toEqual([
      "ok",
      "not_found/-",
      "deadline_exceeded/unknown",
      "cancelled/unknown",
      "unavailable/unknown",
      "unavailable/unknown",
      "unavailable/unknown",
      "resource_exhausted/no",
      "unavailable/no",
    ]);
    expect([hand.peer.pendingCount, listeners(), hand.clock.listeners]).toEqual([0, 0, 0]);
  });

  test("a second reply, a late one and one after a cancel change nothing", async () => {
    const hand = new Hand({ role: "client" });
    const first = hand.peer.call("x");
    const late = codeOf(hand.peer.call("x", undefined, { timeoutMs: 10 }));
    await turn();
    hand.clock.advance(12);
    await hand.say(
      result(1, "first"),
      result(1, "second"),
      { kind: "error", id: 1, error: { code: "internal", message: "third" } },
      result(2, 0),
    );
    expect(await first).toBe("first");
    expect(await late).toBe("deadline_exceeded/unknown");
    expect(hand.peer.stats()).toMatchObject({ results: 1, errors: 0, timeouts: 1, strays: 3 });
  });

  test("when a connection dies, everything outstanding settles at once, with the cause, and says whether it may have run", async () => {
    const hand = new Hand({ role: "client", capacity: 1 });
    hand.stopReading();
    const sent = [hand.peer.call("a"), hand.peer.call("b")];
    await turn();
    const unsent = [
      hand.peer.call("c"),
      hand.peer.batch([["d"]]).then(([outcome]) => (outcome?.ok === false ? Promise.reject(outcome.error) : 0)),
    ];
    const told = hand.peer.notify("e");
    await turn();
    const cause = new RpcError("data_loss", "The line was cut");
    let when = "before";
    void hand.peer.closed.then(() => {
      when = "after";
    });
    hand.peer.end({ message: "The line was cut", error: cause });
    expect(hand.peer.pendingCount).toBe(0);
    for (const each of sent) {
      await expect(each).rejects.toMatchObject({
        code: "unavailable",
        executed: "unknown",
        cause,
        message: 'Lost "a": The line was cut'.replace("a", each === sent[0] ? "a" : "b"),
      });
    }
    for (const each of unsent) await expect(each).rejects.toMatchObject({ code: "unavailable", executed: "no", cause });
    await expect(told).rejects.toMatchObject({ code: "unavailable", executed: "no" });
    expect(when).toBe("after");
  });

  test('executed is "yes" when it ran and its result was lost', async () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const { client } = pair({ server: { handlers: { bad: () => circular } } });
    await expect(client.call("bad")).rejects.toMatchObject({ code: "internal", executed: "yes" });
  });
});

describe("2. what may have run is never sent again unless the caller marked it idempotent", () => {
  test("and calls that were still queued survive a reconnect", async () => {
    const it = await world({ handlers: { never, echo: (params: unknown) => params } });
    const sent = codeOf(it.client.call("never", 1));
    const again = codeOf(it.client.call("never", 2, { idempotent: true }));
    await turn();
    expect(it.ran).toEqual(["never 1", "never 2"]);
    it.switchOff();
    it.cut();
    await turn();
    expect(await sent).toBe("unavailable/unknown");
    const queued = it.client.call("echo", 3);
    const batch = it.client.batch([
      ["echo", 4],
      ["echo", 5, { notify: true }],
    ]);
    it.switchOn();
    await pass(it.clock, 2000);
    expect(await queued).toBe(3);
    expect(await batch).toEqual([
      { ok: true, value: 4 },
      { ok: true, value: undefined },
    ]);
    expect(it.ran.filter((each) => each === "never 1")).toHaveLength(1);
    expect(it.ran.filter((each) => each === "never 2")).toHaveLength(2);
    it.cut();
    await it.client.close({ graceMs: 0 });
    expect(await again).toMatch(/^(cancelled|unavailable)\/unknown$/);
  });
});

describe("3. one bad message never harms another call, one bad peer never harms another peer", () => {
  test("unknown methods and bad requests get an error reply with the id echoed, and their neighbours their results", async () => {
    const hand = new Hand({ handlers: { ok: () => "fine", bad: () => 1n } });
    void hand.channel.send([
      "rubbish",
      JSON.stringify(call("a b", "nope")),
      JSON.stringify(call(0, "bad")),
      JSON.stringify(call("", "ok")),
    ]);
    await turn();
    expect(hand.got).toMatchObject([
      { kind: "error", id: null, error: { code: "invalid_argument" } },
      {
        kind: "error",
        id: "a b",
        error: { code: "unimplemented", message: "method not found", data: "nope", executed: "no" },
      },
      { kind: "error", id: 0, error: { code: "internal", executed: "yes" } },
      { kind: "result", id: "", value: "fine" },
    ]);
    expect(hand.peer.isOpen).toBe(true);
  });

  test("a request that cannot be encoded fails alone", async () => {
    const { client } = pair({ server: { handlers: { echo: (params: unknown) => params } } });
    const codes = await Promise.all(
      [
        1,
        1n,
        {
          toJSON: () => {
            throw new Error("no");
          },
        },
        2,
      ].map((params) => codeOf(client.call("echo", params))),
    );
    expect(codes).toEqual(["ok", "invalid_argument/no", "invalid_argument/no", "ok"]);
    expect(client.pendingCount).toBe(0);
  });

  test("a peer that breaks its link takes no other peer with it, and gives its places back", async () => {
    const gate = deferred();
    const it = await world({
      handlers: { work: () => gate.promise, echo: (params: unknown) => params },
      server: { concurrency: 2 },
    });
    const other = await it.connect();
    const lost = codeOf(it.client.call("work"));
    const kept = other.call("work");
    await turn();
    it.cut(0);
    expect(await lost).toBe("unavailable/unknown");
    gate.resolve();
    await kept;
    expect(await Promise.all([1, 2, 3].map((each) => other.call("echo", each)))).toEqual([1, 2, 3]);
  });
});

describe("4. everything is bounded by numbers that a user can set", () => {
  test("past a bound there is a clear error for that call, never growth", async () => {
    const it = await world({
      handlers: { echo: (params: unknown) => params },
      client: { maxPending: 3, maxFrameBytes: 1000 },
    });
    await expect(it.client.call("echo", "x".repeat(2000))).rejects.toMatchObject({
      code: "resource_exhausted",
      executed: "no",
    });
    it.switchOff();
    it.cut();
    await turn();
    const calls = [1, 2, 3, 4].map((each) => codeOf(it.client.call("echo", each)));
    const notes = [1, 2, 3].map((each) => codeOf(it.client.notify("echo", each)));
    expect(it.client.pendingCount).toBe(3);
    expect(await calls[0]).toBe("resource_exhausted/no");
    expect(new Set(await Promise.all(notes))).toEqual(new Set(["resource_exhausted/no"]));
  });

  test.each(["maxPending", "maxWaiting", "maxRunning", "maxFrameBytes", "maxDepth", "maxQueuedBytes", "concurrency"])(
    "%s is checked when the end is made",
    async (name) => {
      for (const wrong of [0, -1, Number.NaN, "7"]) {
        await expect(Server.open([], plainWire(), { [name]: wrong })).rejects.toThrow(RangeError);
      }
      await (await Server.open([], plainWire(), { [name]: 1 })).close();
    },
  );
});

describe("5. nothing is reachable that was not registered", () => {
  const names = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "math",
    "math.",
    ".add",
    "math.constructor",
    "math.__proto__",
    "math.add.call",
    "deep.valueOf",
  ];
  test.each([
    ...names.map((name) => [name, name]),
    ["the empty name", ""],
    ["a name of 64 KiB", "x".repeat(65_536)],
  ] as [string, string][])("%s is an unknown method", async (_, method) => {
    class Deep {
      get() {
        return 1;
      }
    }
    const { client, server } = pair({ server: { handlers: { math: { add: () => 3 }, deep: new Deep() } } });
    await expect(client.call(method)).rejects.toMatchObject({
      code: "unimplemented",
      executed: "no",
      message: "method not found",
    });
    expect(await client.call("math.add")).toBe(3);
    expect(server.isOpen).toBe(true);
  });
});

describe("6. a reply never waits behind a request", () => {
  test("a handler may call its caller back and await the answer, three levels deep, with one place at each end", async () => {
    const down = (params: number, { peer }: CallContext): unknown =>
      params === 0 ? "bottom" : peer.call("down", params - 1);
    const one = { handlers: { down }, limits: { maxRunning: 4, maxWaiting: 1 } };
    const { client } = pair({ wire: plainWire({ ordered: true }), capacity: 1, client: one, server: one });
    expect(await client.call("down", 6)).toBe("bottom");
  });

  test("replies are read while every place is taken, the queue is full and a notification holds the order", async () => {
    const { client, server } = pair({
      wire: plainWire({ ordered: true }),
      capacity: 1,
      server: {
        limits: { maxRunning: 1, maxWaiting: 4 },
        handlers: { note: (_: unknown, { peer }: CallContext) => peer.call("back"), work: (params: number) => params },
      },
      client: { handlers: { back: async () => turn(10) } },
    });
    const results: Promise<unknown>[] = [];
    void client.notify("note");
    for (let each = 0; each < 20; each++) {
      results.push(client.call("work", each));
      await turn(1);
    }
    expect(await Promise.all(results)).toEqual(Array.from({ length: 20 }, (_, each) => each));
    expect(server.isReading).toBe(true);
  });
});

describe("7. errors tell the caller what it needs and no more", () => {
  test("a thrown RpcError crosses as it is", async () => {
    const thrown = new RpcError("failed_precondition", "Buy it first", {
      data: { price: 5 },
      details: [{ a: 1 }],
      wireCode: 77,
      timestamp: 5,
      trace: "t1",
      cause: new Error("secret"),
    });
    const { client } = pair({
      server: {
        handlers: {
          buy: () => {
            throw thrown;
          },
        },
      },
    });
    const error: unknown = await client.call("buy").catch((each: unknown) => each);
    expect(error).toMatchObject({
      code: "failed_precondition",
      message: "Buy it first",
      data: { price: 5 },
      details: [{ a: 1 }],
      wireCode: 77,
      timestamp: 5,
      trace: "t1",
      remote: true,
    });
    expect(error).toBeInstanceOf(RpcError);
    expect((error as RpcError).cause).toBeUndefined();
  });

  test.each([
    ["an Error", new TypeError("secret password")],
    ["a string", "secret password"],
    ["nothing", undefined],
    ["an object", { message: "secret", code: "not_found" }],
  ])(
    "%s becomes internal with a trace id; the original goes to the local log with the same id; no stack crosses",
    async (_, thrown) => {
      const log = new Log();
      for (const handler of [
        () => {
          throw thrown;
        },
        async () => Promise.reject(thrown),
      ]) {
        const hand = new Hand({ handlers: { fail: handler }, logger: log });
        await hand.say(call(1, "fail"));
        const [reply] = hand.got;
        expect(reply).toEqual({
          kind: "error",
          id: 1,
          error: { code: "internal", message: "Internal error", trace: expect.stringMatching(/^[0-9a-f]{16}$/) },
        });
        expect(String(hand.frames[0])).not.toMatch(/secret|at .*\.ts/);
        const line = log.lines.at(-1);
        expect(line).toMatchObject({ level: "error", cause: thrown });
        expect(line?.message).toContain(reply?.kind === "error" ? reply.error.trace : "?");
      }
    },
  );

  test("a failed notification is logged and answered by nothing", async () => {
    const log = new Log();
    const hand = new Hand({
      logger: log,
      handlers: {
        fail: () => {
          throw new Error("oh");
        },
      },
    });
    await hand.say(note("fail"));
    expect(hand.got).toEqual([]);
    expect(log.of("error")).toHaveLength(1);
  });
});

describe("8. close is graceful", () => {
  test("it stops accepting, lets running handlers answer, then closes", async () => {
    const gate = deferred<string>();
    const it = await world({ handlers: { work: () => gate.promise, echo: (params: unknown) => params } });
    const running = it.client.call("work");
    await turn();
    let closed = false;
    const closing = it.server.close().then(() => {
      closed = true;
    });
    await turn();
    expect(await codeOf(it.client.call("echo", 1))).toBe("unavailable/no");
    await expect(it.connect()).rejects.toMatchObject({ code: "unavailable", executed: "no" });
    expect(closed).toBe(false);
    gate.resolve("answered");
    expect(await running).toBe("answered");
    await closing;
    expect(it.server.connections).toEqual([]);
  });

  test("accepted requests that wait for a place are answered too", async () => {
    const { client, server } = pair({
      server: { limits: { maxRunning: 10 }, handlers: { work: async (params: number) => (await turn(1), params) } },
    });
    const accepted = Array.from({ length: 100 }, (_, each) => client.call("work", each));
    await turn(1);
    const closing = server.close();
    const late = Array.from({ length: 50 }, (_, each) => codeOf(client.call("work", each)));
    expect(await Promise.all(accepted)).toEqual(Array.from({ length: 100 }, (_, each) => each));
    expect(new Set(await Promise.all(late))).toEqual(new Set(["unavailable/no"]));
    await closing;
  });

  test("a closing end waits for its own calls, also for one that was made a moment ago, and no longer", async () => {
    const gate = deferred<string>();
    const { client } = pair({ server: { handlers: { work: () => gate.promise } } });
    const mine = client.call("work");
    const closing = client.close();
    await turn();
    gate.resolve("done");
    expect(await mine).toBe("done");
    await closing;
  });

  test("handlers that do not end within graceMs are told, and the link closes anyway", async () => {
    const told = deferred<unknown>();
    const { client, server, clock } = pair({
      server: {
        handlers: {
          work: (_: unknown, { signal }: CallContext) => {
            signal.addEventListener("abort", () => told.resolve(signal.reason));
            return never();
          },
        },
      },
    });
    const lost = codeOf(client.call("work"));
    await turn();
    const closing = server.close({ graceMs: 300 });
    clock.advance(299);
    await turn();
    expect(client.pendingCount).toBe(1);
    clock.advance(2);
    await closing;
    expect(await told.promise).toMatchObject({ code: "unavailable" });
    expect(await lost).toBe("unavailable/unknown");
  });

  test("Symbol.asyncDispose does it, and closing twice is fine", async () => {
    const seen: Connection[] = [];
    const it = await world({
      handlers: {},
      server: { onDisconnect: (connection: Connection) => void seen.push(connection) },
    });
    {
      await using server: Server = it.server;
      await using client: Client = it.client;
      expect(client.state).toBe("open");
      expect(server.connections).toHaveLength(1);
    }
    expect(it.client.state).toBe("closed");
    expect(seen).toHaveLength(1);
    await Promise.all([it.client.close(), it.server.close()]);
    await turn();
    expect(it.clock.listeners).toBe(0);
  });
});
