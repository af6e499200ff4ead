import { describe, expect, test } from "vitest";
import { RpcError } from "../core/errors.ts";
import type { Middleware, MiddlewareCall } from "../core/middleware.ts";
import { translating } from "./json-callers.ts";
import { wireOf } from "./wires.ts";

/** Passes a call to an end that answers with its params, or as `answer` says. */
async function passed(
  between: readonly Middleware[],
  call: Partial<MiddlewareCall>,
  answer: (params: unknown) => unknown = (params) => params,
): Promise<unknown> {
  const [middleware] = between;
  const whole: MiddlewareCall = { direction: "out", method: "m", params: undefined, isNotification: false, ...call };
  return middleware?.(whole, async (changed = whole) => answer(changed.params));
}

function between(near: string, far: string): Middleware[] {
  return translating(wireOf(near), wireOf(far));
}

describe("what stands between callers and the end of a bridge", () => {
  test.each([
    ["jsonrpc", "jsonrpc"],
    ["jsonrpc", "lsp"],
    ["native", "native"],
    ["native", "gorpc"],
    ["gorpc", "jsonrpc"],
    ["jsonrpc", "command:api"],
  ])("is nothing between %s and %s", (near, far) => {
    expect(between(near, far)).toEqual([]);
  });

  test("results that JSON has no form for become what comes nearest", async () => {
    const value = { big: 2n ** 70n, map: new Map([[1, "one"]]), bytes: Uint8Array.of(1, 2, 3), date: new Date(0) };
    expect(await passed(between("jsonrpc", "native"), {}, () => value)).toEqual({
      big: "1180591620717411303424",
      map: [[1, "one"]],
      bytes: "AQID",
      date: "1970-01-01T00:00:00.000Z",
    });
    expect(await passed(between("jsonrpc", "native"), {}, () => undefined)).toBe(undefined);
  });

  test("so does the data of errors, and all else about them stays", async () => {
    const failing = passed(between("lsp", "native"), {}, () => {
      throw new RpcError("aborted", "Too late", { data: { at: 1n }, wireCode: 7, trace: "abc", remote: true });
    });
    await expect(failing).rejects.toMatchObject({
      code: "aborted",
      message: "Too late",
      data: { at: "1" },
      wireCode: 7,
      trace: "abc",
      remote: true,
    });
  });

  test("and what the other end notifies", async () => {
    const news = { direction: "in" as const, isNotification: true, params: { at: 1n } };
    expect(await passed(between("jsonrpc", "native"), news)).toEqual({ at: "1" });
  });

  test("a list of params is the one param of a function of gorpc", async () => {
    const gorpc = between("jsonrpc", "gorpc");
    expect(await passed(gorpc, { params: ["x-1"] })).toBe("x-1");
    expect(await passed(gorpc, { params: [[1, 2]] })).toEqual([1, 2]);
    expect(await passed(gorpc, { params: { a: 1 } })).toEqual({ a: 1 });
    expect(await passed(gorpc, { params: [] })).toBe(undefined);
    expect(await passed(gorpc, {})).toBe(undefined);
    await expect(passed(gorpc, { params: [1, 2] })).rejects.toMatchObject({ code: "invalid_argument", executed: "no" });
    expect(await passed(between("jsonrpc", "native"), { params: ["x-1"] })).toEqual(["x-1"]);
  });
});
