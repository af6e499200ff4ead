import { once } from "node:events";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Client } from "../src/client/client.ts";
import type { Logger } from "../src/core/logger.ts";
import { connect, serve } from "../src/node.ts";
import type { Server } from "../src/server/server.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";

const MAX_FRAME_BYTES = 64 << 10;

/** What the servers log, in place of stderr. */
const logged: string[] = [];
const note = (message: string): void => void logged.push(message);
const logger: Logger = { debug: note, info: () => {}, warn: note, error: note };

const handlers = {
  echo: (params: unknown) => params,
  slow: () => new Promise((resolve) => setTimeout(resolve, 50, "slow")),
};
let lines: Server;
let headers: Server;
/** Healthy clients, whose calls nothing may disturb. */
let neighbours: Client[];

beforeAll(async () => {
  const options = { handlers, logger, maxFrameBytes: MAX_FRAME_BYTES };
  lines = await serve("tcp://127.0.0.1:0", { ...options, wire: jsonrpc() });
  headers = await serve("tcp://127.0.0.1:0", { ...options, wire: lsp() });
  neighbours = [
    await connect(lines.addresses[0] ?? "", { wire: jsonrpc() }),
    await connect(headers.addresses[0] ?? "", { wire: lsp() }),
  ];
});

afterAll(async () => {
  for (const end of [...neighbours, lines, headers]) await end.close({ graceMs: 0 });
});

interface Answer {
  readonly text: string;
  readonly ended: boolean;
}

/** Writes bytes to a server and returns what it says until `enough` says so, or until it closes. */
async function send(server: Server, bytes: string | Uint8Array, enough: (text: string) => boolean): Promise<Answer> {
  const socket = net.connect(Number(new URL(server.addresses[0] ?? "").port), "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  let text = "";
  const answer = new Promise<Answer>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (enough(text)) resolve({ text, ended: false });
    });
    socket.on("close", () => resolve({ text, ended: true }));
  });
  socket.write(bytes);
  const given = await answer;
  socket.destroy();
  return given;
}

const CALL = '{"jsonrpc":"2.0","id":"neighbour","method":"slow"}';

/** A bad record between two neighbours on one link: the answer to it is expected, and both neighbours' as well. */
async function amongNeighbours(record: string | Uint8Array, wanted: RegExp): Promise<void> {
  const healthy = neighbours.map((client, n) => client.call("echo", { n }));
  const before = Buffer.from(`${CALL}\n`);
  const after = Buffer.from('\n{"jsonrpc":"2.0","id":"after","method":"echo","params":[1]}\n');
  const bytes = Buffer.concat([before, Buffer.from(record as string), after]);
  const { text, ended } = await send(
    lines,
    bytes,
    (all) => all.includes('"neighbour"') && all.includes('"after"') && wanted.test(all),
  );
  expect(ended).toBe(false);
  expect(text).toMatch(wanted);
  expect(text).toContain('{"jsonrpc":"2.0","id":"neighbour","result":"slow"}');
  expect(text).toContain('{"jsonrpc":"2.0","id":"after","result":[1]}');
  expect(await Promise.all(healthy)).toEqual([{ n: 0 }, { n: 1 }]);
}

const named = (method: string): string => JSON.stringify({ jsonrpc: "2.0", id: 7, method });

describe("a bad record is answered, and the calls around it do not notice", () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ["text that is no JSON", "{nonsense", /"id":null,"error":\{"code":-32700/],
    ["bytes that are no UTF-8", Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), /"id":null,"error":\{"code":-32700/],
    ["an overlong encoding", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), /"id":null,"error":\{"code":-32700/],
    [
      "a nesting of 30 000",
      `{"jsonrpc":"2.0","id":7,"method":"echo","params":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
      /"id":7,"error":.*nested deeper than 128/,
    ],
    ["a nesting that never ends", "[".repeat(60_000), /"error":\{"code":-32[67]00/],
    [
      "a frame above the limit",
      `{"jsonrpc":"2.0","id":7,"method":"echo","params":["${"x".repeat(MAX_FRAME_BYTES)}"]}`,
      /"id":7,"error":.*more than 65536 bytes/,
    ],
    [
      "a nesting of 1e6, which is above the limit too",
      "[".repeat(1_000_000),
      /"id":null,"error":.*more than 65536 bytes/,
    ],
    ["a request without a version", '{"id":7,"method":"echo"}', /"id":7,"error":\{"code":-32600/],
    ["an id that is an object", '{"jsonrpc":"2.0","id":{},"method":"echo"}', /"id":null,"error":\{"code":-32600/],
    ["an empty batch", "[]", /"id":null,"error":\{"code":-32600/],
    [
      "a batch with one bad member",
      '[1,{"jsonrpc":"2.0","id":7,"method":"echo"}]',
      /\[.*"code":-32700.*,\{"jsonrpc":"2.0","id":7,"result":null\}\]/,
    ],
    ["the name __proto__", named("__proto__"), /"id":7,"error":\{"code":-32601/],
    ["the name constructor", named("constructor"), /"id":7,"error":\{"code":-32601/],
    ["the name toString", named("toString"), /"id":7,"error":\{"code":-32601/],
    ["the name echo.__proto__", named("echo.__proto__"), /"id":7,"error":\{"code":-32601/],
    ["the empty name", named(""), /"id":7,"error":\{"code":-32600/],
    ["a name of 60 000 characters", named("n".repeat(60_000)), /"id":7,"error":\{"code":-32601/],
    ["a name with line ends and escapes", named("a\r\n\u001b[2J\u009b"), /"id":7,"error":\{"code":-32601/],
  ])("%s", async (_, record, wanted) => {
    await amongNeighbours(record, wanted);
  });

  test("a reply to nothing is passed over", async () => {
    await amongNeighbours('{"jsonrpc":"2.0","id":99,"result":1}', /"after"/);
    await amongNeighbours('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}', /"after"/);
  });

  test("a __proto__ member of params stays data", async () => {
    await amongNeighbours(
      '{"jsonrpc":"2.0","id":7,"method":"echo","params":{"__proto__":{"polluted":true}}}',
      /"id":7,"result":\{"__proto__":\{"polluted":true\}\}/,
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("headers that cannot be understood end that link, and no other", () => {
  test.each([
    ["without a length", "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}", /length/i],
    ["with two lengths", `Content-Length: 2\r\nContent-Length: ${CALL.length}\r\n\r\n${CALL}`, /length/i],
    ["with a length of 10^20", `Content-Length: 100000000000000000000\r\n\r\n${CALL}`, /length/i],
    ["with a negative length", `Content-Length: -1\r\n\r\n${CALL}`, /length/i],
    ["with a length in hexadecimal", `Content-Length: 0x10\r\n\r\n${CALL}`, /length/i],
    ["without an end", `X-Padding: ${"x".repeat(20_000)}`, /header/i],
    ["with a line that is none", `GET / HTTP\r\nContent-Length: 2\r\n\r\n{}`, /header/i],
  ])("%s", async (_, bytes, wanted) => {
    logged.length = 0;
    const healthy = neighbours.map((client, n) => client.call("echo", { n }));
    const { ended } = await send(headers, bytes, () => false);
    expect(ended).toBe(true);
    await expect.poll(() => logged.join("\n")).toMatch(wanted);
    expect(await Promise.all(healthy)).toEqual([{ n: 0 }, { n: 1 }]);
  });
});

test("what a peer sends cannot forge a line of the log or move the cursor", async () => {
  logged.length = 0;
  await send(headers, "Content-Length: \u001b[2J\u0007forged\u0085\r\n\r\n", () => false);
  await expect.poll(() => logged.length).toBeGreaterThan(0);
  for (const line of logged) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
});
