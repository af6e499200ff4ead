import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { type CallContext, RpcError, type Server, type Wire } from "convoke";
import { header, type JsonRpcOptions, jsonrpc, lsp, rawJson, strictHeader } from "convoke/jsonrpc";
import { connect, serve } from "convoke/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { jrpc2Service } from "../test/jrpc2-service.ts";
import { buildGo, type GoPrograms, hasGo } from "./partners/go.ts";

const RECORDS = Number(process.env["CONVOKE_JRPC2_RECORDS"] ?? 200_000);
const CANCEL_ME = { method: "cancelMe", key: "id" };
const FRAMINGS: readonly (readonly [string, (options: JsonRpcOptions) => Wire])[] = [
  ["line", jsonrpc],
  ["lsp", lsp],
  ["raw", (options) => jsonrpc({ ...options, framing: rawJson() })],
  ["strict:text/plain", (options) => jsonrpc({ ...options, framing: strictHeader("text/plain") })],
  ["header:application/json", (options) => jsonrpc({ ...options, framing: header("application/json") })],
];

const found = await hasGo();
let go: GoPrograms;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  if (found) go = await buildGo("jrpc2");
}, 300_000);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => go?.close());

/** What our end serves for the Go client: a table for each connection. */
function handlersOf() {
  const lines: string[] = [];
  let begun: () => void = () => {};
  let ended: (why: string) => void = () => {};
  const slowBegan = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const slowEnded = new Promise<string>((resolve) => {
    ended = resolve;
  });
  return {
    add: ({ a, b }: { a: number; b: number }) => a + b,
    subtract: ([a, b]: [number, number]) => a - b,
    echo: (params: unknown) => params,
    nothing: () => undefined,
    fail: ({ code }: { code: number }) => {
      throw new RpcError("unknown", "failed as asked", { wireCode: code, data: { code } });
    },
    late: async ([text]: [string]) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      lines.push(text);
    },
    lines: () => lines,
    push: async (_: unknown, { peer }: CallContext) => {
      await peer.notify("note", [1]);
      await peer.notify("note", { n: 2 });
      return "pushed";
    },
    ask: ({ method, params }: { method: string; params: object | null }, { peer }: CallContext) =>
      peer.call(method, params ?? undefined),
    slow: (_: unknown, { signal }: CallContext) =>
      new Promise((_resolve, reject) => {
        begun();
        signal.addEventListener("abort", () => {
          ended((signal.reason as RpcError).code);
          reject(signal.reason);
        });
      }),
    untilSlow: () => slowBegan,
    untilStopped: () => slowEnded,
  };
}

async function ourServer(wire: Wire, handlers: object | (() => object)): Promise<string> {
  const server: Server = await serve("tcp://127.0.0.1:0", { wire, handlers, logger: false });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return new URL(server.addresses[0] ?? "").host;
}

describe.skipIf(!found).each(FRAMINGS)("jrpc2, framing %s", (framing, wire) => {
  test("its client calls our server in every way it can", async () => {
    const address = await ourServer(wire({ cancel: CANCEL_ME }), handlersOf);
    const notFound = { code: -32601, message: "method not found", data: "nope" };
    expect(await go.run("client", ["-framing", framing, "-address", address])).toEqual({
      call: { id: 1, result: 5 },
      positions: { id: 2, result: 5 },
      text: { id: 3, result: ["<é\u2028😀>", ""] },
      nothing: { id: 4, result: null },
      error: { code: -31999, message: "failed as asked", data: { code: -31999 } },
      unknown: notFound,
      batch: [{ id: 7, result: 2 }, notFound, { id: 9, result: 8 }],
      lines: { id: 10, result: ["in the batch", "a", "b", "c"] },
      pushed: { id: 11, result: "pushed" },
      notes: [[1], { n: 2 }],
      asked: { id: 12, result: { method: "question", params: [1] } },
      refused: { code: -31001, message: "refused", data: [7] },
      started: null,
      gaveUp: { failed: "context canceled" },
      stopped: "cancelled",
      wrong: 0,
    });
  });

  test("our client calls its server in every way it can", async () => {
    const address = await go.serve("server", ["-framing", framing]);
    const notes: unknown[] = [];
    const client = await connect(`tcp://${address}`, {
      wire: wire({ cancel: { method: "CancelMe", key: "id" } }),
      handlers: { note: (params: unknown) => void notes.push(params), cb: (params: unknown) => ({ heard: params }) },
    });
    cleanups.push(() => client.close({ graceMs: 0 }));

    expect(await client.call("X")).toBe("OK");
    expect(await client.call("Echo", ["<é\u2028😀>", { a: [1.5, null] }])).toEqual(["<é\u2028😀>", { a: [1.5, null] }]);
    expect(await client.call("Pos", { first: 5, second: 3 })).toBe(2);
    expect(await client.call("Empty")).toBeNull();
    const error = await client.call("Err").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unknown", wireCode: -32000, message: "boom 1", data: { a: 1 }, remote: true });
    await expect(client.call("nope")).rejects.toMatchObject({ code: "unimplemented", data: "nope" });
    await expect(client.call("Args", ["a"])).rejects.toMatchObject({ code: "invalid_argument", wireCode: -32602 });
    await expect(client.call("Deadline")).rejects.toMatchObject({ code: "deadline_exceeded" });

    const outcomes = await client.batch([
      ["X"],
      ["Late", ["in the batch"], { notify: true }],
      ["nope"],
      ["Pos", [9, 1]],
    ]);
    expect(outcomes.map((each) => (each.ok ? each.value : each.error.code))).toEqual([
      "OK",
      undefined,
      "unimplemented",
      8,
    ]);
    for (const text of ["a", "b", "c"]) await client.notify("Late", [text]);
    expect(await client.call("Lines")).toEqual(["in the batch", "a", "b", "c"]);

    expect(await client.call("Notify")).toBeNull();
    expect(notes).toEqual([[1]]);
    expect(await client.call("CB")).toEqual({ heard: { q: 2 } });
    const many = Array.from({ length: 500 }, (_, n) => client.call("Pos", [n, 1]));
    expect(await Promise.all(many)).toEqual(Array.from({ length: 500 }, (_, n) => n - 1));

    const controller = new AbortController();
    const slow = client.call("Sleep", [60_000], { signal: controller.signal });
    // It is not ordered after the slow call, but sent after it.
    await client.call("X");
    controller.abort();
    await expect(slow).rejects.toMatchObject({ code: "cancelled" });
    expect(await client.call("Lines")).toContainEqual(expect.stringMatching(/^cancelled \d+$/));
  });
});

test.skipIf(!found)("ids of every form come back as they were written, from both", async () => {
  const ids = ["1", "1.0", "1e3", "-0", "0.10", '"a\\u0041"', '""', '"1"', "12345678901234567890"];
  const addresses = [await ourServer(jsonrpc(), probe), await go.serve("server", [])];
  for (const address of addresses) {
    const [host = "", port] = address.split(":");
    const socket = net.connect(Number(port), host);
    cleanups.push(() => socket.destroy());
    const lines = createInterface(socket)[Symbol.asyncIterator]();
    await once(socket, "connect");
    for (const id of ids) {
      socket.write(`{"jsonrpc":"2.0","id": ${id} ,"method":"ID"}\n`);
      const { value } = (await lines.next()) as { value: string };
      expect(value).toBe(`{"jsonrpc":"2.0","id":${id},"result":[${JSON.stringify(id)},false,false,"ID"]}`);
    }
  }
});

/** The probe service. Go's `Echo` of no params would fail in Go's way: there it gives null, as here. */
const probe = () => jrpc2Service((ms) => new Promise((resolve) => setTimeout(resolve, ms)));

test.skipIf(!found)(
  `${RECORDS} random records get the same answers from both servers`,
  { timeout: 300_000 },
  async () => {
    const ours = await ourServer(jsonrpc({ strict: true, errors: "verbatim" }), probe);
    const theirs = await go.serve("server", []);
    const seed = process.env["CONVOKE_JRPC2_SEED"] ?? "1";
    const report = await go.run("compare", [
      "-theirs",
      theirs,
      "-ours",
      ours,
      "-count",
      String(RECORDS),
      "-seed",
      seed,
    ]);
    const { differences, replies } = report as { differences: unknown[]; replies: number };
    expect(differences).toEqual([]);
    expect(replies).toBeGreaterThan(RECORDS / 2);
  },
);
