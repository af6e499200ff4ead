import { describe, expect, test } from "vitest";
import { eventsOf, framingSuite, HandPipe, linkOf, singly } from "../../test/suites/framing-suite.ts";
import type { Limits } from "../core/limits.ts";
import { bytesOf } from "../core/text.ts";
import { rawJson } from "./raw-json.ts";

framingSuite("raw JSON", rawJson, {
  capabilities: { binary: false, keepsForm: true, empty: true, text: "json", tooLarge: "skipped" },
  pieces: [
    '{"a":1}',
    "[2]",
    '"x\\""',
    '"\\\\"',
    "null",
    "true",
    "-1.5e3",
    "12",
    " ",
    "\n",
    "[[[[1]]]]",
    '{"a":"}"',
    "}",
    "]",
    ",",
    '"',
    "\\",
    `"${"x".repeat(30)}"`,
    `[${"1,".repeat(15)}1]`,
    Uint8Array.of(0x22, 0xff, 0x22),
    "\u{1f600}",
    "h\u00e9",
  ],
  frame: (length) => `"${"x".repeat(length - 2)}"`,
});

describe("raw JSON", () => {
  const events = (text: string | Uint8Array, limits: Partial<Limits> = {}): string[] => {
    const bytes = bytesOf(text);
    const whole = eventsOf(rawJson(), [bytes], limits);
    expect(eventsOf(rawJson(), singly(bytes), limits)).toEqual(whole);
    return whole;
  };

  test("adds nothing to what shows its own end, and a line end to what does not", () => {
    const pipe = new HandPipe();
    void rawJson()(pipe, linkOf()).send([
      '{"a":1}',
      "[2]",
      '"x"',
      "3",
      "true",
      "",
      bytesOf("4"),
      bytesOf("{}"),
      new Uint8Array(0),
    ]);
    expect(pipe.text).toBe('{"a":1}[2]"x"3\ntrue\nnull\n4\n{}null\n');
    const text = new HandPipe();
    void rawJson()(text, linkOf()).send(["1", "2", "{}"]);
    expect(text.text).toBe("1\n2\n{}");
  });

  test("reads values with and without blanks between them, null as a frame without content", () => {
    expect(events('{"a":1}[2] 3 "x"null true')).toEqual([
      'text {"a":1}',
      "text [2]",
      "text 3",
      'text "x"',
      "text ",
      "text true",
      "ended",
    ]);
  });

  test("an escape at the end of a chunk is forgotten with its value", () => {
    const chunks = ['"\\', '\\""\\""'].map((each) => bytesOf(each));
    expect(eventsOf(rawJson(), chunks)).toEqual(['text "\\\\"', 'text "\\""', "ended"]);
  });

  test("brackets and quotes inside strings end nothing", () => {
    expect(events('{"a":"}]\\"{"}["\\\\"]"\\\\\\""')).toEqual([
      'text {"a":"}]\\"{"}',
      'text ["\\\\"]',
      'text "\\\\\\""',
      "ended",
    ]);
  });

  test("numbers and literals end at a blank, at what begins another value, and at the end of the stream", () => {
    expect(events('1\n2[3]4{"a":5}-0.5e+7"x"false')).toEqual([
      "text 1",
      "text 2",
      "text [3]",
      "text 4",
      'text {"a":5}',
      "text -0.5e+7",
      'text "x"',
      "text false",
      "ended",
    ]);
  });

  test.each([
    ["}", "a value cannot begin with the byte 0x7d"],
    [",", "a value cannot begin with the byte 0x2c"],
    ["x", "a value cannot begin with the byte 0x78"],
    ["\ufeff{}", "a value cannot begin with the byte 0xef"],
    ["\u0000", "a value cannot begin with the byte 0x00"],
    ["truely ", '"truely" is no value'],
    ["01 ", '"01" is no value'],
    ["-", '"-" is no value'],
    ["nul", '"nul" is no value'],
    ["1\u00e9 ", '"1\u00e9" is no value'],
    ["1".repeat(1025), "a number or literal of more than 1024 bytes"],
  ])("%j ends the link, and what came before is delivered", (text, problem) => {
    expect(events(`{}${text}`)).toEqual(["text {}", `closed: Cannot read JSON: ${problem}`]);
  });

  test.each([['{"a":'], ['"x'], ['["\\'], ["[[1]"]])("a stream that ends inside of %j ends the link", (text) => {
    expect(events(`{}${text}`)).toEqual(["text {}", "closed: The stream ended inside a JSON value"]);
  });

  test("a value that is not UTF-8 arrives as bytes, and its neighbours as text", () => {
    expect(events(Uint8Array.of(0x31, 0x20, 0x22, 0xff, 0x22, 0x32))).toEqual([
      "text 1",
      'bytes "\u00ff"',
      "text 2",
      "ended",
    ]);
  });

  test("a value at the limit arrives and one above it is skipped", () => {
    expect(events('"12345678""123456789"{"a":1}', { maxFrameBytes: 10 })).toEqual([
      'text "12345678"',
      'skipped "123456789": resource_exhausted',
      'text {"a":1}',
      "ended",
    ]);
    expect(events("12 123 null 1", { maxFrameBytes: 2 })).toEqual([
      "text 12",
      "skipped 123: resource_exhausted",
      "skipped null: resource_exhausted",
      "text 1",
      "ended",
    ]);
  });

  test("a value nested deeper than the limit is skipped, however deep it goes", () => {
    expect(events('[[1]][[[1]]]{"a":[{}]}"["', { maxDepth: 2 })).toEqual([
      "text [[1]]",
      "skipped [[[1]]]: resource_exhausted",
      'skipped {"a":[{}]}: resource_exhausted',
      'text "["',
      "ended",
    ]);
    const deep = "[".repeat(1 << 20) + "]".repeat(1 << 20);
    expect(eventsOf(rawJson(), [bytesOf(`${deep}1`)])).toEqual([
      `skipped ${"[".repeat(1024)}: resource_exhausted`,
      "text 1",
      "ended",
    ]);
  });
});
