import { describe, expect, test } from "vitest";
import type { Message } from "./message.ts";
import { glanceBytes, roughBytes } from "./size.ts";

const result = (value: unknown): Message => ({ kind: "result", id: 1, value, call: undefined });

describe("roughBytes", () => {
  test.each<[string, unknown]>([
    ["a long text", "x".repeat(100_000)],
    ["bytes", new Uint8Array(100_000)],
    ["a list of texts", Array.from({ length: 10_000 }, () => "0123456789")],
    ["a list of numbers", Array.from({ length: 50_000 }, (_, each) => each)],
    ["lists in lists", Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => 7))],
    ["records", Array.from({ length: 2000 }, (_, id) => ({ id, name: `name ${id}`, tags: ["a", "b"] }))],
    ["many keys", Object.fromEntries(Array.from({ length: 20_000 }, (_, each) => [`key${each}`, "0123456789"]))],
  ])("is within a small factor of what %s takes on the wire", (_, value) => {
    const real = value instanceof Uint8Array ? value.length : JSON.stringify(value).length;
    const rough = roughBytes(result(value));
    expect(rough).toBeGreaterThan(real / 3);
    expect(rough).toBeLessThan(real * 8);
  });

  test("looks into maps and large numbers", () => {
    const map = new Map(Array.from({ length: 500 }, (_, each) => [each, "x".repeat(100)]));
    expect(roughBytes(result(map))).toBeGreaterThan(50_000);
    expect(roughBytes(result({ big: 2n ** 80_000n }))).toBeGreaterThan(10_000);
  });

  test("takes no longer for a huge value", () => {
    const huge = Array.from({ length: 1_000_000 }, (_, each) => ({ each }));
    const began = performance.now();
    expect(roughBytes(result(huge))).toBeGreaterThan(8_000_000);
    expect(performance.now() - began).toBeLessThan(100);
  });

  test("counts the members of a batch, and every kind of message as something", () => {
    const one = roughBytes(result("x".repeat(1000)));
    expect(
      roughBytes({ kind: "batch", messages: [result("x".repeat(1000)), result("x".repeat(1000))] }),
    ).toBeGreaterThan(one * 2 - 64);
    expect(roughBytes({ kind: "ping", token: 1 })).toBeGreaterThan(0);
    expect(roughBytes(result(undefined))).toBeGreaterThan(0);
  });

  test("a getter that throws and an object that contains itself do no harm", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const hostile = Object.defineProperty({}, "a", {
      enumerable: true,
      get: () => {
        throw new Error("no");
      },
    });
    for (const value of [loop, hostile]) {
      expect(roughBytes(result(value))).toBeGreaterThan(0);
      expect(glanceBytes(result(value))).toBeGreaterThan(0);
    }
  });
});
