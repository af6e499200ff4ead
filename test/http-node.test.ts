import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { Client, type ConnectOptions } from "../src/client/client.ts";
import type { RpcError } from "../src/core/errors.ts";
import { nodeHttpDialer } from "../src/http/node/dialer.ts";
import { httpListen } from "../src/http/node/listen.ts";
import { requestListener } from "../src/http/node/listener.ts";
import { basicQuery, HttpBridge, type HttpConnectOptions, type HttpOptions, httpDialer } from "../src/http.ts";
import type { CallContext, ServeOptions } from "../src/index.ts";
import { native } from "../src/node.ts";
import { Server } from "../src/server/server.ts";
import { HttpHost } from "../src/transports/node/http-host.ts";
import type { TlsConnectOptions } from "../src/transports/node/tls.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { makeCertificates } from "./suites/certificates.ts";
import { codeOf, Log } from "./suites/engine.ts";
import { callText, Events, noteText, told } from "./suites/http-ends.ts";
import { deferred, turn, until } from "./suites/support.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serveAt(
  options: ServeOptions & HttpOptions = {},
): Promise<{ server: Server; url: string; port: number }> {
  const server = await Server.open([httpListen({ port: 0, ...options })], jsonrpc(), { logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const url = server.addresses[0] ?? "";
  return { server, url, port: Number(new URL(url).port) };
}

/** A socket to the server on which a request is written by hand. */
async function dial(port: number): Promise<{ socket: net.Socket; answer: () => string }> {
  const socket = net.connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString();
  });
  socket.on("error", () => {});
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return { socket, answer: () => answer };
}

function head(port: number, length: number, ...more: string[]): string {
  const lines = ["POST / HTTP/1.1", `Host: 127.0.0.1:${port}`, "Content-Type: application/json", ...more];
  return [...lines, `Content-Length: ${length}`, "", ""].join("\r\n");
}

const json = { "content-type": "application/json" };
const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: "POST", body, headers: { ...json, ...headers } });
const echo = (params: unknown): unknown => params;

describe("a server over HTTP", () => {
  test("says in its log who has come before it says who has gone", async () => {
    const logger = new Log();
    const { url, server } = await serveAt({ handlers: { echo }, logger });
    await post(url, callText(1, "echo"));
    await server.close();
    expect(logger.of("info").map((line) => line.replace(/:.*/, ""))).toEqual(["Connected", "Disconnected"]);
  });

  test("answers at its path, on connections that are used again", async () => {
    const { url, port } = await serveAt({ handlers: { echo }, path: "/rpc" });
    expect(url).toBe(`http://127.0.0.1:${port}/rpc`);
    const { socket, answer } = await dial(port);
    for (let each = 1; each <= 3; each++) {
      const body = callText(each, "echo", '["é"]');
      socket.write(head(port, Buffer.byteLength(body)).replace("POST /", "POST /rpc") + body);
      await until(() => answer().split("HTTP/1.1 200 OK").length === each + 1 && answer().endsWith("}"));
    }
    expect(answer()).toContain('{"jsonrpc":"2.0","id":3,"result":["é"]}');
    expect((await fetch(url.replace("/rpc", "/other"))).status).toBe(404);
  });

  test("answers requests that were written one behind the other, in their order", async () => {
    const { port } = await serveAt({
      handlers: { slow: () => new Promise((resolve) => setTimeout(() => resolve("slow"), 30)), echo },
    });
    const { socket, answer } = await dial(port);
    const bodies = [callText(1, "slow"), callText(2, "echo", "[2]"), noteText("echo"), callText(3, "echo", "[3]")];
    socket.write(bodies.map((body) => head(port, body.length) + body).join(""));
    await until(() => answer().endsWith('"result":[3]}'));
    expect(answer().match(/"id":\d|204 No/g)).toEqual(['"id":1', '"id":2', "204 No", '"id":3']);
  });

  test("takes a body that comes byte by byte, in chunks as well", async () => {
    const { port } = await serveAt({ handlers: { echo } });
    const { socket, answer } = await dial(port);
    const body = callText(1, "echo", '["é"]');
    const chunk = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const request = head(port, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked") + chunk;
    for (const byte of Buffer.from(request)) {
      socket.write(Uint8Array.of(byte));
      await turn(1);
    }
    await until(() => answer().endsWith("}"));
    expect(answer()).toContain('"result":["é"]');
  });

  test("tells the handler when its caller's connection is gone", async () => {
    const why = deferred<unknown>();
    const begun = deferred();
    const { port, server } = await serveAt({
      handlers: {
        wait: (_: unknown, { signal, remoteAddress }: CallContext) => {
          expect(remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
          signal.addEventListener("abort", () => why.resolve(signal.reason));
          begun.resolve();
          return why.promise;
        },
      },
    });
    const { socket } = await dial(port);
    socket.write(head(port, callText(1, "wait").length) + callText(1, "wait"));
    await begun.promise;
    socket.destroy();
    expect(await why.promise).toMatchObject({ code: "unavailable" });
    await until(() => server.connections.length === 0);
  });

  test("a body above the limit is refused while it comes, and its sender hears why", async () => {
    const { url, port, server } = await serveAt({ handlers: { echo }, maxBodyBytes: 1000 });
    const why = "413 The body is above the limit of 1000 bytes";
    expect(await told(await post(url, " ".repeat(1001)))).toBe(why);
    const { socket, answer } = await dial(port);
    // Nobody knows how long it is, and it never ends.
    socket.write(head(port, 0).replace("Content-Length: 0", "Transfer-Encoding: chunked"));
    const flood = setInterval(() => socket.write(`1000\r\n${"x".repeat(4096)}\r\n`), 1);
    cleanups.push(() => clearInterval(flood));
    const closed = once(socket, "close");
    await until(() => answer().includes("413"));
    await closed;
    expect(answer()).toContain("connection: close");
    expect(server.stats()).toMatchObject({ accepts: 0, bytesRead: 0 });
  });

  test("a body that says that it is too large is not waited for", async () => {
    const { port } = await serveAt({ maxBodyBytes: 1000 });
    const { socket, answer } = await dial(port);
    socket.write(head(port, 1 << 30));
    await until(() => answer().includes("HTTP/1.1 413"));
  });

  test("a body that does not come is not waited for long", async () => {
    const { port } = await serveAt({ bodyTimeoutMs: 100 });
    const { socket, answer } = await dial(port);
    socket.write(`${head(port, 100)}{`);
    await until(() => answer().includes("HTTP/1.1 408"));
    await once(socket, "close");
  });

  test("a compression bomb is not unpacked", async () => {
    const { url, server } = await serveAt({ handlers: { echo } });
    const bomb = gzipSync(Buffer.alloc(1 << 28), { level: 9 });
    const before = process.memoryUsage().rss;
    for (const type of ["gzip", "x-gzip", "deflate", "br"]) {
      const response = await fetch(url, { method: "POST", body: bomb, headers: { ...json, "content-encoding": type } });
      expect(response.status).toBe(415);
      await response.body?.cancel();
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
    expect(server.stats().accepts).toBe(0);
  });

  test("events: what is pushed arrives, and a reader that stops costs no more than the bound", async () => {
    const { url, port, server } = await serveAt({ heartbeat: { intervalMs: 200, timeoutMs: 400 } });
    const events = new Events(await fetch(url, { headers: { accept: "text/event-stream" } }));
    await until(() => server.connections.length === 1);
    await server.connections[0]?.notify("tick", [1]);
    expect(await events.next()).toBe(": ");
    expect(await events.next()).toBe('data: {"jsonrpc":"2.0","method":"tick","params":[1]}');
    expect(await events.next()).toBe(": ");
    await events.leave();
    await until(() => server.connections.length === 0);

    const { socket } = await dial(port);
    socket.pause();
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`);
    await until(() => server.connections.length === 1);
    const [connection] = server.connections;
    const text = "x".repeat(100_000);
    let refused = 0;
    const full = async (): Promise<boolean> => {
      await connection?.notify("big", [text]).catch(() => refused++);
      return refused > 0 || server.connections.length === 0;
    };
    for (let sent = 0; sent < 2000; sent++) void full();
    await until(() => refused > 0);
    await until(() => server.connections.length === 0);
  });

  test("closes: what runs is answered, streams end, and the port is free", async () => {
    const gate = deferred();
    const { url, server } = await serveAt({ handlers: { wait: () => gate.promise } });
    const events = new Events(await fetch(url, { headers: { accept: "text/event-stream" } }));
    const running = post(url, callText(1, "wait"));
    await until(() => server.stats().running === 1);
    const closing = server.close();
    gate.resolve();
    expect(await (await running).json()).toEqual({ jsonrpc: "2.0", id: 1, result: null });
    expect([await events.next(), await events.next()]).toEqual([": ", undefined]);
    await closing;
    await expect(post(url, callText(1, "wait"))).rejects.toThrow();
  });

  test("without grace a call that runs has an answer all the same", async () => {
    const { url, server } = await serveAt({ handlers: { wait: () => new Promise(() => {}) } });
    const running = post(url, callText(1, "wait"));
    await until(() => server.stats().running === 1);
    await server.close({ graceMs: 0 });
    expect(await told(await running)).toBe("503 The server closed before it answered");
  });

  test("another wire is refused", async () => {
    await expect(Server.open([httpListen({ port: 0 })], native(), {})).rejects.toThrow(TypeError);
  });

  test("hooks get the request as the platform has it, with its body", async () => {
    const { url } = await serveAt({
      handlers: { echo },
      maxBodyBytes: 100,
      parseRequest: async (request) =>
        callText(1, "echo", JSON.stringify([request.method, request.headers.get("x-a"), await request.text()])),
    });
    expect(await (await fetch(url, { method: "PUT", body: "text", headers: { "x-a": "b" } })).json()).toMatchObject({
      result: ["PUT", "b", "text"],
    });
    expect(await (await fetch(url)).json()).toMatchObject({ result: ["GET", null, ""] });
    expect((await fetch(url, { method: "PUT", body: "x".repeat(101) })).status).toBe(413);
  });

  test("an answer that nobody reads is given up, and one that is read slowly is not", async () => {
    const text = "x".repeat(16 << 20);
    const { port } = await serveAt({ handlers: { long: () => text }, bodyTimeoutMs: 1000, maxFrameBytes: 64 << 20 });
    const body = callText(1, "long");
    const [stalled, slow] = await Promise.all([dial(port), dial(port)]);
    for (const { socket } of [stalled, slow]) {
      socket.pause();
      socket.write(head(port, body.length) + body);
    }
    let length = 0;
    slow.socket.on("data", (chunk: Buffer) => {
      length += chunk.length;
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 4);
    });
    slow.socket.resume();
    await until(() => length > text.length);
    // Nothing tells who does not read that it was given up.
    await new Promise((resolve) => setTimeout(resolve, 1200));
    // What had been sent by then is all that there is.
    const broken = once(stalled.socket, "close");
    stalled.socket.resume();
    await broken;
    expect(stalled.answer().length).toBeLessThan(text.length);
  });

  test("a GET below the path is a call, and what else there is at the port stays what it is", async () => {
    const at = HttpHost.own({ port: 0 });
    const listens = [
      httpListen({ at, path: "/", parseGet: basicQuery }),
      httpListen({ at, path: "/rpc", parseGet: basicQuery }),
      wsListen({ at, path: "/rpc/ws" }),
    ];
    const server = await Server.open(listens, jsonrpc(), { handlers: { echo, "rpcs/echo": () => "root" } });
    cleanups.push(() => server.close({ graceMs: 0 }));
    const origin = new URL(server.addresses[0] ?? "").origin;
    expect(await told(await fetch(`${origin}/rpc/echo?a=%C3%A9`))).toBe('200 {"a":"é"}');
    expect(await told(await fetch(`${origin}/echo?b`))).toBe('200 {"b":""}');
    expect(await told(await fetch(`${origin}/rpcs/echo`))).toBe('200 "root"');
    expect((await post(`${origin}/rpc`, callText(1, "echo"))).status).toBe(200);
    expect((await post(`${origin}/rpc/echo`, callText(1, "echo"))).status).toBe(404);
    expect((await fetch(`${origin}/rpc/ws`)).status).toBe(426);
    const plain = await serveAt({ handlers: { echo } });
    expect((await fetch(`${plain.url}echo`)).status).toBe(404);
  });

  test("identify knows the connection, and a request that no platform has a form for is refused", async () => {
    const seen: unknown[] = [];
    const { url, port } = await serveAt({
      handlers: { echo },
      parseRequest: () => callText(1, "echo"),
      identify: (_, about) => void seen.push(about),
    });
    await post(url, "");
    expect(seen).toEqual([expect.objectContaining({ localPort: port, localAddress: "127.0.0.1", secure: false })]);
    for (const line of ["TRACE /", `POST http://127.0.0.1:${port}/`, "POST *"]) {
      const { socket, answer } = await dial(port);
      socket.write(head(port, 0).replace("POST /", line));
      await until(() => /^HTTP\/1.1 40[04] /.test(answer()));
    }
    expect(seen).toHaveLength(1);
  });

  test("identify leaves the body to the call", async () => {
    const { url } = await serveAt({
      handlers: { who: (params: unknown, { identity }: CallContext) => [params, identity] },
      identify: ({ headers }) => headers.get("authorization"),
    });
    const response = await post(url, callText(1, "who", "[1]"), { authorization: "Bearer t" });
    expect(await response.json()).toMatchObject({ result: [[1], "Bearer t"] });
  });
});

describe("a server of the user's own", () => {
  const ownServer = async (): Promise<{ own: http.Server; origin: string }> => {
    const own = http.createServer((_, response) => response.end("mine"));
    own.listen(0, "127.0.0.1");
    cleanups.push(() => {
      own.closeAllConnections();
      own.close();
    });
    await once(own, "listening");
    return { own, origin: `http://127.0.0.1:${(own.address() as net.AddressInfo).port}` };
  };

  test("serves beside it, at a path", async () => {
    const { own, origin } = await ownServer();
    const server = await Server.open([httpListen({ server: own, path: "/rpc" })], jsonrpc(), { handlers: { echo } });
    expect(server.addresses).toEqual([`${origin}/rpc`]);
    expect((await post(`${origin}/rpc`, callText(1, "echo"))).status).toBe(200);
    expect(await (await fetch(origin)).text()).toBe("mine");
    await server.close();
    expect(await (await fetch(`${origin}/rpc`)).text()).toBe("mine");
  });

  test("serves by a listener that checks Host and Origin itself", async () => {
    const bridge = new HttpBridge({ parseGet: basicQuery });
    const log = new Log();
    const server = await Server.open([bridge.listen], jsonrpc(), { handlers: { echo }, logger: log });
    cleanups.push(() => server.close());
    const { own, origin } = await ownServer();
    own.removeAllListeners("request");
    own.on("request", requestListener(bridge));
    expect((await post(origin, callText(1, "echo"))).status).toBe(200);
    expect(await told(await fetch(`${origin}/echo?a=%C3%A9`))).toBe('200 {"a":"é"}');
    expect((await fetch(`${origin}/echo?a=%2`)).status).toBe(400);
    expect((await fetch(`${origin}/echo`, { method: "HEAD" })).status).toBe(405);
    expect(log.of("warn")).toEqual([]);
    expect((await post(origin, callText(1, "echo"), { origin: "https://evil.example" })).status).toBe(403);
    expect(log.of("warn")).toEqual([expect.stringContaining("list it in the option origins")]);
  });
});

const certificates = makeCertificates();

test.skipIf(certificates === undefined)("HTTPS: the client's certificate is its identity", async () => {
  if (certificates === undefined) return;
  const { ca, server, client } = certificates;
  const { url } = await serveAt({
    handlers: { who: (_: unknown, { identity }: CallContext) => identity },
    ...{ tls: { ca, ...server } },
  });
  expect(url).toMatch(/^https:/);
  const request = https.request(url, { method: "POST", headers: json, ca, cert: client.cert, key: client.key });
  request.end(callText(1, "who"));
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const [body] = (await once(response, "data")) as [Buffer];
  expect(JSON.parse(body.toString())).toMatchObject({ result: { subject: expect.anything() as unknown } });
});

describe.each([
  ["fetch", httpDialer],
  ["Node's own client", nodeHttpDialer],
] as const)("a client over HTTP by %s", (name, dialer) => {
  /** A server that counts its sockets. */
  const counted = async (
    handlers: object,
    options: HttpOptions = {},
  ): Promise<{ url: string; sockets: Set<net.Socket>; made: () => number; server: Server }> => {
    const own = http.createServer();
    const sockets = new Set<net.Socket>();
    let made = 0;
    own.on("connection", (socket) => {
      made++;
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    own.listen(0, "127.0.0.1");
    cleanups.push(() => {
      own.closeAllConnections();
      own.close();
    });
    await once(own, "listening");
    const server = await Server.open([httpListen({ server: own, ...options })], jsonrpc(), { handlers, logger: false });
    cleanups.push(() => server.close({ graceMs: 0 }));
    return { url: server.addresses[0] ?? "", sockets, made: () => made, server };
  };
  const connect = async (url: string, options: ConnectOptions & HttpConnectOptions = {}): Promise<Client> => {
    const client = await Client.open(dialer({ url, ...options }), jsonrpc(), { logger: false, ...options });
    cleanups.push(() => client.close({ graceMs: 0 }));
    return client;
  };

  test("uses one connection for calls one after the other, and a bounded number at once", async () => {
    const { url, made, sockets } = await counted({ echo });
    const client = await connect(url);
    for (let each = 0; each < 20; each++) expect(await client.call("echo", [each])).toEqual([each]);
    expect(made()).toBeLessThanOrEqual(2);
    const many = Array.from({ length: 500 }, (_, n) => client.call("echo", [n]));
    expect(await Promise.all(many)).toEqual(many.map((_, n) => [n]));
    // A connection that has just answered is not always free again when the next call leaves.
    expect(made()).toBeLessThanOrEqual(150);
    await client.close();
    if (name !== "fetch") await until(() => sockets.size === 0);
  });

  test("leaves no connection that is in use when it closes, and tells handlers", async () => {
    const ended = deferred();
    const { url, server } = await counted({
      wait: (_: unknown, { signal }: CallContext) =>
        new Promise(() => signal.addEventListener("abort", () => ended.resolve())),
    });
    const client = await connect(url, { events: true });
    const call = codeOf(client.call("wait"));
    await until(() => server.stats().running === 1);
    await client.close();
    expect(await call).toBe("cancelled/unknown");
    await ended.promise;
    await until(() => server.connections.length === 0);
  });

  test("its cancel reaches the handler", async () => {
    const why = deferred<unknown>();
    const { url, server } = await counted({
      wait: (_: unknown, { signal }: CallContext) =>
        new Promise(() => signal.addEventListener("abort", () => why.resolve(signal.reason))),
      echo,
    });
    const client = await connect(url);
    const call = codeOf(client.call("wait", undefined, { timeoutMs: 150 }));
    await until(() => server.stats().running === 1);
    expect(await call).toBe("deadline_exceeded/unknown");
    expect(await why.promise).toMatchObject({ code: "unavailable" });
    expect(await client.call("echo", [1])).toEqual([1]);
  });

  test("is notified over its stream of events", async () => {
    const { url, server } = await counted({ echo });
    const notes: unknown[] = [];
    const client = await connect(url, {
      events: true,
      handlers: { note: (params: unknown) => void notes.push(params) },
    });
    await until(() => server.connections.length === 1);
    for (let n = 0; n < 200; n++) void server.connections[0]?.notify("note", [n]);
    await until(() => notes.length === 200);
    expect(notes).toEqual(Array.from({ length: 200 }, (_, n) => [n]));
    expect(await client.call("echo", [1])).toEqual([1]);
  });

  test("follows no redirect", async () => {
    const { url, server } = await counted({ echo });
    const elsewhere = http.createServer((_, response) => response.writeHead(307, { location: url }).end());
    elsewhere.listen(0, "127.0.0.1");
    cleanups.push(() => elsewhere.close());
    await once(elsewhere, "listening");
    const client = await connect(`http://127.0.0.1:${(elsewhere.address() as net.AddressInfo).port}/`, {
      redial: false,
    });
    const error = await client.call("echo").catch((thrown: unknown) => thrown as RpcError);
    expect((error as RpcError).message).toBe(
      "unexpected HTTP status 307 Temporary Redirect. Redirects are not followed: connect to where it points",
    );
    expect(server.stats().accepts).toBe(0);
  });

  test("comes back when its server does", async () => {
    const first = await serveAt({ handlers: { echo } });
    const client = await connect(first.url, { redial: { baseMs: 20, maxMs: 50 } });
    expect(await client.call("echo", [1])).toEqual([1]);
    await first.server.close();
    const again = client.call("echo", [3], { idempotent: true });
    const second = await Server.open([httpListen({ port: first.port })], jsonrpc(), { handlers: { echo } });
    cleanups.push(() => second.close());
    expect(await again).toEqual([3]);
  });
});

test.skipIf(certificates === undefined)(
  "Node's own client: whom to trust can be told, and nobody else is trusted",
  async () => {
    if (certificates === undefined) return;
    const { ca, server, client: own } = certificates;
    const { url } = await serveAt({
      handlers: { who: (_: unknown, { identity }: CallContext) => identity },
      ...{ tls: { ca, ...server } },
    });
    const connect = async (tls?: TlsConnectOptions): Promise<Client> => {
      const client = await Client.open(nodeHttpDialer({ url, tls }), jsonrpc(), { logger: false, redial: false });
      cleanups.push(() => client.close({ graceMs: 0 }));
      return client;
    };
    expect(await (await connect({ ca, ...own })).call("who")).toMatchObject({ subject: expect.anything() as unknown });
    expect(await codeOf((await connect()).call("who"))).toBe("unauthenticated/no");
    expect(() => nodeHttpDialer({ url: "http://localhost/", tls: { ca } })).toThrow(TypeError);
    expect(() => nodeHttpDialer({ url, tls: { ca }, fetch })).toThrow(TypeError);
  },
);
