import { once } from "node:events";
import { createServer, type Server as NetServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { token } from "../src/auth.ts";
import type { CallContext } from "../src/index.ts";
import { Fleet } from "../src/index.ts";
import { connect, type NodeServeOptions, native, serve } from "../src/node.ts";
import { convoke, HANDLERS, Program } from "./suites/command.ts";
import { deferred, until } from "./suites/support.ts";

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Nobody listens there: the port was somebody's a moment ago. */
async function nowhere(scheme = "tcp"): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `${scheme}://127.0.0.1:${port}`;
}

/** Takes connections and says nothing. */
async function silence(scheme: string): Promise<string> {
  const server: NetServer = createServer((socket) => void cleanups.push(async () => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(async () => server.close());
  return `${scheme}://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

async function serving(address: string, options: NodeServeOptions = {}): Promise<string> {
  const server = await serve(address, {
    handlers: { add: ([a = 0, b = 0]: number[]) => a + b },
    logger: false,
    ...options,
  });
  cleanups.push(() => server.close({ graceMs: 0 }));
  return server.addresses[0] ?? "";
}

describe("connect with several addresses", () => {
  test("takes the first that answers: refused and silent ones are passed by", async () => {
    const http = await serving("http://127.0.0.1:0/rpc");
    const addresses = [await nowhere(), await silence("ws"), http];
    const client = await connect(addresses, { ladder: { rungTimeoutMs: 200 } });
    expect([client.address, await client.call("add", [1, 2])]).toEqual([http, 3]);
    await client.close();
  });

  test("moves to a better one that comes up, of another transport, without losing a call", async () => {
    const better = await nowhere();
    const worse = await serving("ws://127.0.0.1:0/ws");
    const client = await connect([better, worse], { ladder: { retryBetterMs: 50 }, logger: false });
    expect(client.address).toBe(worse);
    await serving(better);
    const sums: Promise<unknown>[] = [];
    await until(() => {
      sums.push(client.call("add", [1, 1]));
      return client.address === better;
    });
    expect(new Set(await Promise.all(sums))).toEqual(new Set([2]));
    await until(() => client.connections.length === 1);
    expect(await client.call("add", [1, 2])).toBe(3);
    await client.close();
  });

  test("says why none can be reached, and repeats no password or token of an address", async () => {
    const tcp = await nowhere();
    const web = (await nowhere("ws")).replace("ws://", "ws://ann:secret@").concat("/rpc?token=secret");
    const shown = new URL(web).host;
    await expect(connect([tcp, web])).rejects.toMatchObject({
      code: "unavailable",
      message: `None of the 2 addresses can be reached: ${tcp} (connection refused), ws://${shown}/rpc (connection refused)`,
    });
  });

  test("each address gets the options of its kind", async () => {
    let seen: string | undefined;
    const identify = ({ headers }: { headers: { authorization?: string } }): void => {
      seen = headers.authorization;
    };
    const ws = await serving("ws://127.0.0.1:0/", { ws: { identify } as never });
    const client = await connect([await nowhere(), ws], { ws: { headers: { authorization: "Bearer x" } } });
    expect(seen).toBe("Bearer x");
    await client.close();
    await expect(connect([await nowhere(), ws], { grpc: {} })).rejects.toThrow(
      "The option grpc belongs to an address grpc:// or grpcs://, not to one of the kind tcp or ws",
    );
  });

  test.each<[string, string[], object, string]>([
    [
      "a wire that one of them cannot carry",
      ["tcp://127.0.0.1:1", "http://127.0.0.1:1/"],
      { wire: native() },
      "carries JSON-RPC only",
    ],
    ["an address that is always up before another", ["http://127.0.0.1:1/", "tcp://127.0.0.1:1"], {}, "put it last"],
    ["a program before another address", ["exec:node x.js", "tcp://127.0.0.1:1"], {}, "put it last"],
    [
      "an authenticator where one of them has no room",
      ["tcp://127.0.0.1:1", "http://127.0.0.1:1/"],
      { authenticator: token({ token: "x" }) },
      "has no room for an authenticator",
    ],
    ["no address", [], {}, "give at least one"],
  ])("%s is a TypeError at once", async (_, addresses, options, message) => {
    const failed = await connect(addresses, { lazy: true, ...options }).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(TypeError);
    expect((failed as TypeError).message).toContain(message);
  });

  test("HTTP with a stream of events may stand before others: it is up when that is", async () => {
    const tcp = await serving("tcp://127.0.0.1:0");
    const client = await connect([await nowhere("http"), tcp], { http: { events: true } });
    expect(client.address).toBe(tcp);
    await client.close();
  });

  test("a dialer may be one of them", async () => {
    const tcp = await serving("tcp://127.0.0.1:0");
    const client = await connect([() => Promise.reject(new Error("not today")), tcp]);
    expect(client.address).toBe(tcp);
    await client.close();
    await expect(connect([() => Promise.reject(new Error("not today")), await nowhere()])).rejects.toThrow(
      "address 1 (not today)",
    );
  });

  test("one address is named, too", async () => {
    const tcp = await serving("tcp://127.0.0.1:0");
    const client = await connect(tcp);
    expect(client.address).toBe(tcp);
    await client.close();
  });

  test("an agent on gRPC, WebSocket or TCP is one member, wherever it came from", async () => {
    const fleet = new Fleet();
    const better = await nowhere("grpc");
    const worse = await serving("ws://127.0.0.1:0/", { wire: native(), fleet });
    const who = (_: unknown, { remoteAddress }: CallContext): string | undefined => remoteAddress;
    const gate = deferred();
    const slow = async (_: unknown, { peer }: CallContext): Promise<unknown> => {
      await gate.promise;
      return peer.call("add", [1, 2]);
    };
    const options = { wire: native(), name: "ann", handlers: { who, slow }, logger: false as const };
    const client = await connect([better, worse], { ...options, ladder: { retryBetterMs: 50 } });
    const asked = fleet.call("ann", "slow");
    await serving(better, { wire: native(), fleet });
    await until(() => client.address === better);
    // Its new link works while the old one has something to say.
    await until(() => fleet.get("ann")?.pending === 0);
    expect([fleet.list().length, client.connections.length]).toEqual([1, 2]);
    gate.resolve();
    // And what the handler asks then goes by the new one.
    expect(await asked).toBe(3);
    await until(() => client.connections.length === 1);
    expect(fleet.list()).toHaveLength(1);
    expect(await fleet.call("ann", "who")).toBeDefined();
    await client.close();
  });
});

describe("the command", () => {
  const ADD = ["math.add", '{"a":1,"b":2}'] as const;

  test("call takes the address of --fallback when the first does not answer", async () => {
    await using server = new Program(["serve", HANDLERS, "--listen", "http://127.0.0.1:0/rpc"]);
    const http = await server.listens("http");
    const dead = await nowhere();
    const run = await convoke("call", dead, "--fallback", await nowhere("ws"), "--fallback", http, ...ADD);
    expect(run).toEqual({ status: 0, stdout: "3\n", stderr: "" });
    const failed = await convoke("call", dead, "--fallback", dead, ...ADD);
    expect(failed).toMatchObject({ status: 1, stdout: "" });
    expect(failed.stderr).toBe(
      `unavailable: None of the 2 addresses can be reached: ${dead} (connection refused), ${dead} (connection refused)\n`,
    );
  });

  test("an agent says which address it has joined at", async () => {
    await using server = new Program(["serve", "--fleet", "--listen", "tcp://127.0.0.1:0"]);
    const tcp = await server.listens("tcp");
    await using agent = new Program(["agent", await nowhere("ws"), HANDLERS, "--name", "ann", "--fallback", tcp]);
    await agent.prints("stderr", /^Joined .*\n/m);
    expect(agent.stderr).toContain(`Joined ${tcp} as "ann"\n`);
    expect((await convoke("call", tcp, "--agent", "ann", ...ADD)).stdout).toBe("3\n");
    expect((await agent.interrupt()).status).toBe(0);
  });

  test.each([
    [["call", "http://127.0.0.1:1/", "--fallback", "tcp://127.0.0.1:1", "x"], /put it last/],
    [
      ["call", "tcp://127.0.0.1:1", "--fallback", "http://127.0.0.1:1/", "--wire", "native", "x"],
      /carries JSON-RPC only/,
    ],
    [["call", "tcp://127.0.0.1:1", "--fallback", "unix:/tmp/x", "--header", "a: b", "x"], /--header belongs to/],
    [
      ["agent", "tcp://127.0.0.1:1", HANDLERS, "--name", "a", "--fallback", "http://127.0.0.1:1/"],
      /cannot be called over http/,
    ],
  ])("a command line that is wrong: %j", async (args, message) => {
    const { status, stderr } = await convoke(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
