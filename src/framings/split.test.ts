import { describe, expect, test } from "vitest";
import { eventsOf, HandPipe, linkOf } from "../../test/suites/framing-suite.ts";
import { bytesOf } from "../core/text.ts";
import { split } from "./split.ts";

describe("split", () => {
  test("frames end in the byte that was asked for, and LF is part of them", () => {
    const pipe = new HandPipe();
    void split(0)(pipe, linkOf()).send(["a\nb", ""]);
    expect(pipe.text).toBe("a\nb\0\0");
    expect(eventsOf(split(0), [bytesOf(pipe.text)])).toEqual(["text a\nb", "text ", "ended"]);
  });

  test.each([[-1], [128], [1.5], [Number.NaN]])("a byte %d that could stand inside a character is refused", (byte) => {
    expect(() => split(byte)).toThrow(RangeError);
  });
});
