import { describe, expect, test } from "vitest";
import { HandPipe, linkOf } from "../../test/suites/framing-suite.ts";
import { masked } from "../../test/suites/masked-pipe.ts";
import { pipeSuite } from "../../test/suites/pipe-suite.ts";
import { Recorder, turn } from "../../test/suites/support.ts";
import type { Pipe } from "../core/channel.ts";
import { ManualClock } from "../core/clock.ts";
import { memoryPipes } from "../transports/memory.ts";
import { preamble } from "./preamble.ts";

const choose = (byte: number, rest: Pipe): Pipe => {
  if (byte > 1) throw new Error(`no such byte ${byte}`);
  return byte === 1 ? masked(rest) : rest;
};

for (const byte of [0, 1]) {
  pipeSuite(
    `a preamble of ${byte} on pipes in memory`,
    async () => {
      const [near, far] = memoryPipes({ capacity: 1 << 20 });
      return {
        near: preamble(near, linkOf({}, "client"), byte, choose),
        far: preamble(far, linkOf({}, "server"), byte, choose),
        endNear: () => near.end(),
      };
    },
    { halfClose: true, tellsFull: true, oneByteWrites: 65_536 },
  );
}

describe("preamble", () => {
  test("the dialler writes its byte first, when it opens", () => {
    const pipe = new HandPipe();
    const dialler = preamble(pipe, linkOf({}, "client"), 1, choose);
    new Recorder().open(dialler);
    expect(pipe.written).toEqual([Uint8Array.of(1)]);
    void dialler.write(Uint8Array.of(0xf0));
    expect(pipe.written).toEqual([Uint8Array.of(1), Uint8Array.of(0x0f)]);
  });

  test("the dialler writes its byte first, also before it opens, and only once", () => {
    const pipe = new HandPipe();
    const dialler = preamble(pipe, linkOf({}, "client"), 0, choose);
    void dialler.write("a");
    new Recorder().open(dialler);
    void dialler.write("b");
    expect(pipe.text).toBe("\0ab");
  });

  test("the accepter goes by the byte, and takes what came with it", () => {
    const pipe = new HandPipe();
    const sink = new Recorder().open(preamble(pipe, linkOf(), 0, choose));
    void pipe.bring(Uint8Array.of(1, 0xf0, 0xf1));
    void pipe.bring(Uint8Array.of(0xf2));
    expect([...sink.bytes]).toEqual([0x0f, 0x0e, 0x0d]);
    sink.expectSound();
  });

  test("what the accepter writes before the byte came goes out in the form that it asks for", async () => {
    const pipe = new HandPipe();
    const accepter = preamble(pipe, linkOf(), 0, choose);
    new Recorder().open(accepter);
    const full = accepter.write(Uint8Array.of(0xf0));
    expect(full).toBeInstanceOf(Promise);
    expect(pipe.written).toEqual([]);
    void pipe.bring(Uint8Array.of(1));
    await full;
    expect(pipe.written).toEqual([Uint8Array.of(0x0f)]);
  });

  test("without a byte the link ends after the time, and nothing listens to the clock afterwards", async () => {
    const clock = new ManualClock();
    const pipe = new HandPipe();
    const accepter = preamble(pipe, linkOf({}, "server", clock), 0, choose, 500);
    const sink = new Recorder().open(accepter);
    const full = accepter.write("held");
    clock.advance(499);
    expect(sink.reason).toBeUndefined();
    clock.advance(1);
    expect(sink.reason?.error?.code).toBe("deadline_exceeded");
    expect(sink.reason?.message).toContain("within 500 ms");
    expect(clock.listeners).toBe(0);
    await full;
    void pipe.bring(Uint8Array.of(0, 65));
    sink.expectSound();
  });

  test.each([
    ["the byte comes", (pipe: HandPipe) => void pipe.bring(Uint8Array.of(0))],
    ["the stream ends", (pipe: HandPipe) => pipe.sink?.ended()],
    ["the link closes", (pipe: HandPipe) => pipe.close()],
  ])("the time stops when %s", (_, happen) => {
    const clock = new ManualClock();
    const pipe = new HandPipe();
    new Recorder().open(preamble(pipe, linkOf({}, "server", clock), 0, choose), { closeOnEnd: false });
    expect(clock.listeners).toBe(1);
    happen(pipe);
    expect(clock.listeners).toBe(0);
  });

  test("a byte that cannot be chosen ends the link", async () => {
    const pipe = new HandPipe();
    const sink = new Recorder().open(preamble(pipe, linkOf(), 0, choose));
    void pipe.bring(Uint8Array.of(7, 65));
    void pipe.bring(Uint8Array.of(66));
    await turn();
    expect(sink.reason?.error).toMatchObject({ code: "data_loss", message: "Cannot go on after the first byte 7" });
    expect(sink.length).toBe(0);
    sink.expectSound();
  });
});
