import http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { Client, type ConnectOptions } from "../src/client/client.ts";
import type { CallContext } from "../src/core/context.ts";
import type { Listen } from "../src/core/wire.ts";
import { httpListen } from "../src/http/node/listen.ts";
import { type NodePollTarget, nodePollDialer } from "../src/http/node/poll-dialer.ts";
import { pollListen } from "../src/http/node/poll-listen.ts";
import { LINK_HEADER, MEDIA_TYPE, openingBody, readOpened } from "../src/http/poll/envelope.ts";
import { newLinkId } from "../src/http/poll/link-id.ts";
import { type ServeOptions, Server } from "../src/server/server.ts";
import { HttpHost } from "../src/transports/node/http-host.ts";
import type { TlsIdentity } from "../src/transports/node/tls.ts";
import { wsDialer } from "../src/transports/node/ws-dialer.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { native } from "../src/wires/native.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { Log } from "./suites/engine.ts";
import { bodyOf, httpUrl } from "./suites/poll-ends.ts";
import { relayTo } from "./suites/relay.ts";
import { deferred, until } from "./suites/support.ts";

const made = makeCertificates();
const certificates = made as Certificates;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  who: (_: unknown, { identity }: CallContext) => (identity as TlsIdentity | undefined)?.subject["CN"] ?? "nobody",
  askBack: (_: unknown, { peer }: CallContext) => peer.call("name"),
};

async function serving(listens: Listen | Listen[], options: ServeOptions<never> = {}): Promise<Server> {
  const places = Array.isArray(listens) ? listens : [listens];
  const server = await Server.open(places, native(), { handlers, logger: new Log(), ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server;
}

async function connected(target: NodePollTarget, options: ConnectOptions<never> = {}): Promise<Client> {
  const client = await Client.open(nodePollDialer(target), native(), { logger: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client;
}

const addressOf = ({ addresses }: Server, at = 0): string => httpUrl(addresses[at] ?? "");

describe("links over HTTP on Node", () => {
  test("say where they are, and calls go both ways", async () => {
    const server = await serving(pollListen({ port: 0, path: "/rpc", scheme: "beat" }));
    expect(server.addresses[0]).toMatch(/^beat\+http:\/\/127\.0\.0\.1:\d+\/rpc$/);
    const client = await connected({ url: addressOf(server) }, { handlers: { name: () => "ann" } });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    expect(await client.call("askBack")).toBe("ann");
    expect(server.connections[0]?.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  test("do not hold up calls that follow one another, whichever answer tells that they were taken", async () => {
    const server = await serving(pollListen({ port: 0, path: "/rpc" }));
    const client = await connected({ url: addressOf(server) });
    let waits = 0;
    for (let n = 0; n < 1000; n++) {
      const began = performance.now();
      expect(await client.call("add", { a: n, b: 1 })).toBe(n + 1);
      if (performance.now() - began > 50) waits++;
    }
    // One that is held up waits up to 100 ms, and every twentieth was; a busy machine holds one up now and then, too.
    expect(waits).toBeLessThan(20);
  });

  test("share a server with WebSocket, JSON-RPC and each other, each at its path", async () => {
    const at = HttpHost.own({ port: 0 });
    const server = await serving([
      pollListen({ at, path: "/a" }),
      pollListen({ at, path: "/b" }),
      wsListen({ at, path: "/ws" }),
    ]);
    const json = await Server.open([httpListen({ at, path: "/json" })], jsonrpc(), { handlers, logger: false });
    cleanups.push(() => json.close());
    for (const each of [0, 1]) {
      const client = await connected({ url: addressOf(server, each) });
      expect(await client.call("add", { a: each, b: 1 })).toBe(each + 1);
    }
    const client = await Client.open(wsDialer({ url: server.addresses[2] ?? "" }), native(), { logger: false });
    expect(await client.call("add", { a: 1, b: 1 })).toBe(2);
    await client.close();
    const body = '{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":1,"b":2}}';
    const headers = { "content-type": "application/json" };
    const answer = await fetch(json.addresses[0] ?? "", { method: "POST", headers, body });
    expect(await answer.json()).toMatchObject({ result: 3 });
  });

  test("run on a server of the user's own, beside what it answers itself", async () => {
    const own = http.createServer((_, response) => void response.end("mine"));
    await new Promise<void>((resolve) => own.listen(0, "127.0.0.1", resolve));
    cleanups.push(
      () => own.closeAllConnections(),
      () => own.close(),
    );
    const server = await serving(pollListen({ server: own, path: "/link" }));
    const url = addressOf(server);
    const client = await connected({ url });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    expect(await (await fetch(new URL("/", url))).text()).toBe("mine");
  });

  test("live through connections that are cut, and calls that wait get their results", async () => {
    const gate = deferred<string>();
    const slow = { slow: () => gate.promise };
    const server = await serving(pollListen({ port: 0, hosts: ["*"] }), { handlers: slow });
    const relay = await relayTo(Number(new URL(addressOf(server)).port));
    cleanups.push(() => relay.close());
    const url = `http://127.0.0.1:${relay.port}/`;
    const client = await connected({ url });
    const call = client.call("slow");
    await until(() => server.connections.length === 1);
    for (let each = 0; each < 3; each++) {
      relay.cut();
      await until(() => relay.open > 0);
    }
    gate.resolve("whole");
    expect(await call).toBe("whole");
    expect(server.connections).toHaveLength(1);
  });

  test("end with their client's process or server at once where that can say so, and leave no socket", async () => {
    const sockets = (): number => process.getActiveResourcesInfo().filter((each) => /^TCP/.test(each)).length;
    const before = sockets();
    const gone = deferred<string>();
    const server = await serving(pollListen({ port: 0 }), { onDisconnect: (_, { message }) => gone.resolve(message) });
    const client = await connected({ url: addressOf(server) });
    const other = await connected({ url: addressOf(server) }, { redial: false });
    await client.close();
    expect(await gone.promise).toMatch(/^Closed by the other side/);
    await server.close();
    await other.closed;
    await until(() => sockets() <= before);
  });

  test("leave the port free when the server has closed", async () => {
    const server = await serving(pollListen({ port: 0 }));
    const { port } = new URL(addressOf(server));
    await connected({ url: addressOf(server) }, { redial: false });
    await server.close({ graceMs: 0 });
    await serving(pollListen({ port: Number(port) }));
  });

  test("are refused by wrong ids, over the network as well, and the connection goes on", async () => {
    const server = await serving(pollListen({ port: 0 }));
    const url = addressOf(server);
    const ask = async (link: string, body: Uint8Array<ArrayBuffer>): Promise<string> => {
      const headers = { "content-type": MEDIA_TYPE, [LINK_HEADER]: link };
      const answer = await fetch(url, { method: "POST", headers, body });
      return `${answer.status} ${(await answer.text()).trim()}`;
    };
    expect(await ask(newLinkId(), bodyOf({}))).toBe("410 There is no such link: open another");
    // More than was read when the answer left.
    expect(await ask(newLinkId(), new Uint8Array(200_000))).toBe("410 There is no such link: open another");
    const client = await connected({ url });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
  });
});

describe.skipIf(made === undefined)("links over HTTPS", () => {
  test("are bound to the certificate of their client", async () => {
    const { ca, server: own, client: mine } = certificates;
    const server = await serving(pollListen({ port: 0, tls: { ca, ...own } }));
    expect(server.addresses[0]).toMatch(/^poll\+https:/);
    const url = addressOf(server);
    const client = await connected({ url, tls: { ca, ...mine } });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    expect(await client.call("who")).not.toBe("nobody");
  });

  test("need somebody whom the client trusts", async () => {
    const server = await serving(pollListen({ port: 0, tls: certificates.server }));
    await expect(connected({ url: addressOf(server) }, { redial: false })).rejects.toThrow(/certificate/);
  });

  test("with the option tls are those of https:// only, and of Node's own client", () => {
    expect(() => nodePollDialer({ url: "http://localhost/", tls: {} })).toThrow("poll+https://");
    expect(() => nodePollDialer({ url: "https://localhost/", tls: {}, fetch })).toThrow("not both");
  });
});

test("an opening is answered with what the server takes", async () => {
  const server = await serving(pollListen({ port: 0, maxHoldMs: 5, idleMs: 1000 }), { maxFrameBytes: 9999 });
  const init = { method: "POST", headers: { "content-type": MEDIA_TYPE }, body: openingBody({ maxFrameBytes: 10 }) };
  const answer = await fetch(addressOf(server), init);
  expect(answer.status).toBe(201);
  expect(readOpened(new Uint8Array(await answer.arrayBuffer()))).toMatchObject({
    maxFrameBytes: 9999,
    maxHoldMs: 5,
    idleMs: 1000,
  });
});
