import { describe, expect, test } from "vitest";
import { gorpc } from "../gorpc.ts";
import { jsonrpc } from "../wires/jsonrpc.ts";
import { lsp } from "../wires/lsp.ts";
import { native } from "../wires/native.ts";
import { detect, MAX_HEAD } from "./detection.ts";
import { bytesOf } from "./text.ts";

const wires = [native(), jsonrpc(), lsp(), gorpc()];
const nameOf = (found: (typeof wires)[number] | "more" | "none"): string =>
  typeof found === "string" ? found : found.name;

const BEGINNINGS: readonly (readonly [string, Uint8Array])[] = [
  ["native", Uint8Array.of(0x93, 0x43, 0x56, 0x4b, 1, 0)],
  ["jsonrpc", bytesOf('{"jsonrpc":"2.0"}')],
  ["jsonrpc", bytesOf("\r\n\t [1]")],
  ["lsp", bytesOf("Content-Length: 5\r\n\r\n")],
  ["lsp", bytesOf("content-type: x")],
  ["gorpc", Uint8Array.of(0, 1, 2)],
  ["gorpc", Uint8Array.of(1)],
  ["none", bytesOf("POST / HTTP/1.1\r\n")],
  ["none", bytesOf("CONNECT x")],
  ["none", Uint8Array.of(0x16, 3, 1)],
  ["none", Uint8Array.of(0x93, 0x43, 0x57)],
  ["none", bytesOf(" ".repeat(MAX_HEAD))],
];

describe("which wire a dialler speaks", () => {
  test.each(BEGINNINGS)("%s begins as it does", (name, head) => {
    expect(nameOf(detect(head, wires))).toBe(name);
  });

  test("however its first bytes are cut, nobody else is found before it is", () => {
    for (const [name, head] of BEGINNINGS) {
      for (let length = 1; length <= head.length; length++) {
        expect([name, "more"]).toContain(nameOf(detect(head.subarray(0, length), wires)));
      }
    }
  });

  test("a wire that does not say how it begins is never found", () => {
    expect(detect(bytesOf("{}"), [{}, jsonrpc({ framing: jsonrpc().framing })])).toBe("none");
  });
});
