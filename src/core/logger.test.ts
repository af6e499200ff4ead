import { afterEach, expect, test, vi } from "vitest";
import { describe as describeThrown, loggerOf } from "./logger.ts";

afterEach(() => vi.restoreAllMocks());

test("by default warnings and errors go to stderr, the rest nowhere, and stdout stays clean", () => {
  const out = vi.spyOn(console, "log").mockImplementation(() => {});
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  const logger = loggerOf(undefined);
  logger.debug("d");
  logger.info("i");
  logger.warn("w");
  logger.error("e", new TypeError("cause\u001b[2J"));
  expect(out).not.toHaveBeenCalled();
  expect(warn.mock.calls).toEqual([["convoke: w"]]);
  expect(error.mock.calls[0]?.[0]).toMatch(/^convoke: e\nTypeError: cause\\u001b\[2J\n {4}at /);
});

test("false is silence, and a logger of the user's gets everything", () => {
  const error = vi.spyOn(console, "error").mockImplementation(() => {});
  loggerOf(false).error("e");
  expect(error).not.toHaveBeenCalled();
  const own = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  expect(loggerOf(own)).toBe(own);
});

test("any thrown value can be described", () => {
  const hostile = {
    toString: () => {
      throw new Error("no");
    },
  };
  for (const thrown of [undefined, null, 1, "text", Symbol("s"), { a: 1 }, hostile, Object.create(null)]) {
    expect(describeThrown(thrown)).toBeTypeOf("string");
  }
});
