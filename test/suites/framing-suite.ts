import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  Channel,
  CloseReason,
  Frame,
  Framing,
  Full,
  LinkContext,
  Pipe,
  PipeSink,
  Role,
} from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import { bytesOf } from "../../src/core/text.ts";
import { memoryPipes } from "../../src/transports/memory.ts";
import { type ChannelCapabilities, channelSuite } from "./channel-suite.ts";
import { Recorder } from "./support.ts";

/** A link whose time stands still. */
export function linkOf(limits: Partial<Limits> = {}, role: Role = "server", clock = new ManualClock()): LinkContext {
  return { role, limits: { ...DEFAULT_LIMITS, ...limits }, clock };
}

/** A pipe whose other side is played by the test, within the turn. */
export class HandPipe implements Pipe {
  readonly written: Uint8Array[] = [];
  reason: CloseReason | undefined;
  sink: PipeSink | undefined;

  open(sink: PipeSink): void {
    this.sink = sink;
  }

  write(bytes: Uint8Array | string): Full {
    this.written.push(bytesOf(bytes).slice());
  }

  close(reason: CloseReason = { message: "Closed by this end" }): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.sink?.closed(reason);
  }

  /** Brings a copy of the bytes, and overwrites it when the sink has returned. */
  bring(bytes: Uint8Array): Full {
    const copy = bytes.slice();
    const full = this.sink?.data(copy);
    copy.fill(0xee);
    return full;
  }

  get text(): string {
    return Buffer.concat(this.written).toString();
  }
}

/** Everything that a channel told, in order and in words: what two ways of cutting the same stream must agree on. */
export function eventsOf(framing: Framing, chunks: readonly Uint8Array[], limits: Partial<Limits> = {}): string[] {
  const events: string[] = [];
  const pipe = new HandPipe();
  const channel = framing(pipe, linkOf(limits));
  channel.open({
    frames(frames) {
      for (const frame of frames) events.push(describeFrame(frame));
    },
    skipped: (head, reason) => void events.push(`skipped ${Buffer.from(head).toString("latin1")}: ${reason.code}`),
    ended: () => void events.push("ended"),
    closed: (reason) => void events.push(`closed: ${reason.error?.message}`),
  });
  for (const chunk of chunks) void pipe.bring(chunk);
  pipe.sink?.ended();
  return events;
}

/** One frame in words: its form and what it holds, byte by byte where it is not text. */
export function describeFrame(frame: Frame): string {
  return typeof frame === "string" ? `text ${frame}` : `bytes ${Buffer.from(frame).toString("latin1")}`;
}

/** Cuts bytes into chunks of one. */
export function singly(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** What a framing brings to the suite. */
export interface FramingSuiteOptions {
  /** For `channelSuite`, which runs over pipes in memory. */
  readonly capabilities: Pick<ChannelCapabilities, "binary" | "keepsForm" | "empty" | "text" | "tooLarge">;
  /** Pieces of the format, sound and broken, that are put together at random. */
  readonly pieces: readonly (string | Uint8Array)[];
  /** A frame of that many bytes, and of no more than the format must have around it. */
  readonly frame: (length: number) => Frame;
}

/** Runs on a framing what holds for every framing, and the contract of a channel over pipes in memory. */
export function framingSuite(name: string, framing: () => Framing, options: FramingSuiteOptions): void {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...options.pieces).map((each) => bytesOf(each)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  );
  const stream = fc.array(piece, { maxLength: 20 }).map((pieces) => new Uint8Array(Buffer.concat(pieces)));
  const small: Partial<Limits> = { maxFrameBytes: 24, maxDepth: 3 };

  describe(name, () => {
    test("tells the same however the stream is cut", () => {
      const cut = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
        const places = [...new Set(cuts.map((each) => each % (bytes.length + 1)))].sort((one, other) => one - other);
        return [0, ...places].map((from, at) => bytes.subarray(from, places[at] ?? bytes.length));
      };
      fc.assert(
        fc.property(stream, fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
          const whole = eventsOf(framing(), [bytes], small);
          expect(eventsOf(framing(), singly(bytes), small)).toEqual(whole);
          expect(eventsOf(framing(), cut(bytes, cuts), small)).toEqual(whole);
        }),
        { numRuns: 1000 },
      );
    });

    test("takes any bytes without a throw, within its limits, and ends at most once", () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(piece, fc.uint8Array({ maxLength: 64 })), { maxLength: 20 }), (chunks) => {
          const pipe = new HandPipe();
          const sink = new Recorder().open(framing()(pipe, linkOf(small)));
          for (const chunk of chunks) void pipe.bring(chunk);
          pipe.sink?.ended();
          sink.expectSound();
          for (const frame of sink.frameList) expect(bytesOf(frame).length).toBeLessThanOrEqual(24);
          for (const { head, reason } of sink.skips) {
            expect(head.length).toBeLessThanOrEqual(1024);
            expect(reason.code).toBe("resource_exhausted");
          }
          expect(pipe.reason === undefined || pipe.reason.error !== undefined || sink.endings === 1).toBe(true);
        }),
        { numRuns: 1000 },
      );
    });

    test.each([
      ["one byte", 1],
      ["64 KiB", 65_536],
    ])("a frame of 4 MiB in chunks of %s takes time in proportion", (_, size) => {
      const maxFrameBytes = 4 << 20;
      const pipe = new HandPipe();
      const sent = new HandPipe();
      void framing()(sent, linkOf()).send([options.frame(maxFrameBytes)]);
      const bytes = Buffer.concat(sent.written);
      const frames: Frame[] = [];
      framing()(pipe, linkOf({ maxFrameBytes })).open({
        frames: (list) => void frames.push(...list),
        skipped: () => expect.unreachable(),
        ended: () => {},
        closed: () => {},
      });
      const started = performance.now();
      for (let at = 0; at < bytes.length; at += size) void pipe.sink?.data(bytes.subarray(at, at + size));
      pipe.sink?.ended();
      // A quadratic one takes minutes.
      expect(performance.now() - started).toBeLessThan(5000);
      expect(frames.map((frame) => bytesOf(frame).length)).toEqual([maxFrameBytes]);
    });

    test("nothing is delivered after the owner closed, but closed", async () => {
      const pipe = new HandPipe();
      const channel: Channel = framing()(pipe, linkOf());
      const sink = new Recorder().open(channel);
      const sent = new HandPipe();
      void framing()(sent, linkOf()).send([options.frame(8)]);
      channel.close({ message: "enough" });
      for (const bytes of sent.written) void pipe.bring(bytes);
      pipe.sink?.ended();
      expect(sink.frameList).toEqual([]);
      expect(sink.endings).toBe(0);
      expect(sink.reason?.message).toBe("enough");
      sink.expectSound();
    });
  });

  const maxFrameBytes = 1 << 20;
  channelSuite(
    `${name} over pipes in memory`,
    async () => {
      const [near, far] = memoryPipes({ capacity: 1 << 20, scrub: true });
      return {
        near: framing()(near, linkOf({ maxFrameBytes }, "client")),
        far: framing()(far, linkOf({ maxFrameBytes }, "server")),
        endNear: () => near.end(),
      };
    },
    { halfClose: true, tellsFull: true, pauses: true, maxFrameBytes, ...options.capabilities },
  );
}
