import { describe, expect, test } from "vitest";
import { codeOf, Log, never, pass } from "../../test/suites/engine.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { deferred, turn } from "../../test/suites/support.ts";
import { world } from "../../test/suites/world.ts";
import { ManualClock } from "../core/clock.ts";
import { RpcError } from "../core/errors.ts";
import type { Dialer, Wire } from "../core/wire.ts";
import { memoryChannels } from "../transports/memory.ts";
import { Client } from "./client.ts";

const handlers = { echo: (params: unknown) => params, never };

describe("opening a client", () => {
  test("resolves when the first link is up, and calls follow", async () => {
    const it = await world({ handlers });
    expect([it.client.state, it.client.connections.length]).toEqual(["open", 1]);
    expect(await it.client.call("echo", 1)).toBe(1);
    await it.client.ready();
  });

  test.each<[string, object, new (message: string) => Error]>([
    ["logger must be false, or have a method debug", { logger: true }, TypeError],
    ["onState must be a function", { onState: "log" }, TypeError],
    ["onConnect must be a function", { onConnect: {} }, TypeError],
    ["connections must be a whole number of at least 1, not Infinity", { connections: Infinity }, RangeError],
    ["connections must be a whole number of at least 1, not 1.5", { connections: 1.5 }, RangeError],
  ])("%s", async (message, options, kind) => {
    const nowhere: Dialer = () => Promise.reject(new Error("dialled"));
    const opening = Client.open(nowhere, plainWire(), options as never);
    await expect(opening).rejects.toBeInstanceOf(kind);
    await expect(opening).rejects.toThrow(message);
  });

  test("a wire is no function that makes one, and an option that is undefined is none", async () => {
    const nowhere: Dialer = () => Promise.reject(new RpcError("unavailable", "dialled"));
    await expect(Client.open(nowhere, plainWire as never, {})).rejects.toThrow("wire must be a wire: native(), say");
    const redial = { baseMs: undefined, maxMs: undefined };
    await expect(Client.open(nowhere, plainWire(), { redial } as never)).rejects.toThrow("dialled");
  });

  test("rejects with why no link came about, and then nothing goes on", async () => {
    const clock = new ManualClock();
    let dials = 0;
    const dial: Dialer = async () => {
      dials++;
      throw new RpcError("unavailable", "Nobody is there", { executed: "no" });
    };
    await expect(Client.open(dial, plainWire(), { clock })).rejects.toMatchObject({ message: "Nobody is there" });
    await pass(clock, 30_000, 1000);
    expect([dials, clock.listeners]).toEqual([1, 0]);
  });

  test("gives up a dial after connectTimeoutMs, by its signal", async () => {
    const clock = new ManualClock();
    const dial: Dialer = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const opening = codeOf(Client.open(dial, plainWire(), { clock, connectTimeoutMs: 300 }));
    await pass(clock, 350);
    expect(await opening).toBe("deadline_exceeded/no");
    expect(clock.listeners).toBe(0);
  });

  test("gives up a dialer that hears no signal, and closes the connection that it makes after all", async () => {
    const clock = new ManualClock();
    const late = deferred();
    const [near, far] = memoryChannels();
    const dial: Dialer = () => late.promise.then(() => ({ channel: near }));
    const opening = codeOf(Client.open(dial, plainWire(), { clock, connectTimeoutMs: 300 }));
    await pass(clock, 350);
    expect(await opening).toBe("deadline_exceeded/no");
    const ended = new Promise((resolve) => far.open({ frames() {}, skipped() {}, ended() {}, closed: resolve }));
    late.resolve();
    await ended;
    expect(clock.listeners).toBe(0);
  });

  test("what a hook of its own throws is told", async () => {
    const onConnect = (): never => {
      throw new Error("no vault");
    };
    const it = await world();
    await expect(it.connect({ onConnect })).rejects.toMatchObject({
      code: "internal",
      message: "Internal error: no vault",
    });
    await it.client.close();
  });

  test("the signal of a dial ends the attempt, never the connection", async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    const [near] = memoryChannels();
    const dial: Dialer = async (given) => {
      signal = given;
      return { channel: near };
    };
    const client = await Client.open(dial, plainWire(), { clock });
    await pass(clock, 60_000, 1000);
    expect([signal?.aborted, client.state]).toEqual([false, "open"]);
    await client.close();
  });

  test("a wire that never opens is given up after handshakeTimeoutMs", async () => {
    const clock = new ManualClock();
    const [near] = memoryChannels();
    const wire = plainWire({ carries: { hello: "must", welcome: true } });
    const opening = codeOf(Client.open(async () => ({ channel: near }), wire, { clock, handshakeTimeoutMs: 200 }));
    await pass(clock, 250);
    expect(await opening).toBe("deadline_exceeded/no");
    expect(clock.listeners).toBe(0);
  });

  test.each([
    ["redial", { baseMs: 0 }],
    ["redial", { baseMs: 10, maxMs: 5 }],
    ["connectTimeoutMs", -1],
    ["connections", 0],
    ["startedAt", -1],
    ["timeoutMs", Number.NaN],
  ])("a wrong %s rejects with a RangeError, before anything is dialled", async (name, value) => {
    let dials = 0;
    const dial: Dialer = () => Promise.reject(new Error(`dialled ${++dials}`));
    await expect(Client.open(dial, plainWire(), { [name]: value })).rejects.toThrow(RangeError);
    expect(dials).toBe(0);
  });

  test("says hello with its name and labels, where the wire has a hello", async () => {
    const wire = plainWire({ carries: { hello: "must", welcome: true } });
    const it = await world({ wire, client: { name: "agent-7", labels: { zone: "a" } } });
    expect(it.server.connections[0]?.hello).toMatchObject({ name: "agent-7", labels: { zone: "a" } });
  });
});

describe("between links", () => {
  test("calls wait in order; one that was cancelled is never sent", async () => {
    const it = await world({ handlers });
    it.switchOff();
    it.cut();
    await turn();
    const abort = new AbortController();
    const first = it.client.call("echo", 1);
    const cancelled = codeOf(it.client.call("echo", 2, { signal: abort.signal }));
    const note = it.client.notify("echo", 3);
    const last = it.client.call("echo", 4);
    abort.abort();
    expect(await cancelled).toBe("cancelled/no");
    expect(it.client.pendingCount).toBe(2);
    it.switchOn();
    await pass(it.clock, 1000);
    expect([await first, await note, await last]).toEqual([1, undefined, 4]);
    expect(it.ran).toEqual(["echo 1", "echo 3", "echo 4"]);
  });

  test("its state changes are told, in order", async () => {
    const states: string[] = [];
    const it = await world({ client: { onState: (state) => void states.push(state) } });
    it.cut();
    await turn();
    const ready = it.client.ready();
    await pass(it.clock, 500);
    await ready;
    await it.client.close();
    expect(states).toEqual(["open", "connecting", "open", "closed"]);
  });

  test("a callback that throws stops nothing, and is logged", async () => {
    const log = new Log();
    const onState = (state: string): never => {
      throw new Error(`no ${state}`);
    };
    const it = await world({ handlers, client: { onState, logger: log } as never });
    it.cut();
    await pass(it.clock, 500, 10);
    expect(await it.client.call("echo", 1)).toBe(1);
    await it.client.close();
    await it.client.closed;
    expect(log.lines.filter(({ level }) => level === "error").map(({ cause }) => String(cause))).toEqual(
      ["open", "connecting", "open", "closed"].map((state) => `Error: no ${state}`),
    );
  });

  test("a call that a draining end sends back is an error of nobody", async () => {
    const wire = plainWire({ carries: { hello: "must", welcome: true, goodbye: true } });
    const it = await world({ wire, handlers, client: { redial: { baseMs: 1, maxMs: 1 } } });
    const [other] = it.server.connections;
    const closing = other?.close();
    const answer = it.client.call("echo", 1);
    await closing;
    await pass(it.clock, 500, 10);
    expect(await answer).toBe(1);
    expect(it.client.stats()).toMatchObject({ calls: 1, results: 1, errors: 0, failures: 0, pending: 0 });
  });

  test("without redial the client stops when its link is lost, and says why", async () => {
    const it = await world({ handlers, client: { redial: false } });
    const lost = codeOf(it.client.call("never", 1, { idempotent: true }));
    await turn();
    it.cut();
    expect(await lost).toBe("unavailable/unknown");
    expect((await it.client.closed).message).toContain("The line was cut");
    expect(await codeOf(it.client.call("echo"))).toBe("unavailable/no");
    expect(await codeOf(it.client.notify("echo"))).toBe("unavailable/no");
    expect(it.dials).toEqual([0]);
  });

  test("an idempotent call that was sent before says so, whatever ends it then", async () => {
    const it = await world({ handlers });
    const again = codeOf(it.client.call("never", 1, { idempotent: true, timeoutMs: 100 }));
    const abort = new AbortController();
    const cancelled = codeOf(it.client.call("never", 2, { idempotent: true, signal: abort.signal }));
    const unsent = codeOf(it.client.call("never", 3, { timeoutMs: 100 }));
    await turn();
    it.switchOff();
    it.cut();
    await turn();
    const fresh = codeOf(it.client.call("never", 4, { timeoutMs: 100 }));
    abort.abort();
    await pass(it.clock, 150);
    expect(await again).toBe("deadline_exceeded/unknown");
    expect(await cancelled).toBe("cancelled/unknown");
    expect(await unsent).toBe("unavailable/unknown");
    expect(await fresh).toBe("deadline_exceeded/no");
  });

  test("1000 idempotent calls that fail cause at most 300 more sends", async () => {
    const it = await world({ handlers, client: { redial: { baseMs: 10, maxMs: 10 } } });
    const calls = Array.from({ length: 1000 }, () =>
      codeOf(it.client.call("never", 1, { idempotent: true, timeoutMs: Infinity })),
    );
    for (let round = 0; round < 3; round++) {
      await turn(4);
      it.cut();
      await pass(it.clock, 20, 10);
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable/unknown"]));
    expect(it.ran.length).toBe(1300);
  });
});

describe("a lazy client", () => {
  test("dials when the first call is made, and that call waits for the link", async () => {
    const it = await world({ handlers, client: { lazy: true, connections: 2 } });
    expect([it.client.state, it.dials.length]).toEqual(["idle", 0]);
    expect(await it.client.call("echo", 5)).toBe(5);
    await turn();
    expect([it.client.state, it.dials.length]).toEqual(["open", 2]);
    await it.client.close();
  });

  test("dials when ready() is asked", async () => {
    const it = await world({ handlers, client: { lazy: true } });
    await it.client.ready();
    expect(it.client.connections).toHaveLength(1);
    await it.client.close();
  });

  test("that is closed before anybody called has dialled nobody", async () => {
    const it = await world({ handlers, client: { lazy: true } });
    await it.client.close();
    expect([it.client.state, it.dials.length]).toEqual(["closed", 0]);
    expect(await codeOf(it.client.call("echo"))).toMatch(/\/no$/);
  });
});

describe("several connections", () => {
  test("may be many, without a word of too many listeners", async () => {
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const it = await world({ client: { connections: 24, redial: { baseMs: 100, maxMs: 100 } } });
    await turn();
    it.cut();
    await turn();
    await it.client.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  test("the least loaded one takes a call, and each is redialled by itself", async () => {
    const gate = deferred<number>();
    const it = await world({ handlers: { ...handlers, hold: () => gate.promise }, client: { connections: 3 } });
    await turn();
    expect(it.client.connections).toHaveLength(3);
    const held = Array.from({ length: 9 }, () => it.client.call("hold"));
    await turn();
    expect(it.server.connections.map((each) => each.stats().served)).toEqual([0, 0, 0]);
    expect(it.client.connections.map((each) => (each as unknown as { pendingCount: number }).pendingCount)).toEqual([
      3, 3, 3,
    ]);
    gate.resolve(1);
    await Promise.all(held);
    it.cut(1);
    await turn();
    expect([it.client.connections.length, it.client.state]).toEqual([2, "open"]);
    expect(await it.client.call("echo", 5)).toBe(5);
    await pass(it.clock, 500);
    expect(it.client.connections).toHaveLength(3);
    await it.client.close();
  });
});

test("a link that may not be dialled again leaves the others, and what waits waits for them; the last one stops the client", async () => {
  const closed: Wire["closed"] = (reason) =>
    reason.message.includes("for good") ? { ...reason, redialAfterMs: Infinity } : reason;
  const it = await world({ handlers, wire: { ...plainWire(), closed }, client: { connections: 2 } });
  const end = (index: number, message: string): void =>
    it.links[index]?.[0].channel?.close({ message, error: new RpcError("unavailable", message) });
  await turn();
  it.switchOff();
  end(1, "for now");
  await turn();
  end(0, "for good");
  await turn();
  expect(it.client.state).toBe("connecting");
  const waits = it.client.call("echo", 5);
  it.switchOn();
  await pass(it.clock, 2000);
  expect(await waits).toBe(5);
  expect([it.client.state, it.client.connections.length]).toEqual(["open", 1]);
  end(it.links.length - 1, "for good");
  await turn();
  expect(it.client.state).toBe("stopped");
});

describe("closing a client", () => {
  test("settles its own calls with cancelled, sent or not, and lets its handlers answer", async () => {
    const gate = deferred<string>();
    const it = await world({ handlers, client: { handlers: { work: () => gate.promise } } });
    const sent = codeOf(it.client.call("never"));
    const working = it.server.connections[0]?.call("work");
    await turn();
    const unsent = codeOf(it.client.call("never"));
    const closing = it.client.close();
    expect(await sent).toBe("cancelled/unknown");
    expect(await unsent).toMatch(/^cancelled\//);
    gate.resolve("answered");
    expect(await working).toBe("answered");
    await closing;
    expect(it.client.state).toBe("closed");
    expect(await codeOf(it.client.call("echo"))).toBe("cancelled/no");
    expect(await codeOf(it.client.ready())).toBe("unavailable/-");
  });

  test("with graceMs 0 does not wait for them", async () => {
    const it = await world({ client: { handlers: { never } } });
    const lost = codeOf(it.server.connections[0]?.call("never") ?? never());
    await turn();
    await it.client.close({ graceMs: 0 });
    expect(await lost).toBe("unavailable/unknown");
  });

  test("stops a dial and a wait that are under way, and leaves nothing behind", async () => {
    const it = await world({ handlers });
    it.switchOff();
    it.cut();
    await turn();
    const waits = codeOf(it.client.call("echo"));
    await it.client.close();
    expect(await waits).toBe("cancelled/no");
    await it.server.close();
    await turn();
    expect(it.clock.listeners).toBe(0);
    const dials = it.dials.length;
    await pass(it.clock, 60_000, 5000);
    expect(it.dials).toHaveLength(dials);
  });
});
