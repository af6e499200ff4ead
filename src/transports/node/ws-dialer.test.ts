import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { makeCertificates } from "../../../test/suites/certificates.ts";
import { deferred } from "../../../test/suites/support.ts";
import { linkTerms, meetAt, rawServer, wsPair } from "../../../test/suites/ws-ends.ts";
import type { RawConnection } from "../../core/wire.ts";
import { type WsTarget, wsDialer } from "./ws-dialer.ts";
import { wsListen } from "./ws-listen.ts";

/** None where openssl is missing, which it says. */
const certificates = makeCertificates();
const never = new AbortController().signal;

function dial(url: string, options: Partial<WsTarget> = {}, signal = never): Promise<RawConnection> {
  return wsDialer({ url, ...options })(signal, linkTerms());
}

/** A server that answers requests for a WebSocket as the test wants. */
async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = http.createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
}

/** A server that takes every WebSocket, and the request that it got. */
async function taking(): Promise<{ readonly url: string; readonly request: Promise<IncomingMessage> }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const request = once(server, "connection").then(([, incoming]) => incoming as IncomingMessage);
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/rpc?a=b`, request };
}

describe("what is sent", () => {
  test("path, query, headers and subprotocols go out, and no extension", async () => {
    const { url, request } = await taking();
    const { channel } = await dial(url, { headers: { "X-Trace": "1" }, protocols: ["v2", "v1"] });
    const { headers, url: path } = await request;
    expect(path).toBe("/rpc?a=b");
    expect(headers).toMatchObject({ "x-trace": "1", "sec-websocket-protocol": "v2,v1", host: new URL(url).host });
    expect(headers["sec-websocket-extensions"]).toBeUndefined();
    expect(headers.origin).toBeUndefined();
    channel?.close();
  });

  test("headers may be made anew for each attempt: a token ends, and the redial has the next one", async () => {
    const seen: (string | undefined)[] = [];
    const url = await answering(({ headers }, response) => {
      seen.push(headers.authorization);
      response.writeHead(503).end();
    });
    let token = 0;
    const again = wsDialer({ url, headers: async () => ({ authorization: `Bearer ${++token}` }) });
    for (let n = 0; n < 2; n++) await expect(again(never, linkTerms())).rejects.toThrow("503");
    expect(seen).toEqual(["Bearer 1", "Bearer 2"]);
    await expect(dial(url, { headers: () => ({ "bad name": "x" }) })).rejects.toThrow(TypeError);
    await expect(dial("ws://192.0.2.1/", { headers: () => ({ cookie: "a=b" }) })).rejects.toThrow("plain text");
  });

  test("a user and password of the address are Basic authorization", async () => {
    const { url, request } = await taking();
    const { channel } = await dial(url.replace("//", "//ann:s%3Ae@"));
    expect((await request).headers.authorization).toBe(`Basic ${Buffer.from("ann:s:e").toString("base64")}`);
    channel?.close();
  });

  test.each([
    ["ws://ann:secret@example.org/", {}],
    ["ws://example.org/", { Authorization: "Bearer secret" }],
    ["ws://192.0.2.1/", { cookie: "a=secret" }],
    ["ws://example.org/?access_token=secret", {}],
  ])("credentials over plain text to another machine are refused: %s %o", (url, headers) => {
    const make = (plaintextCredentials?: boolean) => (): unknown => wsDialer({ url, headers, plaintextCredentials });
    expect(make()).toThrow(/would cross the network as plain text.*plaintextCredentials/);
    expect(make()).not.toThrow(/secret/);
    expect(make(true)).not.toThrow();
    expect(() => wsDialer({ url: url.replace("ws:", "wss:"), headers })).not.toThrow();
    expect(() => wsDialer({ url: url.replace(/example\.org|192\.0\.2\.1/, "localhost"), headers })).not.toThrow();
  });

  test.each(["http://example.org", "ws://", "example.org", "", "ws://example.org/#a", "ftp://ann:secret@example.org"])(
    "%j is no address",
    (url) => {
      expect(() => wsDialer({ url })).toThrow(TypeError);
      expect(() => wsDialer({ url })).not.toThrow(/secret/);
    },
  );

  test("headers, subprotocols and certificates that cannot be used are a TypeError at once", () => {
    const url = "ws://127.0.0.1:1/";
    expect(() => wsDialer({ url, headers: { "a b": "x" } })).toThrow(TypeError);
    expect(() => wsDialer({ url, headers: { a: "x\r\nHost: evil" } })).toThrow(TypeError);
    expect(() => wsDialer({ url, protocols: ["a,b"] })).toThrow(TypeError);
    expect(() => wsDialer({ url, tls: {} })).toThrow("wss://");
    expect(() => wsDialer({ url: "wss://127.0.0.1", tls: { ca: "no PEM", cert: "x", key: "y" } })).toThrow(TypeError);
  });
});

describe("a refusal", () => {
  test.each([
    [400, "invalid_argument"],
    [401, "unauthenticated"],
    [403, "permission_denied"],
    [404, "not_found"],
    [426, "unimplemented"],
    [429, "resource_exhausted"],
    [500, "unavailable"],
    [502, "unavailable"],
    [503, "unavailable"],
    [200, "unavailable"],
  ])("with %d is %s, and says what the server said", async (status, code) => {
    const url = await answering((_, response) => {
      response.writeHead(status, { "Content-Type": "text/plain" }).end("because\u009b\n");
    });
    const failed = dial(url);
    await expect(failed).rejects.toMatchObject({ code, wireCode: status, executed: "no" });
    await expect(failed).rejects.toThrow(`Cannot connect to ${url}: the server answered ${status} because`);
    await expect(failed).rejects.not.toThrow("\u009b");
  });

  test("with 426 says what became of the header, for this end has sent it", async () => {
    const url = await answering((_, response) => void response.writeHead(426).end());
    await expect(dial(url)).rejects.toThrow(
      /answered 426 Upgrade Required\. Something on the way took the header Upgrade away/,
    );
  });

  test("that is a redirect is not followed", async () => {
    const { url: other, request } = await taking();
    const url = await answering((_, response) => void response.writeHead(302, { Location: other }).end());
    await expect(dial(url)).rejects.toThrow(/answered 302 Found\. Redirects are not followed/);
    expect(await Promise.race([request, "nobody came"])).toBe("nobody came");
  });

  test("without end is read for a little only", async () => {
    const url = await answering((_, response) => {
      response.writeHead(500, { "Content-Type": "text/plain" });
      const more = (): void =>
        void (response.destroyed || response.write("x".repeat(10_000), () => setImmediate(more)));
      more();
    });
    const { message } = (await dial(url).catch((error: unknown) => error)) as Error;
    expect(message.length).toBeLessThan(500);
  });

  test.each([
    [
      "a wrong accept",
      () => "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
    ["another protocol", () => "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"],
    ["no HTTP", () => "SSH-2.0-OpenSSH\r\n"],
    [
      "a subprotocol that nobody asked for",
      (key: string) =>
        `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Protocol: x\r\n\r\n`,
    ],
    [
      "an extension that nobody asked for",
      (key: string) =>
        `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n`,
    ],
  ])("that is %s is unavailable", async (_, answer) => {
    const url = await rawServer(() => {}, answer);
    await expect(dial(url)).rejects.toMatchObject({ code: "unavailable", executed: "no" });
  });

  test("of all subprotocols is unavailable", async () => {
    const listen = wsListen({ port: 0, protocols: ["v9"] });
    await expect(meetAt(listen, (url) => wsDialer({ url, protocols: ["v1"] }))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test("by the system is unavailable, with advice", async () => {
    const { port } = await unused();
    await expect(dial(`ws://127.0.0.1:${port}/rpc`)).rejects.toThrow(
      `Cannot connect to ws://127.0.0.1:${port}/rpc: connection refused. Is the server running?`,
    );
  });
});

async function unused(): Promise<AddressInfo> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  server.close();
  return address;
}

describe("the signal", () => {
  test("ends an attempt that nobody answers, and closes its socket", async () => {
    const came = deferred<net.Socket>();
    const server = net.createServer((socket) => {
      socket.resume();
      came.resolve(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const controller = new AbortController();
    const failed = dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, {}, controller.signal);
    failed.catch(() => {});
    const socket = await came.promise;
    const closed = once(socket, "close");
    controller.abort();
    await expect(failed).rejects.toMatchObject({ code: "unavailable", executed: "no" });
    await closed;
  });

  test("has no say once the connection is open, and nobody listens to it any more", async () => {
    const { url } = await taking();
    const controller = new AbortController();
    const added: unknown[] = [];
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (added.push(args[1]), add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      added.splice(added.indexOf(args[1]), 1);
      remove(...args);
    };
    const { channel } = await dial(url, {}, signal);
    expect(added).toEqual([]);
    controller.abort();
    expect(channel).toBeDefined();
    channel?.close();
  });

  test("that has fired already dials nobody", async () => {
    await expect(dial("ws://127.0.0.1:1/", {}, AbortSignal.abort())).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe.runIf(certificates !== undefined)("over TLS", () => {
  if (certificates === undefined) return;
  const { ca, server, misnamed, expired, stranger } = certificates;

  test.each([
    ["of a stranger", { tls: stranger }, { tls: { ca } }, "not signed by one that tls.ca trusts"],
    ["that is over", { tls: expired }, { tls: { ca } }, "has expired"],
    ["for another name", { tls: misnamed }, { tls: { ca } }, 'not for "127.0.0.1"'],
    ["that is missing where one is wanted", { tls: { ca, ...server } }, { tls: { ca } }, "tls.cert and tls.key"],
  ])("a certificate %s ends the attempt with unauthenticated", async (_, listening, dialling, why) => {
    const failed = wsPair(listening, dialling);
    await expect(failed).rejects.toMatchObject({ code: "unauthenticated", executed: "no" });
    await expect(failed).rejects.toThrow(why);
  });

  test("the server's name can be given", async () => {
    const pair = await wsPair({ tls: misnamed }, { tls: { ca, serverName: "example.org" } });
    onTestFinished(() => pair.cleanup?.());
    for (const { channel } of [pair.client, pair.server]) channel?.close();
  });

  test("an environment variable does not switch the verification off", async () => {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    onTestFinished(() => void delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    await expect(wsPair({ tls: server })).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("who speaks plain text is told", async () => {
    const { port } = new URL(await answering((_, response) => void response.end()));
    await expect(dial(`wss://127.0.0.1:${port}/`, { tls: { ca } })).rejects.toThrow("does not speak TLS");
  });
});
