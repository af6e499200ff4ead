import { METHODS } from "node:http";
import { describe, expect, test } from "vitest";
import { detect, MAX_HEAD } from "../../core/detection.ts";
import { beginsHttp, beginsHttp2, beginsTls } from "./port-strangers.ts";

const ALL = [
  { name: "HTTP", begins: beginsHttp },
  { name: "HTTP/2", begins: beginsHttp2 },
  { name: "TLS", begins: beginsTls },
];

/** What is found out after each byte of a text, in which each character is one. */
function found(text: string): string[] {
  const bytes = Buffer.from(text, "latin1");
  return Array.from(bytes, (_, at) => {
    const who = detect(bytes.subarray(0, at + 1), ALL);
    return typeof who === "string" ? who : who.name;
  });
}

describe("those who come often and may not be served", () => {
  test("every method of HTTP is found at the blank after it, and not before", () => {
    for (const method of [...METHODS.filter((each) => !each.includes("-")), "QUERY"]) {
      const steps = found(`${method} / HTTP/1.1`);
      expect(steps.slice(0, method.length)).toEqual(Array(method.length).fill("more"));
      expect(new Set(steps.slice(method.length))).toEqual(new Set(["HTTP"]));
    }
  });

  test("the preface of HTTP/2 is found when it is whole, and is no method PRI", () => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    expect(found(preface)).toEqual([...Array(preface.length - 1).fill("more"), "HTTP/2"]);
    expect(found("PRI * HTTP/1").at(-1)).toBe("none");
    expect(found("PRINT /").at(-1)).toBe("HTTP");
  });

  test("TLS is found by its second byte", () => {
    expect(found("\x16\x03\x01")).toEqual(["more", "TLS", "TLS"]);
  });

  test.each([
    ["get / HTTP/1.1", "none"],
    [" GET /", "none"],
    ["GET\r\n", "none"],
    ["HELLO\n", "none"],
    ["A".repeat(MAX_HEAD), "none"],
    ["\x16\x02", "none"],
    ['{"jsonrpc"', "none"],
  ])("%j is nobody's", (text, who) => {
    expect(found(text).at(-1)).toBe(who);
  });
});
