import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type RawData, WebSocket } from "ws";
import type { Client, ConnectOptions } from "../src/client/client.ts";
import type { CloseReason } from "../src/core/channel.ts";
import type { Wire } from "../src/core/wire.ts";
import { connect, native, serve } from "../src/node.ts";
import type { ServeOptions, Server } from "../src/server/server.ts";
import { wsDialer } from "../src/transports/node/ws-dialer.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { codeOf } from "./suites/engine.ts";
import { deferred } from "./suites/support.ts";
import { frameOf, RawClient, rawServer } from "./suites/ws-ends.ts";

const HEARTBEAT = { intervalMs: 200, timeoutMs: 200 };
/** What a judgement may be late by: ticks, and a busy machine. */
const LATE_MS = 400;
const WIRES: readonly (readonly [string, Wire])[] = [
  ["jsonrpc, by pings of WebSocket", jsonrpc()],
  ["native, by its own pings", native()],
];

const ends: (Client | Server)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end.close({ graceMs: 0 })));
});

async function serving(options: ServeOptions, hosts: readonly string[] = []): Promise<{ server: Server; url: string }> {
  const server = await serve(wsListen({ port: 0, hosts }), { logger: false, ...options });
  ends.push(server);
  return { server, url: server.addresses[0] ?? "" };
}

async function connected(url: string, options: ConnectOptions): Promise<Client> {
  const client = await connect(wsDialer({ url }), { redial: false, logger: false, ...options });
  ends.push(client);
  return client;
}

/** Stands between the ends, and can stop passing on what they say. */
async function proxy(url: string): Promise<{ readonly url: string; freeze(): void }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    const other = net.connect(Number(new URL(url).port), "127.0.0.1");
    sockets.push(socket, other);
    for (const each of [socket, other]) each.on("error", () => {});
    socket.pipe(other);
    other.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
  };
}

describe.each(WIRES)("on %s", (_, wire) => {
  test("both ends find out that nothing gets through any more", async () => {
    const gone = deferred<CloseReason>();
    const { url } = await serving(
      {
        wire,
        heartbeat: HEARTBEAT,
        handlers: { wait: () => new Promise(() => {}) },
        onDisconnect: (_connection, reason) => gone.resolve(reason),
      },
      ["*"],
    );
    const between = await proxy(url);
    const client = await connected(between.url, { wire, heartbeat: HEARTBEAT });
    const lost = codeOf(client.call("wait"));
    between.freeze();
    const began = performance.now();
    expect(await lost).toBe("unavailable/unknown");
    expect((await gone.promise).error).toMatchObject({ code: "unavailable" });
    expect(performance.now() - began).toBeLessThan(HEARTBEAT.intervalMs + HEARTBEAT.timeoutMs + LATE_MS);
  });
});

test("a peer that only answers pings lives, and one that does not is dropped", async () => {
  const { url, server } = await serving({ wire: jsonrpc(), heartbeat: { intervalMs: 50, timeoutMs: 200 } });
  const port = Number(new URL(url).port);
  const answering = new WebSocket(url, { perMessageDeflate: false });
  onTestFinished(() => answering.terminate());
  await once(answering, "open");
  const silent = new RawClient(port);
  expect(await silent.upgrade("/")).toBe(101);
  await silent.closed;
  expect((await silent.closeFrame())?.code).toBe(1011);
  for (let pings = 0; pings < 10; pings++) await once(answering, "ping");
  expect(server.connections).toHaveLength(1);
  answering.send('{"jsonrpc":"2.0","id":1,"method":"rpc.serverInfo"}');
  const [reply] = (await once(answering, "message")) as [RawData];
  expect(JSON.parse(String(reply))).toMatchObject({ id: 1 });
});

const FROZEN = `
  process.on("message", async (url) => {
    const { connect, native } = await import(${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)});
    const { wsDialer } = await import(${JSON.stringify(new URL("../dist/transports/node/ws-dialer.js", import.meta.url).href)});
    await connect(wsDialer({ url }), { wire: native(), redial: false, logger: false });
    process.send("up");
  });
  process.on("disconnect", () => process.exit());
`;

test("a peer whose process stands still is dropped, and its neighbour is not", async () => {
  const gone = deferred<CloseReason>();
  const { url, server } = await serving({
    wire: native(),
    heartbeat: HEARTBEAT,
    handlers: { echo: (value: unknown) => value },
    onDisconnect: (_, reason) => gone.resolve(reason),
  });
  const neighbour = await connected(url, { wire: native() });
  const child: ChildProcess = fork(fileURLToPath(new URL("fixtures/evaluate.js", import.meta.url)), [FROZEN]);
  onTestFinished(() => void child.kill("SIGKILL"));
  child.send(url);
  await once(child, "message");
  expect(server.connections).toHaveLength(2);
  child.kill("SIGSTOP");
  expect((await gone.promise).error).toMatchObject({ code: "unavailable" });
  expect(await neighbour.call("echo", 1)).toBe(1);
});

describe.each([
  ["jsonrpc", jsonrpc()],
  ["native", native()],
])("on %s a close", (_, wire) => {
  test.each([
    [4100, "never again", "unavailable"],
    [1000, "done", undefined],
    [1001, "going away", undefined],
  ])("with %d %j by the server is what its client gets", async (code, reason, errorCode) => {
    const { url, server } = await serving({ wire, handlers: { wait: () => new Promise(() => {}) } });
    const gone = deferred<CloseReason>();
    const client = await connected(url, { wire, onDisconnect: (_connection, status) => gone.resolve(status) });
    const lost = client.call("wait");
    lost.catch(() => {});
    await expect.poll(() => server.stats().running).toBe(1);
    await server.connections[0]?.close({ graceMs: 0, code, reason });
    expect(await gone.promise).toMatchObject({ closeCode: code, message: expect.stringContaining(reason) });
    expect((await gone.promise).error?.code).toBe(errorCode);
    await expect(lost).rejects.toMatchObject({ code: "unavailable", executed: "unknown", wireCode: code });
  });

  test("by the client is what the server gets", async () => {
    const gone = deferred<CloseReason>();
    const { url } = await serving({ wire, onDisconnect: (_connection, status) => gone.resolve(status) });
    const client = await connected(url, { wire });
    await client.close({ code: 4001, reason: "moved" });
    expect(await gone.promise).toMatchObject({ closeCode: 4001, message: expect.stringContaining("moved") });
  });
});

test("a message above the limit ends the link with resource_exhausted on both sides, and no other link", async () => {
  const gone = deferred<CloseReason>();
  const { url } = await serving({
    wire: jsonrpc(),
    maxFrameBytes: 4096,
    handlers: { echo: (value: unknown) => value },
    onDisconnect: (_, reason) => gone.resolve(reason),
  });
  const [large, neighbour] = [await connected(url, { wire: jsonrpc() }), await connected(url, { wire: jsonrpc() })];
  const lost = large.call("echo", ["x".repeat(5000)]);
  await expect(lost).rejects.toMatchObject({ executed: "unknown", wireCode: 1009 });
  await expect(lost).rejects.toThrow("above its limit");
  expect((await gone.promise).error).toMatchObject({ code: "resource_exhausted", wireCode: 1009 });
  expect(await neighbour.call("echo", [1])).toEqual([1]);
});

test("bad messages of one client cost no other client anything", async () => {
  const { url } = await serving({ wire: jsonrpc(), handlers: { echo: (value: unknown) => value } });
  const neighbour = await connected(url, { wire: jsonrpc() });
  const port = Number(new URL(url).port);
  for (const bytes of [
    frameOf({ opcode: 1, payload: "no JSON" }),
    frameOf({ opcode: 2, payload: Buffer.from([255, 0]) }),
    frameOf({ opcode: 1, payload: Buffer.from([255]) }),
    frameOf({ opcode: 1, payload: "[".repeat(100_000) }),
    frameOf({ opcode: 7, payload: "x" }),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  ]) {
    const client = new RawClient(port);
    expect(await client.upgrade("/")).toBe(101);
    client.socket.write(bytes);
    client.socket.end();
    await client.closed;
    expect(await neighbour.call("echo", [1])).toEqual([1]);
  }
});

test("a client that is sent nonsense fails its calls, and the process lives", async () => {
  const url = await rawServer((socket) => {
    socket.write(frameOf({ opcode: 1, payload: "nonsense", masked: false, rsv: 4 }));
  });
  const client = await connected(url, { wire: jsonrpc() });
  await expect(client.call("echo", [1])).rejects.toMatchObject({ wireCode: 1002 });
});
