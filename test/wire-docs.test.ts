import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERROR_NUMBERS } from "../src/codecs/jsonrpc/errors.ts";

const page = readFileSync(new URL("../docs/wires/jsonrpc.md", import.meta.url), "utf8");

test("the table of errors in docs/wires/jsonrpc.md is the one in the code", () => {
  const rows = [...page.matchAll(/`(\w+)` \| (-\d+) \|/g)].map(([, name, number]) => [name, Number(number)]);
  expect(Object.fromEntries(rows)).toEqual(ERROR_NUMBERS);
});

test("the length in its example of a header is the length of the message", () => {
  const [, length, message] = /Content-Length: (\d+)\\r\\n\n\\r\\n\n(.+)\n/.exec(page) ?? [];
  expect(Buffer.byteLength(message ?? "")).toBe(Number(length));
});
