import { describe, expect, test } from "vitest";
import { z } from "zod";
import { codeOf, Hand, pair, result } from "../../test/suites/engine.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { turn } from "../../test/suites/support.ts";
import { RpcError } from "./errors.ts";

const circular: { self?: unknown } = {};
circular.self = circular;

describe("timeoutMs", () => {
  test("0 fails the call without sending it", async () => {
    const hand = new Hand({ role: "client" });
    await expect(hand.peer.call("x", 1, { timeoutMs: 0 })).rejects.toMatchObject({
      code: "deadline_exceeded",
      executed: "no",
    });
    await turn();
    expect(hand.got).toEqual([]);
  });

  test.each([Number.NaN, -1, -Infinity, "5", {}])("%s throws a RangeError at once", async (timeoutMs) => {
    const wrong = { timeoutMs: timeoutMs as number };
    const hand = new Hand({ role: "client" });
    expect(() => hand.peer.call("x", 1, wrong)).toThrow(RangeError);
    await expect(hand.peer.batch([["x"]], wrong)).rejects.toThrow(RangeError);
    expect(() => new Hand({ role: "client", ...wrong })).toThrow(RangeError);
    const through = new Hand({ role: "client", middleware: [(_, next) => next()] });
    expect(() => through.peer.call("x", 1, wrong)).toThrow(RangeError);
    await turn();
    expect([hand.got, hand.peer.pendingCount]).toEqual([[], 0]);
  });

  test("the link's own holds where a call says nothing, 20 s where the link says nothing", async () => {
    const hand = new Hand({ role: "client" });
    const short = new Hand({ role: "client", timeoutMs: 300 });
    const codes = [
      codeOf(hand.peer.call("x")),
      codeOf(short.peer.call("x")),
      codeOf(short.peer.call("x", 1, { timeoutMs: undefined })),
    ];
    await turn();
    expect([hand.got[0], short.got[0]]).toMatchObject([{ timeoutMs: 20_000 }, { timeoutMs: 300 }]);
    hand.clock.advance(20_002);
    short.clock.advance(302);
    expect(new Set(await Promise.all(codes))).toEqual(new Set(["deadline_exceeded/unknown"]));
  });
});

describe("result", () => {
  const schema = z.object({ sum: z.number(), at: z.string().transform((text) => new Date(text)) });
  const answering = async (value: unknown): Promise<unknown> => {
    const { client } = pair({ server: { handlers: { get: () => value } } });
    return client.call("get", undefined, { result: schema });
  };

  test("a schema checks the result and gives what it makes of it", async () => {
    expect(await answering({ sum: 3, at: "2026-01-02T00:00:00Z", more: 1 })).toEqual({
      sum: 3,
      at: new Date("2026-01-02T00:00:00Z"),
    });
  });

  test("a result that does not fit rejects the call, which ran, and says where", async () => {
    await expect(answering({ sum: "3", at: "x" })).rejects.toMatchObject({
      code: "internal",
      executed: "yes",
      message: expect.stringMatching(/^The result of "get" is not what was expected: sum: .+/),
      data: [expect.objectContaining({ path: ["sum"] })],
    });
  });

  test("a schema that itself fails rejects with an RpcError too", async () => {
    const { client } = pair({ server: { handlers: { get: () => 1 } } });
    const broken = z.number().refine(() => {
      throw new Error("bug");
    });
    await expect(client.call("get", undefined, { result: broken })).rejects.toMatchObject({
      code: "internal",
      executed: "yes",
      cause: { message: "bug" },
    });
  });

  test("a failed call stays the failure that it was", async () => {
    const { client } = pair();
    await expect(client.call("nope", undefined, { result: schema })).rejects.toMatchObject({
      code: "unimplemented",
      executed: "no",
    });
  });
});

describe("meta", () => {
  test("travels with calls, notifications and members of a batch", async () => {
    const hand = new Hand({ role: "client" });
    const meta = { trace: "t1" };
    void codeOf(hand.peer.call("a", 1, { meta }));
    void hand.peer.notify("b", 1, { meta });
    void hand.peer.batch([["c"], ["d", 1, { notify: true }]], { meta });
    await turn();
    expect(hand.got).toMatchObject([{ meta }, { meta }, { messages: [{ meta }, { meta }] }]);
    hand.peer.end();
  });
});

describe("notify", () => {
  test("resolves when the channel has taken it, and rejects when it never will", async () => {
    const hand = new Hand({ role: "client", wire: plainWire({ carries: { hello: "must", welcome: true } }) });
    let taken = false;
    const first = hand.peer.notify("a").then(() => {
      taken = true;
    });
    await turn();
    expect(taken).toBe(false);
    await hand.say({ kind: "welcome", hello: {} });
    await first;
    expect(hand.got[1]).toEqual({ kind: "notify", method: "a" });
    await expect(hand.peer.notify("b", 1n)).rejects.toMatchObject({ code: "invalid_argument", executed: "no" });
    hand.peer.end();
    await expect(hand.peer.notify("c")).rejects.toMatchObject({ code: "unavailable", executed: "no" });
  });

  test("that nobody waits for is no unhandled rejection, with middleware neither", async () => {
    const seen: unknown[] = [];
    const listener = (reason: unknown): void => void seen.push(reason);
    process.on("unhandledRejection", listener);
    for (const middleware of [[], [(_: unknown, next: () => Promise<unknown>) => next()]]) {
      const hand = new Hand({ role: "client", middleware });
      void hand.peer.notify("a", 1n);
      hand.peer.end();
      void hand.peer.notify("b");
    }
    await turn(10);
    process.off("unhandledRejection", listener);
    expect(seen).toEqual([]);
  });
});

describe("batch", () => {
  test("gives one outcome per member by its index, whatever the order of the replies", async () => {
    const hand = new Hand({ role: "client" });
    const batch = hand.peer.batch([
      ["a", 1],
      ["n", 2, { notify: true }],
      ["b", circular],
      ["c"],
      ["m", circular, { notify: true }],
      ["d"],
    ]);
    await turn();
    expect(hand.got).toMatchObject([
      {
        kind: "batch",
        messages: [
          { id: 1, method: "a" },
          { kind: "notify", method: "n" },
          { id: 3, method: "c" },
          { id: 4, method: "d" },
        ],
      },
    ]);
    await hand.say(
      { kind: "batch", messages: [result(4, "D"), { kind: "error", id: 3, error: { code: "aborted", message: "C" } }] },
      result(1, "A"),
    );
    expect(await batch).toMatchObject([
      { ok: true, value: "A" },
      { ok: true, value: undefined },
      { ok: false, error: { code: "invalid_argument", executed: "no" } },
      { ok: false, error: { code: "aborted", message: "C" } },
      { ok: false, error: { code: "invalid_argument", executed: "no" } },
      { ok: true, value: "D" },
    ]);
    expect(hand.peer.pendingCount).toBe(0);
  });

  test("without members is refused", async () => {
    const hand = new Hand({ role: "client" });
    await expect(hand.peer.batch([])).rejects.toMatchObject({ code: "invalid_argument", executed: "no" });
  });

  test("members that the wire refuses fail alone", async () => {
    const refuses = ({ method }: { method: string }): RpcError | undefined =>
      method === "no" ? new RpcError("unimplemented", "not here", { executed: "no" }) : undefined;
    const hand = new Hand({ role: "client", wire: plainWire({ refuses }) });
    const batch = hand.peer.batch([["no"], ["yes"]]);
    await turn();
    expect(hand.got).toMatchObject([{ kind: "batch", messages: [{ id: 1, method: "yes" }] }]);
    await hand.say(result(1));
    expect(await batch).toMatchObject([{ ok: false, error: { code: "unimplemented" } }, { ok: true }]);
  });

  test("its signal and its time hold for each member", async () => {
    const hand = new Hand({ role: "client" });
    const abort = new AbortController();
    const cancelled = hand.peer.batch([["a"], ["b"]], { signal: abort.signal });
    const timed = hand.peer.batch([["a"], ["b"]], { timeoutMs: 50 });
    await turn();
    abort.abort();
    hand.clock.advance(60);
    expect((await cancelled).map((each) => !each.ok && each.error.code)).toEqual(["cancelled", "cancelled"]);
    expect((await timed).map((each) => !each.ok && each.error.code)).toEqual([
      "deadline_exceeded",
      "deadline_exceeded",
    ]);
    await turn();
    expect(hand.got.filter((each) => each.kind === "cancel")).toHaveLength(4);
  });

  test("a member that was cancelled before the batch left is left out of it", async () => {
    const hand = new Hand({ role: "client" });
    const batch = hand.peer.batch([["a"]], { signal: AbortSignal.abort() });
    const kept = hand.peer.call("b");
    expect(await batch).toMatchObject([{ ok: false, error: { code: "cancelled", executed: "no" } }]);
    await turn();
    expect(hand.got).toMatchObject([{ kind: "call", id: 1, method: "b" }]);
    await hand.say(result(1));
    await kept;
  });
});

describe("giveUp", () => {
  test("settles every call of this end, sent or not, and tells the other side", async () => {
    const hand = new Hand({ role: "client", capacity: 1 });
    const sent = codeOf(hand.peer.call("a"));
    await turn();
    hand.stopReading();
    const more = [codeOf(hand.peer.call("b")), codeOf(hand.peer.call("c"))];
    await turn();
    more.push(codeOf(hand.peer.call("d")));
    hand.peer.giveUp(({ method }) => new RpcError("cancelled", `No more "${method}"`, { executed: "unknown" }));
    expect(new Set(await Promise.all([sent, ...more]))).toEqual(new Set(["cancelled/unknown"]));
    expect([hand.peer.pendingCount, hand.peer.isOpen]).toEqual([0, true]);
    hand.readOn();
    await turn();
    expect(hand.got.filter((each) => each.kind === "cancel").length).toBeGreaterThanOrEqual(1);
  });
});
