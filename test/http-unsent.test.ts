import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import { Client, type ConnectOptions } from "../src/client/client.ts";
import { nodeHttpDialer } from "../src/http/node/dialer.ts";
import { type HttpConnectOptions, httpDialer } from "../src/http.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { makeCertificates } from "./suites/certificates.ts";
import { codeOf } from "./suites/engine.ts";

/** Requests that fail before there is a connection, on real sockets: the server cannot have seen anything of them. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  cleanups.push(() => server.close());
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

/** Ends each connection when something has come over it, and before it is answered. */
function breaker(): http.Server {
  return http.createServer((request) => void request.socket.destroy());
}

const dialers = [
  ["fetch", httpDialer],
  ["Node's own client", nodeHttpDialer],
] as const;

async function clientOf(
  dialer: typeof httpDialer,
  url: string,
  options: ConnectOptions & HttpConnectOptions = {},
): Promise<Client> {
  const client = await Client.open(dialer({ url, ...options }), jsonrpc(), {
    logger: false,
    redial: false,
    ...options,
  });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client;
}

test.each(dialers)("%s: a server that cannot be reached has run nothing", async (_, dialer) => {
  const port = await freePort();
  for (const host of ["127.0.0.1", "localhost", "nobody.invalid"]) {
    const client = await clientOf(dialer, `http://${host}:${port}/`);
    expect([host, await codeOf(client.call("m"))]).toEqual([host, "unavailable/no"]);
  }
});

test.each(dialers)("%s: a connection that breaks may have brought the request", async (_, dialer) => {
  const client = await clientOf(dialer, `http://127.0.0.1:${await listen(breaker())}/`);
  expect(await codeOf(client.call("m"))).toBe("unavailable/unknown");
});

test("Node's own client: of calls that are made at once none was sent when nobody listens", async () => {
  const client = await clientOf(nodeHttpDialer, `http://127.0.0.1:${await freePort()}/`, { maxRequests: 4 });
  const calls = Array.from({ length: 10 }, () => codeOf(client.call("m")));
  expect(new Set(await Promise.all(calls))).toEqual(new Set(["unavailable/no"]));
});

test("Node's own client: a connection that was used before and breaks may have brought the request", async () => {
  let answered = 0;
  const own = http.createServer((request, response) => {
    if (answered++ > 0) return request.socket.destroy();
    response.setHeader("content-type", "application/json").end('{"jsonrpc":"2.0","id":1,"result":1}');
    request.resume();
  });
  const client = await clientOf(nodeHttpDialer, `http://127.0.0.1:${await listen(own)}/`);
  expect(await client.call("m")).toBe(1);
  expect(await codeOf(client.call("m"))).toBe("unavailable/unknown");
});

test.each(dialers)("%s: calls wait for a server that is not up yet", async (_, dialer) => {
  const port = await freePort();
  const client = await clientOf(dialer, `http://127.0.0.1:${port}/`, { redial: { baseMs: 20, maxMs: 20 } });
  const call = client.call("m");
  await expect.poll(() => client.stats().redials).toBeGreaterThan(1);
  const own = http.createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      const { id } = JSON.parse(text) as { id: number };
      response.setHeader("content-type", "application/json").end(`{"jsonrpc":"2.0","id":${id},"result":"up"}`);
    });
  });
  own.listen(port, "127.0.0.1");
  cleanups.push(() => {
    own.closeAllConnections();
    own.close();
  });
  expect(await call).toBe("up");
});

const certificates = makeCertificates();

test.skipIf(certificates === undefined).each(dialers)(
  "%s: a server that is not trusted gets nothing of the request",
  async (name, dialer) => {
    if (certificates === undefined) return;
    let came = "";
    const server = tls.createServer({ ...certificates.stranger }, (socket) => {
      socket.on("data", (chunk) => {
        came += chunk.toString();
      });
      socket.on("error", () => {});
    });
    const ended = once(server, "tlsClientError");
    const client = await clientOf(dialer, `https://127.0.0.1:${await listen(server)}/`);
    // A fetch does not say what was wrong in a way that is known.
    const code = name === "fetch" ? "unavailable" : "unauthenticated";
    expect(await codeOf(client.call("m"))).toBe(`${code}/no`);
    await Promise.race([ended, once(server, "secureConnection")]);
    expect(came).toBe("");
  },
);

test("Node's own client: a server that does not speak TLS has run nothing", async () => {
  const plain = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.destroy());
  });
  const client = await clientOf(nodeHttpDialer, `https://127.0.0.1:${await listen(plain)}/`);
  expect(await codeOf(client.call("m"))).toBe("unavailable/no");
});
