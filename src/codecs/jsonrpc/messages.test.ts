import { expect, test } from "vitest";
import { parseMessages } from "./messages.ts";

test("a record is read as its requests, each with the text of its id", () => {
  expect(parseMessages('{"jsonrpc":"2.0","id":1.0,"method":"a","params":[1]}')).toEqual([
    { id: "1.0", method: "a", params: [1], batch: false },
  ]);
  expect(
    parseMessages('[{"jsonrpc":"2.0","id":"x","method":"a"},{"jsonrpc":"2.0","method":"n","params":null}]'),
  ).toEqual([
    { id: '"x"', method: "a", params: undefined, batch: true },
    { id: undefined, method: "n", params: undefined, batch: true },
  ]);
  expect(parseMessages("[]")).toEqual([]);
});

test("what is no request says why, each for itself", () => {
  const faults = (record: string): unknown[] => parseMessages(record).map(({ error }) => error?.message);
  expect(faults("{}")).toEqual(["invalid version marker"]);
  expect(
    faults(
      '[1,{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":[1],"method":"a"},{"jsonrpc":"2.0","id":1}]',
    ),
  ).toEqual(["request is not a JSON object", undefined, "invalid request ID", "empty method name"]);
  expect(parseMessages('{"jsonrpc":"2.0","id":7,"method":5}')).toMatchObject([
    { id: "7", method: undefined, error: { wireCode: -32700 } },
  ]);
});

test("text that is no JSON throws, and so does nesting above the limit", () => {
  expect(() => parseMessages("nope")).toThrow(
    expect.objectContaining({ code: "invalid_argument", wireCode: -32700 }) as Error,
  );
  expect(() => parseMessages(Uint8Array.of(0xff))).toThrow(expect.objectContaining({ wireCode: -32700 }) as Error);
  expect(() => parseMessages("[[[[]]]]".repeat(1), { maxDepth: 3 })).toThrow(
    expect.objectContaining({ code: "resource_exhausted" }) as Error,
  );
});
