import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { deflateRawSync } from "node:zlib";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { deferred, Recorder, turn } from "../../../test/suites/support.ts";
import {
  type FrameShape,
  frameOf,
  framesIn,
  linkTerms,
  RawClient,
  rawServer,
  wsPair,
} from "../../../test/suites/ws-ends.ts";
import type { Channel, Full } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { limitsOf } from "../../core/limits.ts";
import type { RawConnection } from "../../core/wire.ts";
import { wsDialer } from "./ws-dialer.ts";
import { acceptedWebSocket, wsListen } from "./ws-listen.ts";

const MIB = 1 << 20;
const LIMIT = 64 << 10;
const never = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

function channelOf({ channel }: RawConnection): Channel {
  if (channel === undefined) throw new Error("There is no channel");
  return channel;
}

/** A channel of a server, and whatever the test connects to it. */
async function serverEnd<Far>(
  connect: (port: number) => Promise<Far> | Far,
): Promise<{ readonly near: Recorder; readonly channel: Channel; readonly far: Far; readonly port: number }> {
  const accepted = deferred<RawConnection>();
  const terms = linkTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) });
  let first = true;
  const accept = (connection: RawConnection): void => {
    if (first) accepted.resolve(connection);
    else new Recorder().open(channelOf(connection));
    first = false;
  };
  const listener = await wsListen({ port: 0 })(accept, terms);
  const port = Number(new URL(listener.address).port);
  const far = await connect(port);
  const channel = channelOf(await accepted.promise);
  onTestFinished(async () => {
    channel.close();
    await listener.close();
  });
  return { near: new Recorder().open(channel), channel, far, port };
}

async function webSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on("error", () => {});
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

async function rawClient(port: number): Promise<RawClient> {
  const client = new RawClient(port);
  expect(await client.upgrade("/")).toBe(101);
  return client;
}

const closeOf = async (socket: WebSocket): Promise<readonly [code: number, text: string]> => {
  const [code, text] = (await once(socket, "close")) as [number, Buffer];
  return [code, text.toString()];
};

test("text leaves as text, bytes leave as binary, and what one send takes leaves in one write", async () => {
  const { channel, far } = await serverEnd(rawClient);
  const chunks: Buffer[] = [];
  far.socket.on("data", (bytes) => chunks.push(bytes));
  void channel.send([...Array.from({ length: 60 }, (_, n) => `{"n":${n}}`), Uint8Array.of(1, 2), "ä"]);
  await far.until(({ body }) => framesIn(body).length === 62);
  expect(framesIn(far.body).map(({ opcode }) => opcode)).toEqual([...Array<number>(60).fill(1), 2, 1]);
  expect(framesIn(far.body).at(-1)?.payload.toString()).toBe("ä");
  expect(chunks.length).toBe(1);
});

test("what one chunk brings is delivered as one list", async () => {
  const { near, far } = await serverEnd(rawClient);
  far.socket.write(Buffer.concat(Array.from({ length: 50 }, (_, n) => frameOf({ opcode: 1, payload: `${n}` }))));
  await near.until(({ frameList }) => frameList.length === 50);
  expect(near.deliveries).toBe(1);
});

describe("a close", () => {
  test.each([
    [1000, ""],
    [1000, "done"],
    [1001, "going away"],
    [3000, "grüße"],
    [4100, "never again"],
    [4999, "x".repeat(123)],
  ])("with %d %j reaches the other end unchanged", async (closeCode, message) => {
    const { channel, far, near } = await serverEnd(webSocket);
    const closed = closeOf(far);
    channel.close({ message, closeCode });
    expect(await closed).toEqual([closeCode, message]);
    await near.untilClosed();
    expect(near.reason).toEqual({ message, closeCode });
  });

  test("without a reason is a normal one", async () => {
    const { channel, far } = await serverEnd(webSocket);
    const closed = closeOf(far);
    channel.close();
    expect(await closed).toEqual([1000, ""]);
  });

  test("with an error says so to the other end", async () => {
    const { channel, far, near } = await serverEnd(webSocket);
    const closed = closeOf(far);
    const error = new RpcError("unauthenticated", "Who are you");
    channel.close({ message: error.message, error, closeCode: 4401 });
    expect(await closed).toEqual([4401, "Who are you"]);
    expect(near.reason?.error).toBe(error);
  });

  test.each([
    [1000, undefined],
    [1001, undefined],
    [1011, "unavailable"],
    [1009, "resource_exhausted"],
    [4100, "unavailable"],
  ])("of the other side with %d is told with its code and text", async (code, errorCode) => {
    const { near, far } = await serverEnd(webSocket);
    far.close(code, "because");
    await near.untilClosed();
    expect(near.reason?.closeCode).toBe(code);
    expect(near.reason?.message).toMatch(new RegExp(`${code}.*: because$`));
    expect(near.reason?.error?.code).toBe(errorCode);
    expect(near.reason?.error?.wireCode).toBe(errorCode === undefined ? undefined : code);
  });

  test("without a close frame is 1006", async () => {
    const { near, far } = await serverEnd(webSocket);
    far.terminate();
    await near.untilClosed();
    expect(near.reason).toMatchObject({ closeCode: 1006, error: { code: "unavailable", wireCode: 1006 } });
  });

  test("that the other side never answers ends the connection when nothing was sent for 5 s", async () => {
    const { channel, far, near } = await serverEnd(rawClient);
    vi.useFakeTimers({ toFake: ["setInterval"] });
    channel.close({ message: "bye" });
    expect(await far.closeFrame()).toEqual({ code: 1000, text: "bye" });
    vi.advanceTimersByTime(4999);
    await turn();
    expect(near.reason).toBeUndefined();
    expect(far.socket.closed).toBe(false);
    vi.advanceTimersByTime(1);
    await far.closed;
    await near.untilClosed();
    expect(near.reason).toEqual({ message: "bye" });
  });

  test("with an error gives the other side a second", async () => {
    const { channel, far } = await serverEnd(rawClient);
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    channel.close({ message: "broken", error: new RpcError("internal", "broken") });
    expect(await far.closeFrame()).toEqual({ code: 1011, text: "broken" });
    vi.advanceTimersByTime(1000);
    await far.closed;
  });

  test("of an end that nobody opened is seen by the other side", async () => {
    const { client, server, cleanup } = await wsPair();
    onTestFinished(() => cleanup?.());
    const far = new Recorder().open(channelOf(client));
    channelOf(server).close({ message: "not wanted", closeCode: 4000 });
    await far.untilClosed();
    expect(far.reason?.closeCode).toBe(4000);
  });
});

describe("signs of life", () => {
  test("a ping is answered below the wire, and ping, pong and the answer are told as an empty list", async () => {
    const { channel, near, far } = await serverEnd(webSocket);
    const pinged = once(far, "ping");
    channel.ping?.();
    await pinged;
    await near.until(({ deliveries }) => deliveries === 1);
    far.ping();
    await once(far, "pong");
    await near.until(({ deliveries }) => deliveries === 2);
    far.pong();
    await near.until(({ deliveries }) => deliveries === 3);
    expect(near.frameList).toEqual([]);
  });

  test("a sink that is full is told of none", async () => {
    const { near, far } = await serverEnd(webSocket);
    near.pause();
    far.send("1");
    await near.until(({ deliveries }) => deliveries === 1);
    far.ping();
    await turn(20);
    expect(near.deliveries).toBe(1);
    near.resume();
    await near.until(({ deliveries }) => deliveries === 2);
  });

  test("a ping after the end is harmless", async () => {
    const { channel, near } = await serverEnd(webSocket);
    channel.close();
    channel.ping?.();
    await near.untilClosed();
    channel.ping?.();
  });

  test("pings that a client sends without end and whose answers it does not read cost nothing", async () => {
    const { near, far } = await serverEnd(rawClient);
    far.socket.pause();
    const flood = Buffer.concat(Array<Buffer>(1000).fill(frameOf({ opcode: 9, payload: "x".repeat(125) })));
    for (let sent = 0; sent < 1000 && near.reason === undefined; sent++) {
      if (!far.socket.write(flood)) await Promise.race([once(far.socket, "drain"), near.untilClosed()]);
    }
    await near.untilClosed();
    expect(near.reason?.closeCode).toBe(1006);
  });
});

/** What a client may not send, and the code that says so. */
const MALFORMED: readonly (readonly [what: string, frames: readonly FrameShape[], code: number])[] = [
  ["text that is not UTF-8", [{ opcode: 1, payload: Buffer.from([0xc3, 0x28]) }], 1007],
  ["text that ends inside a character", [{ opcode: 1, payload: Buffer.from([0xe2, 0x82]) }], 1007],
  ["reserved bit 1 without an extension", [{ opcode: 1, payload: "x", rsv: 4 }], 1002],
  ["reserved bit 2", [{ opcode: 1, payload: "x", rsv: 2 }], 1002],
  ["reserved bit 3", [{ opcode: 2, payload: "x", rsv: 1 }], 1002],
  ["a frame without a mask", [{ opcode: 1, payload: "x", masked: false }], 1002],
  ["an unknown kind of data", [{ opcode: 3, payload: "x" }], 1002],
  ["an unknown kind of control", [{ opcode: 11 }], 1002],
  ["the rest of nothing", [{ opcode: 0, payload: "x" }], 1002],
  [
    "a message inside a message",
    [
      { opcode: 1, payload: "x", fin: false },
      { opcode: 1, payload: "y" },
    ],
    1002,
  ],
  ["a ping in pieces", [{ opcode: 9, payload: "x", fin: false }], 1002],
  ["a ping that is too long", [{ opcode: 9, payload: "x".repeat(126) }], 1002],
  ["a close frame with half a code", [{ opcode: 8, payload: "x" }], 1002],
  ["a close frame with a code that may not be sent", [{ opcode: 8, payload: Buffer.from([0x03, 0xee]) }], 1002],
  ["a close frame whose text is not UTF-8", [{ opcode: 8, payload: Buffer.from([0x03, 0xe8, 0xff]) }], 1007],
  ["a message above the limit", [{ opcode: 2, payload: Buffer.alloc(LIMIT + 1) }], 1009],
  ["a length above the limit, without its bytes", [{ opcode: 2, length: BigInt(LIMIT + 1) }], 1009],
  ["a length that no number can hold", [{ opcode: 2, length: 0xffff_ffff_ffff_ffffn }], 1009],
  [
    "pieces that are together above the limit",
    [
      { opcode: 2, payload: Buffer.alloc(LIMIT), fin: false },
      { opcode: 0, payload: "x" },
    ],
    1009,
  ],
  [
    "a message in 20 000 pieces",
    [
      { opcode: 2, payload: "x", fin: false },
      ...Array<FrameShape>(20_000).fill({ opcode: 0, payload: "x", fin: false }),
    ],
    1008,
  ],
];

describe("malformed frames end their link only", () => {
  test.each(MALFORMED)("of a client: %s", async (_, frames, code) => {
    const { near, far, port } = await serverEnd(rawClient);
    const neighbour = await webSocket(port);
    far.socket.write(Buffer.concat([frameOf({ opcode: 1, payload: "before" }), ...frames.map(frameOf)]));
    await near.untilClosed();
    expect(near.frameList).toEqual(["before"]);
    expect(near.reason?.closeCode).toBe(code);
    expect(near.reason?.error?.wireCode).toBe(code);
    expect(near.reason?.error?.code).toBe(code === 1002 || code === 1007 ? "data_loss" : "resource_exhausted");
    expect((await far.closeFrame())?.code).toBe(code);
    await far.closed;
    near.expectSound();
    neighbour.ping();
    await once(neighbour, "pong");
  });

  test.each(MALFORMED.filter(([, [first]]) => first?.masked === undefined))(
    "of a server: %s",
    async (_, frames, code) => {
      const bytes = [{ opcode: 1, payload: "before" }, ...frames].map((frame) => frameOf({ ...frame, masked: false }));
      const url = await rawServer((socket) => socket.write(Buffer.concat(bytes)));
      const terms = linkTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) });
      const near = new Recorder().open(channelOf(await wsDialer({ url })(never, terms)));
      await near.untilClosed();
      expect(near.frameList).toEqual(["before"]);
      expect(near.reason).toMatchObject({ closeCode: code, error: { wireCode: code } });
      near.expectSound();
    },
  );

  test("of a server: a frame with a mask", async () => {
    const url = await rawServer((socket) => socket.write(frameOf({ opcode: 1, payload: "x" })));
    const near = new Recorder().open(channelOf(await wsDialer({ url })(never, linkTerms())));
    await near.untilClosed();
    expect(near.reason).toMatchObject({ closeCode: 1002, error: { code: "data_loss" } });
  });
});

test("a message may come in pieces, byte by byte, and with pings in between", async () => {
  const { near, far } = await serverEnd(rawClient);
  const bytes = Buffer.concat([
    frameOf({ opcode: 1, payload: Buffer.from([0xe2]), fin: false }),
    frameOf({ opcode: 9, payload: "ping" }),
    frameOf({ opcode: 0, payload: Buffer.from([0x82]), fin: false }),
    frameOf({ opcode: 0, payload: "" }),
    frameOf({ opcode: 1, payload: "" }),
  ]);
  const full = Buffer.concat([bytes.subarray(0, -12), frameOf({ opcode: 0, payload: Buffer.from([0xac]) })]);
  far.socket.setNoDelay(true);
  for (const byte of full) {
    far.socket.write(Buffer.of(byte));
    await turn(1);
  }
  await near.until(({ frameList }) => frameList.length > 0);
  expect(near.frameList).toEqual(["€"]);
  expect(framesIn(far.body).map(({ payload }) => payload.toString())).toContain("ping");
});

test("what a server sends with its answer is not lost, and nothing is delivered before open has returned", async () => {
  const url = await rawServer((socket) => socket.write(frameOf({ opcode: 1, payload: "first", masked: false })));
  const { channel } = await wsDialer({ url })(never, linkTerms());
  await turn(20);
  const near = new Recorder();
  if (channel !== undefined) near.open(channel);
  await near.until(({ frameList }) => frameList.length === 1);
  expect(near.frameList).toEqual(["first"]);
  near.expectSound();
  channel?.close({ message: "done", error: new RpcError("unavailable", "done") });
});

test("with deflate a sender is told when the way is full, too", { timeout: 60_000 }, async () => {
  const { client, server, cleanup } = await wsPair({ deflate: true }, { deflate: true });
  onTestFinished(() => cleanup?.());
  const near = new Recorder().open(channelOf(server));
  const far = new Recorder();
  far.pause();
  far.open(channelOf(client));
  let sent = 0;
  let full: Full;
  do {
    const noise = new Uint8Array(MIB);
    for (let at = 0; at < MIB; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536));
    full = channelOf(server).send([noise]);
    await turn(1);
  } while (full === undefined && ++sent < 64);
  expect(full).toBeInstanceOf(Promise);
  await far.until(({ deliveries }) => deliveries > 0);
  far.resume();
  await full;
  await far.until(({ length }) => length === (sent + 1) * MIB);
  near.expectSound();
  channelOf(server).close();
  await far.untilClosed();
});

describe("with deflate", () => {
  /** A client that has agreed on deflate, and what the server makes of it. */
  async function deflating(): Promise<{ readonly near: Recorder; readonly far: RawClient }> {
    const accepted = deferred<RawConnection>();
    const terms = linkTerms({ limits: limitsOf({ maxFrameBytes: LIMIT }) });
    const listener = await wsListen({ port: 0, deflate: true })(accepted.resolve, terms);
    onTestFinished(() => listener.close());
    const far = new RawClient(Number(new URL(listener.address).port));
    const extension = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover";
    expect(await far.upgrade("/", [extension])).toBe(101);
    return { near: new Recorder().open(channelOf(await accepted.promise)), far };
  }

  test("a small message that becomes a large one is above the limit", async () => {
    const { near, far } = await deflating();
    const bomb = deflateRawSync(Buffer.alloc(60 * MIB), { level: 9 });
    expect(bomb.length).toBeLessThan(LIMIT);
    const before = process.memoryUsage.rss();
    far.socket.write(frameOf({ opcode: 2, payload: bomb, rsv: 4 }));
    await near.untilClosed();
    expect(near.frameList).toEqual([]);
    expect(near.reason).toMatchObject({ closeCode: 1009, error: { code: "resource_exhausted" } });
    expect(process.memoryUsage.rss() - before).toBeLessThan(32 * MIB);
  });

  test("what cannot be inflated ends the link", async () => {
    const { near, far } = await deflating();
    far.socket.write(frameOf({ opcode: 1, payload: Buffer.from([0xff, 0xff, 0xff]), rsv: 4 }));
    await near.untilClosed();
    expect(near.reason).toMatchObject({ closeCode: 1007, error: { code: "data_loss", wireCode: 1007 } });
    expect((await far.closeFrame())?.code).toBe(1007);
  });
});

describe("a socket that a user's own server accepted", () => {
  /** A user's own server, and what it makes of the first client. */
  async function own(options: object, onAccepted: (connection: RawConnection) => void, limit = LIMIT): Promise<string> {
    const server = http.createServer();
    const webSockets = new WebSocketServer({ server, ...options });
    const terms = linkTerms({ limits: limitsOf({ maxFrameBytes: limit }) });
    webSockets.on("connection", (socket, request) => onAccepted(acceptedWebSocket(socket, request, terms)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      for (const client of webSockets.clients) client.terminate();
      server.close();
    });
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/any`;
  }

  test("is a connection, and loses nothing that came with the handshake", async () => {
    const accepted = deferred<RawConnection>();
    const url = await own({ binaryType: "arraybuffer" }, accepted.resolve);
    const client = new RawClient(Number(new URL(url).port));
    client.socket.cork();
    const upgraded = client.upgrade("/any");
    client.socket.write(frameOf({ opcode: 2, payload: "early" }));
    client.socket.uncork();
    expect(await upgraded).toBe(101);
    const connection = await accepted.promise;
    expect(connection.remoteAddress).toBe(`127.0.0.1:${client.socket.localPort}`);
    expect(connection.identity).toBeUndefined();
    await turn(20);
    const near = new Recorder().open(channelOf(connection));
    await near.until(({ frameList }) => frameList.length === 1);
    expect(near.frameList).toEqual([Buffer.from("early")]);
  });

  test("is held to our limit where its server's is larger", async () => {
    const accepted = deferred<RawConnection>();
    const far = await webSocket(Number(new URL(await own({}, accepted.resolve)).port));
    const near = new Recorder().open(channelOf(await accepted.promise));
    const closed = closeOf(far);
    far.send("1");
    far.send(Buffer.alloc(LIMIT + 1));
    far.send("2");
    await near.untilClosed();
    expect(near.frameList).toEqual(["1"]);
    expect(near.reason).toMatchObject({ closeCode: 1009, error: { code: "resource_exhausted" } });
    expect((await closed)[0]).toBe(1009);
  });
});
