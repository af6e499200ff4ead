import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { backoffMs, DEFAULT_REDIAL } from "../src/client/redial.ts";
import type { Channel, ChannelSink } from "../src/core/channel.ts";
import { ManualClock } from "../src/core/clock.ts";
import { RpcError } from "../src/core/errors.ts";
import { type EstablishOptions, establish, HandshakeFailure } from "../src/core/establish.ts";
import { Registry } from "../src/core/handlers.ts";
import { DEFAULT_LIMITS, Slots } from "../src/core/limits.ts";
import { DEFAULT_HEARTBEAT } from "../src/core/liveness.ts";
import type { Authenticator, CallContext, Wire } from "../src/index.ts";
import { memoryChannels } from "../src/transports/memory.ts";
import { call, codeOf, Hand, Log, never, note, pair, pass, peerOn, result, watchedSignal } from "./suites/engine.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn } from "./suites/support.ts";
import { world } from "./suites/world.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, each) => each);
const cancel = (id: number | string): object => ({ kind: "cancel", id });

/** Handlers that end when the test says so, in the order in which they began. */
function gates(): {
  handlers: { work: (params: unknown) => Promise<unknown> };
  started: unknown[];
  end(index: number): Promise<void>;
} {
  const started: unknown[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    handlers: {
      work: (params) => {
        started.push(params);
        return new Promise((resolve) => ends.push(() => resolve(params)));
      },
    },
    end(index) {
      ends[index]?.();
      return turn();
    },
  };
}

describe("ids", () => {
  test("the ids of the two directions never mix: a request with the id of my own call is a request, a reply is a reply", async () => {
    const hand = new Hand({ handlers: { echo: (params: unknown) => params } });
    const mine = hand.peer.call("theirs");
    await turn();
    expect(hand.got).toMatchObject([{ kind: "call", id: 1, method: "theirs" }]);
    await hand.say(call(1, "echo", "same id"), cancel(1), result(1, "reply"));
    expect(hand.got[1]).toEqual({ kind: "result", id: 1, value: "same id" });
    expect(await mine).toBe("reply");
  });

  test("dispatch is on the kind, never on the id: 0, the empty text and ids equal to one of mine are all legal", async () => {
    const slow = gates();
    const hand = new Hand({
      wire: plainWire({ firstId: 0 }),
      handlers: { echo: (params: unknown) => params, ...slow.handlers },
    });
    const zero = hand.peer.call("theirs");
    await turn();
    await hand.say(
      call(0, "echo", "zero"),
      call("", "echo", "empty"),
      call(0, "work", "slow zero"),
      call("", "work", "slow empty"),
    );
    await slow.end(1);
    await slow.end(0);
    await hand.say(result(0, "mine"));
    expect(await zero).toBe("mine");
    expect(hand.got.slice(1)).toEqual([
      result(0, "zero"),
      result("", "empty"),
      result("", "slow empty"),
      result(0, "slow zero"),
    ]);
    const other = hand.peer.call("theirs");
    await turn();
    await hand.say(result("1", "not this"), result(1, "this"));
    expect(await other).toBe("this");
  });
});

describe("order", () => {
  test("requests of one link start in order of arrival", async () => {
    const slow = gates();
    const hand = new Hand({ ...slow, limits: { maxRunning: 2 } });
    await hand.say(...numbers(6).map((each) => call(each, "work", each)));
    expect(slow.started).toEqual([0, 1]);
    await slow.end(1);
    await slow.end(0);
    expect(slow.started).toEqual([0, 1, 2, 3]);
    for (const each of [2, 3, 4, 5]) await slow.end(each);
    expect(slow.started).toEqual(numbers(6));
  });

  test("with ordered: true nothing that arrives after a notification starts before its handler has ended", async () => {
    for (const ordered of [true, false]) {
      const slow = gates();
      const hand = new Hand({ wire: plainWire({ ordered: !ordered }), ordered, ...slow });
      await hand.say(
        note("work", "first"),
        note("work", "second"),
        call(1, "work", "third"),
        call(2, "work", "fourth"),
      );
      expect(slow.started).toEqual(ordered ? ["first"] : ["first", "second", "third", "fourth"]);
      await slow.end(0);
      await slow.end(1);
      expect(slow.started).toEqual(["first", "second", "third", "fourth"]);
    }
  });

  test("members of one batch run together, and what follows waits for the batch's notifications", async () => {
    const slow = gates();
    const hand = new Hand({ wire: plainWire({ ordered: true }), ...slow });
    await hand.say(
      { kind: "batch", messages: [note("work", "a"), call(1, "work", "b"), note("work", "c")] },
      call(2, "work", "d"),
    );
    expect(slow.started).toEqual(["a", "b", "c"]);
    await slow.end(0);
    expect(slow.started).toEqual(["a", "b", "c"]);
    await slow.end(2);
    expect(slow.started).toEqual(["a", "b", "c", "d"]);
    expect(hand.got).toEqual([]);
    await slow.end(1);
    expect(hand.got).toEqual([{ kind: "batch", messages: [result(1, "b")] }]);
  });

  test("a batch is answered once, in the order of its members, whoever ends first", async () => {
    const slow = gates();
    const hand = new Hand(slow);
    const wrong = { kind: "invalid", id: 9, error: { code: "invalid_argument", message: "odd" } };
    await hand.say({
      kind: "batch",
      messages: [call(1, "work", 1), wrong, note("work", 2), call(3, "nope"), call(4, "work", 4)],
    });
    for (const each of [2, 1, 0]) await slow.end(each);
    expect(hand.got).toMatchObject([
      { kind: "batch", messages: [result(1, 1), { kind: "error", id: 9 }, { kind: "error", id: 3 }, result(4, 4)] },
    ]);
    await hand.say({ kind: "batch", messages: [note("nope"), result(77)] });
    expect(hand.got).toHaveLength(1);
  });

  test("replies to my own calls are never held by the order", async () => {
    const order: string[] = [];
    const hand = new Hand({
      wire: plainWire({ ordered: true }),
      handlers: {
        note: async (params: string, { peer }: CallContext) => {
          order.push(`begin ${params}`);
          await peer.call("back");
          order.push(`end ${params}`);
        },
        call: () => void order.push("call"),
      },
    });
    await hand.say(note("note", "1"), note("note", "2"), call(1, "call"));
    expect(order).toEqual(["begin 1"]);
    await hand.say(result(1));
    await hand.say(result(2));
    expect(order).toEqual(["begin 1", "end 1", "begin 2", "end 2", "call"]);
  });
});

describe("concurrency", () => {
  test("there is a limit per server over all its connections, and who waits is served in turn", async () => {
    const slow = gates();
    const it = await world({ ...slow, server: { concurrency: 2 } });
    const clients = [it.client, await it.connect(), await it.connect()];
    const all = clients.flatMap((client, who) => numbers(3).map((each) => client.call("work", `${who}${each}`)));
    await turn();
    expect(slow.started).toEqual(["00", "01"]);
    for (const each of numbers(7)) await slow.end(each);
    expect([...slow.started].slice(2, 5).map((name) => String(name)[0])).toEqual(expect.arrayContaining(["1", "2"]));
    for (const each of numbers(9)) await slow.end(each);
    expect(await Promise.all(all)).toHaveLength(9);
  });

  test("and one per peer", async () => {
    const slow = gates();
    const slots = new Slots(100);
    const one = pair({ server: { slots, limits: { maxRunning: 1 }, ...slow } });
    const other = pair({ server: { slots, limits: { maxRunning: 1 }, ...slow } });
    for (const each of numbers(3)) {
      void one.client.call("work", each);
      void other.client.call("work", each);
    }
    await turn();
    expect([one.server.runningCount, other.server.runningCount, slow.started.length]).toEqual([1, 1, 2]);
  });

  test("a slot is held until the handler has really ended, cancelled or not", async () => {
    const slow = gates();
    const { client, server, clock } = pair({ server: { slots: new Slots(1), ...slow } });
    const abort = new AbortController();
    const cancelled = codeOf(client.call("work", 1, { signal: abort.signal }));
    const next = client.call("work", 2);
    await turn();
    abort.abort();
    await turn();
    expect(await cancelled).toBe("cancelled/unknown");
    expect([slow.started, server.runningCount, server.waitingCount]).toEqual([[1], 1, 1]);
    await slow.end(0);
    expect(slow.started).toEqual([1, 2]);
    await slow.end(1);
    expect(await next).toBe(2);
    const timed = codeOf(client.call("work", 3, { timeoutMs: 10 }));
    await turn();
    clock.advance(20);
    expect(await timed).toBe("deadline_exceeded/unknown");
    expect(server.runningCount).toBe(1);
    client.end();
    await turn();
    expect(server.runningCount).toBe(1);
    await slow.end(2);
    expect(server.runningCount).toBe(0);
  });

  test("a place is given back once, also by a promise that settles twice or a value whose then throws", async () => {
    const slots = new Slots(1);
    const twice = {
      then: (resolve: (value: string) => void, reject: (error: Error) => void) => (
        resolve("first"), resolve("second"), reject(new Error())
      ),
    };
    const hostile = Object.defineProperty({}, "then", {
      get: () => {
        throw new Error("no");
      },
    });
    const { client } = pair({ server: { slots, handlers: { twice: () => twice, hostile: () => hostile } } });
    expect(await client.call("twice")).toBe("first");
    expect(await codeOf(client.call("hostile"))).toBe("internal/-");
    expect([slots.take(), slots.take()]).toEqual([true, false]);
  });

  test("maxWaiting pauses reading only while nothing is awaited", async () => {
    const slow = gates();
    const { client, server, ends } = pair({
      capacity: 10,
      server: { limits: { maxRunning: 2, maxWaiting: 32 }, ...slow },
    });
    const results: Promise<unknown>[] = [];
    for (const each of numbers(500)) {
      results.push(client.call("work", each));
      await turn(1);
    }
    expect([server.isReading, server.waitingCount, server.runningCount]).toEqual([false, 32, 2]);
    expect(ends[1].held).toBeGreaterThan(0);
    for (const each of numbers(500)) {
      await slow.end(each);
      // One chunk more is what the other end writes at once: 256 messages.
      expect(server.waitingCount).toBeLessThanOrEqual(32 + 256);
    }
    expect(await Promise.all(results)).toEqual(numbers(500));
    expect(slow.started).toEqual(numbers(500));
    expect(server.isReading).toBe(true);
  });

  test("while something is awaited it reads on", async () => {
    const hand = new Hand({ handlers: { never }, limits: { maxRunning: 1, maxWaiting: 4 } });
    const mine = hand.peer.call("mine");
    for (const each of numbers(20)) await hand.say(call(each, "never"));
    expect([hand.peer.isReading, hand.peer.waitingCount]).toEqual([true, 19]);
    await hand.say(result(1, "read"));
    expect(await mine).toBe("read");
    await hand.say(call(20, "never"));
    expect(hand.peer.isReading).toBe(false);
  });

  test("a call made meanwhile resumes reading at once", async () => {
    const hand = new Hand({ handlers: { never }, limits: { maxRunning: 1, maxWaiting: 4 } });
    for (const each of numbers(10)) await hand.say(call(each, "never"));
    expect([hand.peer.isReading, hand.peer.waitingCount]).toEqual([false, 4]);
    const mine = hand.peer.call("mine");
    await turn();
    expect(hand.peer.isReading).toBe(true);
    await hand.say(result(1, "read"));
    expect(await mine).toBe("read");
    expect(hand.peer.waitingCount).toBe(9);
  });

  test("a channel that cannot pause and brings more all the same is told to go on as often as it was told to wait", async () => {
    const slow = gates();
    let sink: ChannelSink | undefined;
    const deaf: Channel = {
      open: (given) => {
        sink = given;
      },
      send: () => {},
      close: () => {},
    };
    const peer = peerOn(deaf, plainWire(), "server", new ManualClock(), {
      ...slow,
      limits: { maxRunning: 1, maxWaiting: 1 },
    });
    const told = numbers(4).map((each) => sink?.frames([JSON.stringify(call(each, "work", each))]));
    expect(told.map((full) => full instanceof Promise)).toEqual([false, true, true, true]);
    for (const each of numbers(4)) await slow.end(each);
    await Promise.all(told);
    expect([peer.isReading, peer.waitingCount]).toEqual([true, 0]);
  });

  test("a flood that cannot be paused is refused past the queue and one chunk more, as not executed", async () => {
    const hand = new Hand({ handlers: { never }, limits: { maxRunning: 2, maxWaiting: 8 } });
    await hand.say(...numbers(9000).map((each) => call(each, "never")));
    const refused = hand.got.filter((each) => each.kind === "error");
    expect(refused).toHaveLength(9000 - 2 - 8 - 8192);
    expect(refused[0]).toMatchObject({ id: 8202, error: { code: "resource_exhausted", executed: "no" } });
  });

  test("handlers that call back never deadlock although every place is taken and reading had stopped", async () => {
    const gate = deferred();
    const { client, server } = pair({
      capacity: 4,
      server: {
        limits: { maxRunning: 2, maxWaiting: 16 },
        handlers: {
          ask: async (params: number, { peer }: CallContext) => {
            await gate.promise;
            return ((await peer.call("answer", params)) as number) + 1;
          },
        },
      },
      client: { handlers: { answer: (params: number) => params * 10 } },
    });
    const results: Promise<unknown>[] = [];
    for (const each of numbers(100)) {
      results.push(client.call("ask", each));
      await turn(1);
    }
    expect([server.isReading, server.runningCount]).toEqual([false, 2]);
    gate.resolve();
    expect(await Promise.all(results)).toEqual(numbers(100).map((each) => each * 10 + 1));
  });

  test.each([
    ["small", 10],
    ["big", 20_000],
  ])("while the other side does not read its replies no handler starts, with %s replies", async (_, size) => {
    let started = 0;
    const bound = 100_000;
    const hand = new Hand({
      capacity: 4,
      limits: { maxQueuedBytes: bound, maxWaiting: 100 },
      handlers: { reply: () => (started++, "x".repeat(size)) },
    });
    hand.stopReading();
    for (const each of numbers(3000)) {
      void hand.channel.send([JSON.stringify(call(each, "reply"))]);
      if (each % 20 === 0) await turn(1);
    }
    await turn();
    const { peer } = hand;
    expect([peer.isOpen, peer.isReading, peer.runningCount]).toEqual([true, false, 0]);
    expect(peer.queuedBytes).toBeGreaterThan(bound);
    expect(peer.queuedBytes).toBeLessThanOrEqual(bound + size + 100);
    expect(started * size).toBeLessThanOrEqual(bound + size * 40);
    expect(peer.waitingCount).toBeLessThanOrEqual(100 + 20);
    const before = started;
    hand.readOn();
    await turn(20);
    expect(started).toBeGreaterThan(before);
    while (started < 3000) await turn(1);
    await turn();
    expect([hand.frames.length, peer.queuedBytes, peer.isReading]).toEqual([3000, 0, true]);
  });

  test("own calls and notifications are refused meanwhile, as not executed", async () => {
    const hand = new Hand({ role: "client", capacity: 1, limits: { maxQueuedBytes: 1000 } });
    hand.stopReading();
    const calls: Promise<string>[] = [];
    for (const each of numbers(10)) {
      calls.push(codeOf(hand.peer.call("x", "y".repeat(each * 50))));
      await turn();
    }
    expect(await codeOf(hand.peer.notify("x"))).toBe("resource_exhausted/no");
    expect(await calls[9]).toBe("resource_exhausted/no");
    expect(hand.peer.isOpen).toBe(true);
  });

  describe("replies of handlers that had begun", () => {
    const bound = 50_000;
    /** An end with 200 calls under way whose replies, of so many bytes each, come at once when the gate opens. */
    async function withReplies(size: number) {
      const gate = deferred();
      const clock = new ManualClock();
      const hand = new Hand({
        capacity: 1,
        clock,
        limits: { maxQueuedBytes: bound },
        handlers: { reply: async () => (await gate.promise, "x".repeat(size)) },
      });
      hand.stopReading();
      await hand.say(...numbers(200).map((each) => call(each, "reply")));
      expect(hand.peer.runningCount).toBe(200);
      gate.resolve();
      await turn();
      return { hand, clock };
    }

    test("all leave when the other side reads, also when they are more than twice maxQueuedBytes", async () => {
      const { hand, clock } = await withReplies(3000);
      expect(hand.peer.queuedBytes).toBeGreaterThan(bound * 10);
      clock.advance(4000);
      expect(hand.peer.isOpen).toBe(true);
      hand.readOn();
      await turn(20);
      expect(hand.got.filter(({ kind }) => kind === "result")).toHaveLength(200);
      expect(hand.peer.queuedBytes).toBe(0);
    });

    test("at twice maxQueuedBytes the link ends when the other side takes nothing for 5 s", async () => {
      const { hand, clock } = await withReplies(1000);
      const mine = codeOf(hand.peer.call("mine"));
      clock.advance(4900);
      expect(hand.peer.isOpen).toBe(true);
      clock.advance(200);
      expect((await hand.peer.closed).error).toMatchObject({
        code: "resource_exhausted",
        message: "The other side does not read what it is sent",
      });
      expect(await mine).toMatch(/^(unavailable|resource_exhausted)\//);
    });

    test("a pause of this process is not held against the other side", async () => {
      const { hand, clock } = await withReplies(1000);
      clock.advance(60_000, 60_000);
      clock.advance(4900);
      expect(hand.peer.isOpen).toBe(true);
    });

    test("beyond 16 times maxQueuedBytes they become errors, and the others are kept", async () => {
      const { hand } = await withReplies(10_000);
      expect(hand.peer.queuedBytes).toBeLessThanOrEqual(bound * 17);
      hand.readOn();
      await turn(20);
      const replies = hand.got.filter(({ kind }) => kind === "result" || kind === "error");
      expect(replies).toHaveLength(200);
      const refused = replies.filter(({ kind }) => kind === "error");
      expect(refused.length).toBeGreaterThan(100);
      expect(refused[0]).toMatchObject({ error: { code: "resource_exhausted", executed: "yes" } });
      expect(hand.peer.isOpen).toBe(true);
    });

    test("at 32 times as much, which is what nobody asked for, the link ends at once", async () => {
      const { hand } = await withReplies(1000);
      for (let n = 0; n < 300 && hand.peer.isOpen; n++) {
        await hand.say(...numbers(100).map((token) => ({ kind: "ping", token })));
      }
      expect((await hand.peer.closed).error?.code).toBe("resource_exhausted");
      expect(hand.peer.queuedBytes).toBeLessThanOrEqual(bound * 33);
    });
  });

  test("the estimate of queued bytes counts values with many small parts as well", async () => {
    const hand = new Hand({
      capacity: 1,
      limits: { maxQueuedBytes: 1 << 20 },
      handlers: { reply: () => Array.from({ length: 100_000 }, () => "0123456789") },
    });
    hand.stopReading();
    await hand.say(...numbers(5).map((each) => call(each, "reply")));
    await hand.say(...numbers(50).map((each) => call(each, "reply")));
    expect(hand.peer.queuedBytes).toBeGreaterThan(1 << 20);
    expect(hand.peer.queuedBytes).toBeLessThan(3 << 20);
    expect(hand.peer.waitingCount).toBeGreaterThan(40);
  });
});

describe("overflow at the caller", () => {
  test("maxPending bounds the calls that wait to be sent; at the bound the peer first flushes", async () => {
    const { client } = pair({
      client: { limits: { maxPending: 2 } },
      server: { handlers: { echo: (params: unknown) => params } },
    });
    expect(await Promise.all(numbers(15).map((each) => client.call("echo", each)))).toEqual(numbers(15));
  });

  test("if the channel is full, the oldest unsent call fails and the new one takes its place", async () => {
    const hand = new Hand({ role: "client", capacity: 1, limits: { maxPending: 2 } });
    hand.stopReading();
    const sent = [codeOf(hand.peer.call("s1")), codeOf(hand.peer.call("s2"))];
    await turn();
    const unsent = numbers(4).map((each) => codeOf(hand.peer.call(`u${each}`)));
    await turn();
    expect(await Promise.all(unsent.slice(0, 2))).toEqual(["resource_exhausted/no", "resource_exhausted/no"]);
    expect(hand.peer.pendingCount).toBe(4);
    hand.readOn();
    await turn();
    expect(hand.got.map((each) => (each.kind === "call" ? each.method : each.kind))).toEqual(["s1", "s2", "u2", "u3"]);
    await hand.say(...numbers(4).map((each) => result(each + 1)));
    expect(await Promise.all([...sent, ...unsent.slice(2)])).toEqual(["ok", "ok", "ok", "ok"]);
  });

  test("when there is none, the new one fails; notifications count, and cost no call its place", async () => {
    const it = await world({ client: { maxPending: 2 } });
    it.switchOff();
    it.cut();
    await turn();
    const first = codeOf(it.client.call("a"));
    const notes = numbers(3).map((each) => codeOf(it.client.notify("n", each)));
    expect(await notes[1]).toBe("resource_exhausted/no");
    expect(await notes[2]).toBe("resource_exhausted/no");
    expect(it.client.pendingCount).toBe(1);
    await it.client.close();
    expect(await first).toBe("cancelled/no");
    expect(await notes[0]).toBe("cancelled/no");
  });

  test("a call that has settled already costs nobody its place", async () => {
    const it = await world({ client: { maxPending: 1 } });
    it.switchOff();
    it.cut();
    await turn();
    const waits = codeOf(it.client.call("a"));
    expect(await codeOf(it.client.call("b", 1, { timeoutMs: 0 }))).toBe("deadline_exceeded/no");
    expect(await codeOf(it.client.call("c", 1, { signal: AbortSignal.abort() }))).toBe("cancelled/no");
    expect(it.client.pendingCount).toBe(1);
    await it.client.close();
    expect(await waits).toBe("cancelled/no");
  });

  test("a peer that owes more than ten times maxPending replies is stuck: the link is closed and all of them fail", async () => {
    const hand = new Hand({ role: "client", limits: { maxPending: 2 } });
    const owed = numbers(20).map(() => codeOf(hand.peer.call("never")));
    await turn();
    expect([hand.peer.isOpen, hand.peer.pendingCount]).toEqual([true, 20]);
    owed.push(codeOf(hand.peer.call("never")));
    await turn();
    expect(new Set(await Promise.all(owed))).toEqual(new Set(["unavailable/unknown"]));
    expect((await hand.peer.closed).message).toContain("owes 21 replies");
  });

  test("a call that finds the link stuck when it asks for room settles like the others", async () => {
    const hand = new Hand({ role: "client", limits: { maxPending: 1 } });
    const codes = numbers(14).map(() => codeOf(hand.peer.call("never")));
    const batch = hand.peer.batch([["never"], ["never"]]);
    expect([...new Set(await Promise.all(codes))].sort()).toEqual(["unavailable/no", "unavailable/unknown"]);
    expect(await batch).toMatchObject([{ ok: false }, { ok: false }]);
    expect(hand.peer.pendingCount).toBe(0);
  });
});

describe("deadlines", () => {
  test("they use the clock that is passed in: up to two ticks late, never early", async () => {
    const clock = new ManualClock();
    const hand = new Hand({ role: "client", clock });
    for (const timeoutMs of [1, 2, 7, 50, 1000]) {
      const before = hand.peer.stats().timeouts;
      const over = codeOf(hand.peer.call("x", 1, { timeoutMs }));
      const began = clock.now;
      await turn(1);
      while (hand.peer.stats().timeouts === before) clock.advance(clock.tickMs);
      expect(await over).toBe("deadline_exceeded/unknown");
      expect(clock.now - began).toBeGreaterThanOrEqual(timeoutMs);
      expect(clock.now - began).toBeLessThanOrEqual(timeoutMs + 2 * clock.tickMs);
    }
  });

  test("a clock that is a tick behind makes no deadline early", async () => {
    const clock = Object.assign(new ManualClock(), { tickMs: 20 });
    const hand = new Hand({ role: "client", clock });
    // Made just before the next tick: 50 ms later is not before 69.
    const over = codeOf(hand.peer.call("x", 1, { timeoutMs: 50 }));
    await turn();
    for (const now of [20, 40, 60]) {
      clock.advance(20);
      expect([clock.now, hand.peer.pendingCount]).toEqual([now, 1]);
    }
    clock.advance(20);
    expect(await over).toBe("deadline_exceeded/unknown");
  });

  test("a late error says how long the caller waited, and for what", async () => {
    const hand = new Hand({ role: "client" });
    const over = hand.peer.call("math.add", 1, { timeoutMs: 500 });
    await turn();
    hand.clock.advance(502);
    await expect(over).rejects.toThrow('Cannot call "math.add": no reply within 500 ms');
  });

  test("calls that were never sent time out too, as not executed, members of a batch with them", async () => {
    const it = await world();
    it.switchOff();
    it.cut();
    await turn();
    const alone = codeOf(it.client.call("x", 1, { timeoutMs: 100 }));
    const batch = it.client.batch(
      [
        ["x", 1],
        ["x", 2],
      ],
      { timeoutMs: 100 },
    );
    await pass(it.clock, 150);
    expect(await alone).toBe("deadline_exceeded/no");
    expect(await batch).toMatchObject(
      numbers(2).map(() => ({ ok: false, error: { code: "deadline_exceeded", executed: "no" } })),
    );
    expect(it.client.pendingCount).toBe(0);
    await it.client.close();
  });

  test("one timer serves a whole end: a peer listens to the clock once, however many calls it has", async () => {
    const hand = new Hand({ role: "client" });
    const before = hand.clock.listeners;
    for (const each of numbers(100)) void codeOf(hand.peer.call("x", each, { timeoutMs: each + 1 }));
    await turn();
    expect(hand.clock.listeners).toBe(before);
  });

  test("the remaining time goes over the wire, and the handler is told when it is over", async () => {
    const told = deferred<unknown>();
    const it = await world({
      handlers: {
        work: (_: unknown, { signal, deadline }: CallContext) => {
          signal.addEventListener("abort", () => told.resolve({ reason: signal.reason as unknown, deadline }));
          return never();
        },
      },
    });
    it.switchOff();
    it.cut();
    await turn();
    const over = codeOf(it.client.call("work", 1, { timeoutMs: 1000 }));
    it.clock.advance(400);
    it.switchOn();
    await turn();
    expect(it.ran).toEqual(["work 1"]);
    const now = it.clock.now;
    await pass(it.clock, 610, 10);
    const { reason, deadline } = (await told.promise) as { reason: RpcError; deadline: number };
    expect(reason.code).toMatch(/^(deadline_exceeded|cancelled)$/);
    expect(deadline - now).toBeGreaterThanOrEqual(599);
    expect(deadline - now).toBeLessThanOrEqual(602);
    expect(await over).toBe("deadline_exceeded/unknown");
  });

  test("a call without limit says nothing about time, and outlives everything but its link", async () => {
    const hand = new Hand({ role: "client" });
    const endless = codeOf(hand.peer.call("x", 1, { timeoutMs: Number.POSITIVE_INFINITY }));
    await turn();
    expect(hand.got[0]).not.toHaveProperty("timeoutMs");
    hand.clock.advance(1e12);
    await turn();
    expect(hand.peer.pendingCount).toBe(1);
    hand.peer.end();
    expect(await endless).toBe("unavailable/unknown");
  });

  test("a reply that came while this process stood still is read before anything is judged", async () => {
    const hand = new Hand({ role: "client" });
    const mine = hand.peer.call("x", 1, { timeoutMs: 100 });
    await turn();
    hand.clock.advance(60_000, 60_000);
    await hand.say(result(1, "in time"));
    hand.clock.advance(1);
    expect(await mine).toBe("in time");
  });
});

describe("cancellation", () => {
  test("an AbortSignal ends a call, the other side is told, and the handler's signal fires", async () => {
    const told = deferred<unknown>();
    const { client, server } = pair({
      server: {
        handlers: {
          work: (_: unknown, { signal }: CallContext) =>
            new Promise((_resolve, reject) =>
              signal.addEventListener("abort", () => (told.resolve(signal.reason), reject(new Error("stopped")))),
            ),
        },
      },
    });
    const abort = new AbortController();
    const cancelled = client.call("work", 1, { signal: abort.signal });
    await turn();
    const why = new Error("changed my mind");
    abort.abort(why);
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled", executed: "unknown", cause: why });
    expect(await told.promise).toMatchObject({ code: "cancelled" });
    await turn();
    expect([server.runningCount, client.stats().strays, client.isOpen]).toEqual([0, 0, true]);
  });

  test("it works in the other direction just as well", async () => {
    const told = deferred();
    const { server } = pair({
      client: {
        handlers: {
          work: (_: unknown, { signal }: CallContext) => (
            signal.addEventListener("abort", () => told.resolve()), never()
          ),
        },
      },
    });
    const abort = new AbortController();
    const cancelled = codeOf(server.call("work", 1, { signal: abort.signal }));
    await turn();
    abort.abort();
    expect(await cancelled).toBe("cancelled/unknown");
    await told.promise;
  });

  test("listeners are removed on settle, however the call ends", async () => {
    const hand = new Hand({ role: "client" });
    const { controller, listeners } = watchedSignal();
    const { signal } = controller;
    const calls = [
      hand.peer.call("result", 1, { signal }),
      hand.peer.call("error", 1, { signal }),
      hand.peer.call("late", 1, { signal, timeoutMs: 5 }),
    ];
    const settled = Promise.allSettled(calls);
    const batch = hand.peer.batch([["result"], ["lost"]], { signal });
    await turn();
    // One for all: of more than ten at one signal Node 20 warns.
    expect(listeners()).toBe(1);
    await hand.say(result(1), { kind: "error", id: 2, error: { code: "aborted", message: "x" } }, result(4));
    hand.clock.advance(10);
    hand.peer.end();
    await Promise.all([settled, batch]);
    expect(listeners()).toBe(0);
  });

  test("calls with one signal are given up in their order, and those that come after others have settled as well", async () => {
    const hand = new Hand({ role: "client" });
    const { controller, listeners } = watchedSignal();
    const { signal } = controller;
    const ended: number[] = [];
    const begin = (id: number): Promise<unknown> =>
      hand.peer.call("x", id, { signal }).then(
        () => ended.push(id),
        () => ended.push(-id),
      );
    const first = begin(1);
    await turn();
    await hand.say(result(1));
    await first;
    expect(listeners()).toBe(0);
    const others = [2, 3, 4].map(begin);
    await turn();
    await hand.say(result(3));
    controller.abort();
    await Promise.all(others);
    expect(ended).toEqual([1, 3, -2, -4]);
    expect(listeners()).toBe(0);
  });

  test("a call whose signal has fired, or fires before it is sent, is never sent", async () => {
    const hand = new Hand({ role: "client" });
    const abort = new AbortController();
    const codes = [
      codeOf(hand.peer.call("x", 1, { signal: AbortSignal.abort() })),
      codeOf(hand.peer.call("x", 2, { signal: abort.signal })),
    ];
    const kept = hand.peer.call("x", 3);
    abort.abort();
    await turn();
    expect(await Promise.all(codes)).toEqual(["cancelled/no", "cancelled/no"]);
    expect(hand.got).toMatchObject([{ kind: "call", id: 1, params: 3 }]);
    await hand.say(result(1));
    await kept;
  });

  test("a signal that timed out gives deadline_exceeded", async () => {
    const hand = new Hand({ role: "client" });
    const foreign: unknown = runInNewContext('Object.assign(new Error("late"), { name: "TimeoutError" })');
    for (const reason of [new DOMException("late", "TimeoutError"), foreign]) {
      await expect(hand.peer.call("x", 1, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
        code: "deadline_exceeded",
        executed: "no",
        cause: reason,
      });
    }
  });

  test.each([true, false])(
    "a cancelled request that still waits never starts, and is answered where the wire wants it: %s",
    async (answersCancelled) => {
      const slow = gates();
      const hand = new Hand({ wire: plainWire({ carries: { answersCancelled } }), limits: { maxRunning: 1 }, ...slow });
      await hand.say(call(1, "work", 1), call(2, "work", 2), cancel(2), cancel(1), cancel(99));
      await slow.end(0);
      expect([slow.started, hand.peer.waitingCount, hand.peer.runningCount]).toEqual([[1], 0, 0]);
      expect(hand.got).toMatchObject(
        answersCancelled ? [{ kind: "error", id: 2, error: { code: "cancelled", executed: "no" } }, result(1, 1)] : [],
      );
    },
  );

  test("handlers are told when the link ends, those of notifications too", async () => {
    const reasons: unknown[] = [];
    const handlers = {
      work: (_: unknown, { signal }: CallContext) => (
        signal.addEventListener("abort", () => reasons.push(signal.reason)), never()
      ),
    };
    const hand = new Hand({ handlers });
    await hand.say(call(1, "work"), note("work"));
    hand.channel.close();
    await turn();
    expect(reasons).toMatchObject([{ code: "unavailable" }, { code: "unavailable" }]);
  });

  test("a wire without cancel still ends the call at this end", async () => {
    const hand = new Hand({ role: "client", wire: plainWire({ carries: { cancel: false } }) });
    const abort = new AbortController();
    const cancelled = codeOf(hand.peer.call("x", 1, { signal: abort.signal }));
    await turn();
    abort.abort();
    expect(await cancelled).toBe("cancelled/unknown");
    await turn();
    expect(hand.got).toHaveLength(1);
    await hand.say(result(1));
    expect(hand.peer.stats().strays).toBe(1);
  });
});

describe("liveness", () => {
  const heartbeat = { intervalMs: 100, timeoutMs: 100 };
  const wire = plainWire({ carries: { ping: true } });

  test("pings go both ways and keep an idle link alive", async () => {
    const { client, server, clock } = pair({ wire, client: { heartbeat }, server: { heartbeat } });
    await pass(clock, 2000);
    expect([client.isOpen, server.isOpen]).toEqual([true, true]);
    expect(client.stats().sent).toBeGreaterThan(10);
    expect(client.stats().sent).toBeLessThan(60);
  });

  test("silence ends the link after the interval and the timeout, not before", async () => {
    const hand = new Hand({ wire, heartbeat });
    const mine = codeOf(hand.peer.call("x"));
    await pass(hand.clock, 200, 10);
    expect(hand.got.map((each) => each.kind)).toEqual(["call", "ping", "ping"]);
    expect(hand.peer.isOpen).toBe(true);
    await pass(hand.clock, 10, 10);
    expect(await mine).toBe("unavailable/unknown");
    expect((await hand.peer.closed).message).toMatch(/silent for 2\d\d ms/);
  });

  test("whatever arrives is a sign of life", async () => {
    const hand = new Hand({ wire, heartbeat });
    for (const frame of [
      "rubbish",
      JSON.stringify(result(99)),
      JSON.stringify(note("nope")),
      JSON.stringify({ kind: "pong" }),
    ]) {
      await pass(hand.clock, 190, 10);
      void hand.channel.send([frame]);
      await turn();
    }
    await pass(hand.clock, 190, 10);
    expect(hand.peer.isOpen).toBe(true);
  });

  test("a ping is answered, and never counts as progress of a call", async () => {
    const hand = new Hand({ role: "client", wire, heartbeat });
    const over = codeOf(hand.peer.call("x", 1, { timeoutMs: 150 }));
    for (const each of numbers(16)) {
      await hand.say({ kind: "ping", token: each });
      await pass(hand.clock, 10, 10);
    }
    expect(await over).toBe("deadline_exceeded/unknown");
    expect(hand.got).toContainEqual({ kind: "pong", token: 15 });
  });

  test("an end that has stopped reading does not judge, but still says that it lives", async () => {
    const slow = gates();
    const hand = new Hand({ wire, heartbeat, limits: { maxRunning: 1, maxWaiting: 2 }, ...slow });
    for (const each of numbers(8)) await hand.say(call(each, "work", each));
    expect(hand.peer.isReading).toBe(false);
    await pass(hand.clock, 5000);
    expect(hand.peer.isOpen).toBe(true);
    expect(hand.got.filter((each) => each.kind === "ping").length).toBeGreaterThan(10);
    for (const each of numbers(8)) await slow.end(each);
    expect(hand.peer.isReading).toBe(true);
    await pass(hand.clock, 190, 10);
    expect(hand.peer.isOpen).toBe(true);
    await pass(hand.clock, 50, 10);
    expect(hand.peer.isOpen).toBe(false);
  });

  test("pauses of this process are excused", async () => {
    const hand = new Hand({ wire, heartbeat });
    await pass(hand.clock, 90, 10);
    hand.clock.advance(60_000, 59_990);
    hand.clock.advance(10);
    await turn();
    expect(hand.peer.isOpen).toBe(true);
    await pass(hand.clock, 150, 10);
    expect(hand.peer.isOpen).toBe(false);
  });

  test("a wire without pings is never judged", async () => {
    const hand = new Hand({ heartbeat });
    await pass(hand.clock, 10_000);
    expect([hand.peer.isOpen, hand.got]).toEqual([true, []]);
  });
});

describe("authenticator", () => {
  const keys: Authenticator = {
    async client(exchange) {
      await exchange.send("key");
      await exchange.send(`${String(await exchange.receive())}!`);
    },
    async server(exchange) {
      const key = String(await exchange.receive());
      await exchange.send("nonce");
      if (String(await exchange.receive()) !== "nonce!" || key !== "key") {
        throw new RpcError("unauthenticated", "Invalid key", { wireCode: 4100 });
      }
      return `user ${key}`;
    },
  };
  const options = (
    role: "client" | "server",
    clock: ManualClock,
    more: Partial<EstablishOptions> = {},
  ): EstablishOptions => ({
    role,
    clock,
    limits: DEFAULT_LIMITS,
    logger: new Log(),
    slots: new Slots(10),
    heartbeat: DEFAULT_HEARTBEAT,
    handshakeTimeoutMs: 1000,
    dispatch: () => new Registry({ who: (_: unknown, { identity }: CallContext) => identity }),
    authenticator: keys,
    ...more,
  });

  test("it runs on the open channel before the codec, no frame is lost between them, and its value is context.identity", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const server = establish({ channel: far, identity: "from the transport" }, plainWire(), options("server", clock));
    const client = await establish({ channel: near }, plainWire(), options("client", clock));
    expect(await client.call("who")).toBe("user key");
    expect((await server).identity).toBe("user key");
    await client.close();
    await (await server).closed;
    expect(clock.listeners).toBe(0);
  });

  test("a refusal closes the link with its wireCode, and the wire says whether to dial again", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const wire = plainWire({
      closed: (reason) => (reason.closeCode === 4100 ? { ...reason, redialAfterMs: Number.POSITIVE_INFINITY } : reason),
    });
    const wrong: Authenticator = {
      ...keys,
      client: async (exchange) =>
        void (await exchange.send("no key"),
        await exchange.receive(),
        await exchange.send("?"),
        await exchange.receive()),
    };
    const server = establish({ channel: far }, wire, options("server", clock));
    const client = establish({ channel: near }, wire, options("client", clock, { authenticator: wrong }));
    await expect(server).rejects.toMatchObject({
      code: "unauthenticated",
      executed: "no",
      reason: { closeCode: 4100, redialAfterMs: Infinity },
    });
    await expect(client).rejects.toMatchObject({
      code: "unavailable",
      wireCode: 4100,
      reason: { redialAfterMs: Infinity },
    });
    expect(await client.catch((error: unknown) => error)).toBeInstanceOf(HandshakeFailure);
    expect(clock.listeners).toBe(0);
  });

  test.each(["client", "server"] as const)("silence ends it within the handshake time, at the %s", async (role) => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    let reason: string | undefined;
    far.open({
      frames: () => {},
      skipped: () => {},
      ended: () => {},
      closed: ({ message }) => void (reason = message),
    });
    const attempt = codeOf(establish({ channel: near }, plainWire(), options(role, clock)));
    await turn();
    clock.advance(999);
    await turn();
    expect(reason).toBeUndefined();
    clock.advance(1);
    expect(await attempt).toBe("deadline_exceeded/no");
    await turn();
    expect(reason).toContain("1000 ms");
    expect(clock.listeners).toBe(0);
  });

  test("an end of the other side during the handshake is noticed, also before anybody listens for a frame", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    far.open({ frames: () => {}, skipped: () => {}, ended: () => {}, closed: () => {} });
    far.end();
    const slow: Authenticator = { ...keys, client: async (exchange) => void (await turn(), await exchange.receive()) };
    await expect(
      establish({ channel: near }, plainWire(), options("client", clock, { authenticator: slow })),
    ).rejects.toMatchObject({ code: "unavailable", executed: "no" });
  });

  test("who sends many frames before it is known is made to wait", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels({ capacity: 1 });
    near.open({ frames: () => {}, skipped: () => {}, ended: () => {}, closed: () => {} });
    const gate = deferred();
    const slow: Authenticator = { ...keys, server: () => gate.promise };
    const server = establish({ channel: far }, plainWire(), options("server", clock, { authenticator: slow }));
    for (const each of numbers(100)) {
      void near.send([JSON.stringify(call(each, "who"))]);
      await turn(1);
    }
    expect(far.held).toBeGreaterThan(80);
    gate.resolve();
    await server;
    await turn();
    expect([far.held, (await server).stats().served]).toEqual([0, 100]);
  });
});

describe("a reply to nothing", () => {
  test("is ignored, counted and logged", async () => {
    const log = new Log();
    const hand = new Hand({ role: "client", logger: log, handlers: { echo: (params: unknown) => params } });
    const mine = hand.peer.call("x");
    await turn();
    const nothing = { kind: "error", id: null, error: { code: "internal", message: "?" } };
    await hand.say(
      result(77),
      result("1"),
      result("evil\n\u001b[2J"),
      nothing,
      { kind: "batch", messages: [result(5)] },
      call(1, "echo", "alive"),
      result(1, "mine"),
    );
    expect(await mine).toBe("mine");
    expect(hand.peer.stats().strays).toBe(5);
    expect(log.of("debug")).toHaveLength(5);
    expect(log.of("debug")[2]).toContain("evil\\u000a\\u001b[2J");
    expect(hand.got.slice(1)).toEqual([result(1, "alive")]);
  });
});

describe("redialling", () => {
  test("a CloseReason says when, by redialAfterMs; nothing else is read", async () => {
    const closed = (reason: object): object => ({ ...reason, redialAfterMs: 5000 });
    const it = await world({ wire: plainWire({ closed: closed as never }) });
    it.cut();
    await pass(it.clock, 4900);
    expect(it.dials).toEqual([0]);
    await pass(it.clock, 200);
    expect(it.dials).toHaveLength(2);
    expect(it.dials[1]).toBeGreaterThanOrEqual(5000);
    await it.client.close();
  });

  test("infinite means never: what waited fails, and the client has stopped", async () => {
    const closed = (reason: object): object => ({ ...reason, redialAfterMs: Number.POSITIVE_INFINITY });
    const it = await world({ wire: plainWire({ closed: closed as never }), handlers: { never } });
    const lost = codeOf(it.client.call("never", 1, { idempotent: true }));
    await turn();
    it.cut();
    expect(await lost).toBe("unavailable/unknown");
    await it.client.closed;
    expect(it.client.state).toBe("stopped");
    expect(await codeOf(it.client.call("never"))).toBe("unavailable/no");
    await expect(it.client.ready()).rejects.toMatchObject({ code: "unavailable" });
    await pass(it.clock, 60_000, 1000);
    expect(it.dials).toEqual([0]);
  });

  test("a goodbye says it as well", async () => {
    const it = await world({ wire: plainWire({ carries: { goodbye: true } }) });
    it.links[0]?.[1].channel?.send([JSON.stringify({ kind: "goodbye", text: "replaced", redialAfterMs: 3000 })]);
    await pass(it.clock, 2900);
    expect(it.dials).toEqual([0]);
    expect(it.client.state).toBe("connecting");
    await pass(it.clock, 200);
    expect(it.dials).toHaveLength(2);
    expect(it.client.state).toBe("open");
  });

  test("a link that hardly lived counts as a failed attempt: an end that accepts and closes is not dialled in a hot loop", async () => {
    const it = await world({ client: { redial: { baseMs: 100, maxMs: 10_000 } } });
    for (let at = 0; at < 60_000; at += 50) {
      it.cut();
      await pass(it.clock, 50);
    }
    const gaps = it.dials.slice(1).map((at, index) => at - (it.dials[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(50);
    expect(it.dials.length).toBeLessThan(22);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(5000);
    it.switchOn();
    await pass(it.clock, 25_000, 500);
    it.cut();
    const before = it.dials.length;
    await pass(it.clock, 150);
    expect(it.dials).toHaveLength(before + 1);
  });

  test("dials that fail are spread by full jitter, doubled, and bounded", () => {
    expect(numbers(12).map((failures) => backoffMs(DEFAULT_REDIAL, failures, () => 1))).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000, 10_000,
    ]);
    expect(backoffMs(DEFAULT_REDIAL, 1e9, () => 0.5)).toBe(5000);
    expect(backoffMs(DEFAULT_REDIAL, 3, () => 0)).toBe(0);
  });
});

describe("goodbye", () => {
  const wire = plainWire({ carries: { goodbye: true } });

  test("who got one sends nothing new on that link, and is answered what it had asked", async () => {
    const slow = gates();
    const { client, server } = pair({ wire, server: slow });
    const before = client.call("work", 1);
    await turn();
    const closing = Promise.all([server.close(), server.close()]);
    await turn();
    expect(await codeOf(client.call("work", 2))).toBe("unavailable/no");
    expect(await codeOf(client.notify("work", 3))).toBe("unavailable/no");
    await slow.end(0);
    expect(await before).toBe(1);
    await closing;
    expect(slow.started).toEqual([1]);
  });

  test("is said once, however often the end is closed", async () => {
    const hand = new Hand({ wire, handlers: { never } });
    await hand.say(call(1, "never"));
    void hand.peer.close();
    void hand.peer.close();
    await turn();
    expect(hand.got.filter((each) => each.kind === "goodbye")).toHaveLength(1);
  });

  test("a call that crosses it is refused, and a client gives it to another link", async () => {
    const slow = gates();
    const handlers = { ...slow.handlers, echo: (params: unknown) => params };
    const it = await world({ wire, handlers, client: { connections: 2 } });
    await turn();
    expect(it.client.connections).toHaveLength(2);
    const held = [it.client.call("work", 1), it.client.call("work", 2)];
    await turn();
    const [one] = it.server.connections;
    const closing = one?.close();
    expect(await Promise.all(numbers(20).map((each) => it.client.call("echo", each)))).toEqual(numbers(20));
    expect(it.client.connections).toHaveLength(2);
    await slow.end(0);
    await slow.end(1);
    expect(await Promise.all(held)).toEqual([1, 2]);
    await closing;
  });
});

describe("half-close", () => {
  test("own calls settle, because no reply can come; handlers still answer; then the link closes", async () => {
    const slow = gates();
    const hand = new Hand(slow);
    const mine = codeOf(hand.peer.call("mine"));
    await hand.say(call(1, "work", "last"));
    hand.channel.end();
    expect(await mine).toBe("unavailable/unknown");
    expect(await codeOf(hand.peer.call("more"))).toBe("unavailable/no");
    expect(hand.reason).toBeUndefined();
    await slow.end(0);
    expect(hand.got.at(-1)).toEqual(result(1, "last"));
    expect(hand.reason?.message).toContain("The other side has ended");
    await hand.peer.closed;
  });
});

describe("half-close, and what is still said", () => {
  test("handlers notify whoever asked them: it may still read", async () => {
    const slow = gates();
    const hand = new Hand(slow);
    await hand.say(call(1, "work", "last"));
    const early = hand.peer.notify("progress", 1);
    hand.channel.end();
    await early;
    await hand.peer.notify("progress", 2);
    await slow.end(0);
    expect(hand.got).toEqual([
      { kind: "notify", method: "progress", params: 1, meta: undefined },
      { kind: "notify", method: "progress", params: 2, meta: undefined },
      result(1, "last"),
    ]);
    await expect(hand.peer.notify("late")).rejects.toThrow('Cannot notify "late": the link is closed');
  });

  test("an end that gives up its calls still says what it only tells", async () => {
    const hand = new Hand({});
    const sent = hand.peer.notify("bye");
    const call = codeOf(hand.peer.call("more"));
    hand.peer.giveUp(() => new RpcError("cancelled", "over", { executed: "no" }));
    expect(await call).toBe("cancelled/no");
    await sent;
    expect(hand.got).toEqual([{ kind: "notify", method: "bye", params: undefined, meta: undefined }]);
  });
});

describe("openings", () => {
  const wire = plainWire({ carries: { hello: "must", welcome: true } });

  test("everything else waits in the outbox until hello and welcome were said", async () => {
    const { client, server } = pair({
      wire,
      client: { hello: { name: "ann" } },
      server: { handlers: { echo: (params: unknown) => params }, onHello: () => ({ session: "s1" }) },
    });
    const early = client.call("echo", 1);
    expect(client.isOpen).toBe(false);
    expect(await early).toBe(1);
    expect([client.hello, server.hello]).toEqual([{ session: "s1" }, { name: "ann" }]);
  });

  test("a refused hello, a second one and another first message end the link", async () => {
    const refusing = pair({
      wire,
      server: {
        onHello: () => {
          throw new RpcError("permission_denied", "no");
        },
      },
    });
    await expect(refusing.client.opened).rejects.toMatchObject({ code: "unavailable" });
    expect((await refusing.server.closed).error).toMatchObject({ code: "permission_denied" });
    for (const messages of [
      [call(1, "x")],
      [
        { kind: "hello", hello: {} },
        { kind: "hello", hello: {} },
      ],
      [{ kind: "welcome", hello: {} }],
      [{ kind: "batch", messages: [] }],
      [{ kind: "ping", token: 1 }],
      [{ kind: "cancel", id: 1 }],
    ]) {
      const hand = new Hand({ wire });
      await hand.say(...messages);
      expect((await hand.peer.closed).error).toMatchObject({ code: "data_loss" });
    }
  });

  test("hello announces the largest frame, and the first id of the receiver's calls", async () => {
    const hand = new Hand({ wire });
    await hand.say({ kind: "hello", hello: { maxFrameBytes: 200, nextId: 0 } });
    const small = hand.peer.call("x");
    await expect(hand.peer.call("x", "y".repeat(300))).rejects.toMatchObject({
      code: "resource_exhausted",
      executed: "no",
    });
    expect(hand.got[1]).toMatchObject({ kind: "call", id: 0 });
    await hand.say(result(0, "ok"));
    expect(await small).toBe("ok");
  });

  test("a first id from which ids would stop to differ is passed over", async () => {
    const hand = new Hand({ wire });
    await hand.say({ kind: "hello", hello: { nextId: Number.MAX_SAFE_INTEGER } });
    const calls = numbers(3).map((each) => hand.peer.call(`x${each}`));
    await turn();
    const ids = hand.got.flatMap((message) => (message.kind === "call" ? [message.id] : []));
    expect(new Set(ids).size).toBe(3);
    await hand.say(...ids.map((id) => result(id, "ok")));
    expect(await Promise.all(calls)).toEqual(["ok", "ok", "ok"]);
  });

  test("what is not answered before the opening is over has a bound", async () => {
    const hand = new Hand({ wire, limits: { maxQueuedBytes: 100_000 } });
    await hand.say(
      ...numbers(190).map(() => ({ kind: "invalid", id: null, error: { code: "internal", message: "" } })),
    );
    expect(hand.peer.isClosed).toBe(false);
    await hand.say(...numbers(20).map(() => ({ kind: "invalid", id: null, error: { code: "internal", message: "" } })));
    expect((await hand.peer.closed).error?.code).toBe("resource_exhausted");
  });

  test("a peer that serves later answers what came before", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const client = peerOn(near, plainWire(), "client", clock);
    const gate = deferred();
    const server = establish({ channel: far }, plainWire(), {
      role: "server",
      clock,
      limits: DEFAULT_LIMITS,
      logger: new Log(),
      slots: new Slots(10),
      heartbeat: DEFAULT_HEARTBEAT,
      handshakeTimeoutMs: 1000,
      dispatch: () => new Registry({ echo: (params: unknown) => params }),
      onConnect: () => gate.promise,
    });
    const early = client.call("echo", "early");
    await turn();
    expect(client.pendingCount).toBe(1);
    gate.resolve();
    expect(await early).toBe("early");
    await server;
  });
});

describe("flushing", () => {
  test("calls made in one turn of the event loop leave together, as separate records in one write", async () => {
    const { client, ends, server } = pair({ server: { handlers: { echo: (params: unknown) => params } } });
    let writes = 0;
    const send = ends[0].send;
    ends[0].send = (frames) => (writes++, send(frames));
    const results = numbers(4).map((each) => client.call("echo", each));
    await Promise.all(results);
    expect(writes).toBeLessThanOrEqual(2);
    expect(server.stats().served).toBe(4);
  });

  test("flushDelayMs makes a message wait for company on the clock, and leaves no listener behind", async () => {
    const hand = new Hand({ role: "client", flushDelayMs: 10 });
    const codes = [codeOf(hand.peer.call("a"))];
    await turn();
    codes.push(codeOf(hand.peer.call("b")));
    await turn();
    expect(hand.got).toEqual([]);
    hand.clock.advance(11);
    await turn();
    expect(hand.got).toHaveLength(2);
    codes.push(codeOf(hand.peer.call("c")));
    hand.peer.end();
    expect(hand.clock.listeners).toBe(0);
    expect(new Set(await Promise.all(codes))).toEqual(new Set(["unavailable/unknown"]));
  });

  test("a value that makes a call while it is encoded does not enter the codec twice", async () => {
    const plain = plainWire();
    let depth = 0;
    let deepest = 0;
    const watched: Wire = {
      ...plain,
      codec: (link) => {
        const codec = plain.codec(link);
        const encode = codec.encode.bind(codec);
        return Object.assign(codec, {
          encode: (...args: Parameters<typeof encode>) => {
            deepest = Math.max(deepest, ++depth);
            const frames = encode(...args);
            depth--;
            return frames;
          },
        });
      },
    };
    const { client } = pair({ wire: watched, server: { handlers: { echo: (params: unknown) => params } } });
    const inner: Promise<unknown>[] = [];
    const value = {
      toJSON: () => {
        inner.push(...numbers(50).map((each) => client.call("echo", each)));
        return "outer";
      },
    };
    expect(await client.call("echo", value)).toBe("outer");
    expect(await Promise.all(inner)).toEqual(numbers(50));
    expect(deepest).toBe(1);
  });

  test("a codec that throws ends the link, and everything in that flush settles, notifications too", async () => {
    const wire = plainWire();
    const broken = {
      ...wire,
      codec: (link: Parameters<typeof wire.codec>[0]) =>
        Object.assign(wire.codec(link), {
          encode: () => {
            throw new Error("bug");
          },
        }),
    };
    const hand = new Hand({ role: "client", wire: broken });
    const codes = [
      codeOf(hand.peer.call("a")),
      codeOf(hand.peer.notify("b")),
      hand.peer.batch([["c", 1, { notify: true }]]).then(([outcome]) => String(outcome?.ok)),
    ];
    expect(await Promise.all(codes)).toEqual(["unavailable/unknown", "data_loss/-", "false"]);
  });
});
