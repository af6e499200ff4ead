import { describe, expect, test } from "vitest";
import { eventsOf, framingSuite, HandPipe, linkOf, singly } from "../../test/suites/framing-suite.ts";
import { deferred, Recorder, turn } from "../../test/suites/support.ts";
import type { Frame } from "../core/channel.ts";
import { bytesOf } from "../core/text.ts";
import { line } from "./line.ts";

framingSuite("line", line, {
  capabilities: { binary: false, keepsForm: true, empty: true, text: "line", tooLarge: "skipped" },
  pieces: [
    "\n",
    "\n\n",
    "\r\n",
    '{"a":1}\n',
    "h\u00e9llo",
    "\u{1f600}\n",
    Uint8Array.of(0xff, 0x0a),
    "x".repeat(24),
    "y".repeat(30),
  ],
  frame: (length) => "x".repeat(length),
});

describe("line", () => {
  const events = (text: string | Uint8Array, maxFrameBytes = 100): string[] =>
    eventsOf(line(), [bytesOf(text)], { maxFrameBytes });

  test("a record is written with LF after it, an empty one as LF alone, and a list in one write", () => {
    const pipe = new HandPipe();
    const channel = line()(pipe, linkOf());
    void channel.send(['{"a":1}']);
    void channel.send(["", "b"]);
    expect(pipe.text).toBe('{"a":1}\n\nb\n');
    expect(pipe.written.length).toBe(2);
  });

  test("text in the form of bytes is written as it is", () => {
    const pipe = new HandPipe();
    void line()(pipe, linkOf()).send([bytesOf("h\u00e9"), "b", Uint8Array.of(0xff)]);
    expect(Buffer.concat(pipe.written).toString("latin1")).toBe("h\u00c3\u00a9\nb\n\u00ff\n");
  });

  test.each([["a\nb"], [bytesOf("a\nb")]])(
    "a frame that holds LF breaks the link before anything is written",
    (frame: Frame) => {
      const pipe = new HandPipe();
      const channel = line()(pipe, linkOf());
      const sink = new Recorder().open(channel);
      void channel.send(["fine", frame]);
      expect(pipe.written).toEqual([]);
      expect(sink.reason?.error?.code).toBe("data_loss");
      expect(sink.reason?.message).toBe("Cannot send a frame that holds the byte 10, which ends frames on this link");
      void channel.send(["later"]);
      void pipe.bring(bytesOf("more\n"));
      expect(pipe.written).toEqual([]);
      sink.expectSound();
    },
  );

  test("empty lines are frames, CR is kept, and the last record may lack its LF", () => {
    expect(events("a\nb\n\nc\r\nd")).toEqual(["text a", "text b", "text ", "text c\r", "text d", "ended"]);
  });

  test("a stream that ends after LF has no further record", () => {
    expect(events("a\n")).toEqual(["text a", "ended"]);
    expect(events("")).toEqual(["ended"]);
  });

  test("a chunk with a line that is not UTF-8 gives the others as text and that one as bytes", () => {
    const bytes = Uint8Array.from([...bytesOf("good\n"), 0xc3, 0x28, 0x0a, ...bytesOf("h\u00e9\nrest")]);
    expect(events(bytes)).toEqual(["text good", "bytes \u00c3(", "text h\u00e9", "text rest", "ended"]);
  });

  test("a character that is cut in two by the chunks is one character", () => {
    expect(eventsOf(line(), singly(bytesOf("\u{1f600}\n")))).toEqual(["text \u{1f600}", "ended"]);
  });

  test("a replacement character that was really sent is text, also beside a line that is broken", () => {
    const bytes = Uint8Array.from([...bytesOf("\ufffd\n"), 0xff, 0x0a, ...bytesOf("\ufffd"), 0xed, 0xa0, 0x80, 0x0a]);
    expect(events(bytes)).toEqual([
      "text \ufffd",
      "bytes \u00ff",
      "bytes \u00ef\u00bf\u00bd\u00ed\u00a0\u0080",
      "ended",
    ]);
  });

  test("a byte order mark is part of the frame", () => {
    expect(events("\ufeff{}\n")).toEqual(["text \ufeff{}", "ended"]);
  });

  test("a line at the limit arrives and one above it is skipped, counted in bytes", () => {
    const most = "\u00e9".repeat(5);
    expect(events(`1\n${most}\n2\n`, 10)).toEqual(["text 1", `text ${most}`, "text 2", "ended"]);
    expect(events(`1\n${most}x\n2\n`, 10)).toEqual([
      "text 1",
      `skipped ${Buffer.from(`${most}x`).toString("latin1")}: resource_exhausted`,
      "text 2",
      "ended",
    ]);
  });

  test("of a line above the limit that comes in pieces only the head of 1 KiB is kept", () => {
    const pipe = new HandPipe();
    const sink = new Recorder().open(line()(pipe, linkOf({ maxFrameBytes: 5000 })));
    void pipe.bring(bytesOf("before\n"));
    for (let each = 0; each < 100; each++) void pipe.bring(bytesOf("0123456789".repeat(10)));
    void pipe.bring(bytesOf("\nafter\n"));
    expect(sink.frameList).toEqual(["before", "after"]);
    expect(sink.skips.length).toBe(1);
    expect(Buffer.from(sink.skips[0]?.head ?? []).toString()).toBe("0123456789".repeat(103).slice(0, 1024));
    expect(sink.skips[0]?.reason.message).toContain("frame of more than 5000 bytes");
  });

  test("an unterminated record above the limit is skipped at the end", () => {
    expect(events("0123456789x", 10)).toEqual(["skipped 0123456789x: resource_exhausted", "ended"]);
  });

  test("what comes after a skipped frame waits while the sink is full", async () => {
    const pipe = new HandPipe();
    const told: string[] = [];
    const room = deferred();
    line()(pipe, linkOf({ maxFrameBytes: 4 })).open({
      frames(frames) {
        told.push(...(frames as string[]));
        if (frames.includes("1")) return room.promise;
      },
      skipped: () => void told.push("skipped"),
      ended: () => void told.push("ended"),
      closed: () => {},
    });
    const full = pipe.bring(bytesOf("1\ntoo long\n2\n"));
    expect(full).toBeInstanceOf(Promise);
    await turn();
    expect(told).toEqual(["1"]);
    room.resolve();
    await full;
    expect(told).toEqual(["1", "skipped", "2"]);
  });

  test("what waits behind a full sink is dropped when the link closes", async () => {
    const pipe = new HandPipe();
    const sink = new Recorder();
    sink.pause();
    sink.open(line()(pipe, linkOf({ maxFrameBytes: 4 })));
    void pipe.bring(bytesOf("1\ntoo long\n2\n"));
    pipe.close({ message: "gone" });
    sink.resume();
    await turn();
    expect(sink.frameList).toEqual(["1"]);
    expect(sink.skips).toEqual([]);
    sink.expectSound();
  });
});
