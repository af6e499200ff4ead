import { once } from "node:events";
import http, { type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Certificates, makeCertificates } from "../../../test/suites/certificates.ts";
import { deferred, turn } from "../../../test/suites/support.ts";
import { RawClient } from "../../../test/suites/ws-ends.ts";
import { Guard } from "../guard.ts";
import { HttpHost, HttpHosts, type HttpPlace, type HttpRoute } from "./http-host.ts";
import { refuseUpgrade } from "./http-host-refusal.ts";

const guard = new Guard();
/** None where openssl is missing, which it says. */
const certificates = makeCertificates();

/** A route that answers with its name. */
function named(name: string, kinds: readonly ("upgrade" | "request")[] = ["upgrade", "request"]): HttpRoute {
  return {
    guard,
    ...(kinds.includes("upgrade") && { upgrade: (_, socket) => refuseUpgrade(socket, 418, name) }),
    ...(kinds.includes("request") && { request: (_, response) => void response.end(name) }),
  };
}

async function routed(host: HttpHost, path: string, route: HttpRoute): Promise<HttpPlace & { readonly port: number }> {
  const place = await host.route(path, route);
  onTestFinished(() => place.close());
  const { authority, secure, close, flushed } = place;
  return { authority, secure, close, flushed, port: portOf(place) };
}

function portOf({ authority = "" }: HttpPlace): number {
  return Number(authority.split(":").at(-1));
}

/** Sends a plain request and gives the status and body. */
async function get(port: number, path: string, headers: readonly string[] = []): Promise<string> {
  const client = new RawClient(port);
  const host = headers.some((header) => /^host:/i.test(header)) ? [] : [`Host: 127.0.0.1:${port}`];
  client.socket.write([`GET ${path} HTTP/1.1`, ...host, "Connection: close", ...headers, "", ""].join("\r\n"));
  await client.closed;
  return `${await client.status()} ${client.body.toString().trim()}`;
}

async function upgrade(port: number, path: string, headers: readonly string[] = []): Promise<string> {
  const client = new RawClient(port);
  const status = await client.upgrade(path, headers);
  await client.closed;
  return `${status} ${client.body.toString().trim()}`;
}

/** A user's own server. */
async function ownServer(...listeners: readonly RequestListener[]): Promise<{ server: http.Server; port: number }> {
  const server = http.createServer();
  for (const listener of listeners) server.on("request", listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function isFree(port: number): Promise<boolean> {
  const server = http.createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

describe("a server of its own", () => {
  test("serves several paths, tells upgrades from requests, and knows only whole paths", async () => {
    const host = HttpHost.own({ port: 0 });
    const { port } = await routed(host, "/a", named("a"));
    await routed(host, "/b", named("b, plain", ["request"]));
    await routed(host, "/b", named("b, upgraded", ["upgrade"]));
    await routed(host, "/", named("root", ["request"]));
    expect(await get(port, "/a?x=/b")).toBe("200 a");
    expect(await upgrade(port, "/a?x=/b")).toBe("418 a");
    expect(await get(port, "/b")).toBe("200 b, plain");
    expect(await upgrade(port, "/b")).toBe("418 b, upgraded");
    expect(await get(port, "/")).toBe("200 root");
    for (const path of [
      "/c",
      "/a/",
      "/A",
      "/a/b",
      "//a",
      "/%61",
      "http://127.0.0.1/a",
      "*",
      "/__proto__",
      "/constructor",
    ]) {
      expect(await get(port, path)).toMatch(/^404 /);
      expect(await upgrade(port, path)).toMatch(/^404 /);
    }
  });

  test("keeps connections for longer than proxies do, and ends them at once when it closes", async () => {
    const place = await routed(HttpHost.own({ port: 0 }), "/a", named("a"));
    const client = new RawClient(place.port);
    client.socket.write(`GET /a HTTP/1.1\r\nHost: 127.0.0.1:${place.port}\r\n\r\n`);
    await client.status();
    expect(client.text).toMatch(/^keep-alive: timeout=75$/im);
    place.close();
    await client.closed;
  });

  test("refuses a request whose body is still coming without losing the answer", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/a", named("a"));
    const body = Buffer.alloc(4 << 20);
    for (const [path, host, status] of [
      ["/a", "elsewhere", 403],
      ["/b", `127.0.0.1:${port}`, 404],
    ] as const) {
      const client = new RawClient(port);
      const { socket } = client;
      // As a proxy does, it reads when it has written all.
      socket.pause();
      const head = [`POST ${path} HTTP/1.1`, `Host: ${host}`, `Content-Length: ${body.length}`, "", ""];
      socket.write(head.join("\r\n"));
      await new Promise((resolve) => socket.write(body, resolve));
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.resume();
      expect(await client.status()).toBe(status);
      await client.closed;
    }
  });

  test("gives what is below paths to the longest of them", async () => {
    const host = HttpHost.own({ port: 0 });
    const below = (name: string): HttpRoute => ({ ...named(name, ["request"]), below: true });
    const { port } = await routed(host, "/a/b", below("a, b"));
    await routed(host, "/a", below("a"));
    await routed(host, "/a/b/c", named("whole", ["request"]));
    await routed(host, "/a/ws", named("ws", ["upgrade"]));
    expect(await get(port, "/a/b/x/y?/z")).toBe("200 a, b");
    expect(await get(port, "/a/b/c")).toBe("200 whole");
    expect(await get(port, "/a/b/c/d")).toBe("200 a, b");
    expect(await get(port, "/a/b/")).toBe("200 a, b");
    expect(await get(port, "/a/bc")).toBe("200 a");
    expect(await get(port, "/a//b")).toBe("200 a");
    expect(await get(port, "/a/ws")).toMatch(/^426 /);
    expect(await get(port, "/a/ws/x")).toBe("200 a");
    for (const path of ["/", "/ab", "//a/b", "a/b", "http://127.0.0.1/a/b"])
      expect(await get(port, path)).toMatch(/^40[04] /);
    await routed(host, "/", below("root"));
    expect(await get(port, "/ab")).toBe("200 root");
    expect(await get(port, "//a/b")).toBe("200 root");
    expect(await get(port, "/a/x")).toBe("200 a");
    expect(await get(port, "http://127.0.0.1/a/b")).toMatch(/^404 /);
  });

  test("says 426 where only WebSocket is spoken, and 400 where there is nothing to upgrade to", async () => {
    const host = HttpHost.own({ port: 0 });
    const { port } = await routed(host, "/ws", named("ws", ["upgrade"]));
    await routed(host, "/plain", named("plain", ["request"]));
    expect(await get(port, "/ws")).toMatch(/^426 /);
    expect(await upgrade(port, "/plain")).toMatch(/^400 .*leave out the header Upgrade/);
    const client = new RawClient(port);
    client.socket.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await client.closed;
    expect(client.text).toMatch(/^upgrade: websocket\r$/im);
  });

  test("listens while it has routes, and again when it gets new ones", async () => {
    const host = HttpHost.own({ port: 0 });
    const one = await routed(host, "/one", named("one"));
    const two = await routed(host, "/two", named("two"));
    expect(two.authority).toBe(one.authority);
    one.close();
    one.close();
    expect(await get(one.port, "/one")).toMatch(/^404 /);
    expect(await get(one.port, "/two")).toBe("200 two");
    two.close();
    await turn();
    expect(await isFree(one.port)).toBe(true);
    const again = await routed(host, "/one", named("again"));
    expect(await get(again.port, "/one")).toBe("200 again");
  });

  test("closing ends connections that say nothing, and lets a request be answered", async () => {
    const came = deferred<() => void>();
    const host = HttpHost.own({ port: 0 });
    const place = await routed(host, "/", {
      guard,
      request: (_, response) => came.resolve(() => void response.end("late")),
    });
    const silent = new RawClient(place.port);
    const half = new RawClient(place.port);
    await once(half.socket, "connect");
    half.socket.write("GET / HT");
    const asked = get(place.port, "/");
    const answer = await came.promise;
    place.close();
    answer();
    expect(await asked).toBe("200 late");
    await Promise.all([silent.closed, half.closed]);
    expect(await isFree(place.port)).toBe(true);
  });

  test("a path that is taken is refused, and so is one that is none", async () => {
    const host = HttpHost.own({ port: 0 });
    await routed(host, "/a", named("a"));
    await expect(host.route("/a", named("b", ["upgrade"]))).rejects.toMatchObject({ code: "already_exists" });
    await expect(host.route("/a", named("b", ["request"]))).rejects.toMatchObject({ code: "already_exists" });
    for (const path of ["", "a", "/a?b", "/a#b", "/a b"])
      await expect(host.route(path, named("x"))).rejects.toThrow(TypeError);
  });

  test("a port that is taken is refused, and the host may be used later", async () => {
    const { server, port } = await ownServer();
    const host = HttpHost.own({ port });
    await expect(host.route("/", named("x"))).rejects.toMatchObject({ code: "unavailable" });
    server.close();
    await once(server, "close");
    expect(await get((await routed(host, "/", named("x"))).port, "/")).toBe("200 x");
  });

  test("the addresses of one serve share a server where host and port are the same", async () => {
    const hosts = new HttpHosts();
    expect(hosts.at({ port: 0 })).toBe(hosts.at({ host: "127.0.0.1", port: 0 }));
    expect(hosts.at({ port: 0 })).not.toBe(hosts.at({ host: "::1", port: 0 }));
    expect(hosts.at({ port: 0 })).not.toBe(hosts.at({ port: 1 }));
    expect(() => hosts.at({ port: -1 })).toThrow(RangeError);
    expect(() => hosts.at({ port: 0, tls: {} })).toThrow("tls.cert and tls.key");
  });
});

describe("what comes over the network is not trusted", () => {
  test("the guard stands before upgrades and requests alike, and says who was refused", async () => {
    const refused: string[] = [];
    const host = HttpHost.own({ port: 0 });
    const { port } = await routed(host, "/", { ...named("in"), onRefused: (_, why) => refused.push(why) });
    for (const ask of [get, upgrade]) {
      expect(await ask(port, "/", ["Host: evil.example"])).toMatch(/^403 .*option hosts$/);
      expect(await ask(port, "/", ["Origin: null"])).toMatch(/^403 .*option origins$/);
      expect(await ask(port, "/", ["Origin: http://localhost:1"])).toMatch(/^403 .*option origins$/);
      expect(await ask(port, "/", [`Origin: http://localhost:${port}`])).toMatch(/^(200|418) in$/);
      expect(await ask(port, "/", [`Host: localhost:${port}`, "Sec-Fetch-Site: cross-site"])).toMatch(/^403 /);
    }
    expect(refused).toHaveLength(8);
  });

  test("two hosts, or none, are refused", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/", named("in"));
    const here = `127.0.0.1:${port}`;
    expect(await get(port, "/", [`Host: ${here}`, "Host: evil.example"])).toMatch(/^403 /);
    expect(await upgrade(port, "/", [`Host: ${here}`, `host: ${here}`])).toMatch(/^403 /);
    const client = new RawClient(port);
    client.socket.write("GET / HTTP/1.0\r\n\r\n");
    expect(await client.status()).toBe(403);
    const newer = new RawClient(port);
    newer.socket.write("GET / HTTP/1.1\r\n\r\n");
    expect(await newer.status()).toBe(400);
  });

  test("a flood of headers, in number or in bytes, gets 431, and the server lives on", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/", named("in"));
    const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `a${n}: b`);
    for (const ask of [get, upgrade]) {
      expect(await ask(port, "/", many(2000))).toMatch(/^431/);
      expect(await ask(port, "/", many(101))).toMatch(/^431/);
      expect(await ask(port, "/", [`a: ${"x".repeat(20_000)}`])).toMatch(/^431/);
      expect(await ask(port, "/", many(80))).toMatch(/in$/);
    }
  });

  test("headers with the names of an object's own things are headers", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/", named("in"));
    const odd = ["__proto__: x", "constructor: x", "hasOwnProperty: x", "toString: x", "__proto__: y"];
    expect(await get(port, "/", odd)).toBe("200 in");
    expect(await upgrade(port, "/", odd)).toBe("418 in");
    expect(await upgrade(port, "/", ["__proto__: x", "Origin: null"])).toMatch(/^403 /);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("what is no HTTP gets 400 at most", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/", named("in"));
    for (const bytes of [
      "\u0016\u0003\u0001",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
      "\u0000".repeat(100),
    ]) {
      const client = new RawClient(port);
      client.socket.write(bytes);
      client.socket.end();
      await client.closed;
      expect([0, 400]).toContain(await client.status());
    }
    expect(await get(port, "/")).toBe("200 in");
  });

  test("a socket that is reset in the middle of its request harms nobody", async () => {
    const { port } = await routed(HttpHost.own({ port: 0 }), "/", named("in"));
    for (const bytes of [
      "",
      "GET / HTTP/1.1\r\nHost",
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n`,
    ]) {
      const client = new RawClient(port);
      await once(client.socket, "connect");
      client.socket.write(bytes);
      await turn(2);
      client.socket.resetAndDestroy();
    }
    expect(await get(port, "/")).toBe("200 in");
  });
});

describe.runIf(certificates !== undefined)("over TLS", () => {
  const { server } = certificates ?? ({} as Certificates);

  test("paths are served as over TCP, and origins that came as plain text are refused", async () => {
    const place = await routed(HttpHost.own({ port: 0, tls: server }), "/", named("in"));
    expect(place.secure).toBe(true);
    const ask = async (origin: string): Promise<string> => {
      const socket = tls.connect({ port: place.port, host: "127.0.0.1", rejectUnauthorized: false });
      socket.write(`GET / HTTP/1.1\r\nHost: localhost:${place.port}\r\n${origin}\r\nConnection: close\r\n\r\n`);
      let text = "";
      for await (const chunk of socket) text += String(chunk);
      return text;
    };
    expect(await ask(`Origin: https://localhost:${place.port}`)).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask(`Origin: http://localhost:${place.port}`)).toMatch(/^HTTP\/1.1 403 /);
  });

  test("whoever speaks something else, or nothing, is dropped at the latest when the server closes", async () => {
    const place = await routed(HttpHost.own({ port: 0, tls: server }), "/", named("in"));
    const wrong = new RawClient(place.port);
    wrong.socket.write("GET / HTTP/1.1\r\n\r\n");
    await wrong.closed;
    const silent = new RawClient(place.port);
    await once(silent.socket, "connect");
    await turn();
    place.close();
    await silent.closed;
  });
});

describe("a user's own server", () => {
  test("keeps its requests, its upgrades and its listeners", async () => {
    const app: RequestListener = (_, response) => void response.end("app");
    const { server, port } = await ownServer(app);
    const theirs = (request: http.IncomingMessage, socket: Parameters<typeof refuseUpgrade>[0]): void => {
      if (request.url === "/theirs") refuseUpgrade(socket, 418, "theirs");
    };
    server.on("upgrade", theirs);
    const ours = await routed(HttpHost.of(server), "/ours", named("ours", ["upgrade"]));
    expect(server.listeners("request")).toEqual([app]);
    expect(await upgrade(port, "/ours")).toBe("418 ours");
    expect(await upgrade(port, "/theirs")).toBe("418 theirs");
    expect(await get(port, "/ours")).toBe("200 app");
    expect(await get(port, "/")).toBe("200 app");
    const third = await routed(HttpHost.of(server), "/third", named("third"));
    expect(await get(port, "/third")).toBe("200 third");
    expect(await get(port, "/ours")).toBe("200 app");
    ours.close();
    third.close();
    await turn();
    expect(server.listeners("request")).toEqual([app]);
    expect(server.listeners("upgrade")).toEqual([theirs]);
    expect(server.listening).toBe(true);
    expect(await get(port, "/third")).toBe("200 app");
  });

  test("an upgrade that nobody else wants gets 404, and one that somebody else may want is left alone", async () => {
    const { server, port } = await ownServer();
    const place = await routed(HttpHost.of(server), "/ours", named("ours", ["upgrade"]));
    expect(await upgrade(port, "/other")).toMatch(/^404 /);
    expect(await get(port, "/ours")).toMatch(/^426 /);
    expect(await get(port, "/other")).toMatch(/^404 /);
    server.on("upgrade", () => {});
    const client = new RawClient(port);
    await once(client.socket, "connect");
    void client.upgrade("/other");
    await expect.poll(() => server.listenerCount("upgrade")).toBe(2);
    await turn(20);
    expect(client.socket.closed).toBe(false);
    expect(client.received.length).toBe(0);
    place.close();
  });

  test("two of our hosts on it are one", async () => {
    const { server, port } = await ownServer();
    expect(HttpHost.of(server)).toBe(HttpHost.of(server));
    await routed(HttpHost.of(server), "/a", named("a", ["upgrade"]));
    await routed(HttpHost.of(server), "/b", named("b", ["upgrade"]));
    expect(server.listenerCount("upgrade")).toBe(1);
    expect(await upgrade(port, "/b")).toBe("418 b");
    expect(await upgrade(port, "/c")).toMatch(/^404 /);
  });

  test("need not listen yet", async () => {
    const server = http.createServer();
    const place = await HttpHost.of(server).route("/", named("in"));
    expect(place.authority).toBeUndefined();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    expect(place.authority).toBe(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await get(portOf(place), "/")).toBe("200 in");
  });
});
