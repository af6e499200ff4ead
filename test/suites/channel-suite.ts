import { describe, expect, test } from "vitest";
import type { Channel, Frame } from "../../src/core/channel.ts";
import { protocolError } from "../../src/core/errors.ts";
import { bytesOf } from "../../src/core/text.ts";
import { bytesEqual, patternBytes, Recorder, testWhere, turn } from "./support.ts";

/** Two ends of a fresh connection. */
export interface ChannelPair {
  readonly near: Channel;
  readonly far: Channel;
  /** Ends what `near` sends and keeps what it receives; where `halfClose` is true. */
  endNear?(): void;
  /** Frees what closing both ends does not. */
  cleanup?(): Promise<void> | void;
}

/** What a channel can do; a flag that is false leaves out the tests about it. */
export interface ChannelCapabilities {
  /** One direction can end while the other goes on. */
  readonly halfClose: boolean;
  /** A sender is told "full" within 64 MiB that nobody reads. */
  readonly tellsFull: boolean;
  /** A full sink really gets no more. False where the platform cannot stop reading (WebSocket in a browser). */
  readonly pauses: boolean;
  /** Frames of any bytes arrive as they are. */
  readonly binary: boolean;
  /** Text arrives as text and, where `binary` is true, bytes as bytes. */
  readonly keepsForm: boolean;
  /** Frames without content arrive. */
  readonly empty: boolean;
  /** `any`: all text; `line`: text without line ends; `json`: JSON values only. */
  readonly text: "any" | "line" | "json";
  /** The `maxFrameBytes` of both ends, at least 4096 and at most 4 MiB; a frame of exactly that many bytes arrives. */
  readonly maxFrameBytes: number;
  /** What happens to a larger one: `skipped` and the link lives, it `closes` with an error, or nothing bounds it (`unbounded`). */
  readonly tooLarge: "skipped" | "closes" | "unbounded";
}

const MEBIBYTE = 1 << 20;

/** Runs the contract of `Channel` on pairs that `makePair` makes, each for one test. */
export function channelSuite(
  name: string,
  makePair: () => Promise<ChannelPair>,
  capabilities: ChannelCapabilities,
): void {
  const withPair = async (run: (pair: ChannelPair, near: Recorder, far: Recorder) => Promise<void>): Promise<void> => {
    const pair = await makePair();
    const near = new Recorder();
    const far = new Recorder();
    try {
      await run(pair, near, far);
      near.expectSound();
      far.expectSound();
    } finally {
      pair.near.close();
      pair.far.close();
      await pair.cleanup?.();
    }
  };
  const { maxFrameBytes } = capabilities;

  describe(`${name} keeps the contract of a channel`, () => {
    test("frames arrive whole and in order, both ways", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const frames = [...numbered(0, 3), '"h\u00e9llo \u{1f600}"', '{"a":[1,"}"]}', '"\\"\\\\"'];
        void pair.near.send(frames);
        void pair.far.send(numbered(7, 2));
        await far.until(() => far.frameList.length >= frames.length);
        await near.until(() => near.frameList.length >= 2);
        expect(texts(far.frameList)).toEqual(frames);
        expect(texts(near.frameList)).toEqual(numbered(7, 2));
        if (capabilities.keepsForm) expect(far.frameList).toEqual(frames);
      }));

    test("an empty list sends nothing and harms nothing", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        await pair.near.send([]);
        void pair.near.send(numbered(0, 1));
        await far.until(() => far.frameList.length >= 1);
        expect(texts(far.frameList)).toEqual(numbered(0, 1));
      }));

    testWhere(capabilities.text === "any")("text may hold line ends, controls and a byte order mark", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const frames = ["a\nb\r\n", "\u0000\u001f", "\ufeffmark", " "];
        void pair.near.send(frames);
        await far.until(() => far.frameList.length >= frames.length);
        expect(texts(far.frameList)).toEqual(frames);
      }),
    );

    testWhere(capabilities.binary)("frames of any bytes arrive as they are", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const frames = [Uint8Array.of(0), Uint8Array.of(255, 254, 10, 13), patternBytes(3000)];
        void pair.near.send(frames);
        await far.until(() => far.frameList.length >= frames.length);
        expect(far.frameList.map((frame) => [...bytesOf(frame)])).toEqual(frames.map((frame) => [...frame]));
        if (capabilities.keepsForm) for (const frame of far.frameList) expect(frame).toBeInstanceOf(Uint8Array);
      }),
    );

    testWhere(capabilities.keepsForm && capabilities.binary && capabilities.text === "any")(
      "text and bytes in one list keep their form and order",
      () =>
        withPair(async (pair, near, far) => {
          near.open(pair.near);
          far.open(pair.far);
          void pair.near.send(["text", Uint8Array.of(1, 2), "more"]);
          await far.until(() => far.frameList.length >= 3);
          expect(far.frameList.map((frame) => (typeof frame === "string" ? frame : [...frame]))).toEqual([
            "text",
            [1, 2],
            "more",
          ]);
        }),
    );

    testWhere(capabilities.empty)("frames without content arrive, each once", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        void pair.near.send(["", "1", "", ""]);
        void pair.near.send([""]);
        await far.until(() => far.frameList.length >= 5);
        await turn();
        expect(texts(far.frameList)).toEqual(["", "1", "", "", ""]);
      }),
    );

    test("nothing that came before open is lost, and nothing is delivered before open has returned", () =>
      withPair(async (pair, near, far) => {
        void pair.near.send(numbered(0, 2));
        near.open(pair.near);
        void pair.near.send(numbered(2, 2));
        await turn();
        far.open(pair.far);
        await far.until(() => far.frameList.length >= 4);
        expect(texts(far.frameList)).toEqual(numbered(0, 4));
      }));

    test("a frame is never delivered inside the call of send", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        await turn();
        void pair.near.send(numbered(0, 1));
        expect(far.frameList).toEqual([]);
        await far.until(() => far.frameList.length === 1);
      }));

    test("ten thousand frames in lists of any length arrive in order, each once", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        for (let sent = 0; sent < 10_000; ) {
          const count = Math.min(1 + (sent % 97), 10_000 - sent);
          const full = pair.near.send(numbered(sent, count));
          if (full !== undefined) await full;
          sent += count;
        }
        await far.until(() => far.frameList.length >= 10_000);
        await turn();
        expect(texts(far.frameList)).toEqual(numbered(0, 10_000));
      }));

    test.each([
      ["of 1 KiB", 1024],
      ["up to the limit", maxFrameBytes],
    ])("much data arrives intact in frames %s", (_, size) =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const count = Math.max(2, Math.ceil(MEBIBYTE / size));
        for (let each = 0; each < count; each++) {
          const full = pair.near.send([sized(size, each)]);
          if (full !== undefined) await full;
        }
        await far.until(() => far.frameList.length >= count);
        expect(far.frameList.length).toBe(count);
        for (const [at, frame] of far.frameList.entries()) {
          expect(bytesEqual(bytesOf(frame), bytesOf(sized(size, at)))).toBe(true);
        }
      }),
    );

    testWhere(capabilities.tooLarge === "skipped")(
      "a frame above the limit is skipped, and its neighbours arrive",
      () =>
        withPair(async (pair, near, far) => {
          near.open(pair.near);
          far.open(pair.far);
          void pair.near.send(["1", sized(maxFrameBytes + 1, 5), "2"]);
          await far.until(() => far.frameList.length >= 2);
          expect(texts(far.frameList)).toEqual(["1", "2"]);
          expect(far.skips.map(({ reason }) => reason.code)).toEqual(["resource_exhausted"]);
          const head = far.skips[0]?.head ?? new Uint8Array(0);
          expect(head.length).toBeLessThanOrEqual(1024);
          expect(texts([head])[0]).toBe(sized(maxFrameBytes + 1, 5).slice(0, head.length));
          expect(far.reason).toBeUndefined();
        }),
    );

    testWhere(capabilities.tooLarge === "closes")("a frame above the limit ends the link with an error", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        void pair.near.send(["1"]);
        await far.until(() => far.frameList.length >= 1);
        void pair.near.send([sized(maxFrameBytes + 1, 5), "2"]);
        await far.untilClosed();
        expect(texts(far.frameList)).toEqual(["1"]);
        expect(far.reason?.error).toBeDefined();
      }),
    );

    testWhere(capabilities.pauses)(
      "a sink that is full gets no more until its promise resolves, and then all of it",
      () =>
        withPair(async (pair, near, far) => {
          near.open(pair.near);
          far.pause();
          far.open(pair.far);
          void pair.near.send(numbered(0, 1));
          await far.until(() => far.frameList.length > 0);
          for (let each = 1; each < 100; each++) void pair.near.send(numbered(each, 1));
          await turn(20);
          expect(far.deliveries).toBe(1);
          far.resume();
          await far.until(() => far.frameList.length >= 100);
          expect(texts(far.frameList)).toEqual(numbered(0, 100));
        }),
    );

    testWhere(capabilities.tellsFull)("a sender is told when the way is full and when it is free again", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        const { promise, sent } = await fill(pair.near, maxFrameBytes);
        // Sent all the same: full asks for a pause and takes what is given.
        void pair.near.send(["1"]);
        await far.until(() => far.deliveries >= 1);
        far.resume();
        await promise;
        await far.until(() => far.frameList.length >= sent + 1);
        expect(far.frameList.length).toBe(sent + 1);
      }),
    );

    testWhere(capabilities.tellsFull)("a sender that waits is resumed when its own end is closed", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        const { promise } = await fill(pair.near, maxFrameBytes);
        pair.near.close({ message: "broken", error: protocolError("broken") });
        await promise;
        await near.untilClosed();
        far.resume();
      }),
    );

    testWhere(capabilities.halfClose)(
      "after a half-close the other side gets the rest, ended once, and can still send",
      () =>
        withPair(async (pair, near, far) => {
          near.open(pair.near);
          far.open(pair.far, { closeOnEnd: false });
          void pair.near.send(numbered(0, 3));
          pair.endNear?.();
          await far.until(() => far.endings > 0);
          expect(texts(far.frameList)).toEqual(numbered(0, 3));
          expect(far.reason).toBeUndefined();
          void pair.far.send(numbered(9, 1));
          await near.until(() => near.frameList.length >= 1);
          expect(texts(near.frameList)).toEqual(numbered(9, 1));
          pair.far.close();
          await Promise.all([far.untilClosed(), near.until(() => near.reason !== undefined || near.endings > 0)]);
          expect(far.endings).toBe(1);
        }),
    );

    test("close delivers what was sent before, and each end is told once, last", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        for (let each = 0; each < 300; each++) void pair.near.send([sized(1000, each)]);
        pair.near.close({ message: "done" });
        await Promise.all([near.untilClosed(), far.untilClosed()]);
        expect(far.frameList.length).toBe(300);
        expect(near.reason?.message).toBe("done");
        expect(near.reason?.error).toBeUndefined();
        await turn();
      }));

    test("closing twice, and from both sides, is told once", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        pair.near.close();
        pair.near.close({ message: "again" });
        pair.far.close();
        await Promise.all([near.untilClosed(), far.untilClosed()]);
        pair.near.close();
        await turn();
      }));

    test("close before open is told after open", () =>
      withPair(async (pair, near, far) => {
        pair.near.close({ message: "never mind" });
        far.open(pair.far);
        await far.untilClosed();
        near.open(pair.near);
        await near.untilClosed();
        expect(near.reason?.message).toBe("never mind");
      }));

    test("an end that is never opened closes too", () =>
      withPair(async (pair, _, far) => {
        void pair.near.send(numbered(0, 1));
        pair.near.close();
        far.open(pair.far);
        await far.untilClosed();
        expect(texts(far.frameList)).toEqual(numbered(0, 1));
      }));

    test("close with an error tells that error at once, though the other side reads nothing", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        for (let each = 0; each < 100; each++) void pair.near.send([sized(4096, each)]);
        const error = protocolError("The stream makes no sense");
        pair.near.close({ message: error.message, error });
        await near.untilClosed();
        expect(near.reason?.error).toBe(error);
        far.resume();
        await far.untilClosed();
      }));

    test("the sink may close from inside frames, and gets nothing but closed afterwards", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        const error = protocolError("enough");
        const frames = far.frames.bind(far);
        far.frames = (list) => {
          const full = frames(list);
          pair.far.close({ message: error.message, error });
          return full;
        };
        far.open(pair.far);
        for (let each = 0; each < 10; each++) void pair.near.send(numbered(each, 1));
        await far.untilClosed();
        await turn();
        expect(far.deliveries).toBe(1);
        await near.untilClosed();
      }));

    test("a send after close is harmless and asks nobody to wait for ever", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        void pair.near.send(numbered(0, 1));
        pair.near.close();
        await pair.near.send(numbered(1, 1));
        await Promise.all([near.untilClosed(), far.untilClosed()]);
        await pair.near.send(numbered(2, 1));
        await pair.far.send(numbered(3, 1));
        await turn();
        expect(texts(far.frameList)).toEqual(numbered(0, 1));
      }));
  });
}

/** `count` small JSON values that tell their place, the first with the number `from`. */
function numbered(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `{"n":${from + at}}`);
}

/** A JSON string of exactly `size` bytes that tells its place. */
function sized(size: number, place: number): string {
  return `"${String(place % 1000).padEnd(size - 2, "x")}"`;
}

function texts(frames: readonly Frame[]): string[] {
  return frames.map((frame) => (typeof frame === "string" ? frame : Buffer.from(frame).toString()));
}

/** Sends until the channel says full; the promise is wrapped, so that awaiting this does not await it. */
async function fill(
  channel: Channel,
  maxFrameBytes: number,
): Promise<{ readonly promise: Promise<void>; readonly sent: number }> {
  const frame = sized(Math.min(65_536, maxFrameBytes), 0);
  for (let sent = 1; sent * frame.length <= 64 * MEBIBYTE; sent++) {
    const full = channel.send([frame]);
    if (full !== undefined) return { promise: full, sent };
    await turn(1);
  }
  throw new Error("The channel took 64 MiB that nobody reads and never said full");
}
