import { expect, test } from "vitest";
import type { CallContext } from "../src/core/context.ts";
import { testNetwork } from "../src/testing.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";

test("push: false refuses calls and notifications of the accepting end, and the dialling end still calls", async () => {
  const network = testNetwork();
  const handlers = {
    ask: (_: unknown, { peer }: CallContext) => peer.call("question"),
    tell: (_: unknown, { peer }: CallContext) => peer.notify("news"),
    add: ({ a, b }: { a: number; b: number }) => a + b,
  };
  const server = await network.serve("memory:quiet", { handlers, wire: jsonrpc({ push: false }) });
  const client = await network.connect("memory:quiet", { handlers: { question: () => "answer" } });
  await expect(client.call("ask")).rejects.toMatchObject({
    code: "unknown",
    wireCode: -32098,
    message: "server push is not enabled",
  });
  await expect(client.call("tell")).rejects.toMatchObject({ message: "server push is not enabled" });
  expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
  await client.close();
  await server.close();
});

test("a handler ends another call of its caller by the text of its id, as jrpc2's CancelRequest does (case 134)", async () => {
  const network = testNetwork();
  const handlers = {
    wait: (_: unknown, { signal }: CallContext) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    stop: ({ id }: { id: unknown }, { connection }: CallContext) => connection.cancelIncoming(JSON.stringify(id)),
  };
  const server = await network.serve("memory:stop", { handlers });
  const client = await network.connect("memory:stop");
  const waiting = client.call("wait");
  expect(await client.call("stop", { id: 99 })).toBeNull();
  expect(await client.call("stop", { id: "1" })).toBeNull();
  expect(await client.call("stop", { id: 1 })).toBeNull();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled", wireCode: -32097 });
  await client.close();
  await server.close();
});
