import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { requestListener } from "../src/http/node/listener.ts";
import { HttpBridge, type HttpOptions } from "../src/http.ts";
import { Server } from "../src/server/server.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { Log } from "./suites/engine.ts";
import { callText, told } from "./suites/http-ends.ts";
import { until } from "./suites/support.ts";
import { RawClient } from "./suites/ws-ends.ts";

/** A bridge at a server of the user's own, which has its own times for connections, and things of its own before it. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const handlers = {
  echo: (params: unknown) => params,
  slow: ([ms]: [number]) => new Promise((resolve) => setTimeout(() => resolve("slow"), ms)),
};

interface Own {
  readonly port: number;
  readonly url: string;
  readonly log: Log;
  readonly bridge: HttpBridge;
}

async function serveAt(
  options: HttpOptions,
  settings: http.ServerOptions = {},
  around: (listener: http.RequestListener) => http.RequestListener = (listener) => listener,
): Promise<Own> {
  const bridge = new HttpBridge(options);
  const log = new Log();
  const server = await Server.open([bridge.listen], jsonrpc(), { handlers, logger: log });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const own = http.createServer(settings, around(requestListener(bridge)));
  own.listen(0, "127.0.0.1");
  cleanups.push(() => {
    own.closeAllConnections();
    own.close();
  });
  await once(own, "listening");
  const { port } = own.address() as net.AddressInfo;
  return { port, url: `http://127.0.0.1:${port}/`, log, bridge };
}

async function dial(port: number): Promise<{ socket: net.Socket; answer: () => string }> {
  const client = new RawClient(port);
  await once(client.socket, "connect");
  return { socket: client.socket, answer: () => client.text };
}

function postText(port: number, body: string): string {
  const lines = ["POST / HTTP/1.1", `Host: 127.0.0.1:${port}`, "Content-Type: application/json"];
  return [...lines, `Content-Length: ${body.length}`, "", body].join("\r\n");
}

describe("the time for which an answer is not read", () => {
  test("is not that of the next call on the same connection", async () => {
    const { port } = await serveAt({ bodyTimeoutMs: 100 }, { keepAliveTimeout: 0 });
    const { socket, answer } = await dial(port);
    socket.write(postText(port, callText(1, "echo", "[1]")));
    await until(() => answer().endsWith('"result":[1]}'));
    socket.write(postText(port, callText(2, "slow", "[300]")));
    await until(() => answer().endsWith('"result":"slow"}') || socket.destroyed);
    expect(answer()).toContain('"id":2');
  });

  test("is not that of calls which were written behind the first", async () => {
    const { port } = await serveAt({ bodyTimeoutMs: 100 });
    const { socket, answer } = await dial(port);
    const calls = [callText(1, "slow", "[50]"), callText(2, "echo", "[2]"), callText(3, "slow", "[400]")];
    socket.write(calls.map((call) => postText(port, call)).join(""));
    await until(() => answer().endsWith('"result":"slow"}') && answer().includes('"id":3'));
    expect(answer().match(/"id":\d/g)).toEqual(['"id":1', '"id":2', '"id":3']);
  });

  test("is none of a connection that is idle: that has the server's own", async () => {
    const { port } = await serveAt({}, { keepAliveTimeout: 50 });
    const { socket, answer } = await dial(port);
    const closed = once(socket, "close");
    socket.write(postText(port, callText(1, "echo", "[1]")));
    await closed;
    expect(answer()).toContain('"result":[1]');
  });
});

describe("a body that was read before", () => {
  const body = callText(1, "echo", "[1]");
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const why = "The body was read before it came here: mount the bridge ahead of body parsers";

  test.each([
    ["as a whole", "end"],
    ["in part", "data"],
  ])("%s at Node's server is answered with advice", async (_, event) => {
    const { url, log } = await serveAt(
      {},
      {},
      (listener) => (request, response) => void request.once(event, () => listener(request, response)).resume(),
    );
    expect(await told(await fetch(url, init))).toBe(`500 ${why}`);
    expect(log.of("error")).toEqual([`An HTTP request failed: ${why}`]);
  });

  test("by a hook of the user's is answered with advice", async () => {
    const { bridge, log } = await serveAt({ parseRequest: (request) => request.text() });
    const request = new Request("http://localhost/", init);
    await request.text();
    expect(await told(await bridge.fetch(request))).toBe(`500 ${why}`);
    expect(log.of("error")).toEqual([`An HTTP request failed: ${why}`]);
  });

  test.each([
    ["was read", (request: Request) => request.text()],
    ["is being read", async (request: Request) => void request.body?.getReader()],
  ])("in a request of the platform that %s is answered with advice", async (_, read) => {
    const { bridge, log } = await serveAt({});
    const request = new Request("http://localhost/", init);
    await read(request);
    expect(await told(await bridge.fetch(request))).toBe(`500 ${why}`);
    expect(log.of("error")).toEqual([`An HTTP request failed: ${why}`]);
  });
});

test("replies that are posted are answered with 204, and so are notifications beside them", async () => {
  const { url } = await serveAt({});
  const reply = '{"jsonrpc":"2.0","id":1,"result":2}';
  for (const body of [reply, `[${reply}]`, `[${reply},{"jsonrpc":"2.0","method":"echo"}]`]) {
    for (const accept of ["application/json", "text/event-stream"]) {
      const headers = { "content-type": "application/json", accept };
      expect(await told(await fetch(url, { method: "POST", headers, body }))).toBe("204");
    }
  }
  const mixed = `[${reply},${callText(1, "echo", "[3]")}]`;
  const headers = { "content-type": "application/json" };
  expect(await told(await fetch(url, { method: "POST", headers, body: mixed }))).toBe(
    '200 [{"jsonrpc":"2.0","id":1,"result":[3]}]',
  );
});
