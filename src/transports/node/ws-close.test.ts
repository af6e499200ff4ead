import { describe, expect, test } from "vitest";
import { type Code, RpcError } from "../../core/errors.ts";
import { closeFrameOf, reasonOfClose, reasonOfFault } from "./ws-close.ts";

const broken = (code: Code): RpcError => new RpcError(code, "broken");
const none = Buffer.alloc(0);

describe("what this end says", () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4100, 4999])(
    "code %d is sent as it was given",
    (closeCode) => {
      expect(closeFrameOf({ message: "bye", closeCode })).toEqual({ code: closeCode, text: Buffer.from("bye") });
      expect(closeFrameOf({ message: "", closeCode, error: broken("internal") }).code).toBe(closeCode);
    },
  );

  test.each([0, 401, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, -32_000, 1000.5, Number.NaN])(
    "code %d may not be sent, and that of the error takes its place",
    (closeCode) => {
      expect(closeFrameOf({ message: "", closeCode }).code).toBe(1000);
      expect(closeFrameOf({ message: "", closeCode, error: broken("unauthenticated") }).code).toBe(1008);
    },
  );

  test.each<[Code | undefined, number]>([
    [undefined, 1000],
    ["data_loss", 1002],
    ["unauthenticated", 1008],
    ["permission_denied", 1008],
    ["resource_exhausted", 1013],
    ["internal", 1011],
    ["unavailable", 1011],
    ["deadline_exceeded", 1011],
  ])("for the error %s it is %d", (code, expected) => {
    expect(closeFrameOf({ message: "", ...(code && { error: broken(code) }) }).code).toBe(expected);
  });

  test.each([
    ["a".repeat(123), "a".repeat(123)],
    ["a".repeat(200), "a".repeat(123)],
    ["é".repeat(100), "é".repeat(61)],
    ["€".repeat(100), "€".repeat(41)],
    [`a${"😀".repeat(100)}`, `a${"😀".repeat(30)}`],
    ["lone \ud800", "lone \ufffd"],
  ])("the text is cut to 123 bytes, and never inside a character", (message, expected) => {
    expect(closeFrameOf({ message }).text.toString()).toBe(expected);
  });
});

describe("what the other side's code means", () => {
  test.each([1000, 1001, 1005])("%d is a plain close", (code) => {
    expect(reasonOfClose(code, none, null)).toEqual({ closeCode: code, message: expect.any(String) });
  });

  test.each([1002, 1003, 1007, 1008, 1010, 1011, 1012, 1013, 3000, 4100, 4999])(
    "%d is an error that keeps it",
    (code) => {
      const { closeCode, error, message } = reasonOfClose(code, Buffer.from("why"), undefined);
      expect(closeCode).toBe(code);
      expect(error).toMatchObject({ code: "unavailable", wireCode: code, message });
      expect(message).toBe(`The other side closed the WebSocket with ${code}: why`);
    },
  );

  test("1009 says that a message was too large", () => {
    expect(reasonOfClose(1009, none, null).error).toMatchObject({ code: "resource_exhausted", wireCode: 1009 });
  });

  test("1006 says what the system said", () => {
    const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    const { error, message } = reasonOfClose(1006, none, cause);
    expect(error).toMatchObject({ code: "unavailable", wireCode: 1006, cause });
    expect(message).toContain("reset by the other side");
  });

  test("its text is escaped", () => {
    expect(reasonOfClose(1000, Buffer.from("a\r\n\u001b[1m"), null).message).not.toMatch(/[\r\n\u001b]/);
  });
});

test.each([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009, "resource_exhausted"],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", 1009, "resource_exhausted"],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008, "resource_exhausted"],
  ["WS_ERR_INVALID_UTF8", 1007, "data_loss"],
  ["Z_DATA_ERROR", 1007, "data_loss"],
  ["WS_ERR_EXPECTED_MASK", 1002, "data_loss"],
  ["WS_ERR_INVALID_OPCODE", 1002, "data_loss"],
  ["ECONNRESET", 1006, "unavailable"],
])("the fault %s ends the link with %d and %s", (name, closeCode, code) => {
  const cause = Object.assign(new Error("wrong"), { code: name });
  expect(reasonOfFault(cause, 4096)).toMatchObject({ closeCode, error: { code, wireCode: closeCode, cause } });
});
