// Go's protocol.Conn on our server.
import type { Logger, Server } from "convoke";
import { type CommandOptions, command } from "convoke/command";
import { type NodeServeOptions, serve } from "convoke/node";
import { describe, expect, test } from "vitest";
import { FULL, handlersOf, LEAF, METHODS } from "./hemi-methods.ts";
import { type HemiEnd, hemiPartner } from "./partners/hemi.ts";

const hemi = await hemiPartner();

interface Stage {
  readonly server: Server;
  readonly url: string;
  readonly go: HemiEnd;
  /** What the handlers told. */
  readonly told: string[];
}

async function ourServer(
  options: Partial<CommandOptions> = {},
  more: NodeServeOptions<never> = {},
  place = "ws://127.0.0.1:0/v1/ws",
): Promise<{ server: Server; url: string; told: string[] }> {
  const told: string[] = [];
  const wire = command({ prefix: "t", methods: METHODS, ...options });
  const server = await serve(place, {
    wire,
    handlers: handlersOf((event) => told.push(event)),
    logger: false,
    ...more,
  });
  hemi.afterTest(() => server.close({ graceMs: 0 }));
  return { server, url: server.addresses[0] ?? "", told };
}

/** Our server, and a Go client that is connected to it and reads. */
async function pair(options: Partial<CommandOptions> = {}, more: NodeServeOptions<never> = {}): Promise<Stage> {
  const ours = await ourServer(options, more);
  const go = hemi.client(ours.url);
  expect(await go.ask({ do: "connect" })).not.toHaveProperty("error");
  await go.ask({ do: "listen" });
  return { ...ours, go };
}

const poll = <Value>(value: () => Value) => expect.poll(value, { interval: 5, timeout: 20_000 });
const connectionOf = ({ connections: [connection] }: Server) => connection ?? expect.fail("Nobody is connected");

describe.skipIf(!hemi.found).each([false, true])("a Go client on our server, compat %s", (compat) => {
  test("makes calls of every shape", async () => {
    const { go, server } = await pair({ compat });
    expect(await go.call("add", { a: 2, b: -5 })).toMatchObject({
      command: "t-add-response",
      wireId: "1",
      payload: { sum: -3 },
    });
    expect((await go.call("echo", FULL))["payload"]).toEqual(FULL);
    expect((await go.call("echo", LEAF))["payload"]).toEqual(LEAF);
    expect((await go.call("blob", { size: 500_000 }))["payload"]).toEqual({ data: "x".repeat(500_000) });
    expect((await go.call("who"))["payload"]).toEqual({ public_key: "undefined" });
    expect(await go.call("job", { job: "00ff" })).toMatchObject({
      command: "t-job-update-notification",
      payload: { state: "pending" },
    });
    expect(server.connections).toHaveLength(1);
  });

  test("makes many calls at once, each with an answer of its own", async () => {
    const { go } = await pair({ compat });
    expect((await go.call("add", { a: 1, b: 2 }, { times: 1000 }))["counts"]).toEqual({ '{"sum":3}': 1000 });
    const slow = go.call("wait", { ms: 300 });
    expect((await go.call("wait", { ms: 1 }))["payload"]).toEqual({ ms: 1 });
    expect((await slow)["payload"]).toEqual({ ms: 300 });
  });

  test("gets errors in payloads: those of requests without a trace, internal ones with the trace of our log", async () => {
    const logged: string[] = [];
    const error = (message: string, cause?: unknown) => void logged.push(`${message} ${String(cause)}`);
    const logger: Logger = { debug: () => {}, info: () => {}, warn: error, error };
    const { go } = await pair({ compat }, { logger });
    const fail = async (how: string): Promise<unknown> => (await go.call("fail", { how, text: "05" }))["payload"];
    const timestamp = expect.toSatisfy((seconds: number) => Math.abs(seconds - Date.now() / 1000) < 10);
    expect(await fail("request")).toEqual({ error: { timestamp, message: "05" } });
    expect(await fail("notFound")).toEqual({ error: { timestamp, message: "not found: tx 05" } });
    expect(logged).toEqual([]);
    const trace = expect.stringMatching(/^[0-9a-f]{16}$/);
    const internal = await fail("internal");
    expect(internal).toEqual({ error: { timestamp, trace, message: "internal error" } });
    expect(logged.join("\n")).toContain((internal as { error: { trace: string } }).error.trace);
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
  });

  test("is pushed to: with an id of the push's own, without one, with nothing to say", async () => {
    const { go, server } = await pair({ compat });
    const connection = connectionOf(server);
    await connection.notify("keystones");
    await connection.notify("tx", { tx_id: "05", n: 1 }, { meta: { id: "ntfy-1f0c000000000001" } });
    await connection.notify("jobUpdate", { state: "done" }, { meta: { id: "00ff" } });
    expect(await go.event("read")).toMatchObject({ command: "t-keystones-notification", wireId: "", payload: {} });
    expect(await go.event("read")).toMatchObject({
      command: "t-tx-notification",
      wireId: "ntfy-1f0c000000000001",
      payload: { tx_id: "05", n: 1 },
    });
    expect(await go.event("read")).toMatchObject({ wireId: "00ff", payload: { state: "done" } });
    await expect(connection.notify("tx", { n: 2 }, { meta: { id: "1" } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    for (let n = 0; n < 500; n++) void connection.notify("tx", { tx_id: "", n });
    for (let n = 0; n < 500; n++) expect(await go.event("read")).toMatchObject({ payload: { n } });
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
  });

  test("is pinged first with the id 0, gets answers to its pings, and answers ours", async () => {
    const { go, server } = await pair({ compat });
    const seconds = expect.toSatisfy((value: number) => Number.isInteger(value) && value > 1.7e9);
    expect(await go.ask({ do: "first" })).toMatchObject({
      command: "t-ping-request",
      wireId: "0",
      payload: { timestamp: seconds },
    });
    expect(await go.call("ping", { timestamp: 7 })).toMatchObject({
      command: "t-ping-response",
      payload: { origintimestamp: 7, timestamp: seconds },
    });
    expect(await connectionOf(server).call("ping", { timestamp: 8 })).toEqual({
      origintimestamp: 8,
      timestamp: seconds,
    });
  });

  test("keeps its calls apart from ours", async () => {
    const { go, server, told } = await pair({ compat });
    const waiting = go.call("wait", { ms: 300 });
    await poll(() => told).toEqual(["waiting"]);
    // The first call of either end.
    expect(await connectionOf(server).call("ping", { timestamp: 8 })).toMatchObject({ origintimestamp: 8 });
    expect(await waiting).toMatchObject({ command: "t-wait-response", payload: { ms: 300 } });
  });

  test("gives up a call, and its answer is nobody's", async () => {
    const { go } = await pair({ compat });
    expect(await go.call("wait", { ms: 200 }, { timeoutMs: 50 })).toMatchObject({ error: "context deadline exceeded" });
    expect(await go.event("read")).toMatchObject({ command: "t-wait-response", wireId: "1", payload: { ms: 200 } });
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
  });

  test("asks under ids of its own, and under none", async () => {
    const { go } = await pair({ compat });
    for (const wireId of ["68656d69", "", "Hello: 02ab", "007"]) {
      await go.ask({ do: "write", command: "t-add-request", payload: { a: 1, b: 2 }, wireId });
      expect(await go.event("read")).toMatchObject({ command: "t-add-response", wireId, payload: { sum: 3 } });
    }
  });
});

describe.skipIf(!hemi.found)("a Go client on our server", () => {
  test("asks for what we do not serve: that call fails, and the others go on", async () => {
    const { go, told } = await pair();
    const waiting = go.call("wait", { ms: 200 });
    await poll(() => told).toEqual(["waiting"]);
    const { payload } = await go.call("unserved");
    expect(payload).toMatchObject({ error: { message: "unknown command: t-unserved-request" } });
    expect((await waiting)["payload"]).toEqual({ ms: 200 });
  });

  test("asks for what we do not serve, and does not know our answer: it gives up its calls, and the link stays", async () => {
    const { job: _, ...methods } = METHODS;
    const { go, told } = await pair({ methods });
    const waiting = go.call("wait", { ms: 200 });
    await poll(() => told).toEqual(["waiting"]);
    expect(await go.call("job")).toMatchObject({ error: "invalid command" });
    expect(await waiting).toMatchObject({ error: "invalid command" });
    // Its answer comes all the same.
    expect(await go.event("read")).toMatchObject({ command: "t-wait-response", payload: { ms: 200 } });
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
    expect(await go.ask({ do: "state" })).toMatchObject({ connects: 1 });
  });

  test("asks for what we do not serve, with compat: the link ends, as with the original, and it dials again", async () => {
    const { go } = await pair({ compat: true });
    expect(await go.call("unserved")).toHaveProperty("error");
    await go.event("lost");
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
    expect(await go.ask({ do: "state" })).toMatchObject({ isOnline: true, connects: 2 });
  });

  test("says what is no request: it is passed over", async () => {
    const { go, server } = await pair();
    await go.ask({ do: "write", command: "t-add-response", wireId: "7", payload: { sum: 1 } });
    await go.ask({ do: "write", command: "t-ping-response", wireId: "0", payload: {} });
    await go.ask({ do: "write", command: "t-tx-notification", payload: { n: 1 } });
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
    expect(server.connections).toHaveLength(1);
    expect(go.program.take({ event: "lost" })).toEqual([]);
  });

  test("is told when a handler took too long", async () => {
    const { go, told } = await pair({ requestTimeoutMs: 50 });
    const { payload } = await go.call("wait", { ms: 10_000 });
    expect(payload).toMatchObject({ error: { message: expect.stringContaining("time") } });
    expect(told).toEqual(["waiting", "deadline_exceeded"]);
  });

  test("gets more than it takes: the link ends, and it dials again", async () => {
    const { go } = await pair();
    expect(await go.call("blob", { size: 600 << 10 })).toHaveProperty("error");
    await go.event("lost");
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
  });

  test("sends more than its own servers take", async () => {
    const { go } = await pair();
    expect((await go.call("blob", { size: 1, data: "x".repeat(1 << 20) }))["payload"]).toEqual({ data: "x" });
  });

  test("sends more than we take: 1009, and it dials again", async () => {
    const { go } = await pair({}, { maxFrameBytes: 1 << 16 });
    void go.call("blob", { size: 1, data: "x".repeat(1 << 17) }, { timeoutMs: 1000 });
    await go.event("lost");
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
  });

  test("learns the code and the reason with which its session is ended, and dials again", async () => {
    const { go, server, told } = await pair();
    const waiting = go.call("wait", { ms: 10_000 });
    await poll(() => told).toEqual(["waiting"]);
    await connectionOf(server).close({ code: 1002, reason: "killed", graceMs: 0 });
    expect(await waiting).toHaveProperty("error");
    expect(await go.event("lost")).toMatchObject({ code: 1002, reason: "killed" });
    await poll(() => told).toEqual(["waiting", "unavailable"]);
    expect((await go.call("add", { a: 1, b: 2 }))["payload"]).toEqual({ sum: 3 });
    expect(go.program.take({ event: "ended" })).toEqual([]);
  });

  test("gets the answers that are under way when its session ends with time for them", async () => {
    const { go, server, told } = await pair();
    const waiting = go.call("wait", { ms: 200 });
    await poll(() => told).toEqual(["waiting"]);
    void connectionOf(server).close();
    expect((await waiting)["payload"]).toEqual({ ms: 200 });
    expect(await go.event("lost")).toMatchObject({ code: 1000 });
  });

  test("comes back when our server was gone, and counts its calls on", async () => {
    const { go, server, url } = await pair();
    expect(await go.call("add")).toMatchObject({ wireId: "1" });
    await server.close({ graceMs: 0 });
    await go.event("lost");
    expect(await go.call("add", {}, { timeoutMs: 500 })).toHaveProperty("error");
    const { server: again } = await ourServer({}, {}, url);
    await poll(() => again.connections.length).toBe(1);
    expect(await go.call("add", { a: 1, b: 2 })).toMatchObject({ wireId: "3", payload: { sum: 3 } });
    expect(await go.ask({ do: "state" })).toMatchObject({ isOnline: true, connects: 2 });
  });

  test("leaves: its handlers here are ended", async () => {
    const reasons: unknown[] = [];
    const { go, told } = await pair({}, { onDisconnect: (_, { closeCode }) => void reasons.push(closeCode) });
    void go.call("wait", { ms: 10_000 });
    await poll(() => told).toEqual(["waiting"]);
    await go.program.close();
    await poll(() => told).toEqual(["waiting", "unavailable"]);
    await poll(() => reasons).toHaveLength(1);
  });
});
