import net from "node:net";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { deferred, patternBytes, Recorder, turn } from "../../../test/suites/support.ts";
import type { Pipe } from "../../core/channel.ts";
import { protocolError, RpcError } from "../../core/errors.ts";
import type { Listener, RawConnection } from "../../core/wire.ts";
import { SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { tcpDialer, tcpListen } from "./tcp.ts";

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A listener and its next connection. */
async function listen(host?: string): Promise<{ listener: Listener; port: number; accepted: Promise<RawConnection> }> {
  const { promise: accepted, resolve } = deferred<RawConnection>();
  const listener = await tcpListen({ port: 0, ...(host !== undefined && { host }) })(resolve);
  cleanups.push(() => listener.close());
  return { listener, accepted, port: Number(/\d+$/.exec(listener.address)?.[0]) };
}

/** Our pipe on the accepting side, a bare socket on the other. */
async function pipeAndSocket(): Promise<{ pipe: Pipe; socket: net.Socket }> {
  const { port, accepted } = await listen();
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  cleanups.push(() => void socket.destroy());
  const pipe = (await accepted).pipe;
  if (pipe === undefined) throw new Error("no pipe");
  return { pipe, socket };
}

async function failure(attempt: Promise<unknown>): Promise<RpcError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RpcError);
  return error as RpcError;
}

const never = new AbortController().signal;

pipeSuite(
  "tcp",
  async () => {
    const { promise, resolve } = deferred<RawConnection>();
    const listener = await tcpListen({ port: 0 })(resolve);
    const socket = net.connect({ port: Number(new URL(listener.address).port), host: "127.0.0.1", ...SOCKET_OPTIONS });
    const near = socketPipe(socket);
    const far = (await promise).pipe;
    if (far === undefined) throw new Error("no pipe");
    return { near, far, endNear: () => void socket.end(), cleanup: () => listener.close() };
  },
  { halfClose: true, tellsFull: true, oneByteWrites: 20_000 },
);

describe("dialling and listening over TCP", () => {
  test("the listener's address has the real port, and both ends know where the other is", async () => {
    const { listener, port, accepted } = await listen();
    expect(listener.address).toBe(`tcp://127.0.0.1:${port}`);
    expect(port).toBeGreaterThan(0);
    const near = await tcpDialer({ port })(never);
    const far = await accepted;
    expect(near.remoteAddress).toBe(`127.0.0.1:${port}`);
    expect(far.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    near.pipe?.close();
    far.pipe?.close();
  });

  test("IPv6 addresses stand in brackets", async () => {
    const { listener, port, accepted } = await listen("::1");
    expect(listener.address).toBe(`tcp://[::1]:${port}`);
    const near = await tcpDialer({ host: "::1", port })(never);
    expect(near.remoteAddress).toBe(`[::1]:${port}`);
    near.pipe?.close();
    (await accepted).pipe?.close();
  });

  test("an IPv4 client of a listener for both families is shown as IPv4", async () => {
    const { port, accepted } = await listen("::");
    const near = await tcpDialer({ port })(never);
    expect((await accepted).remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    near.pipe?.close();
    (await accepted).pipe?.close();
  });

  test("dialling where nobody listens says so, and that nothing ran", async () => {
    const { listener, port } = await listen();
    await listener.close();
    const error = await failure(tcpDialer({ port })(never));
    expect(error.message).toBe(`Cannot connect to tcp://127.0.0.1:${port}: connection refused. Is the server running?`);
    expect(error).toMatchObject({ code: "unavailable", executed: "no", cause: { code: "ECONNREFUSED" } });
  });

  test("dialling a host that does not exist names the host", async () => {
    const error = await failure(tcpDialer({ host: "no-such-host.invalid", port: 1 })(never));
    expect(error.message).toContain("Cannot connect to tcp://no-such-host.invalid:1: ");
    expect(error.code).toBe("unavailable");
  });

  test("listening on a port that is taken says so", async () => {
    const { port } = await listen();
    const error = await failure(tcpListen({ port })(() => {}));
    expect(error.message).toBe(
      `Cannot listen on tcp://127.0.0.1:${port}: the address is in use. Does another server run there?`,
    );
  });

  test("a port that is none is a RangeError at once", () => {
    expect(() => tcpDialer({ port: 70_000 })).toThrow("port must be a whole number from 0 to 65535, not 70000");
    expect(() => tcpListen({ port: 1.5 })).toThrow(RangeError);
  });

  test("an aborted signal ends the attempt before it starts", async () => {
    const { port } = await listen();
    const error = await failure(tcpDialer({ port })(AbortSignal.abort()));
    expect(error).toMatchObject({ code: "unavailable", executed: "no" });
    expect(error.message).toBe(`Cannot connect to tcp://127.0.0.1:${port}: the attempt was given up`);
  });

  test("a signal that fires during the attempt ends it, and a timeout is named, of any realm", async () => {
    const { port } = await listen();
    const foreign: unknown = runInNewContext('Object.assign(new Error("late"), { name: "TimeoutError" })');
    for (const reason of [new DOMException("late", "TimeoutError"), foreign]) {
      const controller = new AbortController();
      const attempt = failure(tcpDialer({ port })(controller.signal));
      controller.abort(reason);
      expect((await attempt).message).toContain("no answer in time");
    }
  });

  test("a signal that fires after the attempt leaves the connection alone and holds no listener", async () => {
    const { port, accepted } = await listen();
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const near = await tcpDialer({ port })(controller.signal);
    expect(remove).toHaveBeenCalledOnce();
    controller.abort();
    const far = await accepted;
    if (near.pipe === undefined || far.pipe === undefined) throw new Error("no pipe");
    const recorder = new Recorder().open(far.pipe);
    new Recorder().open(near.pipe);
    void near.pipe.write("still here");
    await recorder.until(() => recorder.text === "still here");
    near.pipe.close();
    await recorder.untilClosed();
  });

  test("closing a listener refuses newcomers, leaves connections alone, and may be done twice", async () => {
    const { listener, port, accepted } = await listen();
    const near = await tcpDialer({ port })(never);
    const far = await accepted;
    await listener.close();
    await listener.close();
    await failure(tcpDialer({ port })(never));
    if (near.pipe === undefined || far.pipe === undefined) throw new Error("no pipe");
    const recorder = new Recorder().open(near.pipe);
    new Recorder().open(far.pipe);
    void far.pipe.write("alive");
    await recorder.until(() => recorder.text === "alive");
    far.pipe.close();
    await recorder.untilClosed();
  });
});

describe("a pipe over a socket", () => {
  test("text is sent as UTF-8, in one write for each call", async () => {
    const { pipe, socket } = await pipeAndSocket();
    new Recorder().open(pipe);
    const { promise, resolve } = deferred<Buffer>();
    socket.once("data", resolve);
    void pipe.write("grüße 🌍");
    expect((await promise).toString("utf8")).toBe("grüße 🌍");
    pipe.close();
  });

  test("a side that simply closed is told without an error", async () => {
    const { pipe, socket } = await pipeAndSocket();
    const recorder = new Recorder().open(pipe, { closeOnEnd: false });
    socket.end();
    await recorder.until(() => recorder.endings === 1);
    pipe.close();
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({ message: "Closed by this end" });
    recorder.expectSound();
  });

  test("a reset is told with words and its cause", async () => {
    const { pipe, socket } = await pipeAndSocket();
    const recorder = new Recorder().open(pipe);
    socket.resetAndDestroy();
    await recorder.untilClosed();
    expect(recorder.reason?.message).toBe("The connection was reset by the other side");
    expect(recorder.reason?.error).toMatchObject({ code: "unavailable", cause: { code: "ECONNRESET" } });
    expect(recorder.reason?.redialAfterMs).toBeUndefined();
    recorder.expectSound();
  });

  test("a reset before open is told after open", async () => {
    const { pipe, socket } = await pipeAndSocket();
    socket.resetAndDestroy();
    await new Promise((resolve) => socket.once("close", resolve));
    const recorder = new Recorder().open(pipe);
    await recorder.untilClosed();
    expect(recorder.reason?.error?.code).toBe("unavailable");
    recorder.expectSound();
  });

  test("a pipe is opened once", async () => {
    const { pipe } = await pipeAndSocket();
    new Recorder().open(pipe);
    expect(() => pipe.open(new Recorder())).toThrow("open already");
    pipe.close();
  });

  test("all writes of a full period wait for the same promise, and no listener is added", async () => {
    const { port, accepted } = await listen();
    const socket = net.connect({ port, host: "127.0.0.1", ...SOCKET_OPTIONS });
    const near = socketPipe(socket);
    const far = (await accepted).pipe;
    await new Promise((resolve) => socket.once("ready", resolve));
    const first = near.write(patternBytes(8 << 20));
    expect(first).toBeInstanceOf(Promise);
    const counts = (): number[] => socket.eventNames().map((name) => socket.listenerCount(name));
    const before = counts();
    for (let each = 0; each < 50; each++) expect(near.write("more")).toBe(first);
    expect(counts()).toEqual(before);
    expect([socket.listenerCount("drain"), socket.listenerCount("error")]).toEqual([1, 1]);
    const recorder = new Recorder();
    if (far !== undefined) recorder.open(far);
    await first;
    await recorder.until(() => recorder.length === (8 << 20) + 200);
    near.close();
    await recorder.untilClosed();
  });

  test("a writer that waits when told so holds a bounded number of bytes for a reader that stops", async () => {
    const { port, accepted } = await listen();
    const socket = net.connect({ port, host: "127.0.0.1", ...SOCKET_OPTIONS });
    const near = socketPipe(socket);
    const far = (await accepted).pipe;
    if (far === undefined) throw new Error("no pipe");
    const recorder = new Recorder();
    recorder.pause();
    recorder.open(far);
    const chunk = patternBytes(16 << 10);
    let full = near.write(chunk);
    while (full === undefined) {
      await turn(1);
      full = near.write(chunk);
    }
    expect(socket.writableLength).toBeLessThan(SOCKET_OPTIONS.highWaterMark + chunk.length + 1);
    expect(recorder.deliveries).toBe(1);
    near.close({ message: "enough", error: protocolError("enough") });
    recorder.resume();
    await recorder.untilClosed();
  });

  test("the last reply before a close with an error arrives, though there are bytes that nobody read", async () => {
    const { pipe, socket } = await pipeAndSocket();
    let reply = "";
    socket.on("data", (bytes) => {
      reply += bytes.toString();
    });
    const ended = new Promise((resolve) => socket.once("end", resolve));
    for (let each = 0; each < 20; each++) socket.write(patternBytes(65_536));
    const recorder = new Recorder();
    recorder.pause();
    recorder.open(pipe);
    await recorder.until(() => recorder.length > 0);
    void pipe.write("what was wrong");
    pipe.close({ message: "broken", error: protocolError("broken") });
    await ended;
    expect(reply).toBe("what was wrong");
    await recorder.untilClosed();
    socket.end();
  });

  test("a closed socket is destroyed a second later when the other side does not end", async () => {
    const { pipe, socket } = await pipeAndSocket();
    const recorder = new Recorder().open(pipe);
    const closing = performance.now();
    pipe.close({ message: "done" });
    await new Promise((resolve) => socket.once("end", resolve));
    expect(recorder.reason).toBeUndefined();
    await recorder.untilClosed();
    expect(performance.now() - closing).toBeGreaterThan(900);
    expect(recorder.reason).toEqual({ message: "done" });
  });

  test("nothing is left behind when both ends are closed", async () => {
    const { listener, port, accepted } = await listen();
    const near = await tcpDialer({ port })(never);
    const far = await accepted;
    if (near.pipe === undefined || far.pipe === undefined) throw new Error("no pipe");
    const ends = [new Recorder().open(near.pipe), new Recorder().open(far.pipe)];
    near.pipe.close();
    await Promise.all(ends.map((end) => end.untilClosed()));
    await listener.close();
    // The tests before left sockets that wait out their last second.
    await expect
      .poll(() => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP")), { timeout: 5000 })
      .toEqual([]);
  });
});
