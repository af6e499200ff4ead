/*
 * Who gets in, and what of headers and bodies: the same for POST, GET, events and WebSocket, on one server of its own.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpListen } from "../src/http/node/listen.ts";
import { basicQuery } from "../src/http.ts";
import { Server } from "../src/server/server.ts";
import { HttpHost } from "../src/transports/node/http-host.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { Log } from "./suites/engine.ts";
import { callText } from "./suites/http-ends.ts";
import { turn } from "./suites/support.ts";
import { KEY, RawClient } from "./suites/ws-ends.ts";

let server: Server;
let log: Log;
let port = 0;
let ran = 0;
/** The header `__proto__` of each request, as the user's hook sees it. */
let odd: (string | null)[] = [];

beforeEach(async () => {
  log = new Log();
  ran = 0;
  odd = [];
  const at = HttpHost.own({ port: 0 });
  const guard = { hosts: ["rpc.example"], origins: ["https://app.example"] };
  const listens = [
    httpListen({
      ...guard,
      at,
      path: "/rpc",
      parseGet: basicQuery,
      cors: true,
      identify: ({ headers }) => void odd.push(headers.get("__proto__")),
    }),
    wsListen({ ...guard, at, path: "/ws" }),
  ];
  server = await Server.open(listens, jsonrpc(), {
    handlers: { echo: () => void ran++ },
    logger: log,
    onConnect: () => void ran++,
  });
  port = Number(new URL(server.addresses[0] ?? "").port);
});
afterEach(() => server.close({ graceMs: 0 }));

const BODY = callText(1, "echo");
const POST = ["Content-Type: application/json", `Content-Length: ${BODY.length}`];
const UPGRADE = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`];
const EVENTS = ["Accept: text/event-stream"];

/** Every kind of request that there is: its first line, its headers, its body, and what it is answered with when it gets in. */
const KINDS: readonly (readonly [name: string, head: string, headers: readonly string[], body: string, in_: number])[] =
  [
    ["POST", "POST /rpc", POST, BODY, 200],
    ["POST for events", "POST /rpc", [...POST, ...EVENTS], BODY, 200],
    ["GET", "GET /rpc/echo", [], "", 200],
    ["GET for events", "GET /rpc", EVENTS, "", 200],
    ["WebSocket", "GET /ws", UPGRADE, "", 101],
  ];

/** Sends a request with these headers, `PORT` in them being the real one, and gives its status and what follows the head. */
async function ask(
  [, head, headers, body]: (typeof KINDS)[number],
  own: readonly string[],
  version = "1.1",
): Promise<readonly [status: number, text: string]> {
  const client = new RawClient(port);
  const lines = [...own, ...headers].map((line) => line.replaceAll("PORT", String(port)));
  client.socket.write(`${[`${head} HTTP/${version}`, ...lines, "", ""].join("\r\n")}${body}`);
  const status = await client.status();
  if (status >= 400) await client.closed;
  return [status, client.body.toString()];
}

const OWN = "Host: 127.0.0.1:PORT";

/** What is refused says which option would help. */
const MATRIX: readonly (readonly [
  name: string,
  headers: readonly string[],
  verdict: "in" | "hosts" | "origins" | "",
])[] = [
  ["the address", [OWN], "in"],
  ["localhost", ["Host: localhost:PORT"], "in"],
  ["[::1]", ["Host: [::1]:PORT"], "in"],
  ["a listed host", ["Host: rpc.example"], "in"],
  ["a rebinding name", ["Host: evil.example:PORT"], "hosts"],
  [
    "a rebinding name, with an origin to match",
    ["Host: evil.example:PORT", "Origin: http://evil.example:PORT"],
    "hosts",
  ],
  ["a name under a listed one", ["Host: a.rpc.example"], "hosts"],
  ["a wrong port", ["Host: 127.0.0.1:1"], "hosts"],
  ["localhost with a wrong port", ["Host: localhost:1"], "hosts"],
  ["no port", ["Host: localhost"], "hosts"],
  ["0.0.0.0", ["Host: 0.0.0.0:PORT"], "hosts"],
  ["an empty host", ["Host: "], ""],
  ["two hosts", [OWN, "Host: evil.example"], ""],
  ["the own origin", [OWN, "Origin: http://127.0.0.1:PORT"], "in"],
  ["the origin localhost", [OWN, "Origin: http://localhost:PORT"], "in"],
  ["the origin [::1]", [OWN, "Origin: http://[::1]:PORT"], "in"],
  ["the origin of a listed host", ["Host: rpc.example", "Origin: https://rpc.example"], "in"],
  ["a listed origin", [OWN, "Origin: https://app.example"], "in"],
  ["a listed origin over plain text", [OWN, "Origin: http://app.example"], "origins"],
  ["another origin", [OWN, "Origin: https://evil.example"], "origins"],
  ["an origin with a wrong port", [OWN, "Origin: http://localhost:1"], "origins"],
  ["the origin null", [OWN, "Origin: null"], "origins"],
  ["an empty origin", [OWN, "Origin: "], "origins"],
  ["another page that says no origin", [OWN, "Sec-Fetch-Site: cross-site"], ""],
  ["a page of the same site", [OWN, "Sec-Fetch-Site: same-site"], ""],
  ["the user's own hand", [OWN, "Sec-Fetch-Site: none"], "in"],
];

describe.each(KINDS)("%s", (...kind) => {
  const [, , , , welcome] = kind;

  test.each(MATRIX)("with %s: %o is in, or refused with a word about the option %s", async (_, headers, verdict) => {
    const [status, text] = await ask(kind, headers);
    if (verdict === "in") {
      expect(status).toBe(welcome);
      return;
    }
    expect(status).toBe(403);
    expect(text).toContain(verdict === "" ? "" : `list it in the option ${verdict}`);
    await turn();
    expect([ran, log.of("warn").length, server.stats().accepts]).toEqual([0, 1, 0]);
  });

  test("without Host is refused", async () => {
    for (const version of ["1.0", "1.1"]) expect([400, 403]).toContain((await ask(kind, [], version))[0]);
    expect(ran).toBe(0);
  });

  test("with a flood of headers, in number or in bytes, gets 431, and the next one is served", async () => {
    const many = (count: number): string[] => Array.from({ length: count }, (__, at) => `a${at}: b`);
    for (const flood of [many(101), many(2000), [`a: ${"x".repeat(20_000)}`], [`${"x".repeat(20_000)}: a`]])
      expect((await ask(kind, [OWN, ...flood]))[0]).toBe(431);
    expect(ran).toBe(0);
    expect((await ask(kind, [OWN, ...many(80)]))[0]).toBe(welcome);
  });

  test("with headers named like an object's own things is served, and no object has changed", async () => {
    const names = ["__proto__: x", "constructor: y", "hasOwnProperty: z", "toString: t", "__proto__: again"];
    expect((await ask(kind, [OWN, ...names]))[0]).toBe(welcome);
    if (kind[0] !== "WebSocket") expect(odd).toEqual(["x, again"]);
    expect((await ask(kind, [OWN, "__proto__: x", "Origin: null"]))[0]).toBe(403);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

test("a preflight is guarded like what it is about", async () => {
  const kind = ["preflight", "OPTIONS /rpc", ["Access-Control-Request-Method: POST"], "", 204] as const;
  for (const [, headers, verdict] of MATRIX.filter(([, lines]) => lines.some((line) => line.startsWith("Origin: h")))) {
    expect([headers, (await ask(kind, headers))[0]]).toEqual([headers, verdict === "in" ? 204 : 403]);
  }
});
