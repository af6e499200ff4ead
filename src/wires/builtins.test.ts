import metaSchema from "@open-rpc/meta-schema";
import { Ajv } from "ajv";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { CallContext } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { lookup, Registry } from "../core/handlers.ts";
import { method, positional } from "../core/method.ts";
import type { NodeServeOptions } from "../node.ts";
import { connect, serve } from "../node.ts";
import type { ServerInfo } from "./builtins.ts";
import { jsonrpc } from "./jsonrpc.ts";

const handlers = {
  rpc: () => "mine",
  math: {
    add: method(
      { params: z.object({ a: z.number(), b: z.number().optional() }), result: z.number(), positional: ["a", "b"] },
      ({ a, b = 1 }) => a + b,
    ),
    minus: positional(["first", "second"], (first: number, second: number) => first - second),
  },
  greet: method({ params: v.object({ name: v.string() }) }, ({ name }) => `hello ${name}`),
  tree: method({ params: z.object({ __proto__: z.string(), from: z.date().optional() }) }, () => null),
  plain: () => null,
};

/** What a client of such a server gets for each call: the result, or the error's code. */
async function asked(options: NodeServeOptions, ...methods: readonly string[]): Promise<unknown[]> {
  await using server = await serve("tcp://127.0.0.1:0", options);
  await using client = await connect(server.addresses[0] ?? "");
  const answers: unknown[] = [];
  for (const name of methods) {
    answers.push(await client.call(name).catch((error: RpcError) => (RpcError.is(error) ? error.code : error)));
  }
  return answers;
}

/** Bytes of such calls of a new client, with the ends of their lines. */
function sizeOf(...methods: readonly string[]): number {
  const records = methods.map((method, at) => `${JSON.stringify({ jsonrpc: "2.0", id: at + 1, method })}\n`);
  return records.join("").length;
}

/** Says what is wrong with an OpenRPC document. The meta-schema names a schema of schemas by its address: draft 7 stands in for it. */
function faultsOf(document: object): unknown {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const anyOf = [{ type: "boolean" }, { $ref: "http://json-schema.org/draft-07/schema#" }];
  ajv.addSchema({ $id: "https://meta.json-schema.tools", anyOf });
  const definitions = { JSONSchemaObject: { properties: { $ref: { type: "string" } } } };
  ajv.addSchema({ $id: "https://meta.json-schema.tools/", definitions });
  const { $schema: _, ...schema } = metaSchema as { readonly $schema: string };
  const check = ajv.compile(schema);
  return check(document) ? [] : check.errors;
}

describe("the built-ins of a JSON-RPC server", () => {
  test("143: names that begin with rpc. never reach the handlers; the name rpc does", async () => {
    const options = { handlers: new Registry({ ...handlers, "rpc.custom": () => "never", "rpc.": () => "never" }) };
    expect(await asked(options, "rpc", "rpc.custom", "rpc.")).toEqual(["mine", "unimplemented", "unimplemented"]);
  });

  test("145: without them every name is the user's", async () => {
    const custom = { handlers: { "rpc.custom": () => "mine" }, builtins: false };
    expect(await asked(custom, "rpc.custom", "rpc.serverInfo", "rpc.discover")).toEqual([
      "mine",
      "unimplemented",
      "unimplemented",
    ]);
  });

  test("150: rpc.serverInfo lists the methods and counts", async () => {
    const before = Date.now();
    const [, , info] = (await asked({ handlers }, "plain", "nope", "rpc.serverInfo")) as [0, 0, ServerInfo];
    expect(info).toEqual({
      methods: ["greet", "math.add", "math.minus", "plain", "rpc", "tree"],
      metrics: {
        rpc_requests: 3,
        rpc_errors: 1,
        calls_pushed: 0,
        notifications_pushed: 0,
        // The reply to this call is not written yet.
        bytes_read: sizeOf("plain", "nope", "rpc.serverInfo"),
        bytes_written: expect.any(Number) as number,
        servers_active: 1,
      },
      startTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/) as string,
    });
    expect(Date.parse(info.startTime)).toBeGreaterThanOrEqual(before);
  });

  test("148, 149: a lookup lists a star, an empty table nothing", async () => {
    const [star] = (await asked({ handlers: lookup(() => undefined) }, "rpc.serverInfo")) as [ServerInfo];
    expect(star.methods).toEqual(["*"]);
    const [empty] = (await asked({}, "rpc.serverInfo")) as [ServerInfo];
    expect("methods" in empty).toBe(false);
  });

  test("the counters of links that have ended still count, invalid requests too", async () => {
    await using server = await serve("tcp://127.0.0.1:0", { handlers, logger: false });
    const client = await connect(server.addresses[0] ?? "");
    await client.call("plain");
    await client.close();
    await using strange = await connect(server.addresses[0] ?? "");
    await strange.call("").catch(() => undefined);
    const { metrics } = (await strange.call("rpc.serverInfo")) as ServerInfo;
    expect(metrics).toMatchObject({ rpc_requests: 3, rpc_errors: 1, calls_pushed: 0, servers_active: 1 });
    expect(metrics.bytes_read).toBe(server.stats().bytesRead);
  });

  test("notifications and calls in the other direction count as pushed", async () => {
    const push = async (_: unknown, { peer }: CallContext) => {
      await peer.notify("news");
      return peer.call("plain");
    };
    await using server = await serve("tcp://127.0.0.1:0", { handlers: { push } });
    await using client = await connect(server.addresses[0] ?? "", { handlers });
    await client.call("push");
    const { metrics } = (await client.call("rpc.serverInfo")) as ServerInfo;
    expect(metrics).toMatchObject({ calls_pushed: 1, notifications_pushed: 1 });
  });

  test("middleware stands around them", async () => {
    const seen: string[] = [];
    const options: NodeServeOptions = {
      middleware: [
        (call, next) => {
          seen.push(call.method);
          return next();
        },
      ],
    };
    await asked(options, "rpc.serverInfo");
    expect(seen).toEqual(["rpc.serverInfo"]);
  });

  test("a client answers them only when it is told to", async () => {
    let answers: unknown[] = [];
    const ask = { builtins: true, handlers };
    for (const options of [{ handlers }, ask]) {
      await using server = await serve("tcp://127.0.0.1:0", {
        handlers: {
          ask: (_: unknown, { peer }: { peer: { call(name: string): Promise<unknown> } }) =>
            peer.call("rpc.discover").catch((error: RpcError) => error.code),
        },
      });
      await using client = await connect(server.addresses[0] ?? "", options);
      answers = [...answers, await client.call("ask")];
    }
    expect(answers).toEqual(["unimplemented", expect.objectContaining({ openrpc: "1.3.2" })]);
  });
});

describe("rpc.discover", () => {
  test("is an OpenRPC document of the handlers, valid against the published meta-schema", async () => {
    const wire = jsonrpc({ info: { title: "Sums", version: "1.2.0", description: "Adds." } });
    const [document] = (await asked({ handlers, wire }, "rpc.discover")) as [{ methods: { name: string }[] }];
    expect(faultsOf(document)).toEqual([]);
    expect(document).toMatchObject({ info: { title: "Sums", version: "1.2.0", description: "Adds." } });
    const described = (name: string) => document.methods.find((each) => each.name === name);
    expect(described("math.add")).toEqual({
      name: "math.add",
      paramStructure: "either",
      params: [
        { name: "a", required: true, schema: { type: "number" } },
        { name: "b", required: false, schema: { type: "number" } },
      ],
      result: { name: "result", schema: { type: "number" } },
    });
    expect(described("math.minus")).toMatchObject({
      paramStructure: "either",
      params: [
        { name: "first", schema: true },
        { name: "second", schema: true },
      ],
    });
    for (const name of ["greet", "plain", "tree"]) {
      expect(described(name)).toEqual({
        name,
        description: "The params are not described.",
        paramStructure: "by-name",
        params: [],
        result: { name: "result", schema: true },
      });
    }
  });

  test("has no methods where they cannot be listed", async () => {
    const [document] = (await asked({ handlers: lookup(() => () => 1) }, "rpc.discover")) as [object];
    expect(document).toMatchObject({ methods: [] });
    expect(faultsOf(document)).toEqual([]);
  });

  test("a document with a fault does not pass the meta-schema", () => {
    expect(faultsOf({ openrpc: "1.3.2", info: { title: "x" }, methods: [] })).not.toEqual([]);
  });
});
