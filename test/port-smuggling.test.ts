import { afterEach, describe, expect, test } from "vitest";
import { coordinator } from "../src/coordinator.ts";
import type { Framing } from "../src/core/channel.ts";
import type { Wire } from "../src/core/wire.ts";
import { header, strictHeader } from "../src/framings/header.ts";
import { rawJson } from "../src/framings/raw-json.ts";
import { split } from "../src/framings/split.ts";
import { gorpc } from "../src/gorpc.ts";
import { grpc, http, type NodeServeOptions, native, serve, webSocket } from "../src/node.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { Log } from "./suites/engine.ts";
import { turn } from "./suites/support.ts";
import { RawClient } from "./suites/ws-ends.ts";

const CALL = '{"jsonrpc":"2.0","id":1,"method":"harm"}';
const NOTE = '{"jsonrpc":"2.0","method":"harm"}';
const HEADED = `Content-Length: ${CALL.length}\r\n\r\n${CALL}`;
const MAX_FRAME_BYTES = 4096;

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** What stands in front of a body: all that a web page, or somebody else's HTTP client, can be made to send. */
const heads: Readonly<Record<string, string | Buffer>> = {
  "a plain POST": "POST / HTTP/1.1\r\nHost: 127.0.0.1:7000\r\nContent-Type: text/plain",
  "a POST without a type": "POST / HTTP/1.1\r\nHost: 127.0.0.1:7000",
  "a GET": "GET /?x=1 HTTP/1.1\r\nHost: 127.0.0.1:7000\r\nConnection: close",
  "HTTP/1.0": "POST / HTTP/1.0",
  "lines that end in LF": "POST / HTTP/1.1\nHost: x",
  "a target with a colon": "POST /a:b HTTP/1.1\r\nHost: 127.0.0.1:7000",
  "a whole URL": "POST http://127.0.0.1:7000/ HTTP/1.1\r\nHost: 127.0.0.1:7000",
  "a target of the server itself": "OPTIONS * HTTP/1.1\r\nHost: x",
  "a tunnel": "CONNECT 127.0.0.1:7000 HTTP/1.1\r\nHost: 127.0.0.1:7000",
  "a method in small letters": "patch / HTTP/1.1\r\nHost: x",
  "a method that is JSON": "null / HTTP/1.1\r\nHost: x",
  "a method that is a number": "1 / HTTP/1.1\r\nHost: x",
  "a method like a header": "Content-Length /:2 HTTP/1.1\r\nHost: x",
  "a method of odd characters": "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: x",
  "a target that is no UTF-8": Buffer.from("POST /\xff\xfe HTTP/1.1\r\nHost: x", "latin1"),
  "a target with brackets": `POST /${"[".repeat(200)} HTTP/1.1\r\nHost: x`,
  "a target above the limit": `POST /${"a".repeat(MAX_FRAME_BYTES)} HTTP/1.1\r\nHost: x`,
  "another method with a target above the limit": `patch /${"a".repeat(MAX_FRAME_BYTES)} HTTP/1.1\r\nHost: x`,
  "an empty line before": "\r\nPOST / HTTP/1.1\r\nHost: x",
  "an upgrade": "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket",
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM",
};

/** The records, in every form in which somebody here would take them. */
const BODY = ["", CALL, NOTE, HEADED, CALL, NOTE, HEADED].join("\r\n\r\n");

/** Byte by byte what a request with such a head is, with `ends` after each record too. */
function requestOf(head: string | Buffer, ends: string): Buffer {
  const body = `${BODY}\r\n${[CALL, NOTE, CALL].join(ends)}${ends}\r\n${HEADED}`;
  return Buffer.concat([Buffer.from(head), Buffer.from(`\r\nContent-Length: ${body.length}\r\n\r\n${body}`)]);
}

/** How often a handler ran when a server got these bytes, and whether it closed the connection by itself. */
async function harmOf(options: NodeServeOptions, bytes: Buffer): Promise<{ ran: number; log: Log }> {
  let ran = 0;
  const log = new Log();
  const handlers = { harm: () => ++ran };
  const server = await serve("tcp://127.0.0.1:0", {
    handlers,
    logger: log,
    maxFrameBytes: MAX_FRAME_BYTES,
    ...options,
  });
  cleanups.push(() => server.close({ graceMs: 0 }));
  const client = new RawClient(Number(new URL(server.addresses[0] ?? "").port));
  // In two pieces, cut where the body begins.
  client.socket.write(bytes.subarray(0, bytes.length - BODY.length));
  await turn();
  client.socket.write(bytes.subarray(bytes.length - BODY.length));
  await client.closed;
  return { ran, log };
}

const framed = (framing: Framing): Wire => jsonrpc({ framing });

const single: readonly (readonly [string, Wire, string])[] = [
  ["lines of JSON-RPC", jsonrpc(), "\n"],
  ["JSON-RPC as jrpc2 has it", jsonrpc({ errors: "verbatim" }), "\n"],
  ["raw JSON", framed(rawJson()), "\n"],
  ["records that end in NUL", framed(split(0)), "\0"],
  ["records that end in a blank", framed(split(0x20)), " "],
  ["records that end in CR", framed(split(0x0d)), "\r"],
  ["records that end in a semicolon", framed(split(0x3b)), ";"],
  ["records that end in |", framed(split(0x7c)), "|"],
  ["headers of LSP", lsp(), "\n"],
  ["headers without a type", framed(header("")), "\n"],
  ["headers with a type that must be there", framed(strictHeader("text/plain")), "\n"],
  ["native", native(), "\n"],
  ["gorpc", gorpc(), "\n"],
  ["the coordinator's", coordinator({ methods: {} }), "\n"],
];

describe.each(single)("an HTTP request that comes on %s runs nothing, and ends the link:", (_, wire, ends) => {
  test.each(Object.entries(heads))("%s", async (_name, head) => {
    const { ran } = await harmOf({ wire }, requestOf(head, ends));
    expect(ran).toBe(0);
  });
});

describe("an HTTP request that comes to a port with several wires runs nothing:", () => {
  const wires = [native(), jsonrpc(), lsp(), gorpc()];

  test.each(Object.entries(heads))("%s", async (_name, head) => {
    const plain = await harmOf({ wires }, requestOf(head, "\n"));
    const withHttp = await harmOf(
      { wires: [...wires, http({ path: "/rpc" }), webSocket(), grpc()] },
      requestOf(head, "\n"),
    );
    expect([plain.ran, withHttp.ran]).toEqual([0, 0]);
  });
});

describe("the reason", () => {
  test.each([
    ["lines", jsonrpc(), "An HTTP request came where JSON-RPC records are expected: nothing in it is run"],
    ["headers", lsp(), "an HTTP request came, of which nothing is taken"],
    ["gorpc", gorpc(), "it began with text, as HTTP does"],
  ])("is in the log: %s", async (_, wire, why) => {
    const { log } = await harmOf({ wire }, requestOf("POST /a:b HTTP/1.1", "\n"));
    expect(log.lines.map(({ message }) => message).join("\n")).toContain(why);
  });

  test("what is no request is answered as ever", async () => {
    const server = await serve("tcp://127.0.0.1:0", { handlers: {}, logger: false });
    cleanups.push(() => server.close({ graceMs: 0 }));
    const client = new RawClient(Number(new URL(server.addresses[0] ?? "").port));
    for (const line of ["hello", "POST", "see /x", "HTTP/1.1 is spoken"]) client.socket.write(`${line}\n`);
    client.socket.end();
    await client.closed;
    expect(client.text.split("\n").filter((line) => line.includes("-32700"))).toHaveLength(4);
  });
});
