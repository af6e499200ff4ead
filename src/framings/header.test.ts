import { describe, expect, test } from "vitest";
import { eventsOf, framingSuite, HandPipe, linkOf, singly } from "../../test/suites/framing-suite.ts";
import { Recorder } from "../../test/suites/support.ts";
import { bytesOf } from "../core/text.ts";
import { header, lsp, strictHeader } from "./header.ts";

const pieces = [
  "Content-Length: 3\r\n\r\nabc",
  "Content-Length: 4\r\n\r\n\u{1f600}",
  "content-length:2\n\n{}",
  "Content-Length: 0\r\n\r\n",
  "Content-Length: 30\r\n\r\n012345678901234567890123456789",
  "Content-Length: 24\r\n",
  "Content-Length: 1\r\n\r\n\xff".slice(0, -1),
  "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n",
  "X-Other: yes\r\n",
  "\r\n",
  "\n",
  "no colon\n",
  Uint8Array.of(0xff),
  "0123456789",
];

for (const [name, framing] of [
  ["header without a type", () => header()],
  ["the header of language servers", lsp],
  ["a strict header", () => strictHeader("text/plain")],
] as const) {
  framingSuite(name, framing, {
    capabilities: { binary: true, keepsForm: false, empty: true, text: "any", tooLarge: "skipped" },
    pieces,
    frame: (length) => "x".repeat(length),
  });
}

describe("header", () => {
  const written = (framing: ReturnType<typeof header>, ...frames: string[]): string => {
    const pipe = new HandPipe();
    void framing(pipe, linkOf()).send(frames);
    expect(pipe.written.length).toBe(1);
    return pipe.text;
  };
  const events = (framing: ReturnType<typeof header>, text: string, maxFrameBytes = 100): string[] => {
    const whole = eventsOf(framing, [bytesOf(text)], { maxFrameBytes });
    expect(eventsOf(framing, singly(bytesOf(text)), { maxFrameBytes })).toEqual(whole);
    return whole;
  };
  const closes = (framing: ReturnType<typeof header>, text: string): string => {
    const told = events(framing, `Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok${text}`);
    expect(told[0]).toBe("text ok");
    expect(told.length).toBe(2);
    return told[1] ?? "";
  };

  test("writes the type before the length, and the length in bytes", () => {
    expect(written(lsp(), '{"a":1}')).toBe(
      'Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 7\r\n\r\n{"a":1}',
    );
    expect(written(header(), "h\u00e9", "")).toBe("Content-Length: 3\r\n\r\nh\u00e9Content-Length: 0\r\n\r\n");
    expect(written(strictHeader("text/plain"), "x")).toBe("Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx");
  });

  test.each([
    ["names in any case", "CONTENT-LENGTH: 2\r\n\r\nok"],
    ["LF alone", "Content-Length: 2\n\nok"],
    ["unknown names", "X-First: 1\r\nContent-Length: 2\r\nLast:\r\n\r\nok"],
    ["blanks around the value", "Content-Length: \t 2  \r\n\r\nok"],
    ["no blank at all", "Content-Length:2\r\n\r\nok"],
    ["the type after the length", "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"],
    ["the same length twice", "Content-Length: 2\r\nContent-Length: 02\r\n\r\nok"],
    ["no type", "Content-Length: 2\r\n\r\nok"],
  ])("takes %s", (_, text) => {
    expect(events(header("text/plain"), text)).toEqual(["text ok", "ended"]);
  });

  test.each([
    ["application/vscode-jsonrpc; charset=utf8"],
    ["application/vscode-jsonrpc;charset=UTF-8"],
    ['application/vscode-jsonrpc; charset="utf-8"'],
    ["Application/VSCode-JSONRPC"],
  ])("language servers may say %s", (type) => {
    expect(events(lsp(), `Content-Length: 2\r\nContent-Type: ${type}\r\n\r\nok`)).toEqual(["text ok", "ended"]);
  });

  test("without a type of its own it takes any", () => {
    expect(events(header(), "Content-Length: 2\r\nContent-Type: image/png\r\n\r\nok")).toEqual(["text ok", "ended"]);
  });

  test.each([
    ["no length", "X: 1\r\n\r\n{}", "missing required content-length"],
    ["an empty block", "\r\n", "missing required content-length"],
    ["a word for a length", "Content-Length: many\r\n\r\n{}", 'invalid content-length "many"'],
    ["no value", "Content-Length:\r\n\r\n{}", 'invalid content-length ""'],
    ["a negative length", "Content-Length: -2\r\n\r\n{}", 'invalid content-length "-2"'],
    ["a signed length", "Content-Length: +2\r\n\r\n{}", 'invalid content-length "+2"'],
    ["a hexadecimal length", "Content-Length: 0x2\r\n\r\n{}", 'invalid content-length "0x2"'],
    ["an exponent", "Content-Length: 1e0\r\n\r\n{}", 'invalid content-length "1e0"'],
    [
      "a length of 10^20",
      `Content-Length: 1${"0".repeat(20)}\r\n\r\n{}`,
      `invalid content-length "1${"0".repeat(20)}"`,
    ],
    ["a length of 10^12", "Content-Length: 1000000000000\r\n\r\n{}", 'invalid content-length "1000000000000"'],
    [
      "two lengths that differ",
      "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      "two content-length lines that differ, 2 and 3",
    ],
    ["a line without a colon", "Content-Length 2\r\n\r\n{}", 'invalid header line "Content-Length 2"'],
    ["a line without a name", ": 2\r\n\r\n{}", 'invalid header line ": 2"'],
    [
      "another type",
      "Content-Length: 2\r\nContent-Type: image/png\r\n\r\n{}",
      'content type mismatch: got "image/png", want "text/plain"',
    ],
    [
      "another charset",
      "Content-Length: 2\r\nContent-Type: text/plain; charset=latin1\r\n\r\n{}",
      'content type mismatch: got "text/plain; charset=latin1", want "text/plain"',
    ],
    ["a line that never ends", "x".repeat(9000), "it is longer than 8192 bytes"],
    [
      "lines that never end",
      "X-Long: 0123456789012345678901234567890123456789\r\n".repeat(500),
      "it has more than 64 lines",
    ],
    ["a few long lines", `${`X: ${"y".repeat(4000)}\r\n`.repeat(3)}\r\n`, "it is longer than 8192 bytes"],
    ["a block that is cut off", "Content-Length: 2\r\n", "the stream ended inside it"],
  ])("%s ends the link, and what came before is delivered", (_, text, problem) => {
    expect(closes(header("text/plain"), text)).toBe(`closed: Cannot read a header block: ${problem}`);
  });

  test("a length that is no number is refused where frames have no limit", () => {
    expect(events(header(), "Content-Length: x\r\n\r\n", Infinity)[0]).toContain('invalid content-length "x"');
  });

  test("a stream that ends inside a frame ends the link", () => {
    expect(closes(header(), "Content-Length: 20\r\n\r\n{}")).toBe("closed: The stream ended inside a frame");
  });

  test("a strict one wants a type in each block", () => {
    expect(closes(strictHeader("text/plain"), "Content-Length: 2\r\n\r\n{}")).toBe(
      'closed: Cannot read a header block: content type mismatch: got "", want "text/plain"',
    );
  });

  test("what the other side wrote is quoted without control characters", () => {
    expect(closes(header(), "\u001b[2J\r\n")).toContain('invalid header line "\\u001b[2J"');
  });

  test("a frame at the limit arrives and one above it is skipped", () => {
    const block = (body: string): string => `Content-Length: ${body.length}\r\n\r\n${body}`;
    expect(events(header(), block("0123456789") + block("0123456789x") + block("") + block("2"), 10)).toEqual([
      "text 0123456789",
      "skipped 0123456789x: resource_exhausted",
      "text ",
      "text 2",
      "ended",
    ]);
  });

  test("a frame that is not UTF-8 arrives as bytes, and its neighbours as text", () => {
    const pipe = new HandPipe();
    const sink = new Recorder().open(header()(pipe, linkOf()));
    void pipe.bring(
      Uint8Array.from([...bytesOf("Content-Length: 1\n\na"), ...bytesOf("Content-Length: 2\n\n"), 0xc3, 0x28]),
    );
    expect(sink.frameList).toEqual(["a", Uint8Array.of(0xc3, 0x28)]);
  });

  test("a promise of a large frame costs no memory before it comes", () => {
    const before = process.memoryUsage().arrayBuffers;
    const pipes = Array.from({ length: 1000 }, () => {
      const pipe = new HandPipe();
      new Recorder().open(header()(pipe, linkOf()));
      void pipe.bring(bytesOf("Content-Length: 4000000\r\n\r\n{"));
      return pipe;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
    expect(pipes.length).toBe(1000);
  });
});
