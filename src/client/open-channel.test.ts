import { describe, expect, test } from "vitest";
import { Log } from "../../test/suites/engine.ts";
import { turn } from "../../test/suites/support.ts";
import { linkTerms } from "../../test/suites/ws-ends.ts";
import { decodeCommand, encodeCommand } from "../command.ts";
import type { Channel } from "../core/channel.ts";
import { ManualClock } from "../core/clock.ts";
import { protocolError, RpcError } from "../core/errors.ts";
import { Server } from "../server/server.ts";
import { memoryChannels, memoryNetwork } from "../transports/memory.ts";
import { wsDialer } from "../transports/node/ws-dialer.ts";
import { wsListen } from "../transports/node/ws-listen.ts";
import { command } from "../wires/command.ts";
import { jsonrpc } from "../wires/jsonrpc.ts";
import { OpenChannel, openChannel } from "./open-channel.ts";

const handlers = { add: ({ a, b }: { readonly a: number; readonly b: number }) => ({ sum: a + b }) };

/** A channel of ours, and the other end in the hands of the test. */
function ends(capacity?: number): { readonly mine: OpenChannel; readonly other: ReturnType<typeof memoryChannels>[1] } {
  const [near, far] = memoryChannels(capacity === undefined ? {} : { capacity });
  far.open({ frames: () => {}, skipped: () => {}, ended: () => {}, closed: () => {} });
  return { mine: new OpenChannel(near), other: far };
}

describe("an open channel", () => {
  test("speaks any wire over a pipe, in frames", async () => {
    const network = memoryNetwork();
    await using server = await Server.open([network.listen("place")], jsonrpc(), { handlers, logger: false });
    await using channel = await openChannel(network.dial("place"), jsonrpc());
    expect(channel.remoteAddress).toBe("memory:place");
    await channel.send('{"jsonrpc":"2.0","id":"mine","method":"add","params":{"a":1,"b":2}}');
    expect(await channel.receive()).toBe('{"jsonrpc":"2.0","id":"mine","result":{"sum":3}}');
    expect(server.stats().requests).toBe(1);
  });

  test("sends commands with ids of one's own over WebSocket, and is told how it ends", async () => {
    const wire = command({ prefix: "t" });
    await using server = await Server.open([wsListen({ port: 0, path: "/v1/ws" })], wire, { handlers, logger: false });
    const channel = await openChannel(wsDialer({ url: server.addresses[0] ?? "" }), wire, { logger: false });
    expect(decodeCommand(await channel.receive())).toMatchObject({ command: "t-ping-request", id: "0" });
    await channel.send(encodeCommand({ command: "t-add-request", id: "68656d69", payload: { a: 1, b: 2 } }));
    expect(decodeCommand(await channel.receive())).toEqual({
      command: "t-add-response",
      id: "68656d69",
      payload: { sum: 3 },
    });
    await server.connections[0]?.close({ code: 4100, reason: "invalid public key" });
    expect(await channel.closed).toMatchObject({
      closeCode: 4100,
      message: expect.stringContaining("invalid public key"),
    });
    await expect(channel.receive()).rejects.toMatchObject({ code: "unavailable", wireCode: 4100 });
    await expect(channel.send("x")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("gives frames in order to whoever asked first, and to a loop until the other side ends", async () => {
    const { mine, other } = ends();
    const both = Promise.all([mine.receive(), mine.receive()]);
    void other.send(["one", Uint8Array.of(2), "three"]);
    void other.send(["four"]);
    expect(await both).toEqual(["one", Uint8Array.of(2)]);
    other.end();
    const rest: unknown[] = [];
    for await (const frame of mine) rest.push(frame);
    expect(rest).toEqual(["three", "four"]);
    await expect(mine.receive()).rejects.toMatchObject({
      code: "unavailable",
      message: "The other side sends no more",
    });
    await mine.close();
    await mine.close();
  });

  test("throws what broke it, after the frames that had come", async () => {
    const { mine, other } = ends();
    void other.send(["last"]);
    await turn();
    const near = mine[Symbol.asyncIterator]();
    expect(await near.next()).toEqual({ done: false, value: "last" });
    const asked = near.next();
    other.close({ message: "broken", error: protocolError("broken") });
    // In memory the other side learns no error.
    expect(await asked).toEqual({ done: true, value: undefined });
    const failing: Channel = {
      open: (sink) =>
        queueMicrotask(() => sink.closed({ message: "lost", error: new RpcError("unavailable", "lost") })),
      send: () => {},
      close: () => {},
    };
    await expect(new OpenChannel(failing).receive()).rejects.toMatchObject({ message: "lost" });
  });

  test("makes the other side wait when nobody takes what comes", async () => {
    const { mine, other } = ends(8);
    let full: Promise<void> | undefined;
    let sent = 0;
    while (full === undefined && sent < 1000) {
      full = other.send([String(sent++)]) ?? undefined;
      await turn(1);
    }
    expect(sent).toBeLessThan(100);
    for (let at = 0; at < sent; at++) expect(await mine.receive()).toBe(String(at));
    await full;
    await mine.close();
  });

  test("ends at a frame above the limit", async () => {
    let skipped: () => void = () => {};
    let reason: unknown;
    const channel: Channel = {
      open: (sink) => {
        skipped = () => sink.skipped(new Uint8Array(), new RpcError("resource_exhausted", "too large"));
      },
      send: () => {},
      close: (given) => {
        reason = given;
      },
    };
    void new OpenChannel(channel);
    skipped();
    expect(reason).toMatchObject({ error: { code: "resource_exhausted" } });
  });

  test("is given up in time, and says why there is none", async () => {
    const clock = new ManualClock();
    const never = openChannel((signal) => aborted(signal), command({ prefix: "t" }), { clock, connectTimeoutMs: 100 });
    const outcome = expect(never).rejects.toMatchObject({ code: "deadline_exceeded" });
    await turn();
    clock.advance(101);
    await outcome;
    expect(clock.listeners).toBe(0);
    const nobody = openChannel(memoryNetwork().dial("nobody"), jsonrpc(), { logger: new Log() });
    await expect(nobody).rejects.toMatchObject({ code: "unavailable" });
    await expect(openChannel(memoryNetwork().dial("x"), jsonrpc(), { connectTimeoutMs: -1 })).rejects.toThrow(
      RangeError,
    );
  });

  test("tells its transport the limits that it was given", async () => {
    let given: number | undefined;
    const dial = memoryNetwork();
    await dial.listen("x")(() => {});
    const channel = await openChannel(
      (signal, terms) => {
        given = terms.limits.maxFrameBytes;
        return dial.dial("x")(signal);
      },
      jsonrpc(),
      { maxFrameBytes: 512 << 10 },
    );
    expect([given, linkTerms().limits.maxFrameBytes]).toEqual([512 << 10, 4 << 20]);
    await channel.close();
  });
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
