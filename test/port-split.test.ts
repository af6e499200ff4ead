import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_HEAD } from "../src/core/detection.ts";
import { gorpc } from "../src/gorpc.ts";
import { connect, grpc, http, type NodeConnectOptions, native, serve, webSocket } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { type Certificates, makeCertificates } from "./suites/certificates.ts";
import { type Splitter, splitterBefore } from "./suites/port-ends.ts";

/** None where openssl is missing, which it says. */
const made = makeCertificates();
const { ca, server: certified } = (made ?? {}) as Certificates;

interface Caller {
  readonly scheme: "tcp" | "http" | "ws" | "grpc";
  readonly path?: string;
  readonly options?: NodeConnectOptions;
  readonly params?: unknown;
}

const SECURE = { tcp: "tls", http: "https", ws: "wss", grpc: "grpcs" } as const;

const callers: readonly (readonly [string, Caller])[] = [
  ["native", { scheme: "tcp", options: { wire: native() } }],
  ["native in JSON", { scheme: "tcp", options: { wire: native({ body: "json" }) } }],
  ["lines of JSON-RPC", { scheme: "tcp", options: { wire: jsonrpc() } }],
  ["headers of LSP", { scheme: "tcp", options: { wire: lsp() } }],
  ["gorpc", { scheme: "tcp", options: { wire: gorpc() }, params: "text" }],
  ["gorpc, compressed", { scheme: "tcp", options: { wire: gorpc({ compress: true }) }, params: "text" }],
  ["HTTP", { scheme: "http", path: "/rpc" }],
  ["WebSocket", { scheme: "ws", path: "/ws" }],
  ["native over WebSocket", { scheme: "ws", path: "/native", options: { wire: native() } }],
  ["gRPC", { scheme: "grpc", options: { wire: native() } }],
];

let server: Server;
let port: number;

beforeAll(async () => {
  // The clients name the splitter's port.
  const guard = { hosts: ["*"] };
  server = await serve("tcp://127.0.0.1:0", {
    handlers: { echo: (params: unknown) => params },
    logger: false,
    tls: certified,
    wires: [
      native(),
      jsonrpc(),
      lsp(),
      gorpc(),
      http({ path: "/rpc", ...guard }),
      webSocket({ path: "/ws", ...guard }),
      webSocket({ path: "/native", wire: native(), ...guard }),
      grpc({ wire: native() }),
    ],
  });
  port = Number(new URL(server.addresses[0] ?? "").port);
});

afterAll(() => server.close({ graceMs: 0 }));

/** Calls once over a new link, and checks what comes back. */
async function call({ options, params = { say: "hello" } }: Caller, address: string, tls?: object): Promise<void> {
  const client = await connect(address, { redial: false, ...options, ...(tls && { tls }) });
  try {
    expect(await client.call("echo", params)).toEqual(params);
  } finally {
    await client.close({ graceMs: 0 });
  }
}

/** Calls over ten links at a time, with the first chunk of each cut at another byte, and once byte by byte. */
async function callSplit(caller: Caller, address: string, splitter: Splitter, maxCut = Infinity): Promise<void> {
  await call(caller, address);
  const length = Math.min(Math.max(...splitter.lengths), maxCut);
  expect(length).toBeGreaterThan(0);
  splitter.cuts.push(...Array.from({ length: length - 1 }, (_, at) => at + 1));
  const callers = Array.from({ length: 10 }, async () => {
    while (splitter.cuts.length > 0) await call(caller, address);
  });
  await Promise.all(callers);
}

describe.each(callers)("%s is found, and loses nothing,", (_, caller) => {
  const { scheme, path = "" } = caller;

  test("wherever its first chunk is split", { timeout: 60_000 }, async () => {
    const splitter = await splitterBefore(port);
    await callSplit(caller, `${scheme}://127.0.0.1:${splitter.port}${path}`, splitter);
  });

  describe.skipIf(made === undefined)("over TLS on the same port,", () => {
    test("when the handshake comes byte by byte, or in two parts", { timeout: 60_000 }, async () => {
      const splitter = await splitterBefore(port);
      const address = `${SECURE[scheme]}://127.0.0.1:${splitter.port}${path}`;
      await call(caller, address, { ca });
      for (const at of [1, 2, 3, 5, 6, 43]) {
        splitter.cuts.push(at);
        await call(caller, address, { ca });
      }
    });

    test("wherever its first chunk is split inside", { timeout: 60_000 }, async () => {
      const protocol = scheme === "grpc" ? { ALPNProtocols: ["h2"] } : {};
      const splitter = await splitterBefore(port, { ca, host: "127.0.0.1", ...protocol });
      await callSplit(caller, `${scheme}://127.0.0.1:${splitter.port}${path}`, splitter, MAX_HEAD);
    });
  });
});
