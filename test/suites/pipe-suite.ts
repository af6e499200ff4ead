import { describe, expect, test } from "vitest";
import type { Pipe } from "../../src/core/channel.ts";
import { protocolError } from "../../src/core/errors.ts";
import { bytesEqual, patternBytes, Recorder, testWhere, turn } from "./support.ts";

/** Two ends of a fresh connection. */
export interface PipePair {
  readonly near: Pipe;
  readonly far: Pipe;
  /** Ends what `near` sends and keeps what it receives; where `halfClose` is true. */
  endNear?(): void;
  /** Frees what closing both ends does not. */
  cleanup?(): Promise<void> | void;
}

/** What a transport can do; a flag that is false leaves out the tests about it. */
export interface PipeCapabilities {
  /** One direction can end while the other goes on. */
  readonly halfClose: boolean;
  /** A writer is told "full" within 64 MiB that nobody reads. */
  readonly tellsFull: boolean;
  /** Writes of one byte for the test that cuts data as small as can be. Default: 1 MiB. */
  readonly oneByteWrites?: number;
}

const MEBIBYTE = 1 << 20;

/** Runs the contract of `Pipe` on pairs that `makePair` makes, each for one test. */
export function pipeSuite(name: string, makePair: () => Promise<PipePair>, capabilities: PipeCapabilities): void {
  const withPair = async (run: (pair: PipePair, near: Recorder, far: Recorder) => Promise<void>): Promise<void> => {
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

  describe(`${name} keeps the contract of a pipe`, () => {
    test("bytes and text arrive in order, both ways", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        void pair.near.write("héllo ");
        void pair.near.write(Uint8Array.of(119, 111));
        void pair.near.write("rld");
        void pair.far.write("back");
        await far.until(() => far.length >= 12);
        await near.until(() => near.length >= 4);
        expect(far.text).toBe("héllo world");
        expect(near.text).toBe("back");
      }));

    test("nothing that came before open is lost, and nothing is delivered before open has returned", () =>
      withPair(async (pair, near, far) => {
        void pair.near.write("before ");
        near.open(pair.near);
        void pair.near.write("open");
        await turn();
        far.open(pair.far);
        await far.until(() => far.length >= 11);
        expect(far.text).toBe("before open");
      }));

    test("a write is never delivered inside the call of write", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        await turn();
        void pair.near.write("x");
        expect(far.length).toBe(0);
        await far.until(() => far.length === 1);
      }));

    test("an empty write brings nothing and harms nothing", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        await pair.near.write("");
        await pair.near.write(new Uint8Array(0));
        void pair.near.write("x");
        await far.until(() => far.length >= 1);
        expect(far.text).toBe("x");
      }));

    test.each([
      ["one byte", 1, capabilities.oneByteWrites ?? MEBIBYTE],
      ["an odd number of bytes", 1021, MEBIBYTE],
      ["64 KiB", 65_536, MEBIBYTE],
      ["all at once", MEBIBYTE, MEBIBYTE],
    ])("much data arrives intact in writes of %s", (_, size, length) =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const bytes = patternBytes(length);
        for (let at = 0; at < length; at += size) {
          const full = pair.near.write(bytes.subarray(at, at + size));
          if (full !== undefined) await full;
        }
        await far.until(() => far.length >= length);
        expect(far.length).toBe(length);
        expect(bytesEqual(far.bytes, bytes)).toBe(true);
      }),
    );

    test("a sink that is full gets no more until its promise resolves, and then all of it", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        void pair.near.write("first");
        await far.until(() => far.length > 0);
        for (let each = 0; each < 100; each++) void pair.near.write("more");
        await turn(20);
        expect(far.deliveries).toBe(1);
        far.resume();
        await far.until(() => far.length >= 405);
        expect(far.text).toBe(`first${"more".repeat(100)}`);
      }));

    testWhere(capabilities.tellsFull)("a writer is told when the way is full and when it is free again", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        const { promise, written } = await fill(pair.near);
        // Written all the same: full asks for a pause and takes what is given.
        void pair.near.write("last");
        await far.until(() => far.deliveries === 1);
        far.resume();
        await promise;
        await far.until(() => far.length >= written + 4);
        expect(far.length).toBe(written + 4);
      }),
    );

    testWhere(capabilities.tellsFull)("a writer that waits is resumed when its own end is closed", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        const { promise } = await fill(pair.near);
        pair.near.close({ message: "broken", error: protocolError("broken") });
        await promise;
        await near.untilClosed();
        far.resume();
      }),
    );

    testWhere(capabilities.halfClose)(
      "after a half-close the other side gets the rest, ended once, and can still write",
      () =>
        withPair(async (pair, near, far) => {
          near.open(pair.near);
          far.open(pair.far, { closeOnEnd: false });
          void pair.near.write("the rest");
          pair.endNear?.();
          await far.until(() => far.endings > 0);
          expect(far.text).toBe("the rest");
          expect(far.reason).toBeUndefined();
          void pair.far.write("an answer");
          await near.until(() => near.length >= 9);
          expect(near.text).toBe("an answer");
          pair.far.close();
          await Promise.all([far.untilClosed(), near.until(() => near.reason !== undefined || near.endings > 0)]);
          expect(far.endings).toBe(1);
        }),
    );

    testWhere(capabilities.halfClose)("a half-close that came before open is told after open", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        void pair.near.write("early");
        pair.endNear?.();
        await turn();
        far.open(pair.far);
        await far.untilClosed();
        expect(far.text).toBe("early");
        expect(far.endings).toBe(1);
      }),
    );

    test("close delivers what was written before, and each end is told once, last", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        const bytes = patternBytes(300_000);
        for (let at = 0; at < bytes.length; at += 1000) void pair.near.write(bytes.subarray(at, at + 1000));
        pair.near.close({ message: "done" });
        await Promise.all([near.untilClosed(), far.untilClosed()]);
        expect(bytesEqual(far.bytes, bytes)).toBe(true);
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
        void pair.near.write("hello");
        pair.near.close();
        far.open(pair.far);
        await far.untilClosed();
        expect(far.text).toBe("hello");
      }));

    test("close with an error tells that error at once, though the other side reads nothing", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.pause();
        far.open(pair.far);
        for (let each = 0; each < 16; each++) void pair.near.write(patternBytes(65_536));
        const error = protocolError("The stream makes no sense");
        pair.near.close({ message: error.message, error });
        await near.untilClosed();
        expect(near.reason?.error).toBe(error);
        far.resume();
        await far.untilClosed();
      }));

    test("the sink may close from inside data, and gets nothing but closed afterwards", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        const error = protocolError("enough");
        const close = far.until(() => far.length > 0);
        const data = far.data.bind(far);
        far.data = (bytes) => {
          const full = data(bytes);
          pair.far.close({ message: error.message, error });
          return full;
        };
        far.open(pair.far);
        for (let each = 0; each < 10; each++) void pair.near.write("some");
        await close;
        await far.untilClosed();
        await turn();
        expect(far.deliveries).toBe(1);
        await near.untilClosed();
      }));

    test("a write after close is harmless and asks nobody to wait for ever", () =>
      withPair(async (pair, near, far) => {
        near.open(pair.near);
        far.open(pair.far);
        void pair.near.write("x");
        pair.near.close();
        await pair.near.write("too late");
        await Promise.all([near.untilClosed(), far.untilClosed()]);
        await pair.near.write("much too late");
        await pair.far.write("here as well");
        await turn();
        expect(far.text).toBe("x");
      }));
  });
}

/** Writes until the pipe says full; the promise is wrapped, so that awaiting this does not await it. */
async function fill(pipe: Pipe): Promise<{ readonly promise: Promise<void>; readonly written: number }> {
  const chunk = patternBytes(65_536);
  for (let written = chunk.length; written <= 64 * MEBIBYTE; written += chunk.length) {
    const full = pipe.write(chunk);
    if (full !== undefined) return { promise: full, written };
    // A transport may only see after a turn that nobody reads.
    await turn(1);
  }
  throw new Error("The pipe took 64 MiB that nobody reads and never said full");
}
