import { describe, expect, test } from "vitest";
import { isOlder, isSameEnd, readSession, type Session, sessionText } from "./session.ts";

const session = (startedAt: number, word: string, link: number): Session => ({ startedAt, word, link });

describe("sessions", () => {
  test("are read as they are written", () => {
    const one = session(1_700_000_000_000, "0123abcdef", 17);
    expect(sessionText(one)).toBe("1700000000000.0123abcdef.17");
    expect(readSession(sessionText(one))).toEqual(one);
  });

  test.each([
    "",
    "1.a",
    "1.a.b",
    "-1.a.1",
    "1..1",
    "1.a.1.2",
    "1.a b.1",
    `${"9".repeat(16)}.a.1`,
    `1.${"a".repeat(65)}.1`,
  ])("%j is none", (text) => {
    expect(readSession(text)).toBeUndefined();
  });

  test("have a total order: by their end's beginning, its word, their number", () => {
    const all = [session(1, "b", 9), session(2, "a", 1), session(2, "a", 2), session(2, "b", 1), session(10, "a", 1)];
    for (const [at, one] of all.entries()) {
      for (const [beside, other] of all.entries()) expect(isOlder(one, other)).toBe(at < beside);
    }
    expect(isSameEnd(session(2, "a", 1), session(2, "a", 2))).toBe(true);
    expect(isSameEnd(session(2, "a", 1), session(3, "a", 1))).toBe(false);
    expect(isSameEnd(session(2, "a", 1), session(2, "b", 1))).toBe(false);
  });
});
