import { afterEach, describe, expect, test } from "vitest";
import { Client, type ConnectOptions } from "../../src/client/client.ts";
import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Dialer, Listen, Wire } from "../../src/core/wire.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import { fleetService } from "../../src/fleet/service.ts";
import type { FleetEvent } from "../../src/fleet/watching.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { codeOf, Log, never } from "./engine.ts";
import { deferred, testWhere, turn, until } from "./support.ts";

/** Where a fleet's server listens, and how its agents reach it. */
export interface FleetPlace {
  readonly listen: Listen;
  /** Asked when the server listens at `address`. */
  dial(address: string): Dialer;
}

/** What a wire can say of a fleet; a flag that is false leaves out or changes the tests about it. */
export interface FleetCapabilities {
  /** A dialler that says no hello is refused; on JSON-RPC it is served all the same. */
  readonly mustSayHello: boolean;
  /** Agents say labels, and when they began, beside their names. */
  readonly labels: boolean;
  /** Hello is answered, so that `connect` knows of a refusal. */
  readonly welcomes: boolean;
  /** An end that closes says so before it does. */
  readonly goodbyes: boolean;
  readonly notifies: boolean;
  /** Agents and operators call the controller. */
  readonly callsBack: boolean;
}

/** The methods that the suite calls, for wires that have a table of names. */
export const FLEET_METHODS: readonly string[] = ["id", "fail", "note", "slow", "wait", "math.add"];

interface AgentApi {
  id(params?: unknown): string;
  math: { add(params: { a: number; b: number }): number };
}

/** Checks that a fleet keeps its promises on one wire and one transport. */
export function fleetSuite(name: string, wire: Wire, place: () => FleetPlace, can: FleetCapabilities): void {
  const labelled = (labels: Readonly<Record<string, string>>): ConnectOptions => (can.labels ? { labels } : {});
  const open: { close(options: { graceMs: number }): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close({ graceMs: 0 })));
  });

  /** A client that is not let in. One that hears nothing of it has a link that ends. */
  async function refused(connecting: Promise<Client>, why: string): Promise<void> {
    if (can.welcomes) {
      const message = `Refused by the other side: ${why}`;
      return expect(connecting).rejects.toMatchObject({ code: "unavailable", message });
    }
    const client = await connecting;
    await until(() => client.connections.length === 0);
  }

  /** A controller and how to make agents of it. */
  async function stage(
    options: FleetOptions = {},
    serving: (fleet: Fleet) => ServeOptions = () => ({}),
    identity?: unknown,
  ): Promise<Stage> {
    const fleet = new Fleet({ nameless: "serve", ...options });
    const { listen: plain, dial } = place();
    // As a transport does that knows who dialled: by a certificate, say.
    const listen: Listen =
      identity === undefined ? plain : (accept, terms) => plain((raw) => accept({ ...raw, identity }), terms);
    const log = new Log();
    const server = await Server.open([listen], wire, { logger: log, fleet, ...serving(fleet) });
    open.push(server);
    const connect = async (more: ConnectOptions): Promise<Client> => {
      const client = await Client.open(dial(server.addresses[0] ?? ""), wire, { logger: new Log(), ...more });
      open.push(client);
      return client;
    };
    return {
      fleet,
      server,
      log,
      connect,
      async agent(agentName, handlers = {}, more = {}) {
        const before = fleet.get(agentName);
        const client = await connect({ name: agentName, handlers: handlersOf(agentName, handlers), ...more });
        await until(() => fleet.get(agentName) !== before);
        return client;
      },
    };
  }

  describe(`a fleet on ${name}`, () => {
    test("an agent joins with its name and labels, and is welcomed", async () => {
      const { fleet, agent } = await stage();
      const began = Date.now();
      const client = await agent("agent-7", {}, labelled({ zone: "a" }));
      expect(fleet.list()).toEqual([
        {
          name: "agent-7",
          labels: can.labels ? { zone: "a" } : {},
          address: fleet.get("agent-7")?.connection.remoteAddress,
          wire: wire.name,
          since: expect.any(Number),
          lastSeen: expect.any(Number),
          running: 0,
          pending: 0,
        },
      ]);
      const [member] = fleet.list();
      expect(member?.since).toBeGreaterThanOrEqual(began);
      expect(member?.lastSeen).toBeLessThanOrEqual(Date.now());
      const { hello } = client.connections[0] ?? {};
      if (!can.welcomes) return expect(hello).toBeUndefined();
      expect(hello).toMatchObject({
        session: expect.stringMatching(/^[0-9a-f]{16}$/),
        maxFrameBytes: 4 << 20,
        heartbeatMs: 15_000,
      });
    });

    test("one member is called by its name: results, errors, notifications, batches, typed", async () => {
      const { fleet, agent } = await stage();
      const noted = deferred<unknown>();
      const fail = (): never => {
        throw new RpcError("failed_precondition", "switched off", { data: { why: 1 } });
      };
      await agent("one", { fail, note: (params: unknown) => noted.resolve(params), math: { add } });
      await agent("two");
      expect(await fleet.call("two", "id")).toBe("two");
      expect(await fleet.remote<AgentApi>("one").math.add({ a: 1, b: 2 })).toBe(3);
      if (can.notifies) {
        await fleet.notify("one", "note", [1]);
        expect(await noted.promise).toEqual([1]);
      } else expect(await codeOf(fleet.notify("one", "note", [1]))).toBe("unimplemented/no");
      await expect(fleet.call("one", "fail")).rejects.toMatchObject({
        code: "failed_precondition",
        message: "switched off",
        data: { why: 1 },
      });
      expect(await codeOf(fleet.call("one", "nothing"))).toMatch(/^unimplemented/);
      expect(await fleet.get("one")?.batch([["id"], ["fail"]])).toMatchObject([
        { ok: true, value: "one" },
        { ok: false },
      ]);
    });

    test("nobody of that name: not_found, at once", async () => {
      const { fleet } = await stage();
      expect(await codeOf(fleet.call("nobody", "id"))).toBe("not_found/no");
      expect(await codeOf(fleet.notify("nobody", "id"))).toBe("not_found/no");
      expect(await codeOf(fleet.remote<AgentApi>("nobody").id())).toBe("not_found/no");
      expect(fleet.get("nobody")).toBeUndefined();
    });

    test("all are called: one outcome each, in order of arrival, as a loop or as a list", async () => {
      const { fleet, agent } = await stage();
      const gates = { a: deferred(), b: deferred(), c: deferred() };
      const names = ["a", "b", "c"] as const;
      for (const each of names) await agent(each, { slow: () => gates[each].promise.then(() => each) });
      const all = fleet.callAll("slow");
      expect(all.members).toEqual(["a", "b", "c"]);
      const order: string[] = [];
      const left = ["c", "a", "b"] as const;
      gates.c.resolve();
      for await (const outcome of all) {
        order.push(outcome.member);
        const next = left[order.length];
        if (next !== undefined) gates[next].resolve();
      }
      expect(order).toEqual(["c", "a", "b"]);
      expect(await all).toEqual(left.map((member) => ({ member, ok: true, value: member })));
      expect(await fleet.all<AgentApi>().id()).toHaveLength(3);
    });

    test("nobody there: no outcomes", async () => {
      const { fleet } = await stage();
      expect(await fleet.callAll("id")).toEqual([]);
      for await (const outcome of fleet.callAll("id")) expect.fail(outcome.member);
    });

    test("a member that fails or never answers costs its own outcome", async () => {
      const { fleet, agent } = await stage();
      await agent("good");
      await agent("late", { id: never });
      await agent("bad", {
        id: () => {
          throw new RpcError("aborted", "on purpose");
        },
      });
      const outcomes = await fleet.callAll("id", undefined, { timeoutMs: 100 });
      expect(Object.fromEntries(outcomes.map((each) => [each.member, each.ok ? each.value : each.error.code]))).toEqual(
        {
          good: "good",
          bad: "aborted",
          late: "deadline_exceeded",
        },
      );
      expect(outcomes.at(-1)?.member).toBe("late");
    });

    testWhere(can.labels)("where selects by labels", async () => {
      const { fleet, agent } = await stage();
      await agent("a", {}, { labels: { zone: "x", tier: "1" } });
      await agent("b", {}, { labels: { zone: "y", tier: "1" } });
      await agent("c");
      const names = async (where: Parameters<Fleet["list"]>[0]): Promise<string[]> =>
        (await fleet.callAll("id", undefined, { where })).map(({ member }) => member).sort();
      expect(await names({ zone: "x" })).toEqual(["a"]);
      expect(await names({ tier: "1" })).toEqual(["a", "b"]);
      expect(await names({ tier: "1", zone: "z" })).toEqual([]);
      expect(fleet.list({ tier: "1" }).map(({ name: each }) => each)).toEqual(["a", "b"]);
    });

    test("where selects by a function", async () => {
      const { fleet, agent } = await stage();
      for (const each of ["a", "b", "c"]) await agent(each);
      const where = ({ name: each }: { name: string }): boolean => each !== "b";
      expect((await fleet.callAll("id", undefined, { where })).map(({ member }) => member).sort()).toEqual(["a", "c"]);
      expect(fleet.list(where).map(({ name: each }) => each)).toEqual(["a", "c"]);
    });

    test("first ends after so many successes, and really cancels the others", async () => {
      const { fleet, agent } = await stage();
      const { handlers, stopped } = stoppable(2);
      await agent("quick");
      for (const each of ["slow-1", "slow-2"]) await agent(each, handlers);
      const outcomes = await fleet.callAll("id", undefined, { first: 1 });
      expect(outcomes.map(({ member, ok }) => [member, ok])).toEqual([
        ["quick", true],
        ["slow-1", false],
        ["slow-2", false],
      ]);
      for (const each of outcomes.slice(1)) expect(each).toMatchObject({ error: { code: "cancelled" } });
      await stopped;
      expect(fleet.list().map(({ pending }) => pending)).toEqual([0, 0, 0]);
    });

    test("leaving the loop cancels what is left", async () => {
      const { fleet, agent } = await stage();
      const { handlers, stopped } = stoppable(2);
      await agent("quick");
      for (const each of ["slow-1", "slow-2"]) await agent(each, handlers);
      for await (const outcome of fleet.callAll("id")) {
        expect(outcome).toEqual({ member: "quick", ok: true, value: "quick" });
        break;
      }
      await stopped;
    });

    test("a signal cancels all of it", async () => {
      const { fleet, agent } = await stage();
      const { handlers, begun, stopped } = stoppable(2);
      for (const each of ["one", "two"]) await agent(each, handlers);
      const abort = new AbortController();
      const all = fleet.callAll("id", undefined, { signal: abort.signal });
      await begun;
      abort.abort();
      expect((await all).map((each) => !each.ok && each.error.code)).toEqual(["cancelled", "cancelled"]);
      await stopped;
      const late = await fleet.callAll("id", undefined, { signal: abort.signal });
      expect(late.map((each) => !each.ok && each.error.executed)).toEqual(["no", "no"]);
    });

    test("concurrency bounds the calls under way", async () => {
      const { fleet, agent } = await stage();
      let running = 0;
      let most = 0;
      const id = async (): Promise<number> => {
        most = Math.max(most, ++running);
        await until(() => most > 1);
        return running--;
      };
      for (let each = 0; each < 7; each++) await agent(`agent-${each}`, { id });
      expect((await fleet.callAll("id", undefined, { concurrency: 2 })).filter(({ ok }) => ok)).toHaveLength(7);
      expect(most).toBe(2);
    });

    test("replace: the end that began later takes the name; calls under way settle with the cause, and the old one stays away", async () => {
      const { fleet, agent } = await stage({ duplicates: "replace" });
      const { handlers, begun, stopped } = stoppable(1);
      const old = await agent("one", handlers, { startedAt: 1000 });
      const under = expect(fleet.call("one", "id")).rejects.toMatchObject({
        code: "unavailable",
        executed: "unknown",
        message: 'Lost "id": "one" was replaced by a newer link of the same name',
      });
      const before = fleet.get("one");
      await begun;
      const events = fleet.watch();
      await agent("one", { id: () => "the new one" }, { startedAt: 2000 });
      await under;
      await stopped;
      expect(await fleet.call("one", "id")).toBe("the new one");
      expect(await codeOf(before?.call("id") ?? never())).toBe("unavailable/no");
      expect((await events.next()).value).toMatchObject({ kind: "replaced", member: "one" });
      await until(() => old.state === "connecting");
      await until(() => old.connections.length === 0);
      await turn();
      expect([fleet.size, old.state]).toEqual([1, "connecting"]);
    });

    test("reject: the end that has the name keeps it, and the other one is told", async () => {
      const { fleet, agent, connect } = await stage({ duplicates: "reject" });
      await agent("one", {}, { startedAt: 1000 });
      await refused(connect({ name: "one", startedAt: 2000 }), 'Cannot join as "one": the name is taken');
      expect(await fleet.call("one", "id")).toBe("one");
    });

    testWhere(can.labels)("an older session never takes the name from a newer one", async () => {
      const { fleet, agent, connect } = await stage();
      await agent("one", {}, { startedAt: 2000 });
      await refused(connect({ name: "one", startedAt: 1000 }), 'Cannot join as "one": a newer session has the name');
      expect(await fleet.call("one", "id")).toBe("one");
    });

    test("a name is bound to the identity where there is one", async () => {
      const { fleet, agent, connect } = await stage({ nameless: "reject" }, undefined, "ann");
      await refused(connect({ name: "bob" }), 'Cannot join as "bob": this end was authenticated as "ann"');
      await agent("ann");
      expect(fleet.list().map(({ name: each }) => each)).toEqual(["ann"]);
    });

    testWhere(can.mustSayHello)("no name: refused, with what to do", async () => {
      const { fleet, log, connect } = await stage({ nameless: "reject" });
      await refused(
        connect({}),
        'Cannot join without a name: connect with the option name (clients without one need nameless: "serve" of the fleet)',
      );
      expect(fleet.size).toBe(0);
      expect(log.of("warn")).toHaveLength(1);
    });

    testWhere(can.callsBack)("a client without a name is served, and is no member", async () => {
      const { fleet, connect } = await stage({}, () => ({ handlers: { hi: () => "hi" } }));
      const client = await connect({});
      expect(await client.call("hi")).toBe("hi");
      expect(fleet.size).toBe(0);
    });

    testWhere(!can.goodbyes)("an agent that closes answers what runs, and is no member when it has gone", async () => {
      const { fleet, agent } = await stage();
      const begun = deferred();
      const gate = deferred();
      const client = await agent("one", { wait: () => (begun.resolve(), gate.promise.then(() => "done")) });
      const under = fleet.call("one", "wait");
      await begun.promise;
      const closed = client.close();
      expect(await codeOf(fleet.call("one", "id"))).toBe("unavailable/no");
      gate.resolve();
      expect(await under).toBe("done");
      await closed;
      await until(() => fleet.size === 0);
    });

    testWhere(can.goodbyes)(
      "an agent that closes answers what runs, refuses what comes late, and is no member from its goodbye on",
      async () => {
        const { fleet, agent } = await stage();
        const begun = deferred();
        const gate = deferred();
        const client = await agent("one", { wait: () => (begun.resolve(), gate.promise.then(() => "done")) });
        const member = fleet.get("one");
        const under = fleet.call("one", "wait");
        await begun.promise;
        const closed = client.close();
        await until(() => fleet.size === 0);
        expect(await codeOf(fleet.call("one", "id"))).toBe("not_found/no");
        expect(await codeOf(member?.call("id") ?? never())).toBe("unavailable/no");
        gate.resolve();
        expect(await under).toBe("done");
        await closed;
      },
    );

    test("watch tells who comes and goes, until it is told to end", async () => {
      const { fleet, agent } = await stage();
      const abort = new AbortController();
      const events = fleet.watch({ signal: abort.signal });
      const client = await agent("one", {}, labelled({ zone: "a" }));
      await client.close();
      await until(() => fleet.size === 0);
      const seen: FleetEvent[] = [];
      for await (const event of events) {
        seen.push(event);
        if (seen.length === 2) abort.abort();
      }
      expect(seen).toMatchObject([
        { kind: "joined", member: "one", info: { labels: can.labels ? { zone: "a" } : {} } },
        { kind: "left", member: "one", reason: expect.any(String) },
      ]);
    });

    testWhere(can.callsBack)("operators list, call one and all, and watch, as far as the authoriser says", async () => {
      const asked: string[] = [];
      const { fleet, agent, connect } = await stage({}, (served) => ({
        handlers: fleetService(served, {
          authorise: ({ action, member, method }) => {
            asked.push([action, member, method].filter((each) => each !== undefined).join(" "));
            return method !== "forbidden";
          },
        }),
      }));
      await agent("one", { math: { add } }, { labels: { zone: "a" } });
      const heard: unknown[] = [];
      const note = (params: unknown): void => void heard.push(params);
      const operator = await connect({ handlers: { fleet: { outcome: note, changed: note } } });
      expect(await operator.call("fleet.watch")).toMatchObject([{ name: "one" }]);
      expect(await operator.call("fleet.list", { where: { zone: "a" } })).toMatchObject([{ name: "one" }]);
      expect(await operator.call("fleet.list", { where: { zone: "b" } })).toEqual([]);
      const params = { member: "one", method: "math.add", params: { a: 1, b: 2 } };
      expect(await operator.call("fleet.call", params)).toBe(3);
      expect(await codeOf(operator.call("fleet.call", { ...params, method: "forbidden" }))).toMatch(
        /^permission_denied/,
      );
      expect(await codeOf(operator.call("fleet.call", { ...params, member: "nobody" }))).toMatch(/^not_found/);
      expect(await codeOf(operator.call("fleet.call", { ...params, member: 7 }))).toMatch(/^invalid_argument/);
      expect(await codeOf(operator.call("fleet.callAll", {}))).toMatch(/^invalid_argument/);
      await agent("two");
      const outcomes = await operator.call("fleet.callAll", { method: "math.add", progress: 5 });
      // In the order in which they came.
      const byMember = (one: { readonly member: string }, other: { readonly member: string }): number =>
        one.member.localeCompare(other.member);
      expect((outcomes as { readonly member: string }[]).sort(byMember)).toMatchObject([
        { member: "one", ok: false, error: { code: "internal" } },
        { member: "two", ok: false, error: { code: "unimplemented" } },
      ]);
      await until(() => heard.length === 3);
      expect(heard[0]).toMatchObject({ kind: "joined", member: "two" });
      expect(
        (heard.slice(1) as { readonly outcome: { readonly member: string } }[])
          .map(({ outcome }) => outcome)
          .sort(byMember),
      ).toMatchObject([{ member: "one" }, { member: "two" }]);
      expect(heard.slice(1)).toMatchObject([{ progress: 5 }, { progress: 5 }]);
      expect(asked).toEqual([
        "watch",
        "list",
        "list",
        "call one math.add",
        "call one forbidden",
        "call nobody math.add",
        "callAll math.add",
      ]);
      expect(fleet.size).toBe(2);
    });
  });
}

interface Stage {
  readonly fleet: Fleet;
  readonly server: Server;
  readonly log: Log;
  connect(options: ConnectOptions): Promise<Client>;
  /** One that has joined. */
  agent(name: string, handlers?: object, options?: ConnectOptions): Promise<Client>;
}

function handlersOf(name: string, more: object): object {
  return { id: () => name, ...more };
}

function add({ a, b }: { a: number; b: number }): number {
  return a + b;
}

/** Handlers that run until they are cancelled: `begun` when so many run, `stopped` when so many were. */
function stoppable(count: number): { handlers: object; begun: Promise<void>; stopped: Promise<void> } {
  const begun = deferred();
  const stopped = deferred();
  let running = 0;
  let ended = 0;
  const id = (_: unknown, { signal }: CallContext): Promise<never> =>
    new Promise((_resolve, reject) => {
      if (++running === count) begun.resolve();
      signal.addEventListener("abort", () => {
        if (++ended === count) stopped.resolve();
        reject(signal.reason as Error);
      });
    });
  return { handlers: { id }, begun: begun.promise, stopped: stopped.promise };
}
