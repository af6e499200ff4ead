import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { Client } from "../src/client/client.ts";
import { RpcError } from "../src/core/errors.ts";
import type { Wire } from "../src/core/wire.ts";
import { Fleet, fleetService } from "../src/index.ts";
import { testNetwork } from "../src/testing.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { native } from "../src/wires/native.ts";
import { codeOf, never, pass } from "./suites/engine.ts";
import { fleetWorld, type HandAgent } from "./suites/fleet-world.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn, until } from "./suites/support.ts";

const handlers = { echo: (params: unknown) => params };
const LINE_CUT = { message: "cut", error: new RpcError("unavailable", "cut") };

describe("a call to all", () => {
  test.each([native(), jsonrpc()])("encodes its params once for all members: $name", async (wire) => {
    const it = await fleetWorld({ wire });
    for (let n = 0; n < 10; n++) await it.agent({ name: `agent-${n}`, handlers });
    let times = 0;
    const params = { toJSON: () => ({ time: ++times }) };
    for (const concurrency of [undefined, 3]) {
      times = 0;
      const outcomes = await it.fleet.callAll("echo", params, { concurrency });
      expect(outcomes.map((each) => each.ok && each.value)).toEqual(Array(10).fill({ time: 1 }));
    }
    await it.close();
  });

  test.each([
    ["moved", { session: "1.a.2", moves: true }, ["first", "second"]],
    ["dialled again", { session: "1.a.2" }, ["first", "second"]],
    ["was replaced by another end", { session: "2.b.1" }, ["first", "unavailable"]],
  ])("whose turn comes later asks the link that a member has then: it %s", async (_, next, told) => {
    const it = await fleetWorld();
    const first = await it.hand({ name: "first" });
    await it.hand({ name: "second", session: "1.a.1" });
    const all = it.fleet.callAll("work", undefined, { concurrency: 1 });
    await turn();
    const second = await it.hand({ name: "second", ...next });
    const answer = (hand: HandAgent, value: string): void =>
      hand.say(...hand.got.flatMap((each) => (each.kind === "call" ? [{ kind: "result", id: each.id, value }] : [])));
    answer(first, "first");
    await turn();
    answer(second, "second");
    expect((await all).map((each) => (each.ok ? each.value : each.error.code))).toEqual(told);
    await it.close();
  });

  test("checks each result, which may take its time", async () => {
    const it = await fleetWorld({ wire: native() });
    for (const name of ["good", "bad"]) await it.agent({ name, handlers: { who: () => name } });
    const gate = deferred();
    const result = z.string().refine(
      async (value) => {
        await gate.promise;
        return value === "good";
      },
      { message: "must be good" },
    );
    const all = it.fleet.callAll("who", undefined, { result });
    await turn();
    gate.resolve();
    const told = (await all).map((each) => [each.member, each.ok ? each.value : each.error.message]);
    expect(Object.fromEntries(told)).toEqual({
      good: "good",
      bad: 'The result of "who" is not what was expected: must be good',
    });
    await it.close();
  });
});

describe("one name, several ends", () => {
  test("two agents with one name never take turns, whatever becomes of their links", async () => {
    const it = await fleetWorld({ wire: native() });
    const abort = new AbortController();
    const events = it.fleet.watch({ maxBehind: 100_000, signal: abort.signal });
    const agent = (who: string, startedAt: number): Promise<Client> =>
      it.agent({ name: "one", labels: { who }, handlers: { who: () => who }, startedAt });
    const old = await agent("old", 1000);
    const young = await agent("young", 2000);
    for (let minute = 0; minute < 30; minute++) {
      await pass(it.clock, 60_000, 500);
      expect(await it.fleet.call("one", "who")).toBe("young");
      // Both dial again, and the older one may be the quicker.
      for (const each of it.links) each.close(LINE_CUT);
      await turn();
    }
    await pass(it.clock, 60_000, 500);
    await young.close();
    await pass(it.clock, 60_000, 500);
    expect(await it.fleet.call("one", "who")).toBe("old");
    expect(old.state).toBe("open");
    await it.close();
    abort.abort();
    const seen: string[] = [];
    for await (const { kind, info } of events) seen.push(`${kind} ${info.labels["who"]}`);
    expect(seen).toContain("replaced young");
    expect(seen).not.toContain("replaced old");
  });

  test("the replaced end stays away for 30 s and some chance, and is refused as long as the newer one is there", async () => {
    const it = await fleetWorld();
    const dials = (): number => it.links.length;
    const old = await it.agent({ name: "one", startedAt: 1000 });
    await it.agent({ name: "one", startedAt: 2000 });
    expect([dials(), old.state]).toEqual([2, "connecting"]);
    await pass(it.clock, 34_900, 100);
    expect(dials()).toBe(2);
    await pass(it.clock, 200, 100);
    expect([dials(), old.state]).toEqual([3, "connecting"]);
    await pass(it.clock, 34_700, 100);
    expect(dials()).toBe(3);
    await pass(it.clock, 400, 100);
    expect(dials()).toBe(4);
    await it.close();
  });

  test("an agent that dialled again gets its name, whatever became of its old link, also where names are kept", async () => {
    for (const duplicates of ["replace", "reject"] as const) {
      const it = await fleetWorld({ fleet: { duplicates } });
      const halfOpen = await it.hand({ name: "one", session: "1000.abc.1" });
      const lost = codeOf(it.fleet.call("one", "echo"));
      await turn();
      const again = await it.hand({ name: "one", session: "1000.abc.2" });
      expect(await lost).toBe("unavailable/unknown");
      expect(halfOpen.got.at(-2)).toMatchObject({ kind: "goodbye", redialAfterMs: 35_000 });
      expect(again.got).toMatchObject([{ kind: "welcome" }]);
      expect(it.fleet.get("one")?.address).toBe("test:2");
      // Its first hello, stuck somewhere until now.
      const late = await it.hand({ name: "one", session: "1000.abc.1" });
      expect(late.got).toMatchObject([{ kind: "goodbye", redialAfterMs: 35_000 }]);
      expect(late.got).toHaveLength(1);
      expect(it.fleet.get("one")?.address).toBe("test:2");
      await it.close();
    }
  });

  test("who says that it moves from another's link replaces that one as anybody would", async () => {
    const it = await fleetWorld();
    const old = await it.hand({ name: "one", session: "1000.abc.1" });
    const lost = codeOf(it.fleet.call("one", "echo"));
    await turn();
    await it.hand({ name: "one", session: "2000.xyz.1", moves: true });
    expect(await lost).toBe("unavailable/unknown");
    expect(old.got.at(-2)).toMatchObject({ kind: "goodbye", redialAfterMs: 35_000 });
    await it.close();
  });

  test("an agent that says that it moves is not sent away: its old link answers what was asked there", async () => {
    const it = await fleetWorld();
    const old = await it.hand({ name: "one", session: "1000.abc.1" });
    const asked = codeOf(it.fleet.call("one", "echo"));
    await turn();
    await it.hand({ name: "one", session: "1000.abc.2", moves: true });
    expect(old.got.at(-2)).toEqual({ kind: "goodbye", text: '"one" has moved to another link' });
    expect([old.reason, it.fleet.get("one")?.address]).toEqual([undefined, "test:2"]);
    await it.close();
    expect(await asked).toBe("unavailable/unknown");
  });

  test("where the old end cannot be told, it keeps the name", async () => {
    const wire = plainWire({ carries: { hello: "must", welcome: true } });
    const it = await fleetWorld({ wire });
    await it.hand({ name: "one" });
    const other = await it.hand({ name: "one" });
    expect(other.reason).toBeDefined();
    expect(it.fleet.get("one")?.address).toBe("test:1");
    await it.close();
    const replacing = await fleetWorld({ wire, fleet: { duplicates: "replace" } });
    const old = await replacing.hand({ name: "one" });
    await replacing.hand({ name: "one" });
    await turn();
    expect(old.reason).toBeDefined();
    expect(replacing.fleet.get("one")?.address).toBe("test:2");
    await replacing.close();
  });

  test("an end that onConnect refuses takes nobody's name", async () => {
    const gate = deferred();
    const it = await fleetWorld({
      server: {
        onConnect: async ({ hello }) => {
          if (hello?.session !== "2000.b.1") return;
          await gate.promise;
          throw new RpcError("permission_denied", "not you");
        },
      },
    });
    const keeper = await it.hand({ name: "one", session: "1000.a.1" });
    const refused = await it.hand({ name: "one", session: "2000.b.1" });
    gate.resolve();
    await turn();
    expect(refused.reason).toBeDefined();
    expect(keeper.got.map(({ kind }) => kind)).toEqual(["welcome"]);
    expect(it.fleet.get("one")?.address).toBe("test:1");
    await it.close();
  });

  test("of two that came together and both were welcomed, one has the name in the end", async () => {
    const gate = deferred();
    const it = await fleetWorld({ fleet: { duplicates: "reject" }, server: { onConnect: () => gate.promise } });
    const hands = [await it.hand({ name: "one" }), await it.hand({ name: "one" })];
    gate.resolve();
    await turn();
    expect(hands.map(({ got }) => got.map(({ kind }) => kind))).toEqual([["welcome"], ["welcome", "goodbye"]]);
    expect(hands.map(({ reason }) => reason === undefined)).toEqual([true, false]);
    expect(it.fleet.get("one")?.address).toBe("test:1");
    await it.close();
  });
});

describe("joining", () => {
  test.each([
    ["a name that is too long", { name: "x".repeat(257) }],
    ["too many labels", { name: "one", labels: { a: "1", b: "2", c: "3" } }],
    ["a label that is too long", { name: "one", labels: { a: "x".repeat(257) } }],
    ["an empty name", { name: "" }],
  ])("%s is refused", async (_, hello) => {
    const it = await fleetWorld({ fleet: { maxLabels: 2 } });
    const hand = await it.hand(hello);
    expect(hand.got).toMatchObject([{ kind: "goodbye", text: expect.stringMatching(/^Cannot join/) }]);
    expect([hand.reason === undefined, it.fleet.size]).toEqual([false, 0]);
    await it.close();
  });

  test("a full fleet refuses", async () => {
    const it = await fleetWorld({ fleet: { maxMembers: 1 } });
    await it.hand({ name: "one" });
    const two = await it.hand({ name: "two" });
    expect(two.got).toMatchObject([{ kind: "goodbye", text: "Cannot join: the fleet has 1 members already" }]);
    await it.close();
  });

  const authenticated = (identity: unknown): never =>
    ({ identity, limits: { maxFrameBytes: 1 }, options: { heartbeat: { intervalMs: 1 } } }) as never;
  const tls = { subject: { CN: "ann", O: "Example" } };

  test("a certificate's common name is a name, and nameOf decides otherwise", () => {
    const fleet = new Fleet();
    expect(fleet.welcome(authenticated(tls), {})).toMatchObject({ maxFrameBytes: 1, heartbeatMs: 1 });
    expect(fleet.welcome(authenticated(tls), { name: "ann" })).toBeDefined();
    expect(() => fleet.welcome(authenticated(tls), { name: "bob" })).toThrow('authenticated as "ann"');
    expect(new Fleet({ nameOf: () => undefined }).welcome(authenticated(tls), { name: "bob" })).toBeDefined();
    expect(new Fleet({ nameless: "serve" }).welcome(authenticated(tls), {})).toBeUndefined();
  });

  test.each([
    ["a text", "ann"],
    ["an object with a name", { name: "ann", role: "agent" }],
  ])("%s is a name, too", (_, identity) => {
    const fleet = new Fleet();
    expect(fleet.welcome(authenticated(identity), { name: "ann" })).toBeDefined();
    expect(() => fleet.welcome(authenticated(identity), { name: "bob" })).toThrow('authenticated as "ann"');
  });

  test.each([
    ["without a common name", { subject: { O: "guests" }, subjectAltNames: ["DNS:ann"] }],
    ["with two common names", { subject: { CN: ["ann", "bob"] } }],
    ["with an empty common name", { subject: { CN: "" } }],
    ["without a subject", { subject: {} }],
    ["of which only another member has a name", { subject: { O: "guests" }, name: "ann" }],
  ])("a certificate %s takes nobody's name, unless nameOf finds one in it", (_, identity) => {
    const advice = 'Cannot join as "ann": the certificate has no single common name, give the fleet the option nameOf';
    const refused = (): unknown => new Fleet().welcome(authenticated(identity), { name: "ann" });
    expect(refused).toThrow(expect.objectContaining({ code: "permission_denied", message: advice }) as RpcError);
    expect(() => new Fleet().welcome(authenticated(identity), {})).toThrow("no single common name");
    const named = new Fleet({ nameOf: () => "ann" });
    expect(named.welcome(authenticated(identity), { name: "ann" })).toBeDefined();
    expect(() => named.welcome(authenticated(identity), { name: "bob" })).toThrow('authenticated as "ann"');
    expect(new Fleet({ nameless: "serve" }).welcome(authenticated(identity), {})).toBeUndefined();
  });

  test.each([[{}], [{ name: "" }], [{ name: ["ann"] }], [{ role: "agent" }], [""], [true], [7], [null]])(
    "an identity in which there is no name takes nobody's: %j",
    (identity) => {
      const why = 'Cannot join as "ann": its identity has no name, give the fleet the option nameOf';
      const refused = (): unknown => new Fleet().welcome(authenticated(identity), { name: "ann" });
      expect(refused).toThrow(expect.objectContaining({ code: "permission_denied", message: why }) as RpcError);
      expect(new Fleet({ nameOf: () => undefined }).welcome(authenticated(identity), { name: "ann" })).toBeDefined();
    },
  );

  test.each([
    ["timeoutMs", -1],
    ["duplicates", "both"],
    ["nameless", "maybe"],
    ["stayAwayMs", Number.NaN],
    ["maxMembers", 0],
    ["maxLabels", "2"],
  ])("a wrong %s throws at once", (name, value) => {
    expect(() => new Fleet({ [name]: value })).toThrow(name);
  });

  test("wrong options of a call to all throw at once, also when nobody is there", () => {
    const fleet = new Fleet();
    expect(() => fleet.callAll("x", undefined, { timeoutMs: -1 })).toThrow(RangeError);
    expect(() => fleet.callAll("x", undefined, { first: 0 })).toThrow(RangeError);
    expect(() => fleet.callAll("x", undefined, { concurrency: 0 })).toThrow(RangeError);
    expect(() => fleet.watch({ maxBehind: 0 })).toThrow(RangeError);
    expect(() => fleetService(fleet, {} as never)).toThrow(TypeError);
  });
});

describe("operators", () => {
  /** A desk that speaks `wire`, in front of agents on the native wire that each answer one value. */
  async function desk(wire: Wire, values: Readonly<Record<string, unknown>>, heard: unknown[] = []) {
    const network = testNetwork();
    const quiet = { logger: false } as const;
    const fleet = new Fleet();
    const ends: Pick<Client, "close">[] = [
      await network.serve("memory:controller", { ...quiet, wire: native(), fleet }),
      await network.serve("memory:desk", { ...quiet, wire, handlers: fleetService(fleet, { authorise: () => true }) }),
    ];
    const agents = new Map<string, Client>();
    for (const [name, value] of Object.entries(values)) {
      const answer = (): unknown => (value instanceof RpcError ? Promise.reject(value) : value);
      const own = { ...quiet, wire: native(), name, redial: false, handlers: { answer, hang: never } } as const;
      agents.set(name, await network.connect("memory:controller", own));
    }
    const outcome = (told: unknown): void => void heard.push(told);
    const operator = await network.connect("memory:desk", { ...quiet, wire, handlers: { fleet: { outcome } } });
    onTestFinished(async () => {
      for (const end of [operator, ...agents.values(), ...ends]) await end.close({ graceMs: 0 });
    });
    await until(() => fleet.size === agents.size);
    return { fleet, operator, agents };
  }
  const bothWires = [jsonrpc(), native()];

  test.each(bothWires)("are told whether the agent was called: $name", async (wire) => {
    const { fleet, operator, agents } = await desk(wire, { ann: 1 });
    expect(await codeOf(operator.call("fleet.call", { member: "eve", method: "answer" }))).toBe("not_found/no");
    const lost = codeOf(operator.call("fleet.call", { member: "ann", method: "hang" }));
    await until(() => fleet.get("ann")?.pending === 1);
    await agents.get("ann")?.close({ graceMs: 0 });
    expect(await lost).toBe("unavailable/unknown");
  });

  test("have all outcomes but the one that their wire cannot carry, and are told of that one", async () => {
    const heard: { readonly outcome?: { readonly member?: string } }[] = [];
    const fails = new RpcError("aborted", "not now", { data: { until: 5n }, executed: "no" });
    const { operator } = await desk(jsonrpc(), { ann: [1], bob: { size: 2n }, eve: "three", sue: fails }, heard);
    const told = (await operator.call("fleet.callAll", { method: "answer", progress: 1 })) as { member: string }[];
    const expected = [
      { member: "ann", ok: true, value: [1] },
      {
        member: "bob",
        ok: false,
        error: {
          code: "internal",
          message: expect.stringMatching(/^The result cannot be sent: .*BigInt/),
          executed: "yes",
        },
      },
      { member: "eve", ok: true, value: "three" },
      { member: "sue", ok: false, error: { code: "aborted", message: "not now" } },
    ];
    expect(told.sort((one, other) => one.member.localeCompare(other.member))).toEqual(expected);
    await until(() => heard.length === 4);
    expect(heard.map(({ outcome }) => outcome)).toEqual(expect.arrayContaining(expected));
  });

  test.each([
    ["native", native(), new Map([[1, 2n]]), { ok: true, value: new Map([[1, 2n]]) }],
    ["native with JSON bodies", native({ body: "json" }), 2n, { ok: false, error: { code: "internal" } }],
    [
      "jsonrpc",
      jsonrpc(),
      { a: [null, 1, "x", { b: false }] },
      { ok: true, value: { a: [null, 1, "x", { b: false }] } },
    ],
  ])("get what their wire carries: %s", async (_, wire, value, outcome) => {
    const { operator } = await desk(wire, { ann: value });
    expect(await operator.call("fleet.callAll", { method: "answer" })).toMatchObject([outcome]);
    expect(await operator.call("fleet.list")).toMatchObject([{ name: "ann" }]);
  });
});

describe("being there", () => {
  test.each([
    ["native", native()],
    ["jsonrpc", jsonrpc()],
  ])("a half-open agent on %s is found by the heartbeat, and one that lives is kept", async (_, wire) => {
    const it = await fleetWorld({ wire });
    await it.agent({ name: "alive", handlers });
    await it.agent({ name: "dead", handlers, redial: false });
    // Nothing of it arrives any more, and nobody says so.
    const dead = it.links[1];
    if (dead !== undefined) dead.send = () => {};
    const lost = codeOf(it.fleet.call("dead", "echo", [1], { timeoutMs: Infinity }));
    await pass(it.clock, 31_000, 500);
    expect(await lost).toBe("unavailable/unknown");
    expect(it.fleet.list().map(({ name }) => name)).toEqual(["alive"]);
    await pass(it.clock, 120_000, 500);
    expect(it.fleet.list().map(({ name }) => name)).toEqual(["alive"]);
    await it.close();
  });

  test("an agent whose link was lost comes back by itself", async () => {
    const it = await fleetWorld();
    await it.agent({ name: "one", handlers });
    const events = it.fleet.watch();
    it.links[0]?.close(LINE_CUT);
    await turn();
    expect(it.fleet.size).toBe(0);
    await pass(it.clock, 500);
    expect(await it.fleet.call("one", "echo", [1])).toEqual([1]);
    expect([(await events.next()).value?.kind, (await events.next()).value?.kind]).toEqual(["left", "joined"]);
    await it.close();
  });

  test("one set of handlers may serve several controllers", async () => {
    const [here, there] = [await fleetWorld(), await fleetWorld()];
    let calls = 0;
    const shared = { count: () => ++calls };
    await here.agent({ name: "one", handlers: shared });
    await there.agent({ name: "one", handlers: shared });
    expect(await here.fleet.call("one", "count")).toBe(1);
    expect(await there.fleet.call("one", "count")).toBe(2);
    await here.close();
    await there.close();
  });

  test("somebody who watches and does not read is told to look again, and costs nobody else anything", async () => {
    const it = await fleetWorld();
    const slow = it.fleet.watch({ maxBehind: 2 });
    const quick = it.fleet.watch();
    for (const name of ["a", "b", "c"]) await it.hand({ name });
    expect((await slow.next()).value?.member).toBe("a");
    expect((await slow.next()).value?.member).toBe("b");
    await expect(slow.next()).rejects.toMatchObject({ code: "resource_exhausted" });
    expect((await slow.next()).done).toBe(true);
    for (const name of ["a", "b", "c"]) expect((await quick.next()).value?.member).toBe(name);
    await it.close();
  });

  test("lastSeen goes on with what arrives, and since stays", async () => {
    const it = await fleetWorld();
    const hand = await it.hand({ name: "one" });
    await pass(it.clock, 10_000, 1000);
    const [silent] = it.fleet.list();
    expect(Date.now() - (silent?.lastSeen ?? 0)).toBeGreaterThanOrEqual(10_000);
    hand.say({ kind: "pong" });
    await turn();
    expect(Date.now() - (it.fleet.get("one")?.lastSeen ?? 0)).toBeLessThan(5000);
    expect(it.fleet.get("one")?.since).toBe(silent?.since);
    await it.close();
  });

  test("a controller that closes lets its agents' calls end, and they dial again", async () => {
    const it = await fleetWorld({ wire: native() });
    const gate = deferred();
    await it.agent({ name: "one", handlers: { wait: () => gate.promise.then(() => "done") } });
    const call = it.fleet.call("one", "wait");
    await turn();
    const closed = it.server.close();
    await turn();
    gate.resolve();
    expect(await call).toBe("done");
    await closed;
    await turn();
    expect(it.fleet.size).toBe(0);
    await it.close();
  });
});

describe("a plain JSON-RPC peer", () => {
  test("never sees what a fleet says: without a name nothing is said, and a server without a fleet knows none of it", async () => {
    const it = await fleetWorld({ wire: jsonrpc() });
    const plain = await it.hand({});
    plain.frames.length = 0;
    plain.say({ jsonrpc: "2.0", id: 1, method: "convoke.ping" });
    plain.say({ jsonrpc: "2.0", method: "convoke.goodbye", params: {} });
    await pass(it.clock, 60_000, 1000);
    expect(plain.got).toMatchObject([{ id: 1, error: { code: -32601 } }]);
    expect(it.fleet.size).toBe(0);
    await it.close();
  });

  test("a dialler with a name goes on without when nobody answers its hello", async () => {
    const it = await fleetWorld({ wire: jsonrpc(), server: { handlers, fleet: undefined } });
    const client = await it.agent({ name: "one" });
    expect(await client.call("echo", [1])).toEqual([1]);
    await pass(it.clock, 60_000, 1000);
    expect(client.state).toBe("open");
    await client.close();
    await it.close();
  });

  test("hello: false says nothing, whatever the name", async () => {
    const it = await fleetWorld({ wire: jsonrpc({ hello: false }), server: { handlers } });
    const client = await it.agent({ name: "one" });
    expect(await client.call("echo", [1])).toEqual([1]);
    expect(it.fleet.size).toBe(0);
    await it.close();
  });
});

describe("all at once", () => {
  test("a member that was replaced or has left while its call waited its turn is unavailable, and was not called", async () => {
    const it = await fleetWorld();
    const gate = deferred();
    await it.agent({ name: "a", handlers: { run: () => gate.promise } });
    const b = await it.agent({ name: "b", handlers: { run: never } });
    const c = await it.agent({ name: "c", handlers: { run: never }, startedAt: 1000 });
    const all = it.fleet.callAll("run", undefined, { concurrency: 1 });
    await b.close();
    await it.agent({ name: "c", handlers: { run: never }, startedAt: 2000 });
    gate.resolve();
    expect(await all).toMatchObject([
      { member: "a", ok: true },
      { member: "b", ok: false, error: { code: "unavailable", executed: "no" } },
      { member: "c", ok: false, error: { code: "unavailable", executed: "no" } },
    ]);
    expect(c.state).toBe("connecting");
    await it.close();
  });

  test("it has begun when it is made, and who joins later is not meant", async () => {
    const it = await fleetWorld();
    let calls = 0;
    await it.agent({ name: "a", handlers: { run: () => ++calls } });
    const all = it.fleet.callAll("run");
    await it.agent({ name: "b", handlers: { run: () => ++calls } });
    expect(calls).toBe(1);
    expect((await all).map(({ member }) => member)).toEqual(["a"]);
    await it.close();
  });

  test("a thousand members: a signal leaves no listener behind, and none of them waits for another", async () => {
    const it = await fleetWorld();
    for (let each = 0; each < 1000; each++) void it.hand({ name: `m-${each}` }).then((hand) => hand.stall());
    await turn(20);
    expect(it.fleet.size).toBe(1000);
    const abort = new AbortController();
    const all = it.fleet.callAll("run", undefined, { signal: abort.signal });
    await turn();
    abort.abort();
    const outcomes = await all;
    expect(new Set(outcomes.map((each) => !each.ok && each.error.code))).toEqual(new Set(["cancelled"]));
    expect(outcomes).toHaveLength(1000);
    await it.close();
    expect(it.clock.listeners).toBe(0);
  });
});
