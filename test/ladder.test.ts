import { describe, expect, test } from "vitest";
import { RpcError } from "../src/core/errors.ts";
import type { Authenticator } from "../src/core/wire.ts";
import { Fleet } from "../src/fleet/fleet.ts";
import type { CallContext, Client, Connection } from "../src/index.ts";
import { codeOf, never, pass } from "./suites/engine.ts";
import { FLEET_WIRE } from "./suites/fleet-world.ts";
import { type LadderWorld, ladderWorld } from "./suites/ladder-world.ts";
import { plainWire } from "./suites/plain-wire.ts";
import { deferred, turn } from "./suites/support.ts";

const WELCOMING = plainWire({ carries: { hello: "must", welcome: true } });
/** With everything that two ends can say of the life of a link. */
const PARTING = plainWire({ carries: { hello: "must", welcome: true, ping: true, goodbye: true } });
const handlers = {
  echo: (params: unknown) => params,
  never,
  via: (_: unknown, context: CallContext) => context.remoteAddress,
};

describe("connecting", () => {
  test("the first address that works is taken, and no other is dialled", async () => {
    const it = await ladderWorld({ doors: ["up", "up"], handlers });
    const client = await it.connect();
    expect([client.address, await client.call("via"), it.dials]).toEqual(["a", "a", ["a@0"]]);
    await client.close();
  });

  test("when the first is refused, the second", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await it.connect();
    expect([client.address, await client.call("via")]).toEqual(["b", "b"]);
    await client.close();
  });

  test.each(["hangs", "mute"] as const)(
    "when the first %s, the second after 5 s: the handshake counts",
    async (door) => {
      const it = await ladderWorld({ wire: WELCOMING, doors: [door, "up"], handlers });
      const connecting = it.connect();
      await pass(it.clock, 5000, 1000);
      const client = await connecting;
      expect([client.address, await client.call("via"), it.dials]).toEqual(["b", "b", ["a@0", "b@5000"]]);
      await client.close();
      expect(it.links.filter(({ door: name }) => name === "a").length).toBe(door === "mute" ? 1 : 0);
    },
  );

  test("when none works it rejects with why, for each; then nothing goes on", async () => {
    const it = await ladderWorld({ doors: ["refused", "hangs"] });
    const connecting = it.connect().catch((thrown: unknown) => thrown);
    await turn();
    await pass(it.clock, 20_000, 1000);
    expect(await connecting).toMatchObject({
      code: "unavailable",
      executed: "no",
      message: "None of the 2 addresses can be reached: a (refused), b (Cannot connect within 20000 ms)",
    });
    await pass(it.clock, 100_000, 10_000);
    expect(it.dials).toHaveLength(2);
  });

  test("an end that knows this one and never wants it is not asked over another address", async () => {
    const closed = plainWire({
      carries: { hello: "must", welcome: true },
      closed: (reason) => (reason.closeCode === 4100 ? { ...reason, redialAfterMs: Number.POSITIVE_INFINITY } : reason),
    });
    const authenticator: Authenticator = {
      client: () => Promise.reject(new RpcError("permission_denied", "invalid public key", { wireCode: 4100 })),
      server: async () => undefined,
    };
    const it = await ladderWorld({ wire: closed, doors: ["up", "up"] });
    await expect(it.connect({ authenticator })).rejects.toThrow("invalid public key");
    const client = await it.connect({ authenticator, lazy: true });
    await expect(client.ready()).rejects.toThrow("invalid public key");
    expect([client.state, it.dials]).toEqual(["stopped", ["a@0", "a@0"]]);
  });

  test("a goodbye that says when to come again is heard: no other address, and no sooner", async () => {
    const it = await ladderWorld({ wire: PARTING, doors: ["mute", "up"] });
    const client = await it.connect({ lazy: true });
    const ready = client.ready();
    await turn();
    it.links[0]?.far.channel?.open({ frames() {}, skipped() {}, ended() {}, closed() {} });
    void it.links[0]?.far.channel?.send([JSON.stringify({ kind: "goodbye", text: "later", redialAfterMs: 30_000 })]);
    await turn();
    it.doors[0] = "up";
    await pass(it.clock, 29_000, 1000);
    expect(it.dials).toEqual(["a@0"]);
    await pass(it.clock, 2000, 1000);
    await ready;
    expect(client.address).toBe("a");
    await client.close();
  });

  test("a goodbye that comes while onConnect still runs is heard", async () => {
    const it = await ladderWorld({ wire: PARTING, doors: ["mute"] });
    const client = await it.connect({ lazy: true, onConnect: () => turn(2) });
    client.ready().catch(() => {});
    await turn();
    it.links[0]?.far.channel?.open({ frames() {}, skipped() {}, ended() {}, closed() {} });
    const goodbye = { kind: "goodbye", text: "later", redialAfterMs: 30_000 };
    void it.links[0]?.far.channel?.send([{ kind: "welcome", hello: {} }, goodbye].map((each) => JSON.stringify(each)));
    await pass(it.clock, 29_000, 1000);
    expect([it.dials, client.state]).toEqual([["a@0"], "connecting"]);
    await pass(it.clock, 3000, 1000);
    expect(it.dials).toHaveLength(2);
    await client.close({ graceMs: 0 });
  });

  test("all are down, then one comes up", async () => {
    const it = await ladderWorld({ doors: ["refused", "refused", "refused"], handlers });
    const client = await it.connect({ lazy: true });
    const waiting = client.call("via", undefined, { timeoutMs: Infinity });
    await pass(it.clock, 60_000, 1000);
    const rounds = it.dials.length / 3;
    expect(rounds).toBeGreaterThan(8);
    expect(rounds).toBeLessThan(25);
    it.doors[1] = "up";
    await pass(it.clock, 10_000, 1000);
    expect([await waiting, client.address]).toEqual(["b", "b"]);
    await client.close();
    expect(it.clock.listeners).toBe(await serverListeners(it));
  });
});

describe("a link that was lost", () => {
  test("is dialled again where it was", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await it.connect();
    it.dials.length = 0;
    it.cut();
    await pass(it.clock, 1000);
    expect([client.address, it.dials.map((each) => each[0])]).toEqual(["b", ["b"]]);
    await client.close();
  });

  test("goes down where its address is gone, and each call is answered by the one that is left", async () => {
    const it = await ladderWorld({ doors: ["up", "up"], handlers });
    const client = await it.connect();
    it.doors[0] = "refused";
    it.cut();
    await turn();
    const call = client.call("via");
    await pass(it.clock, 1000);
    expect([await call, client.address]).toEqual(["b", "b"]);
    await client.close();
  });
});

describe("while a link is up on a worse address", () => {
  /** A client on `b`; `a` has been down so far. */
  async function below(it: LadderWorld, options: Parameters<LadderWorld["connect"]>[0] = {}) {
    const connecting = it.connect(options);
    if (it.doors[0] !== "refused") await pass(it.clock, 5000, 1000);
    const client = await connecting;
    expect(client.address).toBe("b");
    it.dials.length = 0;
    return client;
  }

  test.each([
    ["plain", plainWire()],
    ["welcoming", WELCOMING],
    ["parting", PARTING],
  ])("1000 calls in flight are all answered while it moves to the better one: on a %s wire", async (_, wire) => {
    const gate = deferred<string>();
    const it = await ladderWorld({
      wire,
      doors: ["refused", "up"],
      handlers: { ...handlers, hold: () => gate.promise },
    });
    const client = await below(it);
    const held = Array.from({ length: 1000 }, () => client.call("hold", undefined, { timeoutMs: Infinity }));
    await turn();
    it.doors[0] = "up";
    const during: Promise<unknown>[] = [];
    for (let step = 0; step < 80; step++) {
      await pass(it.clock, 1000, 1000);
      during.push(client.call("via"));
    }
    expect(client.address).toBe("a");
    const vias = await Promise.all(during);
    expect(vias.lastIndexOf("b")).toBe(vias.indexOf("a") - 1);
    expect(client.connections).toHaveLength(2);
    // A grace of 10 s would have ended them.
    await pass(it.clock, 300_000, 10_000);
    gate.resolve("held");
    expect(new Set(await Promise.all(held))).toEqual(new Set(["held"]));
    await pass(it.clock, 2000, 100);
    expect([client.connections.length, it.server.connections.length, client.state]).toEqual([1, 1, "open"]);
    expect(client.stats()).toMatchObject({ failures: 0, errors: 0, results: 1080 });
    await client.close();
  });

  test("the other side's calls are answered, too: those under way where they came, new ones over the new link", async () => {
    const gate = deferred<string>();
    const it = await ladderWorld({ wire: PARTING, doors: ["refused", "up"] });
    const client = await below(it, { handlers: { work: () => gate.promise, ping: () => "pong" } } as never);
    const [old] = it.server.connections;
    const working = old?.call("work", undefined, { timeoutMs: Infinity });
    await turn();
    it.doors[0] = "up";
    await pass(it.clock, 70_000, 1000);
    expect(client.address).toBe("a");
    expect(await codeOf(old?.call("ping") ?? never())).toBe("unavailable/no");
    expect(await it.server.connections.at(-1)?.call("ping")).toBe("pong");
    gate.resolve("done");
    expect(await working).toBe("done");
    await pass(it.clock, 2000, 100);
    expect(it.server.connections).toHaveLength(1);
    await client.close();
  });

  test.each(["refused", "hangs", "mute"] as const)(
    "a better one that is %s is tried ever less often, and calls go on",
    async (door) => {
      const it = await ladderWorld({ wire: WELCOMING, doors: [door, "up"], handlers });
      const client = await below(it);
      for (let minute = 0; minute < 60; minute++) {
        expect(await client.call("via")).toBe("b");
        await pass(it.clock, 60_000, 5000);
      }
      // After 1, 2, 4, 8, and then every 10 minutes: 1, 3, 7, 15, 25, 35, 45, 55.
      expect(it.dials).toHaveLength(8);
      expect(client.connections).toHaveLength(1);
      await client.close();
      expect(it.clock.listeners).toBe(await serverListeners(it));
    },
  );

  test("a better one that comes and goes is no hot loop and no ping-pong", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await below(it);
    let moves = 0;
    let before = client.address;
    // Up for a second, down for a second, for an hour.
    for (let second = 0; second < 3600; second++) {
      it.doors[0] = second % 2 === 0 ? "up" : "refused";
      if (it.doors[0] === "refused") it.cut("a");
      await pass(it.clock, 1000, 500);
      if (client.address !== before) moves++;
      before = client.address;
    }
    expect(moves).toBeLessThan(60);
    expect(it.dials.length).toBeLessThan(400);
    it.doors[0] = "refused";
    it.cut("a");
    await pass(it.clock, 12_000, 1000);
    expect(await client.call("via")).toBe("b");
    await client.close();
  });

  test("several connections move, each of them, and look together", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await below(it, { connections: 3 });
    await pass(it.clock, 60_000, 1000);
    expect(it.dials).toHaveLength(3);
    it.doors[0] = "up";
    await pass(it.clock, 121_000, 1000);
    expect(it.server.connections.map(({ remoteAddress }) => remoteAddress)).toEqual(["a", "a", "a"]);
    expect(client.connections).toHaveLength(3);
    await client.close();
  });

  test("without redial it stays", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await below(it, { redial: false });
    it.doors[0] = "up";
    await pass(it.clock, 300_000, 10_000);
    expect([client.address, it.dials]).toEqual(["b", []]);
    await client.close();
  });

  test("a hook sees the new link come before the old one goes, and the log has one line", async () => {
    const seen: string[] = [];
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await below(it, {
      onConnect: () => void seen.push("came"),
      onDisconnect: (__: unknown, { message }: { message: string }) => void seen.push(message),
      onState: (state: string) => void seen.push(state),
    } as never);
    it.doors[0] = "up";
    await pass(it.clock, 61_000, 1000);
    expect(seen).toEqual(["came", "open", "came", "Drained"]);
    expect(it.log.of("info")).toEqual(["Moved to a"]);
    await client.close();
  });

  test("a worse link that is lost while a better one hangs is dialled again at once", async () => {
    const it = await ladderWorld({ doors: ["refused", "up"], handlers });
    const client = await below(it);
    it.doors[0] = "hangs";
    await pass(it.clock, 61_000, 1000);
    expect(it.dials).toEqual(["a@60000"]);
    it.cut("b");
    await pass(it.clock, 200);
    expect([client.state, await client.call("via")]).toEqual(["open", "b"]);
    await client.close();
  });

  test("a worse link that is lost while a better one never ends its handshake is dialled again after that, and no other is tried", async () => {
    const it = await ladderWorld({ wire: WELCOMING, doors: ["refused", "refused", "up"], handlers });
    const client = await it.connect();
    it.dials.length = 0;
    it.doors.splice(0, 2, "mute", "hangs");
    await pass(it.clock, 61_000, 1000);
    it.cut("c");
    await pass(it.clock, 5000, 1000);
    expect([it.dials.map((each) => each[0]), await client.call("via")]).toEqual([["a", "c"], "c"]);
    await client.close();
  });

  test("a worse link that is lost while somebody better shakes hands waits for that: calls go over the new one", async () => {
    const it = await ladderWorld({ wire: WELCOMING, doors: ["refused", "up"], handlers });
    const gate = deferred();
    let isSlow = false;
    const client = await below(it, { onConnect: () => (isSlow ? gate.promise : undefined) });
    it.doors[0] = "up";
    isSlow = true;
    await pass(it.clock, 61_000, 1000);
    it.cut("b");
    await turn();
    const call = client.call("via");
    await pass(it.clock, 1000);
    gate.resolve();
    expect([await call, client.address, it.dials]).toEqual(["a", "a", ["a@60000"]]);
    await client.close();
  });

  test.each(["hangs", "mute"] as const)(
    "a client that closes while a better one %s leaves nothing behind",
    async (door) => {
      const it = await ladderWorld({ wire: WELCOMING, doors: ["refused", "up"], handlers });
      const client = await below(it);
      it.doors[0] = door;
      await pass(it.clock, 61_000, 1000);
      expect(it.dials).toHaveLength(1);
      await client.close();
      await turn();
      expect(it.clock.listeners).toBe(await serverListeners(it));
      expect(it.server.connections).toEqual([]);
      await pass(it.clock, 300_000, 10_000);
      expect(it.dials).toHaveLength(1);
    },
  );

  test("a client that closes at any moment around a move leaves nothing behind", async () => {
    for (let moment = 0; moment < 30; moment++) {
      const it = await ladderWorld({ wire: WELCOMING, doors: ["refused", "up"] });
      let isMoving = false;
      const close = async (): Promise<void> => {
        for (let each = 0; each < moment; each++) await Promise.resolve();
        await client.close({ graceMs: 0 });
      };
      const client: Client = await below(it, { onConnect: () => void (isMoving && close()) });
      it.doors[0] = "up";
      isMoving = true;
      await pass(it.clock, 61_000, 1000);
      await turn();
      expect([moment, it.server.connections.length, client.connections.length]).toEqual([moment, 0, 0]);
      expect(it.clock.listeners).toBe(await serverListeners(it));
    }
  });

  test("a client that closes after a move waits for the link that it has left as for the other", async () => {
    const gate = deferred<string>();
    const it = await ladderWorld({ wire: PARTING, doors: ["refused", "up"] });
    const client = await below(it, { handlers: { work: () => gate.promise } } as never);
    const working = it.server.connections[0]?.call("work", undefined, { timeoutMs: Infinity });
    await turn();
    it.doors[0] = "up";
    await pass(it.clock, 61_000, 1000);
    const closing = client.close();
    await turn();
    gate.resolve("answered");
    expect(await working).toBe("answered");
    await pass(it.clock, 2000, 100);
    await closing;
    expect(it.server.connections).toEqual([]);
  });
});

describe("an agent", () => {
  test("that moves keeps its name: one member, replaced once, and it stays away for no time", async () => {
    const fleet = new Fleet({ random: () => 0.5 });
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server: { fleet } });
    const events: string[] = [];
    void (async () => {
      for await (const { kind, member } of fleet.watch()) events.push(`${kind} ${member}@${it.clock.now}`);
    })();
    const client = await it.connect({ name: "ann", handlers: { echo: (params: unknown) => params } });
    await turn();
    it.doors[0] = "up";
    for (let second = 0; second < 180; second++) {
      await pass(it.clock, 1000, 500);
      expect(await fleet.call("ann", "echo", second)).toBe(second);
    }
    expect([client.address, client.state, it.dials]).toEqual(["a", "open", ["a@0", "b@0", "a@60000"]]);
    expect(events).toEqual(["joined ann@0", "replaced ann@60000"]);
    expect(fleet.get("ann")?.address).toBe("a");
    expect([client.connections.length, it.server.connections.length]).toEqual([1, 1]);
    await client.close();
    await it.server.close();
  });

  test("does not leave before the fleet has taken in its new link", async () => {
    const fleet = new Fleet({ random: () => 0.5 });
    const gate = deferred();
    const onConnect = ({ remoteAddress }: Connection) => (remoteAddress === "a" ? gate.promise : undefined);
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server: { fleet, onConnect } as never });
    const events: string[] = [];
    void (async () => {
      for await (const { kind } of fleet.watch()) events.push(kind);
    })();
    const client = await it.connect({ name: "ann", handlers: { echo: (params: unknown) => params } });
    it.doors[0] = "up";
    await pass(it.clock, 63_000, 1000);
    expect([client.address, await fleet.call("ann", "echo", 1)]).toEqual(["a", 1]);
    gate.resolve();
    await turn();
    expect([await fleet.call("ann", "echo", 2), fleet.get("ann")?.address]).toEqual([2, "a"]);
    expect(events).toEqual(["joined", "replaced"]);
    await client.close();
    await it.server.close();
  });

  test("hears the goodbye of its own move first, and does not stay away for it", async () => {
    const fleet = new Fleet({ random: () => 0.5 });
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server: { fleet } });
    const gate = deferred();
    let isSlow = false;
    const client = await it.connect({ name: "ann", onConnect: () => (isSlow ? gate.promise : undefined) });
    it.doors[0] = "up";
    isSlow = true;
    // The server has taken in the new link, and said goodbye on the old one; here the new one is not up yet.
    await pass(it.clock, 61_000, 1000);
    expect([fleet.get("ann")?.address, client.address]).toEqual(["a", "b"]);
    gate.resolve();
    await turn();
    expect([client.address, client.connections.length]).toEqual(["a", 1]);
    await pass(it.clock, 60_000, 1000);
    expect([it.dials, fleet.size]).toEqual([["a@0", "b@0", "a@60000"], 1]);
    await client.close();
    await it.server.close();
  });

  test("whose move fails after the fleet has taken it in comes back at once, and not after 30 s", async () => {
    const fleet = new Fleet({ random: () => 0.5 });
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server: { fleet } });
    let isSlow = false;
    const client = await it.connect({ name: "ann", onConnect: () => (isSlow ? never() : undefined) });
    it.doors[0] = "up";
    isSlow = true;
    await pass(it.clock, 62_000, 1000);
    expect(fleet.get("ann")?.address).toBe("a");
    isSlow = false;
    await pass(it.clock, 5000, 500);
    expect([client.state, fleet.size]).toEqual(["open", 1]);
    await client.close();
    await it.server.close();
  });

  test("answers over the link that it leaves what the controller had asked there, and only then is that link over", async () => {
    const gate = deferred<string>();
    const fleet = new Fleet({ random: () => 0.5 });
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server: { fleet } });
    const client = await it.connect({
      name: "ann",
      handlers: { hold: () => gate.promise, echo: (value: unknown) => value },
    });
    it.doors[0] = "up";
    await pass(it.clock, 59_000, 1000);
    const left = fleet.get("ann");
    const asked = Array.from({ length: 100 }, () => fleet.call("ann", "hold", undefined, { timeoutMs: 120_000 }));
    const all = fleet.callAll("hold", undefined, { timeoutMs: 120_000 });
    await pass(it.clock, 30_000, 1000);
    expect([client.address, await fleet.call("ann", "echo", 1)]).toEqual(["a", 1]);
    expect([client.connections.length, it.server.connections.length]).toEqual([2, 2]);
    await expect(left?.call("echo")).rejects.toMatchObject({
      message: 'Cannot call "echo": "ann" has moved to another link',
    });
    gate.resolve("held");
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["held"]));
    expect(await all).toEqual([{ member: "ann", ok: true, value: "held" }]);
    await pass(it.clock, 2000, 1000);
    expect([client.connections.length, it.server.connections.length, fleet.size]).toEqual([1, 1, 1]);
    await client.close();
    await it.server.close();
  });

  test("its own calls are all answered while it moves", async () => {
    const gate = deferred<string>();
    const fleet = new Fleet({ random: () => 0.5 });
    const server = { fleet, handlers: { hold: () => gate.promise } } as never;
    const it = await ladderWorld({ wire: FLEET_WIRE, doors: ["refused", "up"], server });
    const client = await it.connect({ name: "ann" });
    it.doors[0] = "up";
    await pass(it.clock, 58_000, 1000);
    const held = Array.from({ length: 1000 }, () => client.call("hold"));
    await pass(it.clock, 5000, 1000);
    expect(client.address).toBe("a");
    gate.resolve("held");
    expect(new Set(await Promise.all(held))).toEqual(new Set(["held"]));
    await client.close();
    await it.server.close();
  });

  test("stays where it is on a wire that does not tell whether the name was given to the new link", async () => {
    const fleet = new Fleet({ random: () => 0.5 });
    const wire = plainWire({ carries: { hello: "must", welcome: false } });
    const it = await ladderWorld({ wire, doors: ["refused", "up"], server: { fleet } });
    const client = await it.connect({ name: "ann" });
    it.doors[0] = "up";
    await pass(it.clock, 300_000, 10_000);
    expect([client.address, it.dials.length, fleet.size]).toEqual(["b", 2, 1]);
    it.cut();
    await pass(it.clock, 1000);
    expect([client.address, fleet.get("ann")?.address]).toEqual(["a", "a"]);
    await client.close();
    await it.server.close();
  });
});

/** What is left that listens to the clock belongs to the server, as long as that is open. */
async function serverListeners(it: LadderWorld): Promise<number> {
  await turn();
  const before = it.clock.listeners;
  await it.server.close({ graceMs: 0 });
  return before - it.clock.listeners;
}
