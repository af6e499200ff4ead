import { describe, expect, test } from "vitest";
import { Recorder, turn } from "../../../test/suites/support.ts";
import type { Channel } from "../../core/channel.ts";
import { ManualClock } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import { webSocketChannel } from "./ws-channel.ts";

const MIB = 1 << 20;

/** What a browser has, turned by hand. */
class FakeSocket {
  binaryType = "blob";
  bufferedAmount = 0;
  readyState = 1;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  readonly sent: unknown[] = [];
  readonly closes: unknown[] = [];

  send(data: string | Uint8Array): void {
    this.sent.push(data);
    this.bufferedAmount += data.length;
  }

  close(code: number, text: string): void {
    this.closes.push([code, text]);
    this.readyState = 2;
  }

  brings(data: string | ArrayBuffer): void {
    this.onmessage?.({ data });
  }

  ends(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

interface Made {
  readonly socket: FakeSocket;
  readonly clock: ManualClock;
  readonly channel: Channel;
  readonly near: Recorder;
}

function made(maxFrameBytes = MIB * 4): Made {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const channel = webSocketChannel(socket as unknown as WebSocket, { wire: {}, clock, limits: { maxFrameBytes } });
  return { socket, clock, channel, near: new Recorder() };
}

async function opened(maxFrameBytes?: number): Promise<Made> {
  const it = made(maxFrameBytes);
  it.near.open(it.channel);
  await turn(1);
  return it;
}

test("bytes are asked for as array buffers, and come as bytes", async () => {
  const { socket, near } = await opened();
  expect(socket.binaryType).toBe("arraybuffer");
  socket.brings(Uint8Array.of(1, 2).buffer);
  socket.brings("text");
  expect(near.frameList).toEqual([Uint8Array.of(1, 2), "text"]);
});

test("what came before open is one list, after open", async () => {
  const { socket, channel, near } = made();
  socket.brings("1");
  socket.brings("2");
  near.open(channel);
  expect(near.frameList).toEqual([]);
  await turn(1);
  expect(near.frameList).toEqual(["1", "2"]);
  expect(near.deliveries).toBe(1);
});

test("a link that ended before open says so after what it had brought", async () => {
  const { socket, channel, near } = made();
  socket.brings("1");
  socket.ends(1001);
  near.open(channel);
  await near.untilClosed();
  expect(near.frameList).toEqual(["1"]);
  expect(near.reason?.closeCode).toBe(1001);
});

test("a sign of life is asked for by the wire's own frame, where it has one", async () => {
  const { channel } = await opened();
  expect(channel.ping).toBeUndefined();
  const socket = new FakeSocket();
  const wire = { probe: () => "are you there" };
  const asking = webSocketChannel(socket as unknown as WebSocket, {
    wire,
    clock: new ManualClock(),
    limits: { maxFrameBytes: MIB },
  });
  asking.ping?.();
  expect(socket.sent).toEqual(["are you there"]);
});

test("a channel is opened once", async () => {
  const { channel } = await opened();
  expect(() => channel.open(new Recorder())).toThrow(TypeError);
});

describe("a sender", () => {
  test("is told full at 1 MiB that waits in the browser, and no timer runs before", async () => {
    const { channel, clock } = await opened();
    expect(channel.send(["x".repeat(MIB - 1)])).toBeUndefined();
    expect(clock.listeners).toBe(0);
    expect(channel.send(["x"])).toBeInstanceOf(Promise);
    expect(clock.listeners).toBe(1);
  });

  test("is told by a tick of the clock when half of it has left, all its sends by one", async () => {
    const { channel, clock, socket } = await opened();
    const full = channel.send(["x".repeat(MIB)]);
    expect(channel.send(["y"])).toBe(full);
    let isFree = false;
    void full?.then(() => {
      isFree = true;
    });
    socket.bufferedAmount = MIB / 2 + 1;
    clock.advance(20);
    await turn(1);
    expect(isFree).toBe(false);
    socket.bufferedAmount = MIB / 2;
    clock.advance(20);
    await turn(1);
    expect(isFree).toBe(true);
    expect(clock.listeners).toBe(0);
    expect(channel.send(["z"])).toBeUndefined();
  });

  test.each(["close", "end"])("that waits goes on at the %s of the link, and nothing ticks any more", async (how) => {
    const { channel, clock, socket, near } = await opened();
    const full = channel.send(["x".repeat(MIB)]);
    if (how === "close") channel.close();
    else socket.ends(1006);
    await full;
    expect(clock.listeners).toBe(0);
    if (how === "close") socket.ends(1000);
    await near.untilClosed();
  });

  test("is never told full where the platform does not say what waits", async () => {
    const { channel, clock, socket } = await opened();
    Object.assign(socket, { bufferedAmount: undefined });
    socket.send = () => {};
    expect(channel.send(["x".repeat(2 * MIB)])).toBeUndefined();
    expect(clock.listeners).toBe(0);
  });

  test("sends nothing to a socket that is closing", async () => {
    const { channel, socket } = await opened();
    socket.readyState = 2;
    expect(channel.send(["x"])).toBeUndefined();
    expect(socket.sent).toEqual([]);
  });
});

describe("a sink that is full", () => {
  test("gets what comes when it has room again, as one list", async () => {
    const { socket, near } = await opened();
    near.pause();
    socket.brings("1");
    socket.brings("2");
    socket.brings("3");
    expect(near.frameList).toEqual(["1"]);
    near.resume();
    await turn(1);
    expect(near.frameList).toEqual(["1", "2", "3"]);
    expect(near.deliveries).toBe(2);
    near.expectSound();
  });

  test("gets what is more than 1 MiB all the same: a browser reads on", async () => {
    const { socket, near } = await opened();
    near.pause();
    socket.brings("1");
    socket.brings("x".repeat(MIB));
    expect(near.frameList).toEqual(["1"]);
    socket.brings("2");
    expect(near.frameList.length).toBe(3);
    socket.brings("3");
    expect(near.frameList.length).toBe(3);
    near.resume();
    await turn(1);
    expect(near.frameList.at(-1)).toBe("3");
  });

  test("gets the rest when the link ends", async () => {
    const { socket, near } = await opened();
    near.pause();
    socket.brings("1");
    socket.brings("2");
    socket.ends(1000);
    expect(near.frameList).toEqual(["1", "2"]);
    expect(near.reason?.closeCode).toBe(1000);
    near.resume();
    await turn(1);
  });

  test("gets nothing any more once its own end is closed", async () => {
    const { socket, near, channel } = await opened();
    near.pause();
    socket.brings("1");
    socket.brings("2");
    channel.close({ message: "enough" });
    near.resume();
    socket.brings("3");
    await turn(1);
    socket.ends(1000);
    expect(near.frameList).toEqual(["1"]);
    expect(near.reason).toEqual({ message: "enough" });
  });
});

describe("a message above the limit", () => {
  test("is skipped between its neighbours, text by its bytes", async () => {
    const { socket, near } = await opened(4);
    socket.brings("1234");
    socket.brings("€€");
    socket.brings(new Uint8Array(5).buffer);
    socket.brings("ok");
    expect(near.frameList).toEqual(["1234", "ok"]);
    expect(near.skips.map(({ head }) => head)).toEqual([new TextEncoder().encode("€€"), new Uint8Array(5)]);
    expect(near.skips[0]?.reason).toMatchObject({
      code: "resource_exhausted",
      message: "A WebSocket message is above the limit of 4 bytes (maxFrameBytes)",
    });
  });

  test("shows no more than its first KiB", async () => {
    const { socket, near } = await opened(10);
    socket.brings("€".repeat(5000));
    socket.brings(new ArrayBuffer(5000));
    expect(near.skips.map(({ head }) => head.length)).toEqual([1024, 1024]);
  });

  test("keeps its place among what was held", async () => {
    const { socket, channel, near } = made(4);
    const order: string[] = [];
    const frames = near.frames.bind(near);
    near.frames = (list) => {
      order.push(...list.map(String));
      return frames(list);
    };
    const skipped = near.skipped.bind(near);
    near.skipped = (head, reason) => {
      order.push("skipped");
      skipped(head, reason);
    };
    for (const text of ["1", "12345", "2"]) socket.brings(text);
    near.open(channel);
    await turn(1);
    expect(order).toEqual(["1", "skipped", "2"]);
  });
});

describe("a close", () => {
  test("without an error is told when the other side has answered it", async () => {
    const { channel, socket, near } = await opened();
    channel.close({ message: "done" });
    expect(socket.closes).toEqual([[1000, "done"]]);
    await turn(1);
    expect(near.reason).toBeUndefined();
    socket.ends(1000);
    expect(near.reason).toEqual({ message: "done" });
  });

  test("with an error is told at once, also in place of one that waits", async () => {
    const { channel, socket, near } = await opened();
    channel.close();
    const error = new RpcError("internal", "broken");
    channel.close({ message: "broken", error });
    await near.untilClosed();
    expect(near.reason?.error).toBe(error);
    socket.ends(1006);
    channel.close();
    expect(socket.closes).toEqual([
      [1000, ""],
      [4011, "broken"],
    ]);
  });
});
