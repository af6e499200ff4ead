import { describe, expect, test } from "vitest";
import { channelSuite } from "../../test/suites/channel-suite.ts";
import { pipeSuite } from "../../test/suites/pipe-suite.ts";
import { Recorder, turn } from "../../test/suites/support.ts";
import type { RawConnection } from "../core/wire.ts";
import { memoryChannels, memoryNetwork, memoryPipes } from "./memory.ts";

pipeSuite(
  "a pipe in memory",
  async () => {
    const [near, far] = memoryPipes({ capacity: 1 << 20, scrub: true });
    return { near, far, endNear: () => near.end() };
  },
  { halfClose: true, tellsFull: true },
);

channelSuite(
  "a channel in memory",
  async () => {
    const [near, far] = memoryChannels({ capacity: 256 });
    return { near, far, endNear: () => near.end() };
  },
  {
    halfClose: true,
    tellsFull: true,
    pauses: true,
    binary: true,
    keepsForm: true,
    empty: true,
    text: "any",
    maxFrameBytes: 1 << 20,
    tooLarge: "unbounded",
  },
);

describe("memory", () => {
  const never = new AbortController().signal;

  test("a sender is told full above the capacity, and held counts what is not read", async () => {
    const [near, far] = memoryChannels({ capacity: 2 });
    const sink = new Recorder();
    sink.pause();
    sink.open(far);
    expect(near.send(["1", "2"])).toBeUndefined();
    const full = near.send(["3"]);
    expect(full).toBeInstanceOf(Promise);
    expect(far.held).toBe(3);
    await turn();
    expect(sink.frameList).toEqual(["1", "2"]);
    expect(far.held).toBe(3);
    sink.resume();
    await full;
    await turn();
    expect(far.held).toBe(0);
  });

  test("scrub overwrites bytes when the sink has returned", async () => {
    const [near, far] = memoryPipes({ scrub: true });
    const kept: Uint8Array[] = [];
    far.open({ data: (bytes) => void kept.push(bytes), ended: () => {}, closed: () => {} });
    const mine = Uint8Array.of(1, 2);
    void near.write(mine);
    await turn();
    expect(kept).toEqual([Uint8Array.of(255, 255)]);
    expect(mine).toEqual(Uint8Array.of(1, 2));
  });

  test("a writer may change its bytes as soon as write has returned", async () => {
    const [near, far] = memoryPipes();
    const sink = new Recorder().open(far);
    const mine = Uint8Array.of(1);
    void near.write(mine);
    mine[0] = 9;
    await sink.until(() => sink.length === 1);
    expect(sink.bytes).toEqual(Uint8Array.of(1));
  });

  test("the other side learns the message and the close code, not the error nor when to redial", async () => {
    const [near, far] = memoryChannels();
    const sink = new Recorder().open(far);
    near.close({ message: "Go away", closeCode: 4100, redialAfterMs: Infinity });
    await sink.untilClosed();
    expect(sink.reason).toEqual({ message: "Closed by the other side: Go away", closeCode: 4100 });
  });

  test("a capacity below one and a second open are refused", () => {
    expect(() => memoryPipes({ capacity: 0 })).toThrow(RangeError);
    const [near] = memoryPipes();
    new Recorder().open(near);
    expect(() => near.open(new Recorder())).toThrow(TypeError);
  });

  test("a network joins a dialler with the listener of that name", async () => {
    const network = memoryNetwork();
    const accepted: RawConnection[] = [];
    const listener = await network.listen("here")((connection) => accepted.push(connection));
    expect(listener.address).toBe("memory:here");
    const dialled = await network.dial("here")(never);
    expect(dialled.remoteAddress).toBe("memory:here");
    expect(accepted[0]?.remoteAddress).toBe("memory:here#1");
    if (dialled.pipe === undefined || accepted[0]?.pipe === undefined) throw new Error("not pipes");
    const sink = new Recorder().open(accepted[0].pipe);
    void dialled.pipe.write("hi");
    await sink.until(() => sink.length === 2);
    expect(sink.text).toBe("hi");
  });

  test("dialling a name where nobody listens rejects and says so", async () => {
    await expect(memoryNetwork().dial("nowhere")(never)).rejects.toMatchObject({
      code: "unavailable",
      executed: "no",
      message: 'Cannot dial "memory:nowhere": nobody listens there',
    });
  });

  test("a dial whose signal has fired rejects with its reason", async () => {
    const network = memoryNetwork();
    await network.listen("here")(() => expect.unreachable());
    await expect(network.dial("here")(AbortSignal.abort(new Error("no time")))).rejects.toThrow("no time");
  });

  test("a second listener on a name is refused until the first is closed, and connections live on", async () => {
    const network = memoryNetwork();
    const accepted: RawConnection[] = [];
    const first = await network.listen("here")((connection) => accepted.push(connection));
    await expect(network.listen("here")(() => {})).rejects.toMatchObject({ code: "already_exists" });
    const connection = await network.dial("here")(never);
    await first.close();
    await expect(network.dial("here")(never)).rejects.toMatchObject({ code: "unavailable" });
    await network.listen("here")(() => {});
    await first.close();
    await network.dial("here")(never);
    const sink = new Recorder().open(accepted[0]?.pipe ?? expect.unreachable());
    void connection.pipe?.write("still here");
    await sink.until(() => sink.text === "still here");
  });

  test("two networks know nothing of one another", async () => {
    await memoryNetwork().listen("here")(() => {});
    await expect(memoryNetwork().dial("here")(never)).rejects.toMatchObject({ code: "unavailable" });
  });
});
