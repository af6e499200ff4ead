import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { boundKey } from "../src/auth/bound-key.ts";
import { secp256k1 } from "../src/auth/secp256k1.ts";
import { token } from "../src/auth/token.ts";
import type { Client, ConnectOptions } from "../src/client/client.ts";
import { command, request } from "../src/command.ts";
import type { CloseReason } from "../src/core/channel.ts";
import { ManualClock } from "../src/core/clock.ts";
import type { CallContext } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import { establish } from "../src/core/establish.ts";
import { establishOptions } from "../src/core/options.ts";
import { textOf } from "../src/core/text.ts";
import type { Authenticator, Dialer, Listen, Wire } from "../src/core/wire.ts";
import { gorpc } from "../src/gorpc.ts";
import { connect, deflate, native, serve } from "../src/node.ts";
import type { ServeOptions } from "../src/server/server.ts";
import { memoryNetwork, memoryPipes } from "../src/transports/memory.ts";
import { wsDialer } from "../src/transports/node/ws-dialer.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { coordinator } from "../src/wires/coordinator.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { ends } from "./auth/exchange.ts";
import { VECTORS } from "./auth/vectors.ts";
import { Log } from "./suites/engine.ts";
import { Recorder, turn, until } from "./suites/support.ts";

const [ann, stranger, shop] = VECTORS;
const serverName = "shop.example";
const network = memoryNetwork();

/** Where a server listens and how its address is dialled. */
type Place = readonly [name: string, listen: Listen | string, dial: (address: string) => Dialer | string];
const places: readonly Place[] = [
  ["memory", network.listen("shop"), () => network.dial("shop")],
  ["TCP", "tcp://127.0.0.1:0", (address) => address],
  ["WebSocket", wsListen({ port: 0 }), (url) => wsDialer({ url })],
  ["gRPC", "grpc://127.0.0.1:0", (address) => address],
];
const api = command({ prefix: "shop", methods: { who: request() } });
const wires: readonly Wire[] = [native(), jsonrpc(), lsp(), api];

/** A scheme, and a client that it lets in, and one that it does not. */
interface Scheme {
  readonly name: string;
  readonly server: Authenticator;
  readonly client: Authenticator;
  readonly refused: Authenticator;
  /** The client waits for the verdict. */
  readonly answers: boolean;
  readonly closeCode: number;
  readonly why: string;
}

const known = { [ann.publicKey]: "ann" };
const schemes: readonly Scheme[] = [
  {
    name: "secp256k1",
    server: secp256k1({ authorize: known }),
    client: secp256k1({ privateKey: ann.privateKey }),
    refused: secp256k1({ privateKey: stranger.privateKey }),
    answers: false,
    closeCode: 4100,
    why: "invalid public key",
  },
  {
    name: "boundKey",
    server: boundKey({ serverName, authorize: known, privateKey: shop.privateKey }),
    client: boundKey({ serverName, privateKey: ann.privateKey, serverKeys: shop.publicKey }),
    refused: boundKey({ serverName, privateKey: stranger.privateKey }),
    answers: true,
    closeCode: 4100,
    why: "invalid public key",
  },
  {
    name: "token",
    server: token({ authorize: { "s3cret-of-ann": "ann" } }),
    client: token({ token: "s3cret-of-ann" }),
    refused: token({ token: "s3cret-of-bob" }),
    answers: true,
    closeCode: 1008,
    why: "Invalid token",
  },
];

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const handlers = { who: (_: unknown, { identity }: CallContext) => ({ identity }) };

/** Serves, until the end of the test; gives what is dialled there. */
async function served([, listen, dial]: Place, options: ServeOptions): Promise<Dialer | string> {
  const server = await serve(listen, { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return dial(server.addresses[0] ?? "");
}

async function connected(at: Dialer | string, options: ConnectOptions): Promise<Client> {
  const client = await connect(at, { logger: false, redial: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client;
}

/** Counts how often it is dialled. */
function counted(dial: Dialer): { readonly dial: Dialer; readonly count: () => number } {
  let count = 0;
  return { dial: (...given) => (count++, dial(...given)), count: () => count };
}

for (const place of places) {
  for (const wire of wires) {
    // Where the transport has messages the wire's framing is not used: LSP is JSON-RPC there.
    if ((place[0] === "WebSocket" || place[0] === "gRPC") && wire === wires[2]) continue;
    describe.each(schemes)(`$name on ${wire.name} over ${place[0]}`, (scheme) => {
      test("lets in whom it knows, and handlers have the identity", async () => {
        const at = await served(place, { wire, authenticator: scheme.server });
        const client = await connected(at, { wire, authenticator: scheme.client });
        expect(await client.call("who")).toEqual({ identity: "ann" });
        expect(await client.call("who")).toEqual({ identity: "ann" });
      });

      test("refuses whom it does not know, and nothing of theirs is served", async () => {
        const log = new Log();
        const at = await served(place, { wire, authenticator: scheme.server, logger: log });
        const options = { wire, authenticator: scheme.refused };
        if (scheme.answers) {
          await expect(connected(at, options)).rejects.toMatchObject({
            message: `Refused by the other side: ${scheme.why}`,
            wireCode: scheme.closeCode,
            executed: "no",
          });
        } else {
          const outcome = await connected(at, options)
            .then((client) => client.call("who"))
            .catch((error: RpcError) => error);
          expect(outcome).toBeInstanceOf(Error);
        }
        await until(() => log.of("warn").length > 0);
        expect(log.of("warn")[0]).toMatch(new RegExp(`^Refused .*: ${scheme.why}$`));
      });

      test("serves nothing to one that speaks the wire and no authenticator", async () => {
        const at = await served(place, { wire, authenticator: scheme.server });
        const outcome = await connected(at, { wire, handshakeTimeoutMs: 200 })
          .then((client) => client.call("who", {}, { timeoutMs: 200 }))
          .catch((error: RpcError) => error);
        expect(outcome).toBeInstanceOf(Error);
      });
    });
  }
}

test("a refusal arrives whole also where what was written takes its time to leave", async () => {
  const wire = native({ compression: deflate() });
  const [, scheme] = schemes;
  const at = await served(["TCP", "tcp://127.0.0.1:0", (address) => address], { wire, authenticator: scheme?.server });
  await expect(connected(at, { wire, authenticator: scheme?.refused })).rejects.toMatchObject({
    message: "Refused by the other side: invalid public key",
    wireCode: 4100,
  });
});

describe("an authenticator of the user's own", () => {
  const own: Authenticator = {
    async client(exchange) {
      await exchange.send("open sesame");
    },
    async server(exchange) {
      if (textOf(await exchange.receive()) !== "open sesame") throw new RpcError("unauthenticated", "Say the word");
      return { from: exchange.remoteAddress !== undefined };
    },
  };

  test.each(places)("runs over %s", async (...place) => {
    const wire = native();
    const at = await served(place, { wire, authenticator: own });
    const client = await connected(at, { wire, authenticator: own });
    expect(await client.call("who")).toEqual({ identity: { from: true } });
  });
});

describe("close code 4100", () => {
  const overWebSocket: Place = ["WebSocket", wsListen({ port: 0 }), (url) => wsDialer({ url })];
  const known4100 = secp256k1({ authorize: known });
  const stranger4100 = secp256k1({ privateKey: stranger.privateKey });

  test("and its reason are what a client of the original compares", async () => {
    const server = await serve(wsListen({ port: 0 }), { wire: api, authenticator: known4100, logger: false });
    cleanups.push(() => server.close({ graceMs: 0 }));
    const socket = new WebSocket(server.addresses[0] ?? "");
    const [near, far] = ends();
    socket.on("message", (data, isBinary) => near.take(isBinary ? (data as Buffer) : String(data)));
    const closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve([code, String(reason)]));
    });
    await once(socket, "open");
    near.send = async (frame) => socket.send(frame);
    await stranger4100.client(near);
    expect(await closed).toEqual([4100, "invalid public key"]);
    expect(far.got).toEqual([]);
    expect(near.got).toHaveLength(2);
    expect(near.got[1]).toContain('"command":"secp256k1-error"');
  });

  test("is the end for a client of commands: it is not dialled again", async () => {
    const at = await served(overWebSocket, { wire: api, authenticator: known4100 });
    const dialled = counted(at as Dialer);
    const closed = await connected(dialled.dial, {
      wire: api,
      authenticator: stranger4100,
      redial: { baseMs: 1, maxMs: 2 },
    }).then(
      (client) => client.closed,
      (error: RpcError): CloseReason => ({ message: error.message, closeCode: Number(error.wireCode) }),
    );
    expect(closed).toMatchObject({ closeCode: 4100, message: expect.stringContaining("invalid public key") });
    await turn();
    expect(dialled.count()).toBe(1);
  });

  test("reaches a client of commands where there are no close codes, too", async () => {
    for (const place of places.slice(0, 2)) {
      const at = await served(place, { wire: api, authenticator: known4100 });
      await expect(connected(at, { wire: api, authenticator: stranger4100 })).rejects.toMatchObject({
        message: "Refused by the other side: invalid public key",
        wireCode: 4100,
        reason: { redialAfterMs: Number.POSITIVE_INFINITY },
      });
    }
  });

  test("also when the key was known when the client first came", async () => {
    const keys = new Map([[ann.publicKey, "ann"]]);
    const server = await serve(wsListen({ port: 0 }), {
      wire: api,
      authenticator: secp256k1({ authorize: (key) => keys.get(key) }),
      handlers,
      logger: false,
    });
    cleanups.push(() => server.close({ graceMs: 0 }));
    const dialled = counted(wsDialer({ url: server.addresses[0] ?? "" }));
    const client = await connected(dialled.dial, {
      wire: api,
      authenticator: secp256k1({ privateKey: ann.privateKey }),
      redial: { baseMs: 1, maxMs: 2 },
    });
    expect(await client.call("who")).toEqual({ identity: "ann" });
    keys.clear();
    await Promise.all(server.connections.map((connection) => connection.close({ graceMs: 0 })));
    expect(await client.closed).toMatchObject({ closeCode: 4100, redialAfterMs: Number.POSITIVE_INFINITY });
    expect([client.state, dialled.count()]).toEqual(["stopped", 2]);
  });

  test("on the native wire a client dials again: a key may become known", async () => {
    const keys = new Map<string, string>();
    const wire = native();
    const at = await served(overWebSocket, {
      wire,
      authenticator: boundKey({ serverName, authorize: (key) => keys.get(key) }),
    });
    const dialled = counted(at as Dialer);
    const client = await connected(dialled.dial, {
      wire,
      authenticator: boundKey({ serverName, privateKey: ann.privateKey }),
      redial: { baseMs: 1, maxMs: 2 },
      lazy: true,
    });
    const ready = client.ready();
    await until(() => dialled.count() > 2);
    keys.set(ann.publicKey, "ann");
    await ready;
    expect(await client.call("who")).toEqual({ identity: "ann" });
  });
});

describe("silence", () => {
  const frames = (recorder: Recorder): string => Buffer.from(recorder.bytes).toString();

  test.each(schemes)("at the server of $name ends the handshake in its time, with a word", async ({ server }) => {
    const clock = new ManualClock();
    const [near, far] = memoryPipes();
    const options = establishOptions("server", { clock, authenticator: server, handshakeTimeoutMs: 1000 });
    const attempt = establish({ pipe: far }, jsonrpc(), options).catch((error: RpcError) => error.code);
    const other = new Recorder().open(near);
    clock.advance(999);
    await turn();
    expect(other.length).toBe(0);
    clock.advance(1);
    expect(await attempt).toBe("deadline_exceeded");
    await other.untilClosed();
    expect(frames(other)).toContain("The handshake did not end within 1000 ms");
    expect(clock.listeners).toBe(0);
  });

  test.each(schemes)("at the client of $name ends the handshake in its time", async ({ client }) => {
    const clock = new ManualClock();
    const [near, far] = memoryPipes();
    const options = establishOptions("client", { clock, authenticator: client, handshakeTimeoutMs: 1000 });
    const attempt = establish({ pipe: near }, jsonrpc(), options).catch((error: RpcError) => error.code);
    const other = new Recorder().open(far);
    await other.until(({ length }) => length > 0);
    clock.advance(1000);
    expect(await attempt).toBe("deadline_exceeded");
    await other.untilClosed();
    expect(frames(other)).toContain("The handshake did not end within 1000 ms");
    expect(clock.listeners).toBe(0);
  });

  test("costs no more than 3 ms of CPU", async () => {
    const clock = new ManualClock();
    const count = 200;
    const { server } = schemes[0] as Scheme;
    const options = establishOptions("server", {
      clock,
      authenticator: server,
      handshakeTimeoutMs: 1000,
      logger: false,
    });
    const attempts: Promise<unknown>[] = [];
    const before = process.cpuUsage();
    for (let each = 0; each < count; each++) {
      attempts.push(establish({ pipe: memoryPipes()[1] }, jsonrpc(), options).catch(() => {}));
    }
    await turn();
    clock.advance(1000);
    await Promise.all(attempts);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000 / count).toBeLessThanOrEqual(3);
  });
});

describe("a wire that has no room for an authenticator says what to use instead", () => {
  const authenticator = token({ token: "any", authorize: { any: true } });
  const nowhere = (): Promise<never> => Promise.reject(new Error("Not reached"));
  test.each([
    [gorpc(), "The wire gorpc has no room for an authenticator: use TLS certificates, wrapPipe or onConnect"],
    [
      coordinator({ methods: {} }),
      "The wire coordinator has no room for an authenticator: use TLS certificates, grpc.identify or onConnect",
    ],
  ])("$name, at both ends", async (wire, message) => {
    await expect(connect(nowhere, { wire, authenticator })).rejects.toThrow(new TypeError(message));
    await expect(serve(nowhere, { wire, authenticator })).rejects.toThrow(new TypeError(message));
  });
});
