import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { makeCertificates } from "../../../test/suites/certificates.ts";
import { deferred, Recorder, turn } from "../../../test/suites/support.ts";
import { linkTerms, RawClient, wsPair } from "../../../test/suites/ws-ends.ts";
import { ManualClock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { LinkTerms, RawConnection } from "../../core/wire.ts";
import { HttpHost } from "./http-host.ts";
import { type WsListenTarget, wsListen } from "./ws-listen.ts";

/** None where openssl is missing, which it says. */
const certificates = makeCertificates();

interface Place {
  readonly address: string;
  readonly port: number;
  readonly accepted: RawConnection[];
  /** The next connection that comes in. */
  next(): Promise<RawConnection>;
  close(): Promise<void>;
}

async function listening(options: Partial<WsListenTarget> = {}, terms: LinkTerms = linkTerms()): Promise<Place> {
  const accepted: RawConnection[] = [];
  let waiting = deferred<RawConnection>();
  const listener = await wsListen({ port: 0, path: "/rpc", ...options })((connection) => {
    accepted.push(connection);
    if (connection.channel !== undefined) new Recorder().open(connection.channel);
    waiting.resolve(connection);
    waiting = deferred();
  }, terms);
  onTestFinished(async () => {
    for (const { channel } of accepted) channel?.close();
    await listener.close();
  });
  return {
    address: listener.address,
    port: Number(new URL(listener.address).port),
    accepted,
    next: () => waiting.promise,
    close: () => listener.close(),
  };
}

/** Dials with `ws` itself: gives the open socket, or the status and text of the refusal. */
async function dial(
  url: string,
  { protocols = [], ...options }: ClientOptions & { readonly protocols?: string[] } = {},
): Promise<WebSocket | string> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  onTestFinished(() => socket.terminate());
  const opened = once(socket, "open").then(() => socket);
  const refused = once(socket, "unexpected-response").then(async ([, response]: IncomingMessage[]) => {
    let text = "";
    for await (const chunk of response ?? []) text += String(chunk);
    return `${response?.statusCode} ${text.trim()}`;
  });
  return Promise.race([opened, refused]);
}

const isOpen = async (url: string, options?: ClientOptions): Promise<boolean> =>
  (await dial(url, options)) instanceof WebSocket;

describe("Host and Origin", () => {
  test.each([
    ["no origin", {}, "in"],
    ["the page of this server", { Origin: "http://127.0.0.1:PORT" }, "in"],
    ["the page of this server by its name", { Host: "localhost:PORT", Origin: "http://localhost:PORT" }, "in"],
    ["the page of this server by its IPv6 address", { Host: "[::1]:PORT", Origin: "http://[::1]:PORT" }, "in"],
    ["a name that was pointed here", { Host: "evil.example:PORT" }, "option hosts"],
    [
      "a page whose name was pointed here",
      { Host: "evil.example:PORT", Origin: "http://evil.example:PORT" },
      "option hosts",
    ],
    ["another page", { Origin: "https://evil.example" }, "option origins"],
    ["a page of another port", { Origin: "http://localhost:1" }, "option origins"],
    ["a page without an origin", { Origin: "null" }, "option origins"],
    ["a wrong port", { Host: "localhost:1" }, "option hosts"],
    ["no port", { Host: "localhost" }, "option hosts"],
    ["an address that is not the socket's", { Host: "0.0.0.0:PORT" }, "option hosts"],
  ])("%s: %o gives %s", async (_, given, expected) => {
    const logged = linkTerms();
    const { address, port, accepted } = await listening({}, logged);
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace("PORT", String(port))]),
    );
    const outcome = await dial(address, { headers });
    if (expected === "in") {
      expect(outcome).toBeInstanceOf(WebSocket);
      return;
    }
    expect(outcome).toMatch(new RegExp(`^403 The (host|origin) ".*" is not allowed here: list it in the ${expected}$`));
    expect(accepted).toEqual([]);
    expect(logged.logger.of("warn")).toEqual([expect.stringMatching(/^Refused 127\.0\.0\.1:\d+: The /)]);
  });

  test("listed hosts and origins come in", async () => {
    const { address } = await listening({ hosts: ["rpc.example"], origins: ["https://app.example", "null"] });
    expect(await isOpen(address, { headers: { Host: "rpc.example" } })).toBe(true);
    expect(await isOpen(address, { headers: { Host: "rpc.example", Origin: "https://rpc.example" } })).toBe(true);
    expect(await isOpen(address, { headers: { Origin: "https://app.example" } })).toBe(true);
    expect(await isOpen(address, { headers: { Origin: "null" } })).toBe(true);
    expect(await isOpen(address, { headers: { Origin: "https://other.example" } })).toBe(false);
  });

  test("what a client sent is escaped in the log and in the answer", async () => {
    const logged = linkTerms();
    const { port } = await listening({}, logged);
    const client = new RawClient(port);
    expect(await client.upgrade("/rpc", ["Origin: <b>\u009b31m\u00ad"])).toBe(403);
    await client.closed;
    expect(client.text).toContain("Content-Type: text/plain");
    expect(logged.logger.of("warn").join()).toContain("\\u009b");
    expect(logged.logger.of("warn").join()).not.toContain("\u009b");
  });

  test("an entry that cannot be meant is a TypeError at once", () => {
    expect(() => wsListen({ port: 0, hosts: ["https://example.org"] })).toThrow(TypeError);
    expect(() => wsListen({ port: 0, origins: ["example.org"] })).toThrow(TypeError);
    expect(() => wsListen({ port: 70_000 })).toThrow(RangeError);
    expect(() => wsListen({ port: 0, tls: {} })).toThrow(TypeError);
  });
});

describe("the handshake", () => {
  test.each([
    [["other", "v2", "v1"], "v2"],
    [["v1"], "v1"],
  ])("of the subprotocols %j that are spoken the first is taken", async (protocols, taken) => {
    const { address } = await listening({ protocols: ["v1", "v2"] });
    const socket = await dial(address, { protocols });
    expect(socket).toMatchObject({ protocol: taken });
  });

  test("a subprotocol that is not spoken is not taken, and without any all is well", async () => {
    const { address, port } = await listening({ protocols: ["v1"] });
    expect(await isOpen(address)).toBe(true);
    const client = new RawClient(port);
    expect(await client.upgrade("/rpc", ["Sec-WebSocket-Protocol: v3"])).toBe(101);
    expect(client.text).not.toMatch(/sec-websocket-protocol/i);
  });

  test.each([
    ["another path", "/other", [], 404],
    ["no version", "/rpc", ["Sec-WebSocket-Version: 7"], 400],
    ["another protocol", "/rpc", ["Upgrade: h2c"], 426],
    ["a bad list of subprotocols", "/rpc", ["Sec-WebSocket-Protocol: a,,b"], 400],
  ])("%s is refused", async (_, path, headers, status) => {
    const { port, accepted } = await listening();
    const client = new RawClient(port);
    expect(await client.upgrade(path, headers)).toBe(status);
    await client.closed;
    expect(accepted).toEqual([]);
  });

  test("deflate is spoken only where it was asked for on both sides", async () => {
    const off = await listening();
    const on = await listening({ deflate: true });
    for (const [{ address }, perMessageDeflate, extensions] of [
      [off, true, ""],
      [on, false, ""],
      [on, true, "permessage-deflate"],
    ] as const) {
      expect(await dial(address, { perMessageDeflate })).toMatchObject({ extensions });
    }
  });

  test("closing stops accepting, leaves connections alone, and frees the port", async () => {
    const { address, close, port } = await listening();
    const socket = await dial(address);
    await close();
    await close();
    await expect(dial(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    if (typeof socket === "string") throw new Error(socket);
    socket.ping();
    await once(socket, "pong");
    expect((await listening({ port })).port).toBe(port);
  });
});

describe("several places", () => {
  test("several paths share a server, and each has its own guard", async () => {
    const at = HttpHost.own({ port: 0 });
    const one = await listening({ at, path: "/one", origins: ["https://app.example"] });
    const two = await listening({ at, path: "/two" });
    expect(two.port).toBe(one.port);
    const headers = { Origin: "https://app.example" };
    expect(await isOpen(one.address, { headers })).toBe(true);
    expect(await isOpen(two.address, { headers })).toBe(false);
    expect(await isOpen(two.address)).toBe(true);
    await one.close();
    expect(await dial(one.address)).toMatch(/^404 /);
    expect(await isOpen(two.address)).toBe(true);
    await expect(listening({ at, path: "/two" })).rejects.toMatchObject({ code: "already_exists" });
  });

  test("a user's own server gets the path, and its address when it listens", async () => {
    const server = http.createServer((_, response) => void response.end("app"));
    const before = { upgrade: server.listeners("upgrade"), request: server.listeners("request") };
    const listener = await wsListen({ server, path: "/rpc" })(() => {}, linkTerms());
    expect(listener.address).toBe("ws:/rpc");
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    expect(listener.address).toBe(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`);
    expect(await isOpen(listener.address)).toBe(true);
    expect(await dial(listener.address.replace("/rpc", "/other"))).toMatch(/^404 /);
    await listener.close();
    await turn();
    expect({ upgrade: server.listeners("upgrade"), request: server.listeners("request") }).toEqual(before);
    expect(server.listening).toBe(true);
  });
});

describe("who is there", () => {
  test("the address of the other side is known on both ends", async () => {
    const { client, server, cleanup } = await wsPair();
    onTestFinished(() => cleanup?.());
    expect(server.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(client.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(client.remoteAddress).not.toBe(server.remoteAddress);
    for (const { channel } of [client, server]) channel?.close();
  });

  test("identify says who it is, from what the request has", async () => {
    const identify = async ({ headers, url }: IncomingMessage): Promise<unknown> => {
      await turn(1);
      return { user: headers["x-user"], url };
    };
    const { address, next } = await listening({ identify });
    const connection = next();
    await dial(`${address}?a=b`, { headers: { "x-user": "ann" } });
    expect((await connection).identity).toEqual({ user: "ann", url: "/rpc?a=b" });
  });

  test.each([
    [new RpcError("unauthenticated", "Who are you"), "401 Who are you"],
    [new RpcError("permission_denied", "Not you"), "403 Not you"],
    [new RpcError("resource_exhausted", "Later"), "429 Later"],
    [new RpcError("unavailable", "Closing"), "503 Closing"],
    [new Error("secret"), "500 Internal error"],
  ])("identify refuses with %s", async (error, expected) => {
    const logged = linkTerms();
    const throwing = await listening({ identify: () => Promise.reject(error) }, logged);
    expect(await dial(throwing.address)).toBe(expected);
    expect(throwing.accepted).toEqual([]);
    expect(logged.logger.of("error")).toHaveLength(expected.startsWith("500") ? 1 : 0);
    const thrower = (): never => {
      throw error;
    };
    expect(await dial((await listening({ identify: thrower })).address)).toBe(expected);
  });

  test("identify has the time of a handshake", async () => {
    const clock = new ManualClock();
    const asked = deferred();
    const identify = (): Promise<never> => {
      asked.resolve();
      return new Promise(() => {});
    };
    const { address } = await listening({ identify }, linkTerms({ clock, handshakeTimeoutMs: 500 }));
    const outcome = dial(address);
    await asked.promise;
    clock.advance(500);
    expect(await outcome).toMatch(/^503 .*within 500 ms/);
    expect(clock.listeners).toBe(0);
  });

  test("a client that leaves while it is identified, and a server that closes meanwhile, harm nobody", async () => {
    const asked = [deferred(), deferred()];
    const answer = deferred<string>();
    let calls = 0;
    const place = await listening({
      identify: () => {
        asked[calls++]?.resolve();
        return answer.promise;
      },
    });
    const leaving = new RawClient(place.port);
    void leaving.upgrade("/rpc");
    await asked[0]?.promise;
    leaving.socket.resetAndDestroy();
    const staying = new RawClient(place.port);
    void staying.upgrade("/rpc");
    await asked[1]?.promise;
    await place.close();
    await staying.closed;
    answer.resolve("ann");
    await turn();
    expect(place.accepted).toEqual([]);
  });

  test.runIf(certificates !== undefined)("the certificate of a client is its identity", async () => {
    if (certificates === undefined) return;
    const { ca, server, client } = certificates;
    const pair = await wsPair({ tls: { ca, ...server } }, { tls: { ca, ...client } });
    onTestFinished(() => pair.cleanup?.());
    expect(pair.server.identity).toMatchObject({ subject: { CN: "ann", O: "Example" } });
    expect(pair.client.identity).toMatchObject({ subject: { CN: "server" } });
    for (const { channel } of [pair.client, pair.server]) channel?.close();
  });
});
