import { describe, expect, test } from "vitest";
import { codeOf, Log, never, pass } from "../../test/suites/engine.ts";
import { masked } from "../../test/suites/masked-pipe.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { deferred, Recorder, turn } from "../../test/suites/support.ts";
import { world } from "../../test/suites/world.ts";
import { memoryChannels, memoryPipes } from "../transports/memory.ts";
import { native } from "../wires/native.ts";
import type { CloseReason, Pipe, Role } from "./channel.ts";
import { ManualClock } from "./clock.ts";
import type { CallContext, Connection } from "./context.ts";
import { RpcError } from "./errors.ts";
import { establish } from "./establish.ts";
import { type EndOptions, establishOptions } from "./options.ts";

interface Session {
  user: string;
}

describe("onConnect and onDisconnect", () => {
  test("are called once per connection, with typed data, and say why it ended", async () => {
    const gone: [string, CloseReason][] = [];
    const server: EndOptions<Session> = {
      onConnect: (connection) => {
        connection.data = { user: connection.remoteAddress ?? "?" };
      },
      onDisconnect: (connection, status) => void gone.push([connection.data.user, status]),
      handlers: (connection: Connection<Session>) => ({ who: () => connection.data.user }),
    };
    const it = await world({ server: server as never, handlers: server.handlers as object });
    expect(await it.client.call("who")).toBe("test:0");
    expect(gone).toEqual([]);
    it.cut();
    await turn();
    expect(gone).toMatchObject([["test:0", { message: expect.stringContaining("The line was cut") }]]);
  });

  test("both ends have them", async () => {
    const seen: string[] = [];
    const it = await world({
      client: {
        redial: false,
        onConnect: (connection: Connection) => void seen.push(`connected ${typeof connection.call}`),
        onDisconnect: (_: Connection, { message }: CloseReason) => void seen.push(message),
      },
    });
    await it.server.close();
    await turn();
    expect(seen).toEqual(["connected function", "Closed by the other side: Drained"]);
  });

  test("onConnect may call the other side, and what arrives meanwhile waits until it has ended", async () => {
    const gate = deferred();
    let ready = false;
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const server = establish(
      { channel: far },
      plainWire(),
      establishOptions("server", {
        clock,
        handlers: { ready: () => ready },
        onConnect: async (connection) => {
          expect(await connection.call("who")).toBe("ann");
          await gate.promise;
          ready = true;
        },
      }),
    );
    const client = await establish(
      { channel: near },
      plainWire(),
      establishOptions("client", { clock, handlers: { who: () => "ann" } }),
    );
    const early = client.call("ready");
    await turn();
    expect(client.pendingCount).toBe(1);
    gate.resolve();
    expect(await early).toBe(true);
    await server;
  });

  test("onConnect refuses by throwing: the link closes, nothing was served, and onDisconnect is not told", async () => {
    const log = new Log();
    const seen: string[] = [];
    const it = await world({
      handlers: { echo: () => seen.push("served") },
      server: {
        logger: log,
        onConnect: async () => {
          await turn(2);
          throw new RpcError("permission_denied", "Not you");
        },
        onDisconnect: () => void seen.push("disconnected"),
      },
      client: { redial: false },
    });
    expect(await codeOf(it.client.call("echo"))).toBe("unavailable/unknown");
    await it.client.closed;
    expect(seen).toEqual([]);
    expect(it.server.connections).toEqual([]);
    expect(log.of("warn")).toEqual(["Refused test:0: Not you"]);
  });

  test("an onConnect that does not end within the handshake time ends the link", async () => {
    const it = await world({
      server: { onConnect: () => never(), handshakeTimeoutMs: 500 },
      client: { redial: false },
    });
    const waits = codeOf(it.client.call("echo"));
    await pass(it.clock, 550);
    expect(await waits).toBe("unavailable/unknown");
  });

  test("an onDisconnect that throws harms nobody and is logged", async () => {
    const log = new Log();
    const it = await world({
      server: {
        logger: log,
        onDisconnect: () => {
          throw new Error("bug");
        },
      },
    });
    it.cut();
    await turn();
    expect(log.lines).toContainEqual({ level: "error", message: "onDisconnect failed", cause: new Error("bug") });
  });
});

describe("establishOptions", () => {
  test.each([
    ["heartbeat", { intervalMs: 0, timeoutMs: 1 }],
    ["heartbeat", { intervalMs: 1 }],
    ["timeoutMs", -1],
    ["handshakeTimeoutMs", Number.NaN],
    ["flushDelayMs", -5],
    ["concurrency", 0],
    ["maxPending", 0],
  ])("a wrong %s throws a RangeError at once", (name, value) => {
    expect(() => establishOptions("server", { [name]: value })).toThrow(RangeError);
  });

  test("a wrong table of handlers throws a TypeError at once", () => {
    expect(() => establishOptions("server", { handlers: { a: 5 } })).toThrow(TypeError);
  });

  test("undefined means default", () => {
    const options = establishOptions("client", {
      timeoutMs: undefined,
      maxWaiting: undefined,
      heartbeat: undefined,
      logger: undefined,
    });
    expect(options).toMatchObject({
      role: "client",
      timeoutMs: 20_000,
      handshakeTimeoutMs: 15_000,
      heartbeat: { intervalMs: 15_000, timeoutMs: 15_000 },
      limits: { maxPending: 32_768, maxWaiting: 4096, maxFrameBytes: 4 << 20, maxDepth: 128, maxQueuedBytes: 4 << 20 },
    });
  });
});

describe("identity", () => {
  test("of the transport reaches the handler where nobody authenticates", async () => {
    const clock = new ManualClock();
    const [near, far] = memoryChannels();
    const handlers = { who: (_: unknown, { identity }: CallContext) => identity };
    const [client] = await Promise.all([
      establish({ channel: near }, plainWire(), establishOptions("client", { clock })),
      establish(
        { channel: far, identity: { user: "cn=ann" } },
        plainWire(),
        establishOptions("server", { clock, handlers }),
      ),
    ]);
    expect(await client.call("who")).toEqual({ user: "cn=ann" });
  });
});

describe("wrapPipe", () => {
  const handlers = { echo: (value: unknown) => value };

  test("sees the pipe before its first byte, on both ends, and may take its time", async () => {
    const seen: string[] = [];
    const wrapPipe = async (pipe: Pipe, { role }: { readonly role: Role }): Promise<Pipe> => {
      await turn();
      seen.push(role);
      return masked(pipe);
    };
    const clock = new ManualClock();
    const [near, far] = memoryPipes();
    const ends = await Promise.all([
      establish({ pipe: near }, native(), establishOptions("client", { clock, wrapPipe })),
      establish({ pipe: far }, native(), establishOptions("server", { clock, wrapPipe, handlers })),
    ]);
    expect(await ends[0].call("echo", { a: 1 })).toEqual({ a: 1 });
    expect(seen.sort()).toEqual(["client", "server"]);
  });

  test.each([
    ["throws", () => Promise.reject(new RpcError("permission_denied", "Not from here")), "Not from here"],
    ["never ends", () => never(), "The handshake did not end within 100 ms"],
  ])("one that %s refuses the connection, which is closed", async (_, wrapPipe, message) => {
    const clock = new ManualClock();
    const [near, far] = memoryPipes();
    const options = establishOptions("server", { clock, wrapPipe, handshakeTimeoutMs: 100 });
    const attempt = establish({ pipe: far }, native(), options).catch((error: RpcError) => error.message);
    const other = new Recorder().open(near);
    await pass(clock, 200);
    expect(await attempt).toBe(message);
    await turn();
    expect(other.reason?.message).toContain(message);
    expect([options.meter.stats().handshakeErrors, clock.listeners]).toEqual([1, 0]);
  });
});
