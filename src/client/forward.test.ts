import { afterEach, describe, expect, test } from "vitest";
import { deferred } from "../../test/suites/support.ts";
import type { CallContext, Caller } from "../core/context.ts";
import { RpcError } from "../core/errors.ts";
import { lookup } from "../core/handlers.ts";
import type { ServeOptions, Server } from "../server/server.ts";
import { testNetwork } from "../testing.ts";
import { native } from "../wires/native.ts";
import type { Client, ConnectOptions } from "./client.ts";
import { forwarding } from "./forward.ts";

const closing: { close(options: { graceMs: number }): Promise<void> }[] = [];

afterEach(async () => {
  for (const end of closing.splice(0).reverse()) await end.close({ graceMs: 0 });
});

interface Chain {
  /** Calls the proxy. */
  readonly near: Client;
  /** The proxy's own client. */
  readonly through: Client;
  readonly far: Server;
}

/** A client, a proxy on JSON-RPC, and a server behind it on the native wire. */
async function chain(
  handlers: object,
  { near, far }: { near?: ServeOptions; far?: ConnectOptions } = {},
): Promise<Chain> {
  const network = testNetwork();
  const quiet = { logger: false } as const;
  const server = await network.serve("memory:far", { ...quiet, wire: native(), handlers });
  const through = await network.connect("memory:far", { ...quiet, wire: native(), ...far });
  const proxy = await network.serve("memory:near", {
    ...quiet,
    builtins: false,
    handlers: forwarding(through),
    ...near,
  });
  const client = await network.connect("memory:near", { ...quiet, wire: near?.wire });
  closing.push(server, through, proxy, client);
  return { near: client, through, far: server };
}

describe("forwarding", () => {
  test("passes calls of any method on, and gives their results back", async () => {
    const { near } = await chain({ math: { add: ({ a, b }: { a: number; b: number }) => a + b }, nothing: () => {} });
    expect(await near.call("math.add", { a: 1, b: 2 })).toBe(3);
    expect(await near.call("nothing")).toBe(null);
  });

  test("an unknown method is the other side's to refuse, and so is one of the wire's own", async () => {
    const { near } = await chain(lookup((method) => (method === "nope" ? undefined : () => method)));
    expect(await near.call("rpc.discover")).toBe("rpc.discover");
    await expect(near.call("nope")).rejects.toMatchObject({ code: "unimplemented", wireCode: -32601, data: "nope" });
  });

  test("whether a call has run is what the other side says of it", async () => {
    const started = deferred();
    const hang = (): Promise<never> => {
      started.resolve();
      return new Promise(() => {});
    };
    const handlers = { hang };
    const { near, through, far } = await chain(handlers, { near: { wire: native() }, far: { redial: false } });
    await expect(near.call("nope")).rejects.toMatchObject({ code: "unimplemented", executed: "no" });
    const lost = near.call("hang");
    await started.promise;
    await far.close({ graceMs: 0 });
    await expect(lost).rejects.toMatchObject({ executed: "unknown" });
    await through.closed;
  });

  test("an error keeps its code, its number, its message, its data and its trace", async () => {
    const { near } = await chain({
      own: () => {
        throw new RpcError("not_found", "No such file", { wireCode: -32050, data: { file: "a" } });
      },
      hidden: () => {
        throw new Error("secret");
      },
    });
    await expect(near.call("own")).rejects.toMatchObject({
      code: "unknown",
      wireCode: -32050,
      message: "No such file",
      data: { file: "a" },
    });
    await expect(near.call("hidden")).rejects.toMatchObject({
      code: "internal",
      message: "Internal error",
      trace: expect.stringMatching(/^\w+$/) as string,
    });
  });

  test("members of a batch are answered each for itself", async () => {
    const { near } = await chain({ echo: (params: unknown) => params });
    const outcomes = await near.batch([["echo", [1]], ["nope"], ["echo", [2]]]);
    expect(outcomes).toMatchObject([{ value: [1] }, { error: { code: "unimplemented" } }, { value: [2] }]);
  });

  test("notifications stay notifications, in their order with the calls that follow", async () => {
    const came: unknown[] = [];
    const { near } = await chain({
      note: (params: unknown, { isNotification }: CallContext) => void came.push([params, isNotification]),
    });
    void near.notify("note", [1]);
    void near.notify("note", [2]);
    await near.call("note", [3]);
    expect(came).toEqual([
      [[1], true],
      [[2], true],
      [[3], false],
    ]);
  });

  test("metadata goes along", async () => {
    const { near } = await chain({ tenant: (_: unknown, { meta }: CallContext) => meta }, { near: { wire: native() } });
    expect(await near.call("tenant", undefined, { meta: { tenant: "blue" } })).toEqual({ tenant: "blue" });
  });

  test("a deadline goes along, and is what ends the call on both sides", async () => {
    const told = deferred<unknown>();
    const { near } = await chain(
      {
        wait: (_: unknown, { deadline, signal }: CallContext) =>
          new Promise((__, reject) => {
            signal.addEventListener("abort", () => {
              told.resolve([(deadline ?? 0) - performance.now() < 100, (signal.reason as RpcError).code]);
              reject(signal.reason);
            });
          }),
      },
      { near: { wire: native() }, far: { timeoutMs: 60_000 } },
    );
    await expect(near.call("wait", undefined, { timeoutMs: 100 })).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(await told.promise).toEqual([true, "deadline_exceeded"]);
  });

  test("a caller without a deadline has the time of the proxy's own calls", async () => {
    const { near } = await chain({ wait: () => new Promise(() => {}) }, { far: { timeoutMs: 50 } });
    const started = near.call("wait", undefined, { timeoutMs: Number.POSITIVE_INFINITY });
    await expect(started).rejects.toMatchObject({
      code: "deadline_exceeded",
      message: expect.stringMatching(/no reply within 50 ms/) as string,
    });
  });

  test.each<[string, (near: Client, signal: AbortController) => Promise<void>]>([
    ["gives up", async (_, giving) => giving.abort()],
    ["goes away", async (near) => near.close({ graceMs: 0 })],
  ])("a caller that %s cancels its call on the other side, and no other", async (_, leave) => {
    const began = deferred<void>();
    const told = deferred<string>();
    const stays = deferred<string>();
    const { near, through } = await chain({
      wait: (__: unknown, { signal }: CallContext) =>
        new Promise((___, reject) => {
          signal.addEventListener("abort", () => {
            told.resolve((signal.reason as RpcError).code);
            reject(signal.reason);
          });
          began.resolve();
        }),
      stays: () => stays.promise,
    });
    const neighbour = through.call("stays");
    const giving = new AbortController();
    const call = near.call("wait", undefined, { signal: giving.signal });
    call.catch(() => {});
    await began.promise;
    await leave(near, giving);
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    expect(await told.promise).toBe("cancelled");
    stays.resolve("answered");
    expect(await neighbour).toBe("answered");
  });

  test("while the link of a client is down calls and notifications fail at once, and go on when it is up again", async () => {
    const network = testNetwork();
    const options = { logger: false, wire: native(), handlers: { echo: (params: unknown) => params } } as const;
    const first = await network.serve("memory:far", options);
    const through = await network.connect("memory:far", { ...options, redial: { baseMs: 1, maxMs: 5 } });
    const proxy = await network.serve("memory:near", { logger: false, handlers: forwarding(through) });
    const near = await network.connect("memory:near", { logger: false });
    closing.push(through, proxy, near);
    const lost = through.connections[0]?.closed;
    await first.close();
    await lost;
    await expect(near.call("echo", [1])).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/cannot be reached/) as string,
    });
    await near.notify("echo", [1]);
    closing.push(await network.serve("memory:far", options));
    await through.ready();
    expect(await near.call("echo", [2])).toEqual([2]);
    await through.close();
    await expect(near.call("echo", [3])).rejects.toMatchObject({
      code: "cancelled",
      message: expect.stringMatching(/the client is closed/) as string,
    });
  });

  test("a lazy client is dialled by the first call", async () => {
    const { near, through } = await chain({ echo: (params: unknown) => params }, { far: { lazy: true } });
    expect(through.state).toBe("idle");
    expect(await near.call("echo", [1])).toEqual([1]);
  });

  test("what only means something on its own link is not passed on", async () => {
    const { near } = await chain(
      lookup((method) => () => method),
      { near: { wire: native() } },
    );
    for (const method of [
      "convoke.hello",
      "convoke.ping",
      "convoke.goodbye",
      "$/cancelRequest",
      "notifications/cancelled",
    ]) {
      await expect(near.call(method, { id: 1, requestId: 1 }), method).rejects.toMatchObject({ code: "unimplemented" });
    }
    expect(await near.call("convoke.other")).toBe("convoke.other");
  });

  test("any caller will do: a connection, for one", async () => {
    const network = testNetwork();
    const met = deferred<Caller>();
    const server = await network.serve("memory:near", {
      logger: false,
      onConnect: (connection) => met.resolve(connection),
    });
    const there = await network.connect("memory:near", { logger: false, handlers: { who: () => "the dialler" } });
    const proxy = await network.serve("memory:proxy", { logger: false, handlers: forwarding(await met.promise) });
    const near = await network.connect("memory:proxy", { logger: false });
    closing.push(server, there, proxy, near);
    expect(await near.call("who")).toBe("the dialler");
  });
});
