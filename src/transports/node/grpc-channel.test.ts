import { afterEach, describe, expect, test } from "vitest";
import { type ChannelPair, channelSuite } from "../../../test/suites/channel-suite.ts";
import { type GrpcPair, grpcPair, onPath, termsOf } from "../../../test/suites/grpc-ends.ts";
import { plainWire } from "../../../test/suites/plain-wire.ts";
import { bytesEqual, patternBytes, Recorder, turn } from "../../../test/suites/support.ts";
import type { Channel } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { bytesOf } from "../../core/text.ts";
import type { LinkTerms, RawConnection } from "../../core/wire.ts";
import { WIRE_PATH } from "./grpc-options.ts";

const MEBIBYTE = 1 << 20;
const everything = { tellsFull: true, pauses: true, binary: true, empty: true, text: "any" } as const;
const bare = onPath(plainWire(), "/test.v1.Bare/Connect");

function channelOf({ channel }: RawConnection): Channel {
  if (channel === undefined) throw new Error("no channel");
  return channel;
}

/** `near` is the end that dialled, or the one that was dialled. */
async function pairOf(terms: LinkTerms, nearEnd: "client" | "server"): Promise<ChannelPair> {
  const pair = await grpcPair(terms);
  const client = channelOf(pair.client);
  const server = channelOf(pair.server);
  const { cleanup } = pair;
  if (nearEnd === "server") return { near: server, far: client, cleanup };
  return { near: client, far: server, cleanup, endNear: () => pair.endClient() };
}

for (const near of ["client", "server"] as const) {
  // Only a client can end its half: a server that ends, ends all.
  const halfClose = near === "client";
  for (const maxFrameBytes of [4096, MEBIBYTE]) {
    const terms = termsOf({ limitsOf: { maxFrameBytes } });
    const can = { ...everything, halfClose, keepsForm: true, maxFrameBytes, tooLarge: "skipped" } as const;
    channelSuite(
      `gRPC in packets, frames up to ${maxFrameBytes} bytes, from the ${near}`,
      () => pairOf(terms, near),
      can,
    );
  }
  const terms = termsOf({ wire: bare, limitsOf: { maxFrameBytes: MEBIBYTE } });
  channelSuite(`gRPC in bare frames, from the ${near}`, () => pairOf(terms, near), {
    // The pair's way to end a half does not wait for frames before it, each a message here.
    ...{ ...everything, halfClose: false, keepsForm: false, maxFrameBytes: MEBIBYTE, tooLarge: "closes" },
  });
}

/** The ends of a pair with sinks. */
async function openPair(terms: LinkTerms): Promise<GrpcPair & { near: Recorder; far: Recorder; channels: Channel[] }> {
  const pair = await grpcPair(terms);
  const channels = [channelOf(pair.client), channelOf(pair.server)];
  const [near, far] = channels.map((channel) => new Recorder().open(channel)) as [Recorder, Recorder];
  return { ...pair, near, far, channels };
}

describe("a channel over gRPC", () => {
  let pair: Awaited<ReturnType<typeof openPair>>;
  afterEach(async () => {
    for (const channel of pair.channels) channel.close();
    await pair.cleanup();
  });

  test.each([
    ["packets", plainWire()],
    ["bare frames", bare],
  ])("a frame far above the limit ends the link, and the other side hears resource_exhausted (%s)", async (_, wire) => {
    pair = await openPair(termsOf({ wire, limitsOf: { maxFrameBytes: 100_000 } }));
    const { near, far, channels } = pair;
    void channels[0]?.send([new Uint8Array(200_000)]);
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(near.reason).toMatchObject({ error: { code: "resource_exhausted", wireCode: 8 }, closeCode: 8 });
    expect(far.reason?.error?.code).toBe("unavailable");
  });

  test("a server that sends too much is cancelled by its client", async () => {
    pair = await openPair(termsOf({ limitsOf: { maxFrameBytes: 100_000 } }));
    const { near, far, channels } = pair;
    void channels[1]?.send([new Uint8Array(200_000)]);
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(near.reason?.error?.code).toBe("resource_exhausted");
  });

  test("what is sent in one turn is delivered together, several messages of gRPC as well", async () => {
    pair = await openPair(termsOf());
    const { far, channels } = pair;
    for (let each = 0; each < 10; each++) void channels[0]?.send([String(each), Uint8Array.of(each)]);
    await far.until(() => far.frameList.length === 20);
    expect(far.deliveries).toBeLessThan(10);
    expect(far.frameList.slice(0, 4)).toEqual(["0", Buffer.of(0), "1", Buffer.of(1)]);
  });

  test("the other side's error closes a client with its code and text", async () => {
    pair = await openPair(termsOf());
    const { near, channels } = pair;
    const error = new RpcError("permission_denied", "Not you, \u202e\nann");
    channels[1]?.close({ message: error.message, error });
    await near.untilClosed();
    expect(near.reason).toMatchObject({ message: "Not you, \\u202e\\u000aann", closeCode: 7 });
    expect(near.reason?.error).toMatchObject({ code: "permission_denied", wireCode: 7 });
  });

  test("a client that closes with an error cancels, and the server is told at once", async () => {
    pair = await openPair(termsOf());
    const { far, channels } = pair;
    const error = new RpcError("data_loss", "nonsense");
    channels[0]?.close({ message: error.message, error });
    await far.untilClosed();
    expect(far.endings).toBe(0);
    expect(far.reason?.error).toMatchObject({ code: "unavailable" });
  });

  test.each([
    ["that is no protobuf", Uint8Array.of(0x0a, 0x7f)],
    ["with text that is not UTF-8", Uint8Array.of(0x0a, 0x03, 0x12, 0x01, 0xff)],
  ])("a message %s ends the link with data_loss", async (_, message) => {
    // What is bare at one end is a packet for the other.
    const wire = onPath(plainWire(), WIRE_PATH);
    const ends = await grpcPair(termsOf(), termsOf({ wire }));
    const channels = [channelOf(ends.client), channelOf(ends.server)];
    const [near, far] = channels.map((channel) => new Recorder().open(channel)) as [Recorder, Recorder];
    pair = { ...ends, near, far, channels };
    void channels[0]?.send([message]);
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(far.reason?.error?.code).toBe("data_loss");
    expect(near.reason?.error?.code).toBe("data_loss");
  });

  test.each(["client", "server"])("of 64 MiB that nobody reads from the %s, little is kept", async (from) => {
    const ends = await grpcPair(termsOf());
    const channels = [channelOf(ends.client), channelOf(ends.server)];
    const [sender, reader] = from === "client" ? channels : channels.toReversed();
    if (sender === undefined || reader === undefined) throw new Error("no channels");
    const near = new Recorder().open(sender);
    const far = new Recorder();
    far.pause();
    far.open(reader);
    pair = { ...ends, near, far, channels };
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let fulls = 0;
    const offering = (async () => {
      for (let sent = 0; sent < 64; sent++) {
        const full = sender.send([patternBytes(MEBIBYTE)]);
        if (full !== undefined) fulls++;
        await full;
      }
    })();
    for (let each = 0; each < 50; each++) {
      await turn();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(fulls).toBeGreaterThan(0);
    expect(most).toBeLessThan(24 * MEBIBYTE);
    far.resume();
    await offering;
    await far.until(() => far.frameList.length === 64);
    expect(far.frameList.every((frame) => bytesEqual(bytesOf(frame), patternBytes(MEBIBYTE)))).toBe(true);
  });

  test("a connection that is lost closes both ends with unavailable, also while the sink is full", async () => {
    pair = await openPair(termsOf());
    const { near, far, channels, relay } = pair;
    far.pause();
    void channels[0]?.send(["1"]);
    await far.until(() => far.deliveries === 1);
    relay.cut();
    await Promise.all([near.untilClosed(), far.untilClosed()]);
    expect(near.reason?.error?.code).toBe("unavailable");
    expect(far.reason?.error?.code).toBe("unavailable");
  });
});
