import { afterEach, expect, test } from "vitest";
import type { Client } from "../src/client/client.ts";
import { ManualClock } from "../src/core/clock.ts";
import type { RpcError } from "../src/core/errors.ts";
import { connectHttp } from "../src/http.ts";
import { Log } from "./suites/engine.ts";
import { turn } from "./suites/support.ts";

/** Servers that say their errors by the HTTP status, too, with a JSON-RPC message for body, as aria2 does. */

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close({ graceMs: 0 });
});

/** A client whose requests are all answered so; `ID` in the body stands for the call's own id. */
async function clientOf(status: number, body: string): Promise<{ client: Client; log: Log }> {
  const log = new Log();
  const client = await connectHttp("http://localhost:8080/rpc", {
    clock: new ManualClock(),
    logger: log,
    redial: false,
    fetch: async (_, { body: record }) => {
      const { id } = [JSON.parse(String(record)) as unknown].flat()[0] as { id?: number };
      const headers = { "content-type": "application/json-rpc" };
      return new Response(body.replaceAll("ID", String(id)), { status, headers });
    },
  });
  clients.push(client);
  return { client, log };
}

const failed = async (client: Client): Promise<unknown> => {
  const error = (await client.call("m").catch((thrown: unknown) => thrown)) as RpcError;
  // A link that ends does so right after.
  await turn();
  return [error.wireCode, error.message, client.state];
};

test.each([400, 401, 404, 500, 503])("with status %i a reply is a reply, and the link lives", async (status) => {
  const { client } = await clientOf(status, '{"id":ID,"jsonrpc":"2.0","error":{"code":1,"message":"No","data":[2]}}');
  expect(await failed(client)).toEqual([1, "No", "open"]);
  await expect(client.call("m")).rejects.toMatchObject({ data: [2], remote: true });
});

test.each([
  [400, -32600, "Invalid Request", "open"],
  [500, -32700, "Parse error", "open"],
  [401, -32093, "unexpected HTTP status 401", "stopped"],
])("with status %i an error without an id is the request's own: %i", async (status, code, message, state) => {
  const error = JSON.stringify({ code, message });
  const { client } = await clientOf(status, `{"id":null,"jsonrpc":"2.0","error":${error}}`);
  expect(await failed(client)).toEqual([code, message, state]);
});

test("members of a batch that are not answered fail by themselves", async () => {
  const { client } = await clientOf(400, '[{"id":ID,"jsonrpc":"2.0","error":{"code":1,"message":"No"}}]');
  const outcomes = await client.batch([["a"], ["b"]]);
  expect(outcomes.map((each) => (each.ok ? each.value : [each.error.wireCode, each.error.message]))).toEqual([
    [1, "No"],
    [-32603, "no answer came, HTTP status 400"],
  ]);
  expect(client.state).toBe("open");
});

test("a notification that is refused so is logged, and the link lives", async () => {
  const { client, log } = await clientOf(400, '{"id":null,"jsonrpc":"2.0","error":{"code":-32600,"message":"No id"}}');
  await client.notify("m");
  expect(await failed(client)).toEqual([-32600, "No id", "open"]);
  expect(log.of("warn")).toEqual(["http://localhost:8080/rpc refused a notification, HTTP status 400: No id"]);
});

test("what is no reply to this request counts as its status alone", async () => {
  const { client } = await clientOf(400, '{"id":"other","jsonrpc":"2.0","error":{"code":1,"message":"No"}}');
  expect(await failed(client)).toEqual([-32603, "unexpected HTTP status 400", "stopped"]);
});

test.each([
  ["leaves its id out", '{"jsonrpc":"2.0","result":1}', "no answer came, HTTP status 200"],
  ["is that of another", '{"id":"other","jsonrpc":"2.0","result":1}', "no answer came, HTTP status 200"],
  ["says no id", '{"id":null,"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}', "Parse error"],
  ["is a list of no messages", "[1,2]", "no answer came, HTTP status 200"],
  ["is an empty list", "[]", "no answer came, HTTP status 200"],
  ["is broken", '{"id":ID,', "no answer came, HTTP status 200"],
])("with status 200 a call whose answer %s fails at once, and the link lives", async (_, body, message) => {
  const { client } = await clientOf(200, body);
  expect(await failed(client)).toEqual([expect.any(Number), message, "open"]);
});

test("with status 200 the members that a batch's answer leaves out fail, and the others have theirs", async () => {
  const { client } = await clientOf(200, '[{"id":ID,"jsonrpc":"2.0","result":7}]');
  const outcomes = await client.batch([["a"], ["b"]]);
  expect(outcomes.map((each) => (each.ok ? each.value : each.error.message))).toEqual([
    7,
    "no answer came, HTTP status 200",
  ]);
  expect(client.state).toBe("open");
});
