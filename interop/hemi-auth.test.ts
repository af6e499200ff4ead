// The handshake with keys, Go's and ours, at either end.
import type { Client, CloseReason, Server } from "convoke";
import { publicKeyOf, secp256k1 } from "convoke/auth";
import { type CommandApi, command } from "convoke/command";
import { connect, type NodeConnectOptions, type NodeServeOptions, serve } from "convoke/node";
import { beforeAll, describe, expect, test } from "vitest";
import { handlersOf, METHODS } from "./hemi-methods.ts";
import { type HemiEnd, type HemiServer, type HemiServerOptions, hemiPartner } from "./partners/hemi.ts";

const hemi = await hemiPartner();
const wire = command({ prefix: "t", methods: METHODS });

const KEYS = [`${"00".repeat(31)}01`, `c0ffee${"00".repeat(27)}beef`, "7f".repeat(32)] as const;
const [ANN, BOB] = KEYS;
const publicKeys = new Map<string, string>();
beforeAll(async () => {
  for (const key of KEYS) publicKeys.set(key, await publicKeyOf(key));
});
const publicOf = (key: string): string => publicKeys.get(key) ?? expect.fail("There is no such key");
const poll = <Value>(value: () => Value) => expect.poll(value, { interval: 5, timeout: 20_000 });

const VERSIONS = [
  ["v2", false],
  ["v0.2", true],
] as const;

describe.skipIf(!hemi.found).each(VERSIONS)("a Go client with a key, as %s says it, on our server", (_, older) => {
  interface Stage {
    readonly server: Server;
    readonly url: string;
    /** Who may come in. */
    readonly known: Set<string>;
    readonly agents: string[];
    readonly attempts: string[];
  }

  async function ourServer(more: NodeServeOptions<never> = {}): Promise<Stage> {
    const known = new Set(KEYS.map(publicOf));
    const agents: string[] = [];
    const attempts: string[] = [];
    const authorize = (publicKey: string, { userAgent }: { readonly userAgent: string }): string | undefined => {
      agents.push(userAgent);
      attempts.push(publicKey);
      return known.has(publicKey) ? publicKey : undefined;
    };
    const server = await serve("ws://127.0.0.1:0/v1/ws", {
      wire,
      authenticator: secp256k1({ authorize }),
      handlers: handlersOf(),
      logger: false,
      ...more,
    });
    hemi.afterTest(() => server.close({ graceMs: 0 }));
    return { server, url: server.addresses[0] ?? "", known, agents, attempts };
  }

  async function listening(url: string, key: string): Promise<HemiEnd> {
    const go = hemi.client(url, { key, older });
    await go.ask({ do: "listen" });
    return go;
  }

  test.each(KEYS)("comes in with its key %s", async (key) => {
    const { url, agents } = await ourServer();
    const go = await listening(url, key);
    expect((await go.call("who"))["payload"]).toEqual({ public_key: publicOf(key) });
    expect((await go.call("add", { a: 1, b: 2 }, { times: 100 }))["counts"]).toEqual({ '{"sum":3}': 100 });
    expect(agents).toEqual([older ? "" : expect.stringContaining("heminetwork")]);
  });

  test("ends with 4100 for a key that nobody knows, and never dials again", async () => {
    const { url, known, attempts } = await ourServer();
    known.delete(publicOf(ANN));
    const go = await listening(url, ANN);
    expect(await go.event("lost")).toMatchObject({ code: 4100, reason: "invalid public key" });
    await go.event("ended");
    expect(attempts).toEqual([publicOf(ANN)]);
  });

  test("is put out of its session, and shut out when its key is gone", async () => {
    const { url, server, known } = await ourServer();
    const go = await listening(url, BOB);
    expect((await go.call("who"))["payload"]).toEqual({ public_key: publicOf(BOB) });
    known.delete(publicOf(BOB));
    await server.connections[0]?.close({ code: 1002, reason: "killed", graceMs: 0 });
    expect(await go.event("lost")).toMatchObject({ code: 1002, reason: "killed" });
    expect(await go.event("lost")).toMatchObject({ code: 4100, reason: "invalid public key" });
    await go.event("ended");
  });

  test("is put out for good with 4100", async () => {
    const { url, server, attempts } = await ourServer();
    const go = await listening(url, BOB);
    await go.call("who");
    await server.connections[0]?.close({ code: 4100, reason: "invalid public key", graceMs: 0 });
    expect(await go.event("lost")).toMatchObject({ code: 4100, reason: "invalid public key" });
    await go.event("ended");
    expect(attempts).toHaveLength(1);
  });

  test("dials again when it was put out for another reason, and proves its key again", async () => {
    const { url, server, attempts } = await ourServer();
    const go = await listening(url, BOB);
    await go.call("who");
    await server.connections[0]?.close({ graceMs: 0 });
    await go.event("lost");
    expect((await go.call("who"))["payload"]).toEqual({ public_key: publicOf(BOB) });
    expect(attempts).toEqual([publicOf(BOB), publicOf(BOB)]);
  });

  test("without a key is not let in", async () => {
    const { url, server } = await ourServer({ handshakeTimeoutMs: 200 });
    const go = hemi.client(url);
    // It takes the refusal for the first ping, as it takes anything, and learns of the end when it reads.
    await go.ask({ do: "connect" });
    expect(await go.call("who", {}, { timeoutMs: 1000 })).toHaveProperty("error");
    await go.ask({ do: "listen" });
    expect(await go.event("lost")).toHaveProperty("error");
    expect(server.connections).toEqual([]);
  });

  test("is not let in by a server that asks for none", async () => {
    const server = await serve("ws://127.0.0.1:0/v1/ws", { wire, handlers: handlersOf(), logger: false });
    hemi.afterTest(() => server.close({ graceMs: 0 }));
    const go = hemi.client(server.addresses[0] ?? "", { key: ANN, older });
    expect(await go.ask({ do: "connect" })).toMatchObject({ isHandshake: true });
  });
});

describe.skipIf(!hemi.found).each(VERSIONS)("our client with a key on a Go server, as %s says it", (_, older) => {
  interface Stage {
    readonly go: HemiServer;
    readonly client: Client<CommandApi<typeof wire>>;
    readonly ends: CloseReason[];
  }

  async function ourClient(key: string, server: HemiServerOptions, more: NodeConnectOptions = {}): Promise<Stage> {
    const go = await hemi.server({ older, ...server });
    const ends: CloseReason[] = [];
    const client = await connect<CommandApi<typeof wire>>(go.url, {
      wire,
      authenticator: secp256k1({ privateKey: key, userAgent: "convoke-interop/1" }),
      redial: { baseMs: 5, maxMs: 50 },
      onDisconnect: (_, reason) => void ends.push(reason),
      lazy: true,
      logger: false,
      ...more,
    });
    hemi.afterTest(() => client.close({ graceMs: 0 }));
    return { go, client, ends };
  }

  test.each(KEYS)("comes in with its key %s", async (key) => {
    const { client, go } = await ourClient(key, { keys: [publicOf(key)] });
    expect(await client.remote.who()).toEqual({ public_key: publicOf(key) });
    expect(await go.event("joined")).toMatchObject({ publicKey: publicOf(key) });
    expect(await client.remote.add({ a: 1, b: 2 })).toEqual({ sum: 3 });
  });

  test("ends with 4100 for a key that nobody knows, and never dials again", async () => {
    const { client, go } = await ourClient(ANN, { keys: [publicOf(BOB)] });
    const call = client.call("who").catch((thrown: unknown) => thrown);
    expect(await client.closed).toMatchObject({
      closeCode: 4100,
      message: expect.stringContaining("invalid public key"),
    });
    expect(await call).toMatchObject({ executed: "no" });
    expect(client.state).toBe("stopped");
    await go.event("refused");
    expect(go.program.take({ event: "refused" })).toEqual([]);
  });

  test("is put out of its session, and shut out when its key is gone", async () => {
    const { client, go, ends } = await ourClient(ANN, { keys: [publicOf(ANN)] });
    await client.remote.who();
    await go.ask({ do: "keys", keys: [publicOf(BOB)] });
    await go.ask({ do: "close", code: 1002, reason: "killed" });
    expect(await client.closed).toMatchObject({ closeCode: 4100 });
    expect(ends).toMatchObject([{ closeCode: 1002 }]);
    expect(client.state).toBe("stopped");
  });

  test("proves its key again when the link was dropped", async () => {
    const { client, go } = await ourClient(ANN, { keys: [publicOf(ANN)] });
    await client.remote.who();
    await go.event("joined");
    await go.ask({ do: "close" });
    expect(await go.event("joined")).toMatchObject({ publicKey: publicOf(ANN) });
    expect(await client.remote.who()).toEqual({ public_key: publicOf(ANN) });
  });

  test("is not let in by a server that asks for no key", async () => {
    const { client, go } = await ourClient(ANN, {}, { redial: false });
    await expect(client.call("who")).rejects.toMatchObject({ executed: "no" });
    expect(await go.event("left")).toMatchObject({ error: "invalid command" });
  });

  test("without a key is not let in", async () => {
    const go = await hemi.server({ older, keys: [publicOf(ANN)] });
    const failed = connect(go.url, { wire, redial: false, handshakeTimeoutMs: 200, logger: false });
    await expect(failed).rejects.toMatchObject({ executed: "no" });
    await poll(() => go.program.take({ event: "refused" })).toHaveLength(1);
  });
});
