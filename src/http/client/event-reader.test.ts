import { describe, expect, test } from "vitest";
import { EventReader } from "./event-reader.ts";

/** What a stream brings that comes in these pieces. */
function read(pieces: readonly string[], max = 1000): string[] {
  const lines: string[] = [];
  const reader = new EventReader(
    {
      event: (data) => lines.push(data),
      comment: () => lines.push("(comment)"),
      skipped: (head) => lines.push(`(skipped ${head.slice(0, 8)})`),
    },
    max,
  );
  for (const piece of pieces) reader.push(piece);
  return lines;
}

describe("server-sent events", () => {
  const stream =
    'data: {"a":1}\n\n: \n\nid: 7\r\nevent: message\r\ndata:x\r\ndata:  y\r\n\r\ndata\r\rretry: 5\n\ndatas: no\n\ndata: é\n\n';
  const events = ['{"a":1}', "(comment)", "x\n y", "", "é"];

  test("arrive whole, however the stream is cut", () => {
    expect(read([stream])).toEqual(events);
    expect(read([...stream])).toEqual(events);
    for (let at = 1; at < stream.length; at++) expect(read([stream.slice(0, at), stream.slice(at)])).toEqual(events);
  });

  test("that end with the stream are dropped, as the standard has it", () => {
    expect(read(["data: a\n\ndata: b\n"])).toEqual(["a"]);
  });

  test("above the bound are dropped, and the next one arrives", () => {
    const long = "0123456789".repeat(30);
    expect(read([`data: ${long}\n\ndata: next\n\n`], 100)).toEqual(["(skipped 01234567)", "next"]);
    expect(read([...`data: ${long}\ndata: more\n\ndata: next\n\n`], 100)).toEqual(["(skipped 01234567)", "next"]);
    expect(read([`${"data: 0123456789\n".repeat(30)}\ndata: next\n\n`], 100)).toEqual(["(skipped 01234567)", "next"]);
    expect(read([`data: ${"x".repeat(100)}\n\n`], 100)).toEqual(["x".repeat(100)]);
  });
});
