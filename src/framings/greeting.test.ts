import { describe, expect, test } from "vitest";
import { HandPipe, linkOf } from "../../test/suites/framing-suite.ts";
import { masked } from "../../test/suites/masked-pipe.ts";
import { pipeSuite } from "../../test/suites/pipe-suite.ts";
import { Recorder, turn } from "../../test/suites/support.ts";
import type { Pipe, Role } from "../core/channel.ts";
import { bytesOf } from "../core/text.ts";
import { memoryPipes } from "../transports/memory.ts";
import { greeting } from "./greeting.ts";

function greeted(pipe: Pipe, role: Role, offers: number): Pipe {
  const agree = (bits: number, rest: Pipe): Pipe => (bits === 1 ? masked(rest) : rest);
  return greeting(pipe, linkOf({}, role), { magic: [0x93, 0x41], version: 1, offers, agree });
}

for (const far of [0, 1]) {
  pipeSuite(
    `a greeting that offers nothing to one that offers ${far}, on pipes in memory`,
    async () => {
      const [one, other] = memoryPipes({ capacity: 1 << 20 });
      return { near: greeted(one, "client", 0), far: greeted(other, "server", far), endNear: () => one.end() };
    },
    { halfClose: true, tellsFull: true, oneByteWrites: 65_536 },
  );
}

describe("greeting", () => {
  test("a dialler that offers nothing goes on at once", () => {
    const pipe = new HandPipe();
    const dialler = greeted(pipe, "client", 0);
    const sink = new Recorder().open(dialler);
    void dialler.write("a");
    expect(pipe.written.map((each) => [...bytesOf(each)])).toEqual([[0x93, 0x41, 1, 0], [0x61]]);
    void pipe.bring(Uint8Array.of(0x93, 0x41));
    void pipe.bring(Uint8Array.of(1, 0, 0x62));
    expect([...sink.bytes]).toEqual([0x62]);
  });

  test("one that offers something waits for the answer", async () => {
    const pipe = new HandPipe();
    const dialler = greeted(pipe, "client", 1);
    new Recorder().open(dialler);
    const full = dialler.write(Uint8Array.of(0xf0));
    expect(pipe.written).toHaveLength(1);
    void pipe.bring(Uint8Array.of(0x93, 0x41, 1, 1));
    await full;
    expect(pipe.written.slice(1)).toEqual([Uint8Array.of(0x0f)]);
  });

  test.each([1, 0])(
    "a dialler that offers something and an accepter that offers %i understand one another",
    async (far) => {
      const [one, other] = memoryPipes();
      const dialler = greeted(one, "client", 1);
      const accepter = greeted(other, "server", far);
      const near = new Recorder().open(dialler);
      const sink = new Recorder().open(accepter);
      void dialler.write("up");
      void accepter.write("down");
      await turn(4);
      one.end();
      await turn(4);
      expect([sink.text, near.text]).toEqual(["up", "down"]);
      expect(sink.endings).toBe(1);
    },
  );

  test("the accepter answers with what both offer", () => {
    for (const [theirs, ours, both] of [
      [3, 1, 1],
      [0, 1, 0],
      [1, 0, 0],
    ] as const) {
      const pipe = new HandPipe();
      new Recorder().open(greeted(pipe, "server", ours));
      void pipe.bring(Uint8Array.of(0x93, 0x41, 1, theirs));
      expect(pipe.written).toEqual([Uint8Array.of(0x93, 0x41, 1, both)]);
    }
  });

  test.each([
    ["HTTP", "GET / HTTP/1.1", 'its first bytes are "GET "'],
    ["JSON-RPC", '{"jsonrpc"', "another wire"],
    ["another version", "\u0093A\u0002\u0000", "speaks version 2 of this wire, this end version 1"],
  ])("%s ends the link, and the error says what it is", async (_, text, why) => {
    for (const role of ["client", "server"] as const) {
      const pipe = new HandPipe();
      const sink = new Recorder().open(greeted(pipe, role, 0));
      void pipe.bring(Uint8Array.from(text, (each) => each.charCodeAt(0)));
      await turn();
      expect(sink.reason?.error?.message).toContain(why);
      expect(sink.bytes).toHaveLength(0);
    }
  });
});
