/* Requests that offer another protocol than WebSocket, as curl --http2 and Java's client do, are ordinary ones (RFC 9110, 7.8). */
import { once } from "node:events";
import http, { type RequestListener } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { jsonrpc } from "../src/jsonrpc.ts";
import { connect, http as httpAt, httpListen, serve, webSocket, wsListen } from "../src/node.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { deferred } from "./suites/support.ts";
import { RawClient } from "./suites/ws-ends.ts";

const OFFER = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"];
const CALL = '{"jsonrpc":"2.0","id":1,"method":"hi"}';
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":"hello"}';
const handlers = { hi: () => "hello" };
const made = makeCertificates();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serving(...[places, options]: Parameters<typeof serve>): Promise<number> {
  const server = await serve(places, { handlers, logger: false, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return Number(/:(\d+)/.exec(server.addresses[0] ?? "")?.[1]);
}

async function listening<Kind extends http.Server>(server: Kind): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A user's own server with WebSocket of ours at /ws. */
async function beside(page: RequestListener): Promise<number> {
  const app = http.createServer(page);
  const port = await listening(app);
  await serving(wsListen({ server: app, path: "/ws" }));
  return port;
}

function request(line: string, headers: readonly string[], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return [`${line} HTTP/1.1`, "Host: localhost", ...headers, ...length, "", body].join("\r\n");
}

/** Sends the bytes on one connection and gives all that came until the condition holds, or the end. */
async function answers(port: number, bytes: string, last: string): Promise<string> {
  const client = new RawClient(port);
  client.socket.write(bytes.replaceAll("Host: localhost", `Host: localhost:${port}`), "latin1");
  await client.until(({ text }) => text.includes(last));
  return client.text;
}

const statuses = (text: string): string[] => text.match(/(?<=HTTP\/1\.1 )\d+/g) ?? [];

describe("a server of ours", () => {
  const post = request("POST /rpc", ["Content-Type: application/json", ...OFFER], CALL);

  test.each([
    ["with HTTP only", async () => serving("http://127.0.0.1:0/rpc")],
    ["with WebSocket, too", async () => serving(["ws://127.0.0.1:0/ws", "http://127.0.0.1:0/rpc"])],
    [
      "at a port",
      async () => serving("tcp://127.0.0.1:0", { wires: [jsonrpc(), httpAt({ path: "/rpc" }), webSocket()] }),
    ],
  ])("answers a call that offers HTTP/2, %s, and the next ones on its connection", async (_, begin) => {
    const port = await begin();
    const text = await answers(
      port,
      post + post.replace('"id":1', '"id":2') + post.replace('"id":1', '"id":3'),
      '"id":3',
    );
    expect(statuses(text)).toEqual(["200", "200", "200"]);
    expect(text.match(/"id":\d/g)).toEqual(['"id":1', '"id":2', '"id":3']);
    expect(text).not.toMatch(/101|^upgrade/im);
  });

  test("tells it what a path of WebSocket speaks, and 404 where there is nothing", async () => {
    const port = await serving(["ws://127.0.0.1:0/ws"]);
    const text = await answers(port, request("GET /ws", OFFER), "\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 426 /);
    expect(text).toMatch(/^upgrade: websocket\r$/im);
    expect(statuses(await answers(port, request("GET /", OFFER), "\r\n\r\n"))).toEqual(["404"]);
    const client = await connect(`ws://127.0.0.1:${port}/ws`, { logger: false });
    expect(await client.call("hi")).toBe("hello");
    await client.close();
  });

  test.skipIf(made === undefined)("answers it over TLS", async () => {
    const own = (made as Certificates).server;
    const port = await serving(["wss://127.0.0.1:0/ws", "https://127.0.0.1:0/rpc"], { tls: own });
    const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    socket.write(post.replace("localhost", `localhost:${port}`));
    let text = "";
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.endsWith("}")) break;
    }
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toContain(ANSWER);
  });
});

describe("a user's own server", () => {
  test("gets its request as it was sent, without the offer", async () => {
    const heads: (readonly string[])[] = [];
    const port = await beside(({ method, url, httpVersion, rawHeaders }, response) => {
      heads.push([`${method} ${url} ${httpVersion}`, ...rawHeaders]);
      response.end("page");
    });
    const odd = ["x-Odd:  \xe9 \tb ", "X-Odd: 2", "__proto__: x", "Empty:", "Cookie: a=b", "cookie: c=d"];
    const kept = ["x-Odd", "\xe9 \tb", "X-Odd", "2", "__proto__", "x", "Empty", "", "Cookie", "a=b", "cookie", "c=d"];
    await answers(port, request("GET /a%20b?c=%2F", [...odd, ...OFFER]), "page");
    expect(heads).toEqual([["GET /a%20b?c=%2F 1.1", "Host", `localhost:${port}`, ...kept]]);
  });

  test.each([
    ["Upgrade", []],
    ["keep-alive, Upgrade, HTTP2-Settings", ["keep-alive"]],
    ["UPGRADE,close", ["close"]],
    ["x-mine , http2-settings, upgrade", ["x-mine"]],
  ])("Connection: %s keeps what is not of the offer", async (connection, kept) => {
    const seen: (string | undefined)[] = [];
    const port = await beside(({ headers }, response) => {
      seen.push(headers.connection, headers.upgrade);
      response.end("page");
    });
    await answers(port, request("GET /", [`Connection: ${connection}`, "Upgrade: h2c"]), "page");
    expect(seen).toEqual([kept[0], undefined]);
  });

  test("answers in the order of the requests, with a body that looks like a request", async () => {
    const slow = deferred<() => void>();
    const bodies: string[] = [];
    const port = await beside((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += String(chunk);
      });
      request.on("end", () => {
        bodies.push(`${request.url} ${body}`);
        const answer = (): void => void response.end(`answer to ${request.url};`);
        if (request.url === "/slow") slow.resolve(answer);
        else answer();
      });
    });
    const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    const chunked = `POST /chunks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n${OFFER.join("\r\n")}\r\n\r\n`;
    const all = [
      request("GET /slow", []),
      request("POST /body", OFFER, inner),
      `${chunked}${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
      request("GET /next", OFFER),
      request("GET /last", []),
    ];
    const answered = answers(port, all.join(""), "answer to /last;");
    (await slow.promise)();
    const text = await answered;
    expect(text.match(/answer to \/\w+;/g)).toEqual(
      ["slow", "body", "chunks", "next", "last"].map((each) => `answer to /${each};`),
    );
    expect(bodies).toEqual(["/slow ", `/body ${inner}`, `/chunks ${inner}`, "/next ", "/last "]);
  });

  test("takes no body of a later request for a request", async () => {
    const seen: unknown[] = [];
    const port = await beside((request, response) => {
      seen.push(request.url);
      request.resume().on("end", () => response.end(`answer to ${request.url};`));
    });
    const inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    const both = request("GET /first", OFFER) + request("POST /second", [], inner);
    const client = new RawClient(port);
    client.socket.write(both.slice(0, -inner.length));
    await client.until(({ text }) => text.includes("answer to /first;"));
    client.socket.write(inner);
    await client.until(({ text }) => text.includes("answer to /second;"));
    expect(seen).toEqual(["/first", "/second"]);
  });

  test("reads a body that comes byte by byte", async () => {
    const port = await beside(async (request, response) => {
      const chunks = await request.toArray();
      response.end(`got ${Buffer.concat(chunks as Buffer[]).toString()}`);
    });
    const client = new RawClient(port);
    for (const byte of Buffer.from(request("POST /", OFFER, "body"))) {
      client.socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    await client.until(({ text }) => text.includes("got body"));
    expect(statuses(client.text)).toEqual(["200"]);
  });

  test("with so many headers that some may be missing it is refused, and nothing behind it is served", async () => {
    const seen: unknown[] = [];
    const port = await beside(({ url }, response) => {
      seen.push(url);
      response.end();
    });
    const many = Array.from({ length: 1200 }, (_, n) => `a${n}: b`);
    const client = new RawClient(port);
    client.socket.write(request("POST /", [...OFFER, ...many], request("GET /smuggled", [])));
    await client.closed;
    expect(statuses(client.text)).toEqual(["431"]);
    expect(seen).toEqual([]);
  });

  test("a connection that ends meanwhile harms nobody", async () => {
    const came = deferred<http.ServerResponse>();
    const port = await beside(({ url }, response) => {
      if (url === "/slow") came.resolve(response);
      else response.end("page");
    });
    const client = new RawClient(port);
    client.socket.write(request("GET /slow", []) + request("GET /", OFFER));
    const response = await came.promise;
    const closed = once(response, "close");
    client.socket.resetAndDestroy();
    await closed;
    expect(await answers(port, request("GET /", OFFER), "page")).toContain("page");
  });

  test.skipIf(made === undefined)("of HTTPS gets it, too", async () => {
    const app = https.createServer({ ...made?.server }, (_, response) => void response.end("page"));
    const port = await listening(app);
    await serving(wsListen({ server: app, path: "/ws" }));
    const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    socket.write(request("GET /", [...OFFER, "Connection: close"]));
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 200 .*page$/s);
  });

  test("whoever wants such offers there gets those to its own paths", async () => {
    const app = http.createServer((_, response) => void response.end("page"));
    app.on("upgrade", ({ url }, socket) => void socket.end(`HTTP/1.1 418 theirs ${url}\r\n\r\n`));
    const port = await listening(app);
    await serving([wsListen({ server: app, path: "/ws" }), httpListen({ server: app, path: "/rpc" })]);
    expect(await answers(port, request("GET /", OFFER), "\r\n\r\n")).toContain("418 theirs /");
    const post = request("POST /rpc", ["Content-Type: application/json", ...OFFER], CALL);
    expect(await answers(port, post, "hello")).toContain(ANSWER);
  });
});

describe("beside other listeners of a user's own server", () => {
  const askAt = async (url: string): Promise<unknown> => {
    const client = await connect(url, { redial: false, logger: false });
    try {
      return await client.call("hi", undefined, { timeoutMs: 2000 });
    } finally {
      await client.close();
    }
  };

  test.each(["before", "behind"])("a WebSocketServer with another path may stand %s ours", async (where) => {
    const app = http.createServer();
    const port = await listening(app);
    const others: WebSocketServer[] = [];
    const other = (): void => void others.push(new WebSocketServer({ server: app, path: "/chat" }));
    if (where === "before") other();
    const upgrades = app.listeners("upgrade");
    const server = await serve(wsListen({ server: app, path: "/rpc" }), { handlers, logger: false });
    if (where === "behind") other();
    const [chat] = others;
    chat?.on("connection", (socket: WebSocket) => socket.send("welcome"));
    expect(await askAt(`ws://127.0.0.1:${port}/rpc`)).toBe("hello");
    const theirs = new RawClient(port);
    expect(await theirs.upgrade("/chat")).toBe(101);
    await theirs.until(({ text }) => text.includes("welcome"));
    expect(await new RawClient(port).upgrade("/neither")).toBe(400);
    await server.close();
    expect(app.listeners("upgrade")).toEqual(where === "before" ? upgrades : app.listeners("upgrade").slice(-1));
    expect(await new RawClient(port).upgrade("/rpc")).toBe(400);
    expect(await new RawClient(port).upgrade("/chat")).toBe(101);
    chat?.close();
    for (const socket of chat?.clients ?? []) socket.terminate();
  });

  test("an app that is added later answers what is not ours, and all when ours has closed", async () => {
    const app = http.createServer();
    const port = await listening(app);
    const server = await serve([httpListen({ server: app, path: "/rpc" }), wsListen({ server: app, path: "/ws" })], {
      handlers,
      logger: false,
    });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    app.on("request", (_, response) => void response.writeHead(404).end("no such page"));
    app.once("request", () => {});
    for (const path of ["/", "/elsewhere"]) {
      expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).toBe("no such page");
    }
    expect(await askAt(`http://127.0.0.1:${port}/rpc`)).toBe("hello");
    expect(await askAt(`ws://127.0.0.1:${port}/ws`)).toBe("hello");
    await server.close();
    expect(await (await fetch(`http://127.0.0.1:${port}/rpc`)).text()).toBe("no such page");
    expect(app.listenerCount("upgrade")).toBe(0);
  });

  test("what stood around the server before, and after, goes on when ours has closed", async () => {
    const app = http.createServer((_, response) => void response.end("page"));
    const port = await listening(app);
    const seen: string[] = [];
    const watch = (name: string): void => {
      const { emit } = app;
      app.emit = ((event: string, ...args: unknown[]) => {
        if (event === "request") seen.push(name);
        return Reflect.apply(emit, app, [event, ...args]) as boolean;
      }) as typeof app.emit;
    };
    watch("inner");
    const server = await serve(httpListen({ server: app, path: "/rpc" }), { handlers, logger: false });
    watch("outer");
    await server.close();
    expect(await (await fetch(`http://127.0.0.1:${port}/rpc`)).text()).toBe("page");
    expect(seen).toEqual(["outer", "inner"]);
    await serving(httpListen({ server: app, path: "/rpc" }));
    expect(await askAt(`http://127.0.0.1:${port}/rpc`)).toBe("hello");
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  });
});
