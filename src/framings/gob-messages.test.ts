import { describe, expect, test } from "vitest";
import { counted, fromHex, toHex, unsigned } from "../../test/gob/bytes.ts";
import { CONNECTIONS } from "../../test/gob/captures.ts";
import { eventsOf, framingSuite, HandPipe, linkOf, singly } from "../../test/suites/framing-suite.ts";
import { Recorder } from "../../test/suites/support.ts";
import type { Frame, Framing } from "../core/channel.ts";
import { bytesOf, join } from "../core/text.ts";
import { messageBody } from "../gob/prefix.ts";
import { gobMessages } from "./gob-messages.ts";

function withCount(frame: Frame): Uint8Array {
  const bytes = bytesOf(frame);
  const count = fromHex(unsigned(bytes.length));
  return join([count, bytes], count.length + bytes.length);
}
const withoutCount = (frame: Frame): Frame => bytesOf(frame).subarray(messageBody(bytesOf(frame), 0));

/** Puts the count in front of what is sent and takes it off what arrives: the suite's frames are any bytes. */
function dressed(): Framing {
  const framing = gobMessages();
  return (pipe, link) => {
    const channel = framing(pipe, link);
    return {
      open: (sink) =>
        channel.open({
          frames: (frames) => sink.frames(frames.map(withoutCount)),
          skipped: (head, reason) => sink.skipped(head, reason),
          ended: () => sink.ended(),
          closed: (reason) => sink.closed(reason),
        }),
      send: (frames) => channel.send(frames.map(withCount)),
      close: (reason) => channel.close(reason),
    };
  };
}

framingSuite("gob messages", dressed, {
  capabilities: { binary: true, keepsForm: false, empty: true, text: "any", tooLarge: "closes" },
  pieces: [
    Uint8Array.of(0),
    Uint8Array.of(1, 65),
    Uint8Array.of(2, 255, 254),
    // The same count in more bytes than it needs.
    Uint8Array.of(0xff, 2, 65, 66),
    Uint8Array.of(0xf8, 0, 0, 0, 0, 0, 0, 0, 1, 65),
    Uint8Array.of(24),
    new Uint8Array(24),
    Uint8Array.of(25),
    Uint8Array.of(0xfe, 0),
    Uint8Array.of(0xf7),
    Uint8Array.of(0x80),
  ],
  frame: (length) => new Uint8Array(length).fill(7),
});

/** The messages that arrive of a stream, hex, and why the link closed. */
function arrives(
  hex: string,
  limits: { readonly maxFrameBytes?: number } = {},
): readonly [string[], string | undefined] {
  const pipe = new HandPipe();
  const sink = new Recorder().open(gobMessages()(pipe, linkOf(limits)), { closeOnEnd: false });
  void pipe.bring(fromHex(hex));
  sink.expectSound();
  return [sink.frameList.map((frame) => toHex(bytesOf(frame))), sink.reason?.error?.code];
}

describe("gob messages", () => {
  test("a frame is one message with its count, whatever the size of the count", () => {
    const long = counted("ab".repeat(300));
    expect(arrives(`00${"020102"}${long}ff03aabbcc`)).toEqual([["00", "020102", long, "ff03aabbcc"], undefined]);
  });

  test.each(CONNECTIONS)("the captured stream of $name is cut between its messages", ({ sessions }) => {
    for (const direction of ["client", "server"] as const) {
      const bytes = fromHex(sessions.map((session) => session[direction] ?? "").join(""));
      const whole = eventsOf(gobMessages(), [bytes]);
      expect(whole.at(-1)).toBe("ended");
      expect(whole.length).toBeGreaterThan(sessions.length / 2);
      expect(eventsOf(gobMessages(), singly(bytes))).toEqual(whole);
    }
  });

  test("what is sent goes out as it is, one frame or many in one write, each of one message or of several", () => {
    const pipe = new HandPipe();
    const channel = gobMessages()(pipe, linkOf());
    const [one, two] = [fromHex("020102"), fromHex("0103020405")];
    void channel.send([one]);
    void channel.send([one, two, one]);
    expect(pipe.written.map(toHex)).toEqual(["020102", "0201020103020405020102"]);
    expect(pipe.reason).toBeUndefined();
  });

  test("text cannot be sent, and ends the link", () => {
    const pipe = new HandPipe();
    void gobMessages()(pipe, linkOf()).send(["text", Uint8Array.of(1, 2)]);
    expect(pipe.written).toEqual([]);
    expect(pipe.reason?.error).toMatchObject({ code: "data_loss" });
    const alone = new HandPipe();
    void gobMessages()(alone, linkOf()).send(["text"]);
    expect(alone.written).toEqual([]);
    expect(alone.reason?.error).toMatchObject({ code: "data_loss" });
  });

  test("a count above the limit ends the link before anything of its message came, and what came before is delivered", () => {
    expect(arrives("0201020b", { maxFrameBytes: 10 })).toEqual([["020102"], "resource_exhausted"]);
    expect(arrives("0afb0200000000", { maxFrameBytes: 10 })).toEqual([[], undefined]);
    expect(arrives("f8ffffffffffffffff")).toEqual([[], "resource_exhausted"]);
    const full = counted("cd".repeat(10));
    expect(arrives(full, { maxFrameBytes: 10 })).toEqual([[full], undefined]);
  });

  test("a count of more than eight bytes is none, and ends the link at its first byte", () => {
    for (const first of ["f7", "80", "c0"]) expect(arrives(`01aa${first}`)).toEqual([["01aa"], "data_loss"]);
  });

  test("a stream that ends inside a message or its count ends the link", () => {
    for (const hex of ["02", "0201", "fe", "fe01", "01aa03bb"]) {
      expect(eventsOf(gobMessages(), [fromHex(hex)]).at(-1)).toBe("closed: The stream ended inside a frame");
    }
    expect(eventsOf(gobMessages(), [fromHex("01aa")]).at(-1)).toBe("ended");
  });
});
