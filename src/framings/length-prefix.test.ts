import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventsOf, framingSuite, HandPipe, linkOf } from "../../test/suites/framing-suite.ts";
import { Recorder } from "../../test/suites/support.ts";
import { bytesOf } from "../core/text.ts";
import { lengthPrefix } from "./length-prefix.ts";

framingSuite("length prefix", lengthPrefix, {
  capabilities: { binary: true, keepsForm: false, empty: true, text: "any", tooLarge: "closes" },
  pieces: [
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 0, 0, 1, 65),
    Uint8Array.of(0, 0, 0, 2, 255, 254),
    Uint8Array.of(0, 0, 0, 24),
    new Uint8Array(24),
    Uint8Array.of(0, 0, 0, 25),
    Uint8Array.of(0, 0),
  ],
  frame: (length) => new Uint8Array(length).fill(7),
});

describe("length prefix", () => {
  test("writes four bytes of length, big-endian, before each frame, in one write", () => {
    const pipe = new HandPipe();
    void lengthPrefix()(pipe, linkOf()).send(["h\u00e9", Uint8Array.of(1, 2), ""]);
    expect(pipe.written).toEqual([Uint8Array.of(0, 0, 0, 3, 104, 195, 169, 0, 0, 0, 2, 1, 2, 0, 0, 0, 0)]);
    const large = new HandPipe();
    void lengthPrefix()(large, linkOf()).send([new Uint8Array(0x012345)]);
    expect(large.written[0]?.subarray(0, 4)).toEqual(Uint8Array.of(0, 1, 0x23, 0x45));
  });

  test("text of any characters is encoded as TextEncoder does it", () => {
    const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary", maxLength: 200 }), fc.string());
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.uint8Array()), { minLength: 1 }), (frames) => {
        const pipe = new HandPipe();
        void lengthPrefix()(pipe, linkOf()).send(frames);
        const expected = frames.flatMap((frame) => {
          const body = bytesOf(frame);
          return [...Buffer.from([0, 0, body.length >> 8, body.length]), ...body];
        });
        expect([...Buffer.concat(pipe.written)]).toEqual(expected);
      }),
    );
  });

  test("a length above the limit ends the link, and what came before is delivered", () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 65, 0, 0, 0, 11);
    expect(eventsOf(lengthPrefix(), [bytes], { maxFrameBytes: 10 })).toEqual([
      "bytes A",
      "closed: A frame of 11 bytes is above the limit of 10 bytes: send less at once or raise maxFrameBytes",
    ]);
    expect(eventsOf(lengthPrefix(), [Uint8Array.of(255, 255, 255, 255)])[0]).toContain("A frame of 4294967295 bytes");
  });

  test("a stream that ends inside a frame ends the link", () => {
    for (const bytes of [Uint8Array.of(0), Uint8Array.of(0, 0, 0, 2, 65)]) {
      expect(eventsOf(lengthPrefix(), [bytes])).toEqual(["closed: The stream ended inside a frame"]);
    }
  });

  test("a frame may be kept: it is not part of the chunk that it came in", () => {
    const pipe = new HandPipe();
    const sink = new Recorder().open(lengthPrefix()(pipe, linkOf()));
    void pipe.bring(Uint8Array.of(0, 0, 0, 1, 65, 0, 0, 0, 1, 66, 0, 0, 0, 2, 67));
    void pipe.bring(Uint8Array.of(68));
    expect(sink.frameList).toEqual([Uint8Array.of(65), Uint8Array.of(66), Uint8Array.of(67, 68)]);
  });
});
