import * as oracle from "@msgpack/msgpack";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JSON_VALUES } from "../../../test/suites/codec-suite.ts";
import { collidingBigints, collidingNumbers } from "../../../test/suites/collisions.ts";
import { Arena } from "../../core/arena.ts";
import { NameCache } from "./names.ts";
import { Packer } from "./pack.ts";
import { Unpacker } from "./unpack.ts";

/** The oracle refuses the key; ours keeps it, as the codec's own test says. */
const PLAIN_VALUES = JSON_VALUES.filter((value) => !JSON.stringify(value).includes("__proto__"));
const LIMITS = { maxBytes: 1 << 20, maxDepth: 32 };

function packed(value: unknown): Uint8Array {
  const packer = new Packer(LIMITS, new Arena());
  packer.put(value);
  return packer.take();
}

function unpacked(bytes: Uint8Array): unknown {
  const reader = new Unpacker(bytes, new NameCache(), LIMITS.maxDepth);
  const value = reader.next();
  expect(reader.done).toBe(true);
  return value;
}

describe("MessagePack", () => {
  test("is what another implementation reads and writes, for the values of JSON", () => {
    void fc.assert(
      fc.property(PLAIN_VALUES, (value) => {
        expect(oracle.decode(packed(value))).toEqual(value);
        expect(unpacked(oracle.encode(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  test("has lengths at each border of its heads", () => {
    for (const length of [0, 15, 16, 23, 24, 25, 31, 32, 255, 256, 65_535, 65_536]) {
      const keys = Object.fromEntries(Array.from({ length: Math.min(length, 300) }, (_, at) => [`k${at}`, at]));
      for (const value of ["x".repeat(length), "é".repeat(length), new Array(length).fill(1), keys]) {
        expect(oracle.decode(packed(value))).toEqual(value);
        expect(unpacked(packed(value))).toEqual(value);
      }
      const binary = new Uint8Array(length).fill(7);
      expect(unpacked(packed(binary))).toEqual(binary);
      expect(unpacked(oracle.encode(binary))).toEqual(binary);
    }
  });

  test("has every width of number", () => {
    const numbers = [0, -0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 1.5, 1e300];
    for (const value of [...numbers, ...numbers.map((each) => -each), -32, -33, -(2 ** 31) - 1]) {
      expect(unpacked(packed(value))).toBe(value);
      expect(oracle.decode(packed(value))).toBe(value);
    }
    for (const value of [0n, -5n, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, 2n ** 200n]) {
      expect(unpacked(packed(value))).toBe(value);
    }
    const foreign: readonly (readonly [number[], unknown])[] = [
      [[0xd0, 0x80], -128],
      [[0xd1, 0x80, 0], -32_768],
      [[0xca, 0x3f, 0xc0, 0, 0], 1.5],
      [[0xcf, 0, 0, 0, 0, 0, 0, 1, 0], 256],
      [[0xd3, 255, 255, 255, 255, 255, 255, 255, 254], -2],
      [[0xcf, 0xff, 255, 255, 255, 255, 255, 255, 255], 2n ** 64n - 1n],
    ];
    for (const [bytes, value] of foreign) expect(unpacked(Uint8Array.from(bytes))).toBe(value);
  });

  test("has times before and after 1970, in all three forms", () => {
    for (const ms of [0, 1, -1, 1e12, 8.64e15, -8.64e15]) {
      const date = new Date(ms);
      expect(unpacked(packed(date))).toEqual(date);
      if (Math.abs(ms) < 1e15) expect(unpacked(oracle.encode(date))).toEqual(date);
      expect(oracle.decode(packed(date))).toEqual(date);
    }
  });

  test("has maps with keys of any kind, maps in maps among them", () => {
    const value = new Map<unknown, unknown>([
      [1, "one"],
      ["two", new Map([[null, [new Map()]]])],
      [new Date(5), 5n ** 60n],
    ]);
    expect(unpacked(packed([value, "after"]))).toEqual([value, "after"]);
  });

  test("has maps with very many keys, but none whose keys were chosen to collide", () => {
    const many = new Map<unknown, unknown>(Array.from({ length: 20_000 }, (_, at) => [at * 1000, at]));
    expect(unpacked(packed(many))).toEqual(many);
    for (const keys of [collidingNumbers(4000), collidingBigints(4000)]) {
      const map = packed(new Map(keys.map((key) => [key, null])));
      const inside = packed([{ deep: new Map(keys.map((key) => [key, null])) }]);
      for (const bytes of [map, inside]) {
        expect(() => unpacked(bytes)).toThrow(expect.objectContaining({ code: "resource_exhausted" }));
      }
    }
  });

  test("any bytes give a value or an error of this library, quickly and without more memory than they have", () => {
    void fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        try {
          const reader = new Unpacker(bytes, new NameCache(), 8);
          while (!reader.done) reader.next();
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "RpcError" });
        }
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["an array", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["an object", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["a text", [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ["bytes", [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ["an extension", [0xc9, 0xff, 0xff, 0xff, 0xff, 1]],
  ])("%s that promises more than there is is refused before it is made", (_, bytes) => {
    expect(() => unpacked(Uint8Array.from(bytes))).toThrow("ended inside");
  });

  test("text that is not UTF-8, keys that are no text, and extensions of others are refused", () => {
    expect(() => unpacked(Uint8Array.of(0xa2, 0xc3, 0x28))).toThrow("UTF-8");
    expect(() => unpacked(Uint8Array.of(0x81, 1, 1))).toThrow("key");
    expect(() => unpacked(Uint8Array.of(0xd4, 0x72, 0x40))).toThrow("extension");
    expect(() => unpacked(Uint8Array.of(0xc1))).toThrow("begins no");
  });

  test("what keeps itself where no member shows it is refused, of this realm or another", async () => {
    const { runInNewContext } = await import("node:vm");
    async function* rows(): AsyncGenerator<number> {
      yield 1;
    }
    for (const value of [
      rows(),
      new Map([[1, 2]]).values(),
      new Headers({ a: "b" }),
      new URLSearchParams("a=b"),
      new Blob(["x"]),
      runInNewContext("new Map([[1, 2]])"),
    ]) {
      expect(() => packed(value)).toThrow(/^A value of class .+ cannot be sent$/);
    }
    class Point {
      x = 1;
    }
    expect(unpacked(packed([new Point(), new (class Empty {})(), Object.create(null)]))).toEqual([{ x: 1 }, {}, {}]);
  });

  test("a list that grows while it is written has the members that it had", () => {
    const list: unknown[] = [0, 2];
    list[0] = {
      get name() {
        list.push("more");
        return "a";
      },
    };
    expect(unpacked(packed(list))).toEqual([{ name: "a" }, 2]);
  });

  test("a frame that failed leaves nothing behind, and frames do not share bytes", () => {
    const packer = new Packer(LIMITS, new Arena());
    packer.put("lost");
    expect(() => packer.put(() => 1)).toThrow();
    packer.reset();
    packer.put("first");
    const first = packer.take();
    packer.put("other");
    packer.take();
    expect(unpacked(first)).toBe("first");
  });

  test("a value that outgrows the frame is given up while it is written", () => {
    const packer = new Packer({ maxBytes: 1000, maxDepth: 32 }, new Arena());
    expect(() => packer.put(new Array(100_000).fill("x"))).toThrow("larger than 1000 bytes");
  });

  test("names that fall on the same place, or are not ASCII, are still themselves", () => {
    const names = new NameCache();
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 2000; at++) {
        const value = { [`key${at}`]: 1, [`ключ${at}`]: 2 };
        expect(new Unpacker(packed(value), names, 32).next()).toEqual(value);
      }
    }
  });
});
