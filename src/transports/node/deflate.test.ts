import { randomBytes } from "node:crypto";
import net from "node:net";
import v8 from "node:v8";
import vm from "node:vm";
import zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { pipeSuite } from "../../../test/suites/pipe-suite.ts";
import { bytesEqual, deferred, patternBytes, Recorder, turn } from "../../../test/suites/support.ts";
import type { CloseReason, Pipe, PipeSink } from "../../core/channel.ts";
import { protocolError } from "../../core/errors.ts";
import { DEFAULT_LIMITS, limitsOf } from "../../core/limits.ts";
import { join } from "../../core/text.ts";
import type { RawConnection } from "../../core/wire.ts";
import { memoryPipes } from "../memory.ts";
import { deflated } from "./deflate.ts";
import { SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { tcpListen } from "./tcp.ts";

const MEBIBYTE = 1 << 20;
const limits = DEFAULT_LIMITS;
const SYNC_FLUSH = zlib.constants.Z_SYNC_FLUSH;

pipeSuite(
  "deflate over memory",
  async () => {
    const [near, far] = memoryPipes({ capacity: MEBIBYTE, scrub: true });
    return {
      near: deflated(near, { limits }),
      far: deflated(far, { limits }),
      endNear: afterFirstWrite(near, () => near.end()),
    };
  },
  { halfClose: true, tellsFull: true },
);

pipeSuite(
  "deflate over tcp",
  async () => {
    const { promise, resolve } = deferred<RawConnection>();
    const listener = await tcpListen({ port: 0 })(resolve);
    const socket = net.connect({ port: Number(new URL(listener.address).port), host: "127.0.0.1", ...SOCKET_OPTIONS });
    const near = socketPipe(socket);
    const far = (await promise).pipe;
    if (far === undefined) throw new Error("no pipe");
    return {
      near: deflated(near, { limits }),
      far: deflated(far, { limits }),
      endNear: afterFirstWrite(near, () => void socket.end()),
      cleanup: () => listener.close(),
    };
  },
  { halfClose: true, tellsFull: true },
);

/** Calls `end` after the pipe's first write: a half-close from outside must not overtake zlib's threads. */
function afterFirstWrite(pipe: Pipe, end: () => void): () => void {
  const { promise, resolve } = deferred();
  const write = pipe.write.bind(pipe);
  pipe.write = (bytes) => {
    resolve();
    return write(bytes);
  };
  return () => void promise.then(end);
}

/** A deflated pipe, what it delivers, and the bare other end. */
function deflatedAndBare(options: { readonly maxFrameBytes?: number; readonly level?: number } = {}) {
  const [inner, bare] = memoryPipes();
  const { level, ...bounds } = options;
  const pipe = deflated(inner, { limits: limitsOf(bounds), ...(level !== undefined && { level }) });
  return { pipe, bare, recorder: new Recorder() };
}

/** What an independent zlib makes of the pieces: one output for each, ended by a sync flush. */
function compressed(...pieces: (string | Uint8Array)[]): Promise<Uint8Array[]> {
  const stream = zlib.createDeflateRaw();
  return eachThrough(stream, pieces);
}

async function eachThrough(
  stream: zlib.DeflateRaw | zlib.InflateRaw,
  pieces: readonly (string | Uint8Array)[],
): Promise<Uint8Array[]> {
  const outputs: Uint8Array[] = [];
  let chunks: Uint8Array[] = [];
  stream.on("data", (bytes: Uint8Array) => chunks.push(bytes));
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      stream.write(piece);
      stream.flush(SYNC_FLUSH, resolve);
    });
    await turn(1);
    outputs.push(Buffer.concat(chunks));
    chunks = [];
  }
  stream.close();
  return outputs;
}

function flushesIn(bytes: Uint8Array): number {
  return Buffer.from(bytes).toString("hex").split("0000ffff").length - 1;
}

/** zlib streams that are not destroyed hold memory, not resources that Node lists; their jobs are listed. */
function zlibJobs(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /zlib/i.test(name));
}

describe("the deflate stream", () => {
  test("each write is one sync flush that an independent zlib inflates at once, with one window for all", async () => {
    const { pipe, bare } = deflatedAndBare();
    const other = new Recorder().open(bare);
    const text = "the quick brown fox jumps over the lazy dog and 42 others";
    const sizes: number[] = [];
    for (const nth of [1, 2, 3]) {
      void pipe.write(text);
      await other.until(() => other.deliveries === nth);
      sizes.push(other.chunks[nth - 1]?.length ?? 0);
      expect(flushesIn(other.bytes)).toBe(nth);
      expect([...other.bytes.subarray(-4)]).toEqual([0, 0, 255, 255]);
    }
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) / 3);
    const inflated = await eachThrough(zlib.createInflateRaw(), other.chunks);
    expect(inflated.map((bytes) => Buffer.from(bytes).toString())).toEqual([text, text, text]);
    pipe.close();
  });

  test("writes made while another is being compressed share one flush", async () => {
    const { pipe, bare } = deflatedAndBare();
    const other = new Recorder().open(bare);
    for (let each = 0; each < 100; each++) void pipe.write("again ");
    pipe.close();
    await other.untilClosed();
    expect(other.deliveries).toBe(2);
    expect(flushesIn(other.bytes)).toBe(2);
    expect(zlib.inflateRawSync(other.bytes, { finishFlush: SYNC_FLUSH }).toString()).toBe("again ".repeat(100));
  });

  test.each([0, 1, 6, 9])("a write of 1 MiB at level %i is one flush", async (level) => {
    const { pipe, bare } = deflatedAndBare({ level });
    const other = new Recorder().open(bare);
    const bytes = patternBytes(MEBIBYTE);
    void pipe.write(bytes);
    pipe.close();
    await other.untilClosed();
    expect(other.deliveries).toBe(1);
    expect(bytesEqual(zlib.inflateRawSync(other.bytes, { finishFlush: SYNC_FLUSH }), bytes)).toBe(true);
  });

  test("what an independent zlib flushed is delivered at once, however it is cut", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    const [first = new Uint8Array(), second = new Uint8Array()] = await compressed("one ", "two");
    void bare.write(first);
    await recorder.until(() => recorder.text === "one ");
    for (const byte of second) void bare.write(Uint8Array.of(byte));
    await recorder.until(() => recorder.text === "one two");
    pipe.close();
  });

  test("pieces as gorpc sends them, stored blocks with a sync flush, are understood", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    void bare.write(Buffer.from("000500faff68656c6c6f000000ffff", "hex"));
    await recorder.until(() => recorder.text === "hello");
    pipe.close();
  });

  test("any writes, cut anywhere on their way, arrive as the same bytes", async () => {
    const write = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(40_000).map(patternBytes));
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 9 }),
        async (writes, cuts, waits, level) => {
          const [a, b] = memoryPipes({ scrub: true });
          const [c, d] = memoryPipes({ scrub: true });
          const near = deflated(a, { limits, level });
          const far = deflated(d, { limits });
          let turns = 0;
          // Between the two, somebody cuts the stream anew.
          b.open({
            data(bytes) {
              for (let at = 0; at < bytes.length; ) {
                const size = cuts[turns++ % cuts.length] ?? 1;
                void c.write(Uint8Array.from(bytes.subarray(at, at + size)));
                at += size;
              }
            },
            ended: () => c.end(),
            closed: () => c.close(),
          });
          const recorder = new Recorder().open(far);
          for (const bytes of writes) {
            const full = near.write(bytes);
            if (waits) await full;
          }
          near.close();
          await recorder.untilClosed();
          recorder.expectSound();
          const all = join(
            writes,
            writes.reduce((sum, bytes) => sum + bytes.length, 0),
          );
          expect(bytesEqual(recorder.bytes, all)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a level that is none is a RangeError at once", () => {
    const [pipe] = memoryPipes();
    expect(() => deflated(pipe, { limits, level: 10 })).toThrow("level must be a whole number from 0 to 9, not 10");
    expect(() => deflated(pipe, { limits, level: 1.5 })).toThrow(RangeError);
  });

  test("a pipe is opened once", () => {
    const { pipe } = deflatedAndBare();
    pipe.open(new Recorder());
    expect(() => pipe.open(new Recorder())).toThrow("open already");
    pipe.close();
  });
});

describe("a deflated pipe whose sink is full", () => {
  test("inflates no further, tells the pipe below, and goes on where it stopped", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.pause();
    recorder.open(pipe);
    const [big = new Uint8Array()] = await compressed(new Uint8Array(4 * MEBIBYTE));
    void bare.write(big);
    await recorder.until(() => recorder.deliveries === 1);
    const first = recorder.length;
    expect(first).toBeLessThanOrEqual(128 << 10);
    await turn(20);
    expect(recorder.deliveries).toBe(1);
    recorder.resume();
    await recorder.until(() => recorder.length === 4 * MEBIBYTE);
    recorder.expectSound();
    pipe.close();
  });

  test("hears of the end of the link all the same", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.pause();
    recorder.open(pipe);
    const [big = new Uint8Array()] = await compressed(new Uint8Array(MEBIBYTE));
    void bare.write(big);
    await recorder.until(() => recorder.deliveries === 1);
    bare.close({ message: "reset", error: protocolError("reset") });
    await recorder.untilClosed();
    recorder.resume();
    await turn(20);
    expect(recorder.deliveries).toBe(1);
    recorder.expectSound();
  });

  test.each([
    ["makes room, gets all of it first", false],
    ["is full by then, gets no more", true],
  ])("a sink that has not got its last chunk when the link breaks, and %s", async (_, pauses) => {
    const { promise: opened, resolve } = deferred<PipeSink>();
    const pipe = deflated({ open: resolve, write: () => {}, close: () => {} }, { limits });
    const recorder = new Recorder();
    if (pauses) recorder.pause();
    recorder.open(pipe);
    const [big = new Uint8Array()] = await compressed(new Uint8Array(MEBIBYTE));
    const below = await opened;
    expect(below.data(big)).toBeInstanceOf(Promise);
    below.closed({ message: "reset" });
    await recorder.untilClosed();
    expect(recorder.reason).toEqual({ message: "reset" });
    if (pauses) expect(recorder.deliveries).toBe(1);
    else expect(recorder.length).toBe(MEBIBYTE);
    recorder.resume();
    await turn();
    recorder.expectSound();
  });

  test("gets what came before the end, when it makes room", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.pause();
    recorder.open(pipe);
    const [big = new Uint8Array()] = await compressed(new Uint8Array(MEBIBYTE));
    void bare.write(big);
    bare.end();
    await recorder.until(() => recorder.deliveries === 1);
    recorder.resume();
    await recorder.untilClosed();
    expect(recorder.length).toBe(MEBIBYTE);
    expect(recorder.endings).toBe(1);
    recorder.expectSound();
  });
});

describe("compression bombs", () => {
  /** 1 GiB of zeros as about 1 MiB. Sixteen times the same piece: each looks back on zeros. */
  function bomb(): Uint8Array {
    const piece = zlib.deflateRawSync(new Uint8Array(64 * MEBIBYTE), { finishFlush: SYNC_FLUSH });
    return Buffer.concat(Array.from({ length: 16 }, () => piece));
  }

  /** V8 collects when it likes; what counts is what is held. The second time waits for what the first one freed. */
  function collector(): () => void {
    v8.setFlagsFromString("--expose-gc");
    const collect = vm.runInNewContext("gc") as () => void;
    return () => {
      collect();
      collect();
    };
  }

  /** Opens a pipe, sends it the bomb and measures until `closed`. */
  async function explode(bytes: Uint8Array, collect: () => void) {
    const { pipe, bare } = deflatedAndBare();
    const { promise, resolve } = deferred<CloseReason>();
    let deliveredBytes = 0;
    let ms = 0;
    let rssBytes = 0;
    let heldBytes = 0;
    collect();
    const before = process.memoryUsage();
    const started = performance.now();
    pipe.open({
      data: (inflated) => {
        deliveredBytes += inflated.length;
      },
      ended: () => expect.unreachable(),
      closed(reason) {
        ms = performance.now() - started;
        rssBytes = process.memoryUsage().rss - before.rss;
        collect();
        heldBytes = process.memoryUsage().arrayBuffers - before.arrayBuffers;
        resolve(reason);
      },
    });
    void bare.write(bytes);
    return { reason: await promise, deliveredBytes, ms, rssBytes, heldBytes };
  }

  test("1 MiB that would be 1 GiB is refused in 200 ms, within 8 MiB delivered and 8 MiB of memory", async () => {
    const bytes = bomb();
    expect(bytes.length).toBeGreaterThan(1_000_000);
    const collect = collector();
    const tries = [await explode(bytes, collect), await explode(bytes, collect), await explode(bytes, collect)];
    for (const { reason, deliveredBytes, heldBytes } of tries) {
      expect(reason.error?.code).toBe("resource_exhausted");
      expect(reason.message).toBe(
        "The other side's compressed data inflates to more than 200 times its size. Raise maxFrameBytes if it is meant to",
      );
      expect(deliveredBytes).toBeLessThanOrEqual(8 * MEBIBYTE);
      // One copy of the chunk at most.
      expect(heldBytes).toBeLessThan(2 * MEBIBYTE);
    }
    // This machine may be busy, and the first try pays for a heap that has not grown yet.
    expect(Math.min(...tries.map(({ ms }) => ms))).toBeLessThan(200);
    expect(Math.min(...tries.map(({ rssBytes }) => rssBytes))).toBeLessThan(8 * MEBIBYTE);
  });

  test("a bomb that comes in small pieces is refused too", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    const bytes = bomb();
    for (let at = 0; at < 65_536; at += 100) void bare.write(bytes.subarray(at, at + 100));
    await recorder.untilClosed();
    expect(recorder.reason?.error?.code).toBe("resource_exhausted");
    // What each piece puts back comes on top: 200 for each 1030.
    expect(recorder.length).toBeLessThan(10.5 * MEBIBYTE);
  });

  test("frames of the greatest size that compress well pass, two at once and more with time", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    const zeros = new Uint8Array(4 * MEBIBYTE);
    const noise = randomBytes(60_000);
    const pieces = await compressed(zeros, zeros.subarray(0, 3 * MEBIBYTE), noise, zeros, zeros.subarray(0, MEBIBYTE));
    for (const piece of pieces) void bare.write(piece);
    await recorder.until(() => recorder.length === 12 * MEBIBYTE + noise.length);
    pipe.close();
  });

  test("a small limit does not refuse a sound stream for the size of its chunks", async () => {
    const { pipe, bare, recorder } = deflatedAndBare({ maxFrameBytes: 1024 });
    recorder.open(pipe);
    const record = `${"x".repeat(500)}${"y".repeat(400)}`;
    const text = Array.from({ length: 5000 }, (_, nth) => `${record}${nth * 7919}`).join("");
    const [piece = new Uint8Array()] = await compressed(text);
    // More than a burst comes in one chunk, near the ratio that is allowed for ever.
    expect(text.length).toBeGreaterThan(4 * MEBIBYTE);
    expect(text.length / piece.length).toBeGreaterThan(80);
    void bare.write(piece);
    await recorder.until(() => recorder.length === text.length);
    pipe.close();
  });
});

describe("a deflate stream that is broken", () => {
  async function refused(...chunks: Uint8Array[]): Promise<Recorder> {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    for (const chunk of chunks) void bare.write(chunk);
    bare.end();
    await recorder.untilClosed();
    await turn();
    recorder.expectSound();
    expect(recorder.reason?.error?.code).toBe("data_loss");
    expect(recorder.endings).toBe(0);
    return recorder;
  }

  test("data that is not deflate closes the link and names zlib's reason as the cause", async () => {
    const recorder = await refused(Uint8Array.of(0xff, 0xff, 0xff));
    expect(recorder.reason?.message).toBe("The other side's data is not raw deflate");
    expect(recorder.reason?.error?.cause).toBeInstanceOf(Error);
  });

  test("what came before the broken part is delivered", async () => {
    const [sound = new Uint8Array()] = await compressed("sound");
    const recorder = await refused(sound, Uint8Array.of(0xff, 0xff));
    expect(recorder.text).toBe("sound");
  });

  test.each([
    ["in the same chunk", (final: Uint8Array) => [Buffer.concat([final, Uint8Array.of(1)])]],
    ["in a later chunk", (final: Uint8Array) => [final, Uint8Array.of(1)]],
  ])("data after the final block, %s, closes the link", async (_, chunksOf) => {
    const recorder = await refused(...chunksOf(zlib.deflateRawSync("the end")));
    expect(recorder.text).toBe("the end");
    expect(recorder.reason?.message).toBe("The other side's compressed data goes on after its final block");
  });

  test("a stream is cut at any byte: only between two flushes it has ended, everywhere else it is broken", async () => {
    const texts = ["hello hello hello", "\u0000\u0001\u0002", "hello again, with\u0000\u0000\u00ff\u00ff in it"];
    const all = Buffer.from(texts.join(""));
    for (const level of [0, 9]) {
      const stream = zlib.createDeflateRaw({ level });
      const pieces = await eachThrough(stream, texts);
      const whole = Buffer.concat(pieces);
      const ends = new Set<number>([0]);
      let end = 0;
      for (const piece of pieces) ends.add((end += piece.length));
      for (let cut = 0; cut <= whole.length; cut++) {
        const { pipe, bare, recorder } = deflatedAndBare();
        recorder.open(pipe);
        void bare.write(whole.subarray(0, cut));
        bare.end();
        await recorder.untilClosed();
        // A stored block before its flush marker stands at a whole byte too.
        const sound = recorder.endings === 1;
        if (ends.has(cut)) expect([cut, sound]).toEqual([cut, true]);
        else if (level !== 0) expect([cut, recorder.reason?.error?.code]).toEqual([cut, "data_loss"]);
        expect(bytesEqual(recorder.bytes, all.subarray(0, recorder.length))).toBe(true);
        recorder.expectSound();
      }
    }
  });

  test("a half-close inside a block says so", async () => {
    const [piece = new Uint8Array()] = await compressed("cut short");
    const recorder = await refused(piece.subarray(0, 5));
    expect(recorder.reason?.message).toBe("The other side's compressed data ended in the middle of a block");
  });

  test.each([
    ["nothing at all", []],
    ["a final block", [zlib.deflateRawSync("bye")]],
    [
      "an empty final block after a flush",
      [zlib.deflateRawSync("bye", { finishFlush: SYNC_FLUSH }), Buffer.from("0300", "hex")],
    ],
  ])("a stream that ends with %s has ended", async (_, chunks) => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe, { closeOnEnd: false });
    for (const chunk of chunks) void bare.write(chunk);
    bare.end();
    await recorder.until(() => recorder.endings === 1);
    expect(recorder.text).toBe(chunks.length === 0 ? "" : "bye");
    const other = new Recorder().open(bare);
    void pipe.write("still here");
    await other.until(() => other.length > 0);
    expect(zlib.inflateRawSync(other.bytes, { finishFlush: SYNC_FLUSH }).toString()).toBe("still here");
    pipe.close();
    await recorder.untilClosed();
    recorder.expectSound();
  });

  test("any bytes at all are delivered, refused or ended, never a crash", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }), async (chunks) => {
        const { pipe, bare, recorder } = deflatedAndBare();
        recorder.open(pipe);
        for (const chunk of chunks) void bare.write(chunk);
        bare.end();
        await recorder.untilClosed();
        expect([undefined, "data_loss"]).toContain(recorder.reason?.error?.code);
        recorder.expectSound();
      }),
      { numRuns: 300 },
    );
  });
});

describe("closing a deflated pipe", () => {
  test("an error closes the pipe below when the last reply has gone into it, and at once when there is none", async () => {
    const sent: Uint8Array[] = [];
    const { promise, resolve } = deferred<CloseReason | undefined>();
    const below: Pipe = { open: () => {}, write: (bytes) => void sent.push(Buffer.from(bytes)), close: resolve };
    const pipe = deflated(below, { limits });
    const reason = { message: "broken", error: protocolError("broken") };
    void pipe.write("what was wrong");
    pipe.close(reason);
    expect(await promise).toBe(reason);
    expect(zlib.inflateRawSync(Buffer.concat(sent), { finishFlush: SYNC_FLUSH }).toString()).toBe("what was wrong");
    const close = vi.fn();
    deflated({ ...below, close }, { limits }).close(reason);
    expect(close).toHaveBeenCalledExactlyOnceWith(reason);
  });

  test("the reason is told as the pipe below gives it, with what it adds", async () => {
    const { promise: opened, resolve } = deferred<PipeSink>();
    const below = deferred<CloseReason>();
    const pipe = deflated(
      { open: resolve, write: () => {}, close: (reason) => reason !== undefined && below.resolve(reason) },
      { limits },
    );
    const recorder = new Recorder().open(pipe);
    pipe.close({ message: "done" });
    (await opened).closed({ ...(await below.promise), redialAfterMs: Infinity });
    expect(recorder.reason).toEqual({ message: "done", redialAfterMs: Infinity });
    recorder.expectSound();
  });

  test("an error after a graceful close that has not come through replaces its reason", async () => {
    const [inner] = memoryPipes({ capacity: 1 });
    const pipe = deflated(inner, { limits });
    const recorder = new Recorder().open(pipe);
    void pipe.write(patternBytes(MEBIBYTE));
    pipe.close({ message: "done" });
    const error = protocolError("broken");
    pipe.close({ message: "broken", error });
    await recorder.untilClosed();
    expect(recorder.reason?.error).toBe(error);
    await turn();
    recorder.expectSound();
  });

  test("nothing is delivered after it, though zlib is at work", async () => {
    const { pipe, bare, recorder } = deflatedAndBare();
    recorder.open(pipe);
    const [big = new Uint8Array()] = await compressed(new Uint8Array(4 * MEBIBYTE));
    void bare.write(big);
    await recorder.until(() => recorder.length > 0);
    const { deliveries } = recorder;
    pipe.close();
    await recorder.untilClosed();
    await turn(20);
    expect(recorder.deliveries).toBe(deliveries);
    recorder.expectSound();
  });

  test("zlib's streams are made at the first byte and destroyed with the link", async () => {
    const made: (zlib.DeflateRaw | zlib.InflateRaw)[] = [];
    const { createDeflateRaw, createInflateRaw } = zlib;
    const keep = <Stream extends zlib.DeflateRaw | zlib.InflateRaw>(stream: Stream): Stream => {
      made.push(stream);
      return stream;
    };
    const spies = [
      vi.spyOn(zlib, "createDeflateRaw").mockImplementation((options) => keep(createDeflateRaw(options))),
      vi.spyOn(zlib, "createInflateRaw").mockImplementation((options) => keep(createInflateRaw(options))),
    ];
    try {
      for (const error of [undefined, protocolError("broken")]) {
        made.length = 0;
        const [a, b] = memoryPipes();
        const near = deflated(a, { limits });
        const far = deflated(b, { limits });
        const recorders = [new Recorder().open(near), new Recorder().open(far)];
        await turn();
        expect(made).toHaveLength(0);
        void near.write("hi");
        await recorders[1]?.until((recorder) => recorder.text === "hi");
        expect(made).toHaveLength(2);
        void near.write(patternBytes(MEBIBYTE));
        near.close({ message: "over", ...(error !== undefined && { error }) });
        await Promise.all(recorders.map((recorder) => recorder.untilClosed()));
        await expect.poll(() => made.map((stream) => stream.destroyed)).toEqual([true, true]);
      }
      await expect.poll(zlibJobs).toEqual([]);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  });
});
