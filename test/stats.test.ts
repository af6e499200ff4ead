import { describe, expect, test } from "vitest";
import { ManualClock } from "../src/core/clock.ts";
import type { CallContext } from "../src/core/context.ts";
import { RpcError } from "../src/core/errors.ts";
import { perCall, prometheusText } from "../src/index.ts";
import { connect, native, serve } from "../src/node.ts";
import { testNetwork } from "../src/testing.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { turn } from "./suites/support.ts";

const handlers = {
  echo: (value: unknown) => value,
  fail: () => {
    throw new RpcError("aborted", "no");
  },
  ask: (_: unknown, { peer }: CallContext) => peer.call("name"),
  hang: (_: unknown, { signal }: CallContext) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
};

describe.each([
  ["jsonrpc", jsonrpc()],
  ["native", native()],
])("both ends of %s over TCP", (_, wire) => {
  test("agree about calls, errors, bytes and connections, on all links, ended ones included", async () => {
    await using server = await serve("tcp://127.0.0.1:0", { wire, handlers, logger: false });
    const address = server.addresses[0] ?? "";
    const client = await connect(address, { wire, connections: 2, handlers: { name: () => "Ann" } });
    await client.ready();
    for (const value of ["ä", "€uro", "😀".repeat(30_000)]) expect(await client.call("echo", [value])).toEqual([value]);
    await Promise.all(Array.from({ length: 100 }, () => client.call("echo", [1])));
    await client.call("fail").catch(() => {});
    expect(await client.call("ask")).toBe("Ann");
    const [up] = [server.stats()];
    await client.close();
    await Promise.all(server.connections.map(({ closed }) => closed));
    await expect.poll(() => server.stats().bytesRead).toBe(client.stats().bytesWritten);
    const [near, far] = [client.stats(), server.stats()];
    expect(near).toMatchObject({ calls: 105, results: 104, errorsByCode: { aborted: 1 }, requests: 1, served: 1 });
    expect(far).toMatchObject({ requests: 105, served: 105, servedErrorsByCode: { aborted: 1 }, calls: 1, results: 1 });
    expect([near.bytesRead, near.connections, near.failures]).toEqual([far.bytesWritten, 0, 0]);
    expect([near.callTime.count, far.handlerTime.count, far.callTime.count]).toEqual([105, 105, 1]);
    expect([far.accepts, up.connections, far.connections, near.dials]).toEqual([2, up.accepts, 0, 2]);
    expect([near.readErrors + near.writeErrors, far.readErrors + far.writeErrors]).toEqual([0, 0]);
    // A train of calls leaves in a few writes.
    expect(perCall(near).writes).toBeLessThan(0.5);
  });
});

describe("a client and a server", () => {
  test("count dials, redials, refusals and what becomes of calls without a link", async () => {
    const clock = new ManualClock();
    const network = testNetwork();
    const options = { clock, handlers, logger: false } as const;
    const first = await network.serve("memory:a", options);
    const client = await network.connect("memory:a", {
      clock,
      logger: false,
      redial: { baseMs: 10, maxMs: 10 },
      random: () => 1,
    });
    expect(await client.call("echo", [1])).toEqual([1]);
    await first.close({ graceMs: 0 });
    await turn();
    const late = client.call("echo", [2], { timeoutMs: 60_000 });
    const never = client.call("hang", undefined, { timeoutMs: 100 }).catch((error: RpcError) => error.code);
    await turn();
    expect(client.stats()).toMatchObject({ pending: 2, queued: 2, connections: 0, calls: 3, results: 1 });
    for (let step = 0; step < 20; step++) {
      clock.advance(50);
      await turn(2);
    }
    expect(await never).toBe("deadline_exceeded");
    const refused = client.stats();
    expect(refused.dialErrors).toBeGreaterThan(2);
    expect([refused.redials, refused.dials]).toEqual([refused.dialErrors, refused.dialErrors + 1]);
    expect(refused).toMatchObject({ timeouts: 1, failuresByCode: { deadline_exceeded: 1 } });
    const second = await network.serve("memory:a", options);
    for (let step = 0; step < 5; step++) {
      clock.advance(50);
      await turn(2);
    }
    expect(await late).toEqual([2]);
    const { calls, results, errors, failures, pending } = client.stats();
    expect([calls, results + errors + failures + pending]).toEqual([3, 3]);
    await client.close();
    await second.close();
    expect([first.stats().served, second.stats().served]).toEqual([1, 1]);
  });

  test("a link that is refused is an accept and a handshake error, not a connection", async () => {
    const network = testNetwork();
    const server = await network.serve("memory:a", {
      logger: false,
      onConnect: () => {
        throw new RpcError("permission_denied", "not you");
      },
    });
    const client = await network.connect("memory:a", { redial: false });
    await client.closed;
    await turn();
    expect(server.stats()).toMatchObject({ accepts: 1, handshakeErrors: 1, connections: 0, readErrors: 0 });
    await server.close();
  });

  test("a reset sets the sums and the links to 0; a reset of a link leaves the sums", async () => {
    const network = testNetwork();
    const server = await network.serve("memory:a", { handlers, logger: false });
    const client = await network.connect("memory:a");
    const [link] = client.connections;
    const hanging = client.call("hang").catch(() => {});
    await client.call("echo", [1]);
    link?.resetStats();
    expect(link?.stats()).toMatchObject({ calls: 0, bytesWritten: 0, pending: 1 });
    expect(client.stats()).toMatchObject({ calls: 2, results: 1, pending: 1 });
    expect(client.stats().bytesWritten).toBeGreaterThan(0);
    await client.call("echo", [1]);
    expect([link?.stats().results, client.stats().results]).toEqual([1, 2]);
    client.resetStats();
    expect(client.stats()).toMatchObject({ calls: 0, results: 0, bytesRead: 0, dials: 0, pending: 1, connections: 1 });
    expect(link?.stats()).toMatchObject({ results: 0, callTime: { count: 0 } });
    server.resetStats();
    expect(server.stats()).toMatchObject({ accepts: 0, served: 0, running: 1, connections: 1 });
    await client.close();
    await hanging;
    await server.close();
    expect(client.stats()).toMatchObject({ failuresByCode: { cancelled: 1 }, pending: 0, connections: 0 });
  });

  test("a handler that outlives its link still runs", async () => {
    const network = testNetwork();
    let end: () => void = () => {};
    const stubborn = () => new Promise<void>((resolve) => (end = resolve));
    const server = await network.serve("memory:a", { handlers: { stubborn }, logger: false });
    const client = await network.connect("memory:a");
    const call = client.call("stubborn").catch(() => {});
    await turn(4);
    await client.close({ graceMs: 0 });
    await call;
    await turn(4);
    expect(server.stats()).toMatchObject({ running: 1, connections: 0 });
    end();
    await turn();
    expect(server.stats()).toMatchObject({ running: 0, handlerTime: { count: 1 } });
    expect(prometheusText(server.stats())).toContain("convoke_handler_seconds_count 1\n");
    await server.close();
  });
});
