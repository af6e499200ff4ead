// Our client on a server on Go's protocol.Read and Write.
import { type Client, RpcError } from "convoke";
import { type Command, type CommandApi, type CommandOptions, command } from "convoke/command";
import { connect, type NodeConnectOptions, openChannel } from "convoke/node";
import { describe, expect, test } from "vitest";
import { FULL, LEAF, listenersOf, METHODS, type Push } from "./hemi-methods.ts";
import { type HemiServer, type HemiServerOptions, hemiPartner } from "./partners/hemi.ts";

const hemi = await hemiPartner();
const typed = command({ prefix: "t", methods: METHODS });

interface Stage {
  readonly go: HemiServer;
  readonly client: Client<CommandApi<typeof typed>>;
  readonly pushes: Push[];
  readonly unclaimed: Command[];
}

interface StageOptions extends Pick<CommandOptions, "compat"> {
  readonly server?: HemiServerOptions;
  readonly more?: NodeConnectOptions;
}

async function ourClient({ server = {}, more = {}, compat = false }: StageOptions = {}): Promise<Stage> {
  const go = await hemi.server(server);
  const pushes: Push[] = [];
  const unclaimed: Command[] = [];
  const client = await connect<CommandApi<typeof typed>>(go.url, {
    wire: command({ prefix: "t", methods: METHODS, compat, onUnclaimed: (it) => unclaimed.push(it) }),
    handlers: listenersOf((push) => pushes.push(push)),
    redial: { baseMs: 5, maxMs: 50 },
    logger: false,
    ...more,
  });
  hemi.afterTest(() => client.close({ graceMs: 0 }));
  await go.event("joined");
  return { go, client, pushes, unclaimed };
}

const poll = <Value>(value: () => Value) => expect.poll(value, { interval: 5, timeout: 20_000 });
const fail = (how: string) => ({ how, text: "05" }) as const;

describe.skipIf(!hemi.found).each([false, true])("our client on a Go server, compat %s", (compat) => {
  test("makes calls of every shape", async () => {
    const { client, go } = await ourClient({ compat });
    expect(await client.remote.add({ a: 2, b: -5 })).toEqual({ sum: -3 });
    expect(await go.event("request")).toMatchObject({ command: "t-add-request", wireId: "1" });
    expect(await client.remote.echo(FULL)).toEqual(FULL);
    expect(await client.remote.echo(LEAF)).toEqual(LEAF);
    expect(await client.remote.who()).toEqual({ public_key: "" });
    expect((await client.remote.blob({ size: 4_000_000 })).data).toHaveLength(4_000_000);
    expect(await client.remote.job({ job: "00ff" })).toEqual({ state: "pending" });
  });

  test("makes many calls at once, each with an answer of its own", async () => {
    const { client } = await ourClient({ compat });
    const sums = await Promise.all(Array.from({ length: 1000 }, (_, n) => client.remote.add({ a: n, b: n })));
    expect(sums).toEqual(Array.from({ length: 1000 }, (_, n) => ({ sum: 2 * n })));
    const ended: number[] = [];
    await Promise.all(
      [200, 1].map(async (ms) => {
        await client.remote.wait({ ms });
        ended.push(ms);
      }),
    );
    expect(ended).toEqual([1, 200]);
  });

  test("gets errors out of payloads", async () => {
    const { client } = await ourClient({ compat });
    const failed = (how: string): Promise<unknown> => client.call("fail", fail(how)).catch((thrown: unknown) => thrown);
    const timestamp = expect.toSatisfy((at: number) => Math.abs(at - Date.now()) < 10_000);
    expect(await failed("request")).toMatchObject({ code: "invalid_argument", message: "05", timestamp, remote: true });
    expect(await failed("notFound")).toMatchObject({ code: "not_found", message: "not found: tx 05" });
    const trace = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(await failed("internal")).toMatchObject({ code: "internal", message: "internal error", trace, timestamp });
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  test("is pushed to: with an id of the push's own, without one, with nothing to say", async () => {
    const { client, go, pushes } = await ourClient({ compat });
    await go.ask({ do: "push", command: "t-keystones-notification" });
    const wireId = "ntfy-1f0c000000000001";
    await go.ask({ do: "push", command: "t-tx-notification", wireId, payload: { tx_id: "05", n: 1 } });
    await go.ask({ do: "push", command: "t-job-update-notification", wireId: "00ff", payload: { state: "done" } });
    await poll(() => pushes).toEqual([
      { method: "keystones", id: undefined, params: {} },
      { method: "tx", id: wireId, params: { tx_id: "05", n: 1 } },
      { method: "jobUpdate", id: "00ff", params: { state: "done" } },
    ]);
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  test("answers pings of the server but the first, and gets answers to its own", async () => {
    const { client, go } = await ourClient({ compat });
    await go.ask({ do: "push", command: "t-ping-request", wireId: "p1", payload: { timestamp: 7 } });
    const seconds = expect.toSatisfy((value: number) => Number.isInteger(value) && value > 1.7e9);
    const pong = { origintimestamp: 7, timestamp: seconds };
    expect(await go.event("pong")).toMatchObject({ wireId: "p1", payload: pong });
    expect(await client.call("ping", { timestamp: 8 })).toEqual({ origintimestamp: 8, timestamp: seconds });
    expect(go.program.take({ event: "pong" })).toEqual([]);
  });

  test("is not thrown by a push that overtakes the first ping", async () => {
    const { client, go, pushes } = await ourClient({ compat, server: { early: true } });
    await poll(() => pushes).toEqual([{ method: "keystones", id: undefined, params: {} }]);
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
    expect(go.program.take({ event: "pong" })).toEqual([]);
  });

  test("is not thrown by what it does not understand", async () => {
    const { client, go, unclaimed } = await ourClient({ compat });
    const waiting = client.remote.wait({ ms: 200 });
    await go.event("request");
    const junk = ["", "[]", "{", "{}", '{"header":{}}', '{"header":{"command":"t-add-response","id":1},"payload":{}}'];
    const unknown = [
      '{"header":{"command":"z-what-notification"},"payload":{}}',
      '{"header":{"command":"t-add-response","id":"99"},"payload":{"sum":1}}',
      '{"header":{"command":"t-tx-notification","id":"n"},"payload":null}',
    ];
    for (const text of [...junk, ...unknown]) await go.ask({ do: "send", text });
    expect(await waiting).toEqual({ ms: 200 });
    await poll(() => unclaimed.map((it) => it.command)).toEqual(["z-what-notification", "t-add-response"]);
    expect(go.program.take({ event: "left" })).toEqual([]);
  });

  test("gives up a call, and its answer goes to onUnclaimed", async () => {
    const { client, unclaimed } = await ourClient({ compat });
    await expect(client.call("wait", { ms: 200 }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: "deadline_exceeded",
      executed: "unknown",
    });
    await poll(() => unclaimed).toEqual([{ command: "t-wait-response", id: "1", payload: { ms: 200 } }]);
    await expect(client.call("fail", fail("nothing"), { timeoutMs: 50 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  test("asks under an id of its own", async () => {
    const { client, unclaimed } = await ourClient({ compat });
    await client.notify("add", { a: 1, b: 2 }, { meta: { id: "68656d69" } });
    await poll(() => unclaimed).toEqual([{ command: "t-add-response", id: "68656d69", payload: { sum: 3 } }]);
  });

  test("asks for what the server does not know: the server ends the link, and the client is back", async () => {
    const { client, go } = await ourClient({ compat });
    await expect(client.call("missing")).rejects.toMatchObject({ code: "unavailable", executed: "unknown" });
    expect(await go.event("left")).toMatchObject({ error: "invalid command" });
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
    await go.event("joined");
  });
});

describe.skipIf(!hemi.found)("our client on a Go server", () => {
  test("is told a ping with the id 0 before anything else", async () => {
    const go = await hemi.server();
    const channel = await openChannel(go.url);
    hemi.afterTest(() => channel.close());
    expect(String(await channel.receive())).toMatch(
      /^\{"header":\{"command":"t-ping-request","id":"0"\},"payload":\{"timestamp":\d+\}\}\s*$/,
    );
  });

  test("takes no push for an answer, whatever its id is", async () => {
    const { client, go, pushes } = await ourClient();
    const waiting = client.remote.wait({ ms: 200 });
    await go.event("request");
    await go.ask({ do: "push", command: "t-tx-notification", wireId: "1", payload: { tx_id: "05", n: 1 } });
    expect(await waiting).toEqual({ ms: 200 });
    expect(pushes).toEqual([{ method: "tx", id: "1", params: { tx_id: "05", n: 1 } }]);
  });

  test("takes whatever has the id of a call for its answer with compat, as Go's Conn does", async () => {
    const { client, go } = await ourClient({ compat: true });
    const waiting = client.call("wait", { ms: 200 });
    await go.event("request");
    await go.ask({ do: "push", command: "t-tx-notification", wireId: "1", payload: { tx_id: "05", n: 1 } });
    expect(await waiting).toEqual({ tx_id: "05", n: 1 });
  });

  test.each([
    [1000, ""],
    [1001, "going away"],
    [1002, "killed"],
    [4000, "for a reason"],
    [0, "dropped"],
  ])("comes back when the server ends the link with %i %s", async (code, reason) => {
    const reasons: unknown[] = [];
    const more: NodeConnectOptions = {
      onDisconnect: (_, end) => void reasons.push([end.closeCode, end.message]),
    };
    const { client, go } = await ourClient({ more });
    const waiting = client.call("wait", { ms: 10_000 });
    await go.event("request");
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: "unavailable", executed: "unknown" }),
      go.ask({ do: "close", code, reason }),
    ]);
    await go.event("joined");
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
    const wanted = code === 0 ? [1006, expect.any(String)] : [code, expect.stringContaining(reason)];
    expect(reasons).toEqual([wanted]);
  });

  test("ends for good with 4100", async () => {
    const { client, go } = await ourClient();
    await go.ask({ do: "close", code: 4100, reason: "invalid public key" });
    expect(await client.closed).toMatchObject({
      closeCode: 4100,
      message: expect.stringContaining("invalid public key"),
    });
    expect(client.state).toBe("stopped");
    expect(go.program.take({ event: "joined" })).toEqual([]);
  });

  test("comes back when the server was killed and has restarted", async () => {
    const { client, go } = await ourClient();
    const waiting = client.call("wait", { ms: 10_000 });
    await go.event("request");
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: "unavailable", executed: "unknown" }),
      go.program.kill(),
    ]);
    const again = await hemi.server({ address: go.address });
    await again.event("joined");
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  test("says more than the server takes: the server ends the link with 1009, and the client is back", async () => {
    const { client, go } = await ourClient();
    const large = client.call("blob", { size: 1, data: "x".repeat(40 << 10) });
    await expect(large).rejects.toMatchObject({ code: "unavailable" });
    expect(await go.event("left")).toHaveProperty("error");
    expect(await client.remote.blob({ size: 1, data: "x".repeat(30 << 10) })).toEqual({ data: "x" });
  });

  test("fails one call where maxFrameBytes says what the server takes", async () => {
    const { client, go } = await ourClient({ more: { maxFrameBytes: 32 << 10 } });
    const error: unknown = await client
      .call("blob", { size: 1, data: "x".repeat(40 << 10) })
      .catch((thrown: unknown) => thrown);
    expect(RpcError.is(error) && [error.code, error.executed]).toEqual(["resource_exhausted", "no"]);
    expect(await client.remote.blob({ size: 1, data: "x".repeat(30 << 10) })).toEqual({ data: "x" });
    expect(go.program.take({ event: "left" })).toEqual([]);
  });

  test("leaves with 1000", async () => {
    const { client, go } = await ourClient();
    await client.close();
    expect(await go.event("left")).toMatchObject({ code: 1000 });
  });
});
