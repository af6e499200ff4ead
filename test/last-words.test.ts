import net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { token } from "../src/auth.ts";
import { jsonrpc, lsp } from "../src/jsonrpc.ts";
import { connect, native, serve } from "../src/node.ts";
import { Log } from "./suites/engine.ts";

/** A client of a server that answers each line with these. */
async function clientOf(answersTo: (id: number) => string, logger: Log | false = false) {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const line of String(bytes).trim().split("\n")) {
        socket.write(answersTo((JSON.parse(line) as { readonly id: number }).id));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const client = await connect(`tcp://127.0.0.1:${port}`, { logger, maxFrameBytes: 10_000, timeoutMs: 5000 });
  onTestFinished(async () => {
    await client.close({ graceMs: 0 });
    server.close();
  });
  return client;
}

test("an error that is none of JSON-RPC harms no call when anything has come before it", async () => {
  const client = await clientOf(
    (id) => `{"jsonrpc":"2.0","id":${id},"result":1}\n{"error":{"code":"x","message":"odd"}}\n`,
  );
  expect(await client.call("one")).toBe(1);
  expect(await client.call("two")).toBe(1);
  expect(client.stats().strays).toBeGreaterThan(0);
});

describe("a reply above the limit", () => {
  test.each([
    ["first", (id: number) => `{"jsonrpc":"2.0","id":${id},"result":"${"x".repeat(20_000)}"}\n`],
    [
      "last, as the SDK of the Model Context Protocol writes it",
      (id: number) => `{"result":"${"x".repeat(20_000)}","jsonrpc":"2.0","id":${id}}\n`,
    ],
    ["before the version", (id: number) => `{"result":{"a":"${"x".repeat(20_000)}"},"id":${id},"jsonrpc":"2.0"}\r\n`],
  ])("fails its call at once: the id stands %s", async (_, answer) => {
    const client = await clientOf(answer);
    await expect(client.call("big")).rejects.toMatchObject({ code: "resource_exhausted", executed: "yes" });
  });

  test("without an id of ours is logged, because somebody may wait for it", async () => {
    const logger = new Log();
    const client = await clientOf(() => `{"result":"${"x".repeat(20_000)}","jsonrpc":"2.0","id":99}\n`, logger);
    await expect(client.call("big", {}, { timeoutMs: 300 })).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(logger.of("warn")).toEqual([expect.stringMatching(/^A reply was lost: A frame of more than 10000 bytes/)]);
  });
});

test.each([
  ["jsonrpc", jsonrpc],
  ["lsp", lsp],
  ["native", native],
])("whoever has no authenticator is told that the server wants one: %s", async (_, wire) => {
  const server = await serve("tcp://127.0.0.1:0", {
    wire: wire(),
    logger: false,
    authenticator: token({ authorize: { secret: "ann" } }),
    handlers: { hi: () => 1 },
  });
  onTestFinished(() => server.close());
  const told = /The other side wants to know who this end is \(option authenticator\): /;
  const failed = connect(server.addresses[0] ?? "", { wire: wire(), redial: false, logger: false }).then((client) =>
    client.call("hi"),
  );
  await expect(failed).rejects.toThrow(told);
});
