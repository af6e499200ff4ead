import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../src/core/clock.ts";
import type { RawConnection, Wire } from "../src/core/wire.ts";
import { gorpc } from "../src/gorpc.ts";
import {
  connect,
  grpc,
  http,
  type NodeConnectOptions,
  type NodeServeOptions,
  native,
  poll,
  serve,
  webSocket,
} from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import { portListen } from "../src/transports/node/port.ts";
import type { SocketService } from "../src/transports/node/port-doors.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { Log } from "./suites/engine.ts";
import { deferred, patternBytes, Recorder, turn, until } from "./suites/support.ts";
import { linkTerms, RawClient } from "./suites/ws-ends.ts";

/** None where openssl is missing, which it says. */
const made = makeCertificates();
const certificates = (made ?? {}) as Certificates;

const TCP = "tcp://127.0.0.1:0";
const LINES = [native(), jsonrpc(), lsp(), gorpc()];
const CALL = '{"jsonrpc":"2.0","id":1,"method":"echo","params":["hello"]}';
const REPLY = '{"jsonrpc":"2.0","id":1,"result":["hello"]}';

const handlers = { echo: (params: unknown) => params };
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Place {
  readonly server: Server;
  readonly port: number;
  readonly log: Log;
}

/** Serves on one port; ends with the test. */
async function serving(options: NodeServeOptions, address = TCP): Promise<Place> {
  const log = new Log();
  const server = await serve(address, { handlers, logger: log, ...options });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const { port } = new URL(server.addresses[0] ?? "");
  return { server, port: Number(port), log };
}

/** Says bytes and gives all that comes back until the end. */
async function answerTo(port: number, bytes: string | Uint8Array): Promise<Buffer> {
  const client = new RawClient(port);
  client.socket.write(bytes);
  await client.closed;
  return client.received;
}

async function echoed(
  address: string,
  options: NodeConnectOptions = {},
  params: unknown = ["hello"],
): Promise<unknown> {
  const client = await connect(address, { redial: false, ...options });
  cleanups.push(() => client.close({ graceMs: 0 }));
  return client.call("echo", params);
}

describe("a port with several wires", () => {
  const everything = [
    ...LINES,
    http({ path: "/rpc" }),
    webSocket(),
    webSocket({ path: "/n", wire: native() }),
    poll({ path: "/poll" }),
    poll({ path: "/n", wire: native() }),
    grpc(),
  ];

  test("answers each in its own words, side by side", async () => {
    const { server, port } = await serving({ wires: everything });
    expect(server.addresses).toEqual([`tcp://127.0.0.1:${port}`]);
    const tcp = `tcp://127.0.0.1:${port}`;
    expect(
      await Promise.all([
        echoed(tcp, { wire: native() }),
        echoed(tcp),
        echoed(tcp, { wire: lsp() }),
        echoed(tcp, { wire: gorpc() }, "hello"),
        echoed(`http://127.0.0.1:${port}/rpc`),
        echoed(`ws://127.0.0.1:${port}`),
        echoed(`ws://127.0.0.1:${port}/n`, { wire: native() }),
        echoed(`grpc://127.0.0.1:${port}`),
        echoed(`poll+http://127.0.0.1:${port}/poll`),
        echoed(`beat+http://127.0.0.1:${port}/n`, { wire: native(), poll: { intervalMs: 50 } }),
      ]),
    ).toEqual([["hello"], ["hello"], ["hello"], "hello", ...Array(6).fill(["hello"])]);
    // HTTP has a link for each request.
    expect(server.connections).toHaveLength(9);
  });

  test("a ladder finds the way that is open", async () => {
    const { server, port } = await serving({ wires: [webSocket({ path: "/ws" }), poll({ path: "/poll" })] });
    // Somebody on the way lets no WebSocket pass.
    const ways = [`ws://127.0.0.1:${port}/elsewhere`, `poll+http://127.0.0.1:${port}/poll`];
    const client = await connect(ways);
    cleanups.push(() => client.close());
    expect([client.address, await client.call("echo", ["hello"])]).toEqual([ways[1], ["hello"]]);
    expect(server.connections).toHaveLength(1);
  });

  test("each wire has its own built-ins, and the handlers are the same", async () => {
    const { port } = await serving({
      wires: everything,
      handlers: { who: (_: unknown, { remoteAddress }: { remoteAddress?: string }) => remoteAddress },
    });
    for (const wire of [native(), jsonrpc(), lsp()]) {
      const client = await connect(`tcp://127.0.0.1:${port}`, { wire });
      cleanups.push(() => client.close());
      expect(await client.call("who")).toMatch(/^127\.0\.0\.1:\d+$/);
      const info = client.call("rpc.serverInfo");
      if (wire.name === "native") await expect(info).rejects.toMatchObject({ code: "unimplemented" });
      else expect(await info).toMatchObject({ methods: ["who"] });
    }
  });

  test("a Unix socket is such a port, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "convoke-port-"));
    cleanups.push(async () => rmSync(folder, { recursive: true }));
    const address = `unix:${join(folder, "all.sock")}`;
    const server = await serve(address, { handlers, wires: everything });
    cleanups.push(() => server.close({ graceMs: 0 }));
    for (const wire of [native(), jsonrpc(), lsp()]) expect(await echoed(address, { wire })).toEqual(["hello"]);
    expect(server.connections.map(({ remoteAddress }) => remoteAddress)).toEqual([address, address, address]);
  });

  test("a client that ends its half at once is answered, as with nc", async () => {
    const { port } = await serving({ wires: everything });
    const client = new RawClient(port);
    client.socket.end(`${CALL}\n`);
    await client.closed;
    expect(client.text).toBe(`${REPLY}\n`);
  });

  test("blanks before JSON are no matter", async () => {
    const { port } = await serving({ wires: [native(), jsonrpc()] });
    const client = new RawClient(port);
    client.socket.write(` \t ${CALL}\n`);
    await client.until(({ text }) => text.includes("\n"));
    expect(client.text).toBe(`${REPLY}\n`);
  });

  test("a browser that asks for the root is shown what this is, where JSON-RPC is served there, too", async () => {
    for (const path of ["/rpc", "/"]) {
      const { port } = await serving({ wires: [native(), jsonrpc(), http({ path }), webSocket({ path })] });
      const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: "text/html,*/*;q=0.8" } });
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/plain; charset=utf-8"]);
      expect(await page.text()).toBe(
        [
          "This is Convoke: remote calls. The port looks at how a connection begins, and answers in kind:\n",
          "  native\n  jsonrpc",
          `  HTTP at ${path}\n  WebSocket at ${path}\n`,
        ].join("\n"),
      );
      const plain = await fetch(`http://127.0.0.1:${port}/`);
      expect(plain.status).toBe(path === "/" ? 405 : 200);
      expect((await fetch(`http://127.0.0.1:${port}/elsewhere`)).status).toBe(404);
      const posted = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: "POST",
        body: CALL,
        headers: { "content-type": "application/json" },
      });
      expect(await posted.text()).toBe(REPLY);
    }
  });

  test("HTTP on the port has its guard: foreign pages and rebound names are refused", async () => {
    const { port, log } = await serving({ wires: [jsonrpc(), http({ path: "/rpc" }), webSocket()] });
    const head = ["POST /rpc HTTP/1.1", "Content-Type: application/json", `Content-Length: ${CALL.length}`];
    const rebound = await answerTo(port, [...head, `Host: evil.example:${port}`, "", CALL].join("\r\n"));
    expect(rebound.toString()).toMatch(/^HTTP\/1\.1 403 /);
    const client = new RawClient(port);
    expect(await client.upgrade("/", ["Origin: https://evil.example"])).toBe(403);
    expect(log.of("warn")).toHaveLength(2);
  });

  test("keeps what a client says back while this end is full", async () => {
    const accepted = deferred<RawConnection>();
    const listener = await portListen({ port: 0, wires: [native(), jsonrpc()] })(accepted.resolve, linkTerms());
    cleanups.push(() => listener.close());
    const client = new RawClient(Number(new URL(listener.address).port));
    const sent = Buffer.concat([Buffer.from("{"), patternBytes(16 << 20)]);
    client.socket.write(sent);
    const { pipe, wire } = await accepted.promise;
    expect(wire?.name).toBe("jsonrpc");
    const sink = new Recorder();
    sink.pause();
    if (pipe !== undefined) sink.open(pipe);
    await sink.until(({ deliveries }) => deliveries === 1);
    await turn(50);
    expect(sink.deliveries).toBe(1);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    sink.resume();
    await sink.until(({ length }) => length === sent.length);
    expect(Buffer.compare(sink.bytes, sent)).toBe(0);
    sink.expectSound();
  });
});

describe.skipIf(made === undefined)("TLS", () => {
  const { ca, server: certified, client: ann } = certificates;
  const wires = (): NodeServeOptions["wires"] => [
    ...LINES,
    http({ path: "/rpc" }),
    webSocket(),
    grpc({ wire: native() }),
  ];

  test("stands in front of any of them on a port tcp:// with the option tls, which is answered without, too", async () => {
    const { port } = await serving({ wires: wires(), tls: certified });
    for (const [tcp, web, socket, streams, options] of [
      ["tcp", "http", "ws", "grpc", {}],
      ["tls", "https", "wss", "grpcs", { tls: { ca } }],
    ] as const) {
      for (const wire of [native(), jsonrpc(), lsp()])
        expect(await echoed(`${tcp}://127.0.0.1:${port}`, { ...options, wire })).toEqual(["hello"]);
      expect(await echoed(`${tcp}://127.0.0.1:${port}`, { ...options, wire: gorpc() }, "hello")).toBe("hello");
      expect(await echoed(`${web}://127.0.0.1:${port}/rpc`, options)).toEqual(["hello"]);
      expect(await echoed(`${socket}://127.0.0.1:${port}`, options)).toEqual(["hello"]);
      expect(await echoed(`${streams}://127.0.0.1:${port}`, { ...options, wire: native() })).toEqual(["hello"]);
    }
  });

  test("is a must on a port tls://, and a client without it is dropped", async () => {
    const { server, port, log } = await serving({ wires: wires(), tls: certified }, "tls://127.0.0.1:0");
    expect(server.addresses).toEqual([`tls://127.0.0.1:${port}`]);
    expect(await echoed(`tls://127.0.0.1:${port}`, { tls: { ca } })).toEqual(["hello"]);
    expect(await echoed(`https://127.0.0.1:${port}/rpc`, { tls: { ca } })).toEqual(["hello"]);
    const answer = await answerTo(port, `${CALL}\n`);
    expect(answer.toString("latin1")).not.toContain("result");
    expect(log.of("warn")).toHaveLength(1);
  });

  test("a client's certificate is its identity on every wire", async () => {
    const { port } = await serving({
      wires: wires(),
      tls: { ...certified, ca },
      handlers: {
        echo: (_: unknown, { identity }: { identity?: unknown }) => (identity as { subject?: object })?.subject,
      },
    });
    const options = { tls: { ca, ...ann } };
    const me = { O: "Example", CN: "ann" };
    expect(await echoed(`tls://127.0.0.1:${port}`, { ...options, wire: native() })).toEqual(me);
    expect(await echoed(`tls://127.0.0.1:${port}`, options)).toEqual(me);
    expect(await echoed(`https://127.0.0.1:${port}/rpc`, options)).toEqual(me);
    expect(await echoed(`wss://127.0.0.1:${port}`, options)).toEqual(me);
    expect(await echoed(`grpcs://127.0.0.1:${port}`, { ...options, wire: native() })).toEqual(me);
  });

  test("a browser that offers HTTP/2 gets HTTP/1.1, and gRPC gets HTTP/2", async () => {
    const { port } = await serving({ wires: wires(), tls: certified });
    for (const [offered, taken] of [
      [["h2", "http/1.1"], "http/1.1"],
      [["h2"], "h2"],
    ] as const) {
      const socket = tls.connect({ host: "127.0.0.1", port, ca, ALPNProtocols: [...offered] });
      await once(socket, "secureConnect");
      expect(socket.alpnProtocol).toBe(taken);
      socket.destroy();
    }
  });

  test("is refused with its own alert where there is no certificate", async () => {
    const { port, log } = await serving({ wires: LINES });
    const socket = tls.connect({ host: "127.0.0.1", port, ca });
    const [error] = (await once(socket, "error")) as [Error & { code?: string }];
    expect(error.message).toMatch(/handshake failure/);
    await until(() => log.of("warn").length === 1);
    expect(log.of("warn")[0]).toMatch(
      /^Refused 127\.0\.0\.1:\d+: it speaks TLS, this port speaks native, jsonrpc, lsp and gorpc$/,
    );
  });

  test("tls without a certificate, or one that cannot be used, is refused at once", async () => {
    await expect(serve("tls://127.0.0.1:0", { wires: LINES })).rejects.toThrow(/tls\.cert and tls\.key are needed/);
    await expect(serve(TCP, { wires: LINES, tls: { cert: "x", key: "y" } })).rejects.toThrow(
      /tls options cannot be used/,
    );
  });
});

describe("what is not spoken at a port", () => {
  test.each([
    ["GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["POST", `POST / HTTP/1.1\r\nContent-Length: ${CALL.length + 1}\r\n\r\n${CALL}\n`],
    ["a method that nobody knows", "BREW /pot HTTP/1.1\r\n\r\n"],
  ])("HTTP is refused in HTTP: %s", async (_, request) => {
    const { port, log } = await serving({ wires: LINES });
    const answer = (await answerTo(port, request)).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toMatch(/\r\n\r\nThis port speaks native, jsonrpc, lsp and gorpc, and not HTTP\n$/);
    expect(log.of("warn")[0]).toMatch(/^Refused 127\.0\.0\.1:\d+: it speaks HTTP, this port speaks native/);
  });

  test("HTTP/2 is refused in HTTP/2, with and without HTTP on the port", async () => {
    for (const wires of [LINES, [...LINES, http()]]) {
      const { port, log } = await serving({ wires });
      const session = http2.connect(`http://127.0.0.1:${port}`);
      const stream = session.request({ ":path": "/" });
      const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders & { ":status": number }];
      expect(headers[":status"]).toBe(505);
      expect(await text(stream)).toMatch(/^This port speaks native, jsonrpc, .*, and not HTTP\/2 or gRPC\n$/);
      await once(session, "close");
      expect(log.of("warn")[0]).toMatch(/: it speaks HTTP\/2, this port speaks native, /);
    }
  });

  test("a client of gRPC reads why, with nothing run", async () => {
    const { port } = await serving({ wires: LINES });
    const client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.enable_retries": 0 });
    onTestFinished(() => client.close());
    const failed = deferred<Error | null>();
    const same = (bytes: Buffer): Buffer => bytes;
    const until = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest("/a.B/C", same, same, Buffer.alloc(0), until, (error) => failed.resolve(error));
    expect((await failed.promise)?.message).toBe(
      "12 UNIMPLEMENTED: This port speaks native, jsonrpc, lsp and gorpc, and not HTTP/2 or gRPC",
    );
    await expect(echoed(`grpc://127.0.0.1:${port}`)).rejects.toThrow(/the server has no gRPC service/);
  });

  test.each([
    ["text", "hello\r\n", '"hello\\u000d\\u000a"'],
    ["SSH", "SSH-2.0-OpenSSH_9.6\r\n", '"SSH-2.0-OpenSSH_9.6\\u000d\\u000a"'],
    ["bytes", Uint8Array.of(0xff, 0x1b, 0x5b, 0x32, 0x4a), '"ÿ\\u001b[2J"'],
    ["a wrong magic", Uint8Array.of(0x93, 0x43, 0x00), '"\\u0093C\\u0000"'],
    ["nothing but blanks", " ".repeat(64), `"${" ".repeat(24)}"`],
  ])("%s is closed, and shown in the log so that it cannot harm whoever reads it", async (_, bytes, shown) => {
    const { port, log } = await serving({ wires: [...LINES, http()] });
    expect(await answerTo(port, bytes)).toHaveLength(0);
    expect(log.of("warn")).toHaveLength(1);
    expect(log.of("warn")[0]?.replace(/^Refused 127\.0\.0\.1:\d+: /, "")).toBe(
      `nobody here speaks what begins with ${shown}. This port speaks native, jsonrpc, lsp, gorpc and HTTP at /`,
    );
  });

  test("whoever ends in the middle of a beginning is refused; whoever says nothing at all is no matter", async () => {
    const { port, log } = await serving({ wires: LINES });
    const half = new RawClient(port);
    half.socket.end("Conte");
    await half.closed;
    const nothing = new RawClient(port);
    nothing.socket.end();
    await nothing.closed;
    expect(log.of("warn")).toEqual([
      expect.stringMatching(/: it said no more than "Conte"\. This port speaks native, jsonrpc, lsp and gorpc$/),
    ]);
  });
});

describe("time and end", () => {
  test("whoever does not say in time what it speaks is cut, two hundred of them", async () => {
    const clock = new ManualClock();
    const { port, log } = await serving({ wires: [...LINES, http()], clock, handshakeTimeoutMs: 1000 });
    const idle = clock.listeners;
    const clients = Array.from({ length: 200 }, (_, at) => {
      const client = new RawClient(port);
      if (at % 2 === 1) client.socket.write("GE");
      return client;
    });
    await until(() => clock.listeners === idle + 200);
    await turn();
    clock.advance(999);
    await turn();
    expect(clock.listeners).toBe(idle + 200);
    clock.advance(2);
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clock.listeners).toBe(idle);
    expect(log.of("warn")).toHaveLength(200);
    expect(log.of("warn").filter((line) => line.includes('it said no more than "GE" within 1000 ms'))).toHaveLength(
      100,
    );
    expect(log.of("warn").filter((line) => line.includes("it said nothing within 1000 ms"))).toHaveLength(100);
  });

  test("two hundred clients that never end their headers are cut, and nobody else is kept waiting", {
    timeout: 30_000,
  }, async () => {
    const { port } = await serving({ wires: [...LINES, http()] });
    const began = performance.now();
    const clients = Array.from({ length: 200 }, () => {
      const client = new RawClient(port);
      client.socket.write("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ");
      return client;
    });
    expect(await echoed(`http://127.0.0.1:${port}/`)).toEqual(["hello"]);
    expect(await echoed(`tcp://127.0.0.1:${port}`)).toEqual(["hello"]);
    await Promise.all(clients.map(({ closed }) => closed));
    expect(performance.now() - began).toBeGreaterThan(7000);
    expect(clients[0]?.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("closing cuts those who have not said what they speak, and frees the port", async () => {
    const { server, port, log } = await serving({
      wires: [...LINES, http(), grpc()],
      ...(made && { tls: certificates.server }),
    });
    const silent = new RawClient(port);
    const half = new RawClient(port);
    half.socket.write("Content-");
    half.socket.write("L");
    const begun = new RawClient(port);
    begun.socket.write("PRI * HT");
    const shaking = new RawClient(port);
    shaking.socket.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00));
    const headers = new RawClient(port);
    headers.socket.write("GET / HTTP/1.1\r\n");
    await Promise.all(
      [silent, begun, shaking, headers].map(({ socket }) => (socket.connecting ? once(socket, "connect") : undefined)),
    );
    await turn(20);
    await server.close();
    await Promise.all([silent, half, begun, shaking, headers].map(({ closed }) => closed));
    expect(log.of("error")).toEqual([]);
    const again = net.createServer().listen(port, "127.0.0.1");
    await once(again, "listening");
    again.close();
  });

  test("closing lets what runs be answered, over each of them", async () => {
    const gate = deferred();
    let running = 0;
    const { server, port } = await serving({
      wires: [...LINES, http({ path: "/rpc" }), webSocket(), grpc({ wire: native() })],
      handlers: {
        echo: async (params: unknown) => {
          running++;
          await gate.promise;
          return params;
        },
      },
    });
    const tcp = `tcp://127.0.0.1:${port}`;
    const answers = Promise.all([
      echoed(tcp, { wire: native() }),
      echoed(tcp),
      echoed(tcp, { wire: lsp() }),
      echoed(`http://127.0.0.1:${port}/rpc`),
      echoed(`ws://127.0.0.1:${port}`),
      echoed(`grpc://127.0.0.1:${port}`, { wire: native() }),
    ]);
    await until(() => running === 6);
    const closed = server.close();
    await turn();
    await expect(connect(tcp, { redial: false })).rejects.toMatchObject({ code: "unavailable" });
    gate.resolve();
    expect(await answers).toEqual(Array(6).fill(["hello"]));
    await closed;
  });
});

describe("what a port cannot serve is refused when it is asked for", () => {
  const bare: Wire = { ...jsonrpc(), name: "bare", begins: undefined };

  test.each([
    [
      "two of the same wire",
      [jsonrpc(), native(), jsonrpc()],
      /^One port cannot serve both jsonrpc and jsonrpc: they may begin alike$/,
    ],
    [
      "two that JSON begins",
      [jsonrpc(), { ...lsp(), begins: (head: Uint8Array) => head[0] === 0x5b }],
      /both jsonrpc and lsp/,
    ],
    ["two services", [grpc(), grpc()], /both gRPC and gRPC/],
    [
      "a wire that begins as HTTP does",
      [http(), { ...lsp(), begins: (head: Uint8Array) => (head.length < 4 ? undefined : head[0] === 0x47) }],
      /both lsp and HTTP at \//,
    ],
    ["a wire without a beginning", [native(), bare], /^The wire "bare" has no beginning of its own/],
    [
      "another framing",
      [jsonrpc({ framing: (pipe, link) => jsonrpc().framing(pipe, link) })],
      /^The wire "jsonrpc" has no beginning/,
    ],
    ["nothing", [], /^The option wires is empty/],
  ] as [string, Wire[], RegExp][])("%s", async (_, wires, why) => {
    await expect(serve(TCP, { wires })).rejects.toThrow(TypeError);
    await expect(serve(TCP, { wires })).rejects.toThrow(why);
  });

  test("an authenticator where one of the wires has no room for it", async () => {
    const authenticator = { client: async () => undefined, server: async () => "ann" };
    await expect(serve("tcp://127.0.0.1:0", { wires: LINES, authenticator })).rejects.toThrow(
      "The wire gorpc has no room for an authenticator",
    );
  });

  test("wire and wires together, and wires at other addresses", async () => {
    await expect(serve(TCP, { wires: LINES, wire: native() })).rejects.toThrow(
      /^Give the option wire or wires, not both/,
    );
    for (const address of ["ws://127.0.0.1:0", "http://127.0.0.1:0", "grpc://127.0.0.1:0", "stdio:"]) {
      await expect(serve(address, { wires: LINES })).rejects.toThrow(
        /^The option wires belongs to an address tcp:\/\/, tls:\/\/ or unix:/,
      );
    }
  });

  test("two paths that are the same, and a service whose options are wrong", async () => {
    await expect(serve(TCP, { wires: [webSocket(), webSocket()] })).rejects.toMatchObject({ code: "already_exists" });
    await expect(serve(TCP, { wires: [http({ path: "rpc" })] })).rejects.toThrow(/^Bad path "rpc"/);
    await expect(serve(TCP, { wires: [http(), poll()] })).rejects.toMatchObject({ code: "already_exists" });
    expect(() => poll({ maxLinks: 0 })).toThrow(RangeError);
    expect(() => http({ wire: native() })).toThrow(/carries JSON-RPC only/);
  });

  test("a service of one's own gets its sockets with all that came, and is closed when another cannot be opened", async () => {
    const took: string[] = [];
    let closes = 0;
    const knock: SocketService = {
      name: "knock",
      begins: (head) =>
        head.length < 2 ? (head[0] === 0x4b ? undefined : false) : head[0] === 0x4b && head[1] === 0x4b,
      async open() {
        return {
          take: (socket) => void socket.on("data", (bytes) => took.push(String(bytes))).end("who is there?"),
          async close() {
            closes++;
          },
        };
      },
    };
    const { port } = await serving({ wires: [jsonrpc(), knock] });
    expect((await answerTo(port, "KKnock")).toString()).toBe("who is there?");
    expect(took).toEqual(["KKnock"]);
    const broken: SocketService = {
      name: "broken",
      begins: (head) => head[0] === 0x42,
      open: () => Promise.reject(new Error("no")),
    };
    await expect(serve(TCP, { wires: [knock, broken] })).rejects.toThrow("no");
    expect(closes).toBe(1);
    await expect(serve(`tcp://127.0.0.1:${port}`, { wires: [knock] })).rejects.toMatchObject({ code: "unavailable" });
    expect(closes).toBe(2);
  });
});
