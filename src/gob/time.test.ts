import { describe, expect, expectTypeOf, test } from "vitest";
import { GoTime, time } from "./time.ts";
import { type Infer, pointer } from "./type.ts";

const { shape } = time;
if (shape.kind !== "opaque") throw new Error("A time encodes itself");
const { coder } = shape;
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

/** 2020-01-02 03:04:05 and 6 ns, UTC, as Go sends it. */
const CAPTURED = "010000000ed59f54a500000006ffff";

describe("rule 28: a time", () => {
  test("is fifteen bytes of version 1, as captured", () => {
    expect(hex(coder.encode(new GoTime(Date.UTC(2020, 0, 2, 3, 4, 5), 6)))).toBe(CAPTURED);
    const decoded = coder.decode(bytesOf(CAPTURED));
    expect(decoded).toEqual(new GoTime(Date.UTC(2020, 0, 2, 3, 4, 5), 6));
    expect(decoded).toBeInstanceOf(Date);
    expect(decoded).toMatchObject({ nanoseconds: 6, offsetSeconds: undefined });
  });

  test("of a plain Date is in UTC", () => {
    expect(hex(coder.encode(new Date(Date.UTC(2020, 0, 2, 3, 4, 5))))).toBe("010000000ed59f54a500000000ffff");
  });

  test.each([
    [new GoTime(0, 1, 7200), "010000000e7791f70000000001" + "0078"],
    [new GoTime(0, 0, -19_800), "010000000e7791f70000000000feb6"],
    [new GoTime(0, 0, 0), "010000000e7791f700000000000000"],
    [new GoTime(0, 0, 3661), "020000000e7791f70000000000003d01"],
    // Go reads the seconds of a zone without a sign.
    [new GoTime(0, 0, -3690), "020000000e7791f70000000000ffc21e"],
    [new GoTime(0, 0, -3661), "020000000e7791f70000000000ffc23b"],
    [new GoTime(-1, 999_999), "010000000e7791f6ff3b9ac9ffffff"],
  ])("keeps nanoseconds and zone, also one with odd seconds: %o", (value, expected) => {
    expect(hex(coder.encode(value))).toBe(expected);
    const back = coder.decode(bytesOf(expected)) as GoTime;
    expect([back.getTime(), back.nanoseconds, back.offsetSeconds]).toEqual([
      value.getTime(),
      value.nanoseconds,
      value.offsetSeconds,
    ]);
  });

  test("is zero in the year 1", () => {
    expect(hex(coder.encode(coder.zero()))).toBe("010000000000000000" + "00000000ffff");
    expect((coder.zero() as Date).toISOString()).toBe("0001-01-01T00:00:00.000Z");
  });

  test("is refused in the zone whose minutes would read as UTC, as by Go", () => {
    for (const offset of [-1, -60]) expect(() => coder.encode(new GoTime(0, 0, offset))).toThrow("behind UTC");
    expect(hex(coder.encode(new GoTime(0, 0, -61)))).toBe("020000000e7791f70000000000fffe3b");
  });

  test("is refused where no Date can hold it, or its bytes are none", () => {
    expect(() => coder.encode(new Date(Number.NaN))).toThrow(TypeError);
    expect(() => coder.encode("now")).toThrow(TypeError);
    for (const offset of [-1, -60])
      expect(() => coder.encode(new GoTime(0, 0, offset))).toThrow(`is a time ${-offset} s behind UTC`);
    for (const bad of [
      "",
      CAPTURED.slice(2),
      `02${CAPTURED.slice(2)}`,
      `03${CAPTURED.slice(2)}`,
      `${CAPTURED}00`,
      "017fffffffffffffff00000000ffff",
      "01800000000000000000000000ffff",
      "010000000ed59f54a53b9aca00ffff",
      "010000000ed59f54a5ffffffffffff",
    ])
      expect(() => coder.decode(bytesOf(bad)), bad).toThrow(TypeError);
  });

  test("has its name, by value and by pointer", () => {
    expect(time.names).toEqual({ registered: "time.Time", printed: "time.Time", short: "Time" });
    expect(pointer(time).names.registered).toBe("*time.Time");
    expectTypeOf<Infer<typeof time>>().toEqualTypeOf<Date>();
  });
});

test("a GoTime refuses nanoseconds and offsets that there cannot be", () => {
  expect(() => new GoTime(0, -1)).toThrow(RangeError);
  expect(() => new GoTime(0, 1_000_000)).toThrow(RangeError);
  expect(() => new GoTime(0, 0.5)).toThrow(RangeError);
  expect(() => new GoTime(0, 0, 1.5)).toThrow(RangeError);
  expect(() => new GoTime(0, 0, 40_000 * 60)).toThrow(RangeError);
});
