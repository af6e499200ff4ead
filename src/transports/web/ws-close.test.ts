import { describe, expect, test } from "vitest";
import { RpcError } from "../../core/errors.ts";
import { closeFrameOf, reasonOfClose } from "./ws-close.ts";

describe("what a page says when it closes", () => {
  test.each([
    [1000, 1000],
    [3000, 3000],
    [4100, 4100],
    [4999, 4999],
    [1001, 1000],
    [1006, 1000],
    [2999, 1000],
    [5000, 1000],
    [4000.5, 1000],
    [-1, 1000],
  ])("for the code %d without an error is %d", (closeCode, said) => {
    expect(closeFrameOf({ message: "bye", closeCode })).toEqual({ code: said, text: "bye" });
  });

  test("without a code and an error is a normal close", () => {
    expect(closeFrameOf({ message: "" })).toEqual({ code: 1000, text: "" });
  });

  test.each([
    ["data_loss", undefined, 4002],
    ["unauthenticated", undefined, 4008],
    ["permission_denied", undefined, 4008],
    ["resource_exhausted", undefined, 4013],
    ["internal", undefined, 4011],
    ["internal", 1003, 4003],
    ["internal", 4401, 4401],
    ["internal", 7, 4011],
    ["internal", 2500, 4011],
  ] as const)("for the error %s with the code %s is %d", (code, closeCode, said) => {
    const error = new RpcError(code, "broken");
    const reason = { message: "broken", error, ...(closeCode !== undefined && { closeCode }) };
    expect(closeFrameOf(reason)).toEqual({ code: said, text: "broken" });
  });

  test.each([
    ["x".repeat(200), "x".repeat(123)],
    ["€".repeat(100), "€".repeat(41)],
    [`x${"😀".repeat(100)}`, `x${"😀".repeat(30)}`],
    ["\ud800", "\ufffd"],
  ])("is cut to whole characters of at most 123 bytes", (message, text) => {
    expect(closeFrameOf({ message })).toEqual({ code: 1000, text });
  });
});

describe("how the other side's close is told", () => {
  test.each([1000, 1001, 1005])("%d is a plain end", (code) => {
    expect(reasonOfClose(code, "")).toEqual({
      message: `The other side closed the WebSocket with ${code}`,
      closeCode: code,
    });
  });

  test.each([
    [1006, "unavailable"],
    [1009, "resource_exhausted"],
    [1011, "unavailable"],
    [4100, "unavailable"],
  ])("%d is the error %s", (closeCode, code) => {
    expect(reasonOfClose(closeCode, "")).toMatchObject({ closeCode, error: { code, wireCode: closeCode } });
  });

  test("its text is told, and made safe", () => {
    expect(reasonOfClose(4000, "no\n\u202emore").message).toBe(
      "The other side closed the WebSocket with 4000: no\\u000a\\u202emore",
    );
  });
});
