import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import {
  ChannelCredentials,
  Client as GrpcClient,
  Server as GrpcServer,
  InterceptingCall,
  type InterceptorOptions,
  type NextCall,
  ServerCredentials,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import type { Client } from "../src/client/client.ts";
import type { CallContext } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import type { LinkTerms } from "../src/core/wire.ts";
import { connect, type NodeConnectOptions, type NodeServeOptions, native, serve } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import { clientKeepalive, pathOf } from "../src/transports/node/grpc-options.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { Log } from "./suites/engine.ts";
import { grpcDialer, onPath, termsOf } from "./suites/grpc-ends.ts";
import { relayTo } from "./suites/relay.ts";
import { deferred, until } from "./suites/support.ts";

const PATH = "/test.v1.Own/Connect";
const never = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  who: (_: unknown, { identity, connection }: CallContext) => ({ identity, from: connection.remoteAddress }),
  askBack: (_: unknown, { peer }: CallContext) => peer.call("name"),
};

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serving(
  options: NodeServeOptions<never> = {},
  address = "grpc://127.0.0.1:0",
): Promise<{ server: Server; address: string; port: number; log: Log }> {
  const log = new Log();
  const server = await serve(address, { handlers, logger: log, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const [real = ""] = server.addresses;
  return { server, address: real, port: Number(new URL(real).port), log };
}

async function connected(address: string, options: NodeConnectOptions<never> = {}): Promise<Client> {
  const client = await connect(address, { logger: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client;
}

async function failure(attempt: Promise<unknown>): Promise<RpcError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return error as RpcError;
}

/** A server of grpc-js that serves nothing, or what `add` gives it. */
async function foreignServer(add: (server: GrpcServer) => void = () => {}): Promise<number> {
  const server = new GrpcServer();
  add(server);
  cleanups.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

describe.each([
  ["native", native()],
  ["jsonrpc", jsonrpc()],
  ["native at a path of its own", onPath(native(), PATH)],
])("%s over grpc://", (_, wire) => {
  test("calls go both ways, and each end knows where the other is", async () => {
    const { server, address, port } = await serving({ wire });
    expect(address).toMatch(/^grpc:\/\/127\.0\.0\.1:\d+$/);
    const client = await connected(address, { wire, handlers: { name: () => "ann" } });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    expect(await client.call("askBack")).toBe("ann");
    expect(await client.call("who")).toMatchObject({ from: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
    expect(client.connections[0]?.remoteAddress).toBe(`127.0.0.1:${port}`);
    expect(server.connections[0]?.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

describe("an attempt to connect over gRPC", () => {
  const attempt = (address: string, options: NodeConnectOptions = {}): Promise<RpcError> =>
    failure(connect(address, { logger: false, ...options }));

  test("says that the server has no service at the path", async () => {
    const port = await foreignServer();
    const error = await attempt(`grpc://127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: "unimplemented", executed: "no", wireCode: 12 });
    expect(error.message).toBe(
      `Cannot connect to grpc://127.0.0.1:${port}: the server has no gRPC service at /convoke.v1.Wire/Connect. Is it served there?`,
    );
  });

  test("on a path of its own it says so when the first call is lost", async () => {
    const port = await foreignServer();
    const client = await connected(`grpc://127.0.0.1:${port}`, { wire: onPath(jsonrpc(), PATH), redial: false });
    await client.closed;
    expect((await failure(client.ready())).message).toContain(`The server has no gRPC service at ${PATH}`);
  });

  test("says that nobody listens", async () => {
    const error = await attempt("grpc://127.0.0.1:1");
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    expect(error.message).toBe("Cannot connect to grpc://127.0.0.1:1: connection refused. Is the server running?");
  });

  test("says that the host is not known", async () => {
    const error = await attempt("grpc://nobody.invalid:1");
    expect(error.message).toBe("Cannot connect to grpc://nobody.invalid:1: unknown host. Is its name right?");
  });

  test("says that the other side speaks something else", async () => {
    const plain = net.createServer((socket) => void socket.on("error", () => {}).end("220 hello\r\n"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void plain.close());
    const { port } = plain.address() as net.AddressInfo;
    const error = await attempt(`grpc://127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    expect(error.message).toBe(`Cannot connect to grpc://127.0.0.1:${port}: the other side does not speak gRPC there`);
  });

  test("says that it is HTTP/2 and no gRPC", async () => {
    const plain = http2.createServer((_, response) => void response.writeHead(404).end("<p>not here"));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void plain.close());
    const { port } = plain.address() as net.AddressInfo;
    const error = await attempt(`grpc://127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: "unimplemented", executed: "no" });
  });

  test("ends when its time is over, with nothing left behind", async () => {
    const silent = net.createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => void silent.close());
    const closed = new Promise<void>((resolve) =>
      silent.on("connection", (socket) =>
        socket
          .on("close", resolve)
          .on("error", () => {})
          .resume(),
      ),
    );
    const { port } = silent.address() as net.AddressInfo;
    const error = await failure(grpcDialer({ port })(AbortSignal.timeout(100), termsOf()));
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    expect(error.message).toContain("no answer in time");
    await closed;
  });

  test("is over at once when its signal has fired already", async () => {
    const error = await failure(grpcDialer({ port: 1 })(AbortSignal.abort(), termsOf()));
    expect(error.message).toBe("Cannot connect to grpc://127.0.0.1:1: the attempt was given up");
  });

  test("is answered with an empty packet behind the head, which proxies hold until there is a body", async () => {
    const { port } = await serving();
    const session = http2.connect(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ":method": "POST", ":path": "/convoke.v1.Wire/Connect", ...headers });
    const [bytes] = await once(stream, "data");
    expect([...bytes]).toEqual([0, 0, 0, 0, 0]);
  });

  test("does not wait for words of a server at a path of its own", async () => {
    const port = await foreignServer((server) => {
      const same = (bytes: Buffer): Buffer => bytes;
      server.register(
        PATH,
        (stream: { on: (event: string, take: () => void) => unknown }) => stream.on("data", () => {}),
        same,
        same,
        "bidi",
      );
    });
    const { channel } = await grpcDialer({ port })(
      AbortSignal.timeout(5000),
      termsOf({ wire: onPath(jsonrpc(), PATH) }),
    );
    channel?.close();
  });
});

describe("metadata", () => {
  const identify: NonNullable<NodeServeOptions["grpc"]>["identify"] = async (
    { authorization, "trace-bin": trace },
    { remoteAddress },
  ) => {
    if (authorization !== "Bearer good") throw new RpcError("unauthenticated", "No such token");
    return { token: authorization, trace: trace === undefined ? undefined : [...Buffer.from(trace)], remoteAddress };
  };

  test("what identify makes of it becomes the identity", async () => {
    const { address } = await serving({ grpc: { identify } });
    const metadata = { authorization: "Bearer good", "trace-bin": Uint8Array.of(1, 255) };
    const client = await connected(address, { grpc: { metadata } });
    expect(await client.call("who")).toMatchObject({
      identity: { token: "Bearer good", trace: [1, 255], remoteAddress: expect.stringMatching(/^127/) },
    });
  });

  test("what identify refuses ends the attempt with its code, and nothing more is said", async () => {
    const { address, log } = await serving({ grpc: { identify } });
    const error = await failure(
      connect(address, { logger: false, grpc: { metadata: { authorization: "Bearer bad" } } }),
    );
    expect(error).toMatchObject({ code: "unauthenticated", executed: "no", wireCode: 16 });
    expect(error.message).toBe(`Cannot connect to ${address}: No such token`);
    expect(log.of("warn")).toEqual([expect.stringMatching(/^Refused 127\.0\.0\.1:\d+: No such token$/)]);
  });

  test("an error that is none for the client stays in the log", async () => {
    const { address, log } = await serving({
      grpc: {
        identify: () => {
          throw new Error("the database is down");
        },
      },
    });
    const error = await failure(connect(address, { logger: false }));
    expect(error).toMatchObject({ code: "internal" });
    expect(error.message).not.toContain("database");
    expect(log.lines.map(({ cause }) => String(cause))).toContain("Error: the database is down");
  });

  test("identify has the time of a handshake", async () => {
    const { address } = await serving({ handshakeTimeoutMs: 50, grpc: { identify: () => new Promise(() => {}) } });
    expect(await failure(connect(address, { logger: false }))).toMatchObject({ code: "deadline_exceeded" });
  });

  test("a function says it anew at each dial", async () => {
    const tokens: unknown[] = [];
    const { server, address } = await serving({
      grpc: { identify: ({ authorization }) => void tokens.push(authorization) },
    });
    let dials = 0;
    const client = await connected(address, {
      redial: { baseMs: 1 },
      grpc: { metadata: async () => ({ authorization: `Bearer ${++dials}` }) },
    });
    await server.connections[0]?.close({ graceMs: 0 });
    await until(() => tokens.length === 2);
    expect(tokens).toEqual(["Bearer 1", "Bearer 2"]);
    expect(await client.call("add", { a: 1, b: 1 }, { idempotent: true })).toBe(2);
  });

  test("a name that nobody sent is not there, whatever objects have", async () => {
    const { address } = await serving({ grpc: { identify: (metadata) => [typeof metadata["constructor"]] } });
    const client = await connected(address);
    expect(await client.call("who")).toMatchObject({ identity: ["undefined"] });
  });

  test.each([
    [
      "a name in capitals",
      { Authorization: "x" },
      'The metadata "Authorization" has a name that is not of a-z, 0-9, "_", "-" and "."',
    ],
    ["text under a name for bytes", { "a-bin": "x" }, 'The metadata "a-bin" must be bytes, as its name ends in -bin'],
    [
      "bytes under a name for text",
      { a: new Uint8Array(1) },
      'The metadata "a" must be text: bytes need a name that ends in -bin',
    ],
    [
      "what a header cannot say",
      { a: "geheim\n" },
      'The metadata "a" has characters that a header cannot say: use bytes and a name that ends in -bin',
    ],
  ])("%s is a TypeError at once", async (_, metadata, message) => {
    const error = await failure(connect("grpc://127.0.0.1:1", { grpc: { metadata } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
  });

  test("credentials do not leave the machine in the clear, unless that is asked for", async () => {
    const metadata = { authorization: "Bearer secret" };
    const error = await failure(connect("grpc://192.0.2.1:7", { grpc: { metadata } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("grpc: { insecure: true }");
    expect(error.message).not.toContain("secret");
    const asked = grpcDialer({ host: "192.0.2.1", port: 7, grpc: { metadata, insecure: true } });
    expect(await failure(asked(AbortSignal.abort(), termsOf()))).toMatchObject({ code: "unavailable" });
    const late = grpcDialer({ host: "192.0.2.1", port: 7, grpc: { metadata: () => metadata } });
    expect(await failure(late(never, termsOf()))).toBeInstanceOf(TypeError);
  });
});

describe("options", () => {
  test("interceptors see the stream, and may add to its metadata", async () => {
    const { address } = await serving({ grpc: { identify: ({ tenant }) => tenant } });
    const interceptor = (options: InterceptorOptions, nextCall: NextCall): InterceptingCall =>
      new InterceptingCall(nextCall(options), {
        start: (metadata, listener, next) => {
          metadata.set("tenant", "blue");
          next(metadata, listener);
        },
      });
    const client = await connected(address, { grpc: { interceptors: [interceptor] } });
    expect(await client.call("who")).toMatchObject({ identity: "blue" });
  });

  test("options of grpc-js reach it", async () => {
    const { address } = await serving({ grpc: { identify: (metadata) => metadata["user-agent"] } });
    const client = await connected(address, { grpc: { channelOptions: { "grpc.primary_user_agent": "mine/1" } } });
    expect(await client.call("who")).toMatchObject({ identity: expect.stringMatching(/^mine\/1 grpc-node-js/) });
  });

  test.each<[string, string, NodeConnectOptions, string]>([
    ["tls beside grpc://", "grpc://127.0.0.1:1", { tls: {} }, "The option tls belongs to an address tls://"],
    ["grpc beside tcp://", "tcp://127.0.0.1:1", { grpc: {} }, "The option grpc belongs to an address grpc://"],
    ["credentials that are none", "grpc://127.0.0.1:1", { grpc: { credentials: {} } }, "must be ChannelCredentials"],
    [
      "secure credentials beside grpc://",
      "grpc://127.0.0.1:1",
      { grpc: { credentials: ChannelCredentials.createSsl() } },
      "write grpcs://",
    ],
    [
      "insecure credentials beside grpcs://",
      "grpcs://127.0.0.1:1",
      { grpc: { credentials: ChannelCredentials.createInsecure() } },
      "write grpc://",
    ],
    [
      "credentials beside tls",
      "grpcs://127.0.0.1:1",
      { tls: {}, grpc: { credentials: ChannelCredentials.createSsl() } },
      "not both",
    ],
  ])("%s is a TypeError that says what to do", async (_, address, options, message) => {
    const error = await failure(connect(address, options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
  });

  test("a keepalive without a time is a RangeError at both ends", async () => {
    const keepalive = { intervalMs: 0, timeoutMs: 1 };
    expect(await failure(connect("grpc://127.0.0.1:1", { grpc: { keepalive } }))).toBeInstanceOf(RangeError);
    expect(await failure(serve("grpc://127.0.0.1:0", { grpc: { keepalive } }))).toBeInstanceOf(RangeError);
  });

  test("a path that gRPC cannot have is a TypeError", () => {
    for (const path of ["", "x", "/x", "/x/y/z", "/x y/z"]) {
      expect(() => pathOf(onPath(jsonrpc(), path))).toThrow(TypeError);
    }
    expect(pathOf(jsonrpc())).toBe("/convoke.v1.Wire/Connect");
  });

  test("a port that is taken is said as elsewhere", async () => {
    const { port } = await serving();
    const error = await failure(serve(`grpc://127.0.0.1:${port}`, { handlers }));
    expect(error).toMatchObject({ code: "unavailable" });
    expect(error.message).toBe(
      `Cannot listen on grpc://127.0.0.1:${port}: the address is in use. Does another server run there?`,
    );
  });
});

describe("keepalive", () => {
  const heartbeat = { intervalMs: 150, timeoutMs: 150 };

  test("both ends find out that the other is frozen, on a wire that has no pings", async () => {
    const ended = deferred<string>();
    const { port } = await serving({ heartbeat, onDisconnect: (_, { message }) => ended.resolve(message) });
    const relay = await relayTo(port);
    cleanups.push(() => relay.close());
    const client = await connected(`grpc://127.0.0.1:${relay.port}`, { heartbeat, redial: false });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    relay.freeze();
    const began = performance.now();
    await Promise.all([client.closed, ended.promise]);
    expect(performance.now() - began).toBeLessThan(2 * (heartbeat.intervalMs + heartbeat.timeoutMs) + 500);
  });

  test("a link that is well lives on, however long it says nothing", async () => {
    const { server, address } = await serving({ grpc: { keepalive: { intervalMs: 20, timeoutMs: 1000 } } });
    const client = await connected(address, {
      grpc: { keepalive: { intervalMs: 20, timeoutMs: 1000 } },
      redial: false,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.state).toBe("open");
    expect(server.connections).toHaveLength(1);
  });

  test("a client pings as often as the heartbeat says, and seldom where a server of Go may listen", () => {
    const terms: LinkTerms = termsOf();
    expect(clientKeepalive(terms)).toEqual({ intervalMs: 15_000, timeoutMs: 15_000 });
    const foreign = clientKeepalive(termsOf({ wire: onPath(jsonrpc(), PATH) }));
    expect(foreign.intervalMs).toBeGreaterThan(300_000);
  });
});

describe("close", () => {
  test("a server lets running handlers answer, though its clients' streams have no end", async () => {
    const begun = deferred();
    const gate = deferred<string>();
    const { server, address, port } = await serving({ handlers: { slow: () => (begun.resolve(), gate.promise) } });
    const client = await connected(address, { redial: false });
    const idle = await connected(address, { redial: false });
    const slow = client.call("slow");
    await begun.promise;
    const closed = server.close({ graceMs: 5000 });
    await failure(connect(`grpc://127.0.0.1:${port}`, { logger: false }));
    gate.resolve("done");
    expect(await slow).toBe("done");
    await closed;
    await Promise.all([client.closed, idle.closed]);
    expect(idle.state).toBe("stopped");
  });

  test("its port is free when it has closed", async () => {
    const { server, port } = await serving();
    const client = await connected(`grpc://127.0.0.1:${port}`, { redial: false });
    await server.close({ graceMs: 0 });
    await client.closed;
    await serving({}, `grpc://127.0.0.1:${port}`);
  });

  test("neither end leaves a socket behind, and no stranger's stream keeps the server", async () => {
    const sockets = (): number => process.getActiveResourcesInfo().filter((each) => /^TCP/.test(each)).length;
    const before = sockets();
    const { server, address, port } = await serving();
    const stranger = new GrpcClient(`ipv4:127.0.0.1:${port}`, ChannelCredentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const watch = stranger.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, Buffer.of());
    const told = new Promise((resolve) => watch.on("data", resolve));
    const ended = new Promise((resolve) => watch.on("status", resolve));
    watch.on("error", () => {});
    await told;
    const raw = net.connect({ port, host: "127.0.0.1" });
    raw.on("error", () => {}).resume();
    await new Promise((resolve) => raw.once("connect", resolve));
    const client = await connected(address);
    await client.call("add", { a: 1, b: 2 });
    await client.close();
    await server.close();
    expect(await ended).toMatchObject({ code: 14 });
    stranger.close();
    await until(() => sockets() <= before);
  });

  test("an agent that closes is gone from the server at once", async () => {
    const gone = deferred<string>();
    const { address } = await serving({ onDisconnect: (_, { message }) => gone.resolve(message) });
    const client = await connected(address);
    await client.close();
    expect(await gone.promise).toBe("The other side has ended");
  });

  test("a client leaves though the server is frozen, and though it never answers the end of a stream", async () => {
    const { port } = await serving();
    const relay = await relayTo(port);
    cleanups.push(() => relay.close());
    const client = await connected(`grpc://127.0.0.1:${relay.port}`);
    expect(relay.open).toBe(2);
    relay.freeze();
    await client.close();
    await until(() => relay.open === 1);
    const deaf = deferred();
    const same = (bytes: Buffer): Buffer => bytes;
    const foreign = await foreignServer((server) => {
      const listen = (stream: { on: (event: string, take: () => void) => unknown }): void =>
        void stream.on("cancelled", () => deaf.resolve());
      server.register(PATH, listen, same, same, "bidi");
    });
    const other = await connected(`grpc://127.0.0.1:${foreign}`, { wire: onPath(jsonrpc(), PATH) });
    await other.close();
    await deaf.promise;
  });

  test("two hundred links of one server come and go", async () => {
    const { server, address } = await serving();
    const clients = await Promise.all(Array.from({ length: 200 }, () => connected(address, { redial: false })));
    const sums = await Promise.all(clients.map((client, n) => client.call("add", { a: n, b: 1 })));
    expect(sums).toEqual(clients.map((_, n) => n + 1));
    expect(server.connections).toHaveLength(200);
    await Promise.all(clients.map((client) => client.close()));
    await until(() => server.connections.length === 0);
  });
});
