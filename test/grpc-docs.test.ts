import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Frame } from "../src/core/channel.ts";
import { framesOf, packetsOf } from "../src/transports/node/packet.ts";

/** The vectors of the page: each a list of `name: text` lines. */
const page = readFileSync(new URL("../docs/wires/grpc.md", import.meta.url), "utf8");
const VECTORS = [...page.matchAll(/^```vector\n(.*?)^```$/gms)].map(
  ([, block = ""]) =>
    new Map(
      block
        .trimEnd()
        .split("\n")
        .map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) as [string, string]),
    ),
);

/** What stands on the page is an expression of the language. */
function evaluated(text = ""): Frame[] | string {
  return new Function(`return (${text});`)() as Frame[] | string;
}

const bytesOfHex = (hex: string): number[] => hex.split(" ").map((each) => Number.parseInt(each, 16));

function read(bytes: readonly number[]): (string | number[])[] {
  const frames: Frame[] = [];
  framesOf(Uint8Array.from(bytes), 1 << 20, frames, () => {});
  return plain(frames);
}

/** Compares without regard to the class of the bytes. */
function plain(frames: readonly Frame[]): (string | number[])[] {
  return frames.map((frame) => (typeof frame === "string" ? frame : [...frame]));
}

describe("docs/wires/grpc.md", () => {
  test("has vectors of what is written and of what is read", () => {
    expect(VECTORS.filter((vector) => vector.has("packet")).length).toBeGreaterThanOrEqual(3);
    expect(VECTORS.filter((vector) => vector.has("reads")).length).toBeGreaterThanOrEqual(3);
  });

  test.each(VECTORS.map((vector) => [[...vector].join("; "), vector] as const))("%s", (_, vector) => {
    const frames = evaluated(vector.get("frames"));
    const reads = vector.get("reads");
    if (reads !== undefined) {
      const bytes = bytesOfHex(reads);
      // What cannot be read is said in words.
      if (typeof frames === "string") expect(() => read(bytes)).toThrow(frames);
      else expect(read(bytes)).toEqual(plain(frames));
      return;
    }
    if (typeof frames === "string") throw new Error("Frames are a list");
    const [packet = Buffer.of(), ...more] = packetsOf(frames);
    expect(more).toEqual([]);
    const starts = bytesOfHex(vector.get("packet") ?? vector.get("starts") ?? "");
    expect([...packet].slice(0, starts.length)).toEqual(starts);
    if (vector.has("packet")) expect(packet.length).toBe(starts.length);
    expect(read([...packet])).toEqual(plain(frames));
  });
});
