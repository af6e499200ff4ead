import { describe, expect, test } from "vitest";
import type { Fault } from "../../core/errors.ts";
import { errorOf, faultIn } from "./errors.ts";

const read = (error: unknown, anyCase = false): Fault | undefined => faultIn({ error }, anyCase);
const crossed = (fault: Fault, compat: boolean): Fault | undefined =>
  read(JSON.parse(JSON.stringify(errorOf(fault, compat))));

describe("errors", () => {
  test("have timestamp, trace and message in this order, and what is ours behind them", () => {
    const fault: Fault = {
      code: "internal",
      message: "Internal error",
      trace: "00ff",
      timestamp: 1_721_300_000_999,
      data: { a: 1 },
      executed: "yes",
    };
    expect(JSON.stringify(errorOf(fault, true))).toBe(
      '{"timestamp":1721300000,"trace":"00ff","message":"internal error"}',
    );
    expect(JSON.stringify(errorOf(fault, false))).toBe(
      '{"timestamp":1721300000,"trace":"00ff","message":"internal error","code":"internal","data":{"a":1},"executed":"yes"}',
    );
  });

  test("of the original have a code by what they are", () => {
    expect(read({ timestamp: 5, message: "bad address" })).toMatchObject({ code: "invalid_argument", timestamp: 5000 });
    expect(read({ message: "not found: tx 05" })).toMatchObject({ code: "not_found" });
    expect(read({ message: "not foundation" })).toMatchObject({ code: "invalid_argument" });
    expect(read({ message: "internal error", trace: "00ff" })).toMatchObject({ code: "internal", trace: "00ff" });
    expect(read({ message: "x", trace: "" })).toMatchObject({ code: "invalid_argument", trace: undefined });
  });

  test("cross with their code between ends of ours, and as the original's where that is wanted", () => {
    const fault: Fault = { code: "unavailable", message: "no blocks", data: [1], trace: "00ff", executed: "no" };
    expect(crossed(fault, false)).toMatchObject(fault);
    expect(crossed(fault, true)).toMatchObject({ code: "invalid_argument", message: "no blocks", trace: undefined });
  });

  test("are what is an object; members of another type are left out", () => {
    for (const error of [undefined, null, "text", [], 5]) expect(read(error)).toBeUndefined();
    expect(read({ message: 5, trace: 5, timestamp: "5", code: "no such", executed: "perhaps" })).toMatchObject({
      code: "invalid_argument",
      message: "",
      trace: undefined,
      timestamp: undefined,
      executed: undefined,
    });
    expect(faultIn({ ERROR: { Message: "x" } }, true)).toMatchObject({ message: "x" });
    expect(faultIn({ ERROR: { Message: "x" } }, false)).toBeUndefined();
  });
});
