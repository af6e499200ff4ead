import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { nameOf, RpcError } from "./errors.ts";

describe("RpcError", () => {
  test("says what it was made with", () => {
    const cause = new Error("why");
    const all = {
      data: { a: 1 },
      details: [1],
      trace: "t",
      timestamp: 5,
      executed: "no",
      wireCode: -32000,
      remote: true,
    } as const;
    const error = new RpcError("aborted", "Stopped", { ...all, cause });
    expect(error).toMatchObject({ name: "RpcError", code: "aborted", message: "Stopped", ...all });
    expect(error.cause).toBe(cause);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("RpcError: Stopped");
    expect(error.stack).toContain("errors.test.ts");
    expect("cause" in new RpcError("aborted", "Stopped")).toBe(false);
  });

  test("is() knows errors of every copy of the library, and nothing else", async () => {
    vi.resetModules();
    const copy = await import("./errors.ts");
    const foreign = new copy.RpcError("aborted", "x");
    expect(foreign).not.toBeInstanceOf(RpcError);
    expect(RpcError.is(foreign)).toBe(true);
    expect(RpcError.from(foreign)).toBe(foreign);
    for (const other of [
      undefined,
      null,
      1,
      "RpcError",
      new Error("x"),
      { code: "aborted", message: "x" },
      JSON.parse(JSON.stringify(new RpcError("aborted", "x"))) as unknown,
    ]) {
      expect(RpcError.is(other)).toBe(false);
    }
  });

  test("from() keeps an RpcError, reads AbortError and TimeoutError, and hides everything else behind internal and a trace", () => {
    const own = new RpcError("not_found", "x");
    expect(RpcError.from(own)).toBe(own);
    expect(RpcError.from(new DOMException("x", "AbortError"))).toMatchObject({ code: "cancelled" });
    expect(RpcError.from(new DOMException("x", "TimeoutError"))).toMatchObject({ code: "deadline_exceeded" });
    const traces = new Set<unknown>();
    for (const thrown of [new TypeError("secret"), "secret", undefined, null, 0, { code: "not_found" }]) {
      const error = RpcError.from(thrown);
      expect(error).toMatchObject({ code: "internal", message: "Internal error", remote: false });
      expect(error.cause).toBe(thrown);
      traces.add(error.trace);
    }
    expect(traces.size).toBe(6);
  });

  test("from() reads the errors of another realm as well", () => {
    const foreign: unknown = runInNewContext('Object.assign(new Error("x"), { name: "TimeoutError" })');
    expect(foreign).not.toBeInstanceOf(Error);
    expect(RpcError.from(foreign)).toMatchObject({ code: "deadline_exceeded", cause: foreign });
    const aborted: unknown = runInNewContext('Object.assign(new Error("x"), { name: "AbortError" })');
    expect(RpcError.from(aborted)).toMatchObject({ code: "cancelled", cause: aborted });
  });

  test("remote() works where Error is frozen, as node --frozen-intrinsics has it", () => {
    const before = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit") ?? {};
    Object.defineProperty(Error, "stackTraceLimit", { writable: false });
    onTestFinished(() => void Object.defineProperty(Error, "stackTraceLimit", before));
    expect(RpcError.remote({ code: "aborted", message: "x" })).toMatchObject({ code: "aborted", remote: true });
  });

  test("remote() builds the error of a reply without a stack, and leaves other errors theirs", () => {
    const error = RpcError.remote({ code: "aborted", message: "x", data: 0, wireCode: 7, executed: "no" });
    expect(error).toMatchObject({ code: "aborted", data: 0, wireCode: 7, executed: "no", remote: true });
    expect(error.stack).not.toContain("    at ");
    expect(new Error("x").stack).toContain("    at ");
  });

  test("a falsy data or executed stays what it is", () => {
    expect(new RpcError("aborted", "", { data: null }).data).toBeNull();
    expect(new RpcError("aborted", "", { data: 0 }).data).toBe(0);
    expect(new RpcError("aborted", "").data).toBeUndefined();
  });
});

test("nameOf() gives the name of anything, and never throws", () => {
  const trap = {
    get name(): string {
      throw new Error("no");
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  expect(nameOf(new TypeError("x"))).toBe("TypeError");
  expect(nameOf(new DOMException("x", "AbortError"))).toBe("AbortError");
  for (const thrown of [undefined, null, trap, revoked.proxy, { name: Symbol.iterator }, Object.create(null)]) {
    expect(["", "undefined", "Symbol(Symbol.iterator)"]).toContain(nameOf(thrown));
  }
});
