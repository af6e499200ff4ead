import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromWire, RAW, toWire } from "./names.ts";

describe("names on gorpc's wire", () => {
  test.each([
    ["Echo", ".Echo"],
    ["Svc.Get", "Svc.Get"],
    ["Svc.Get.More", "Svc.Get.More"],
    [".A.B", ".A.B"],
    ["é 日本", ".é 日本"],
    ["__proto__", ".__proto__"],
  ])("%j is %j there, and the other way round", (method, name) => {
    expect([toWire(method), fromWire(name)]).toEqual([name, method]);
  });

  test("a function may be called by its name there, too", () => {
    expect(toWire(".Echo")).toBe(".Echo");
    expect(fromWire(".Echo")).toBe("Echo");
  });

  test.each(["", "Echo", ".", "Svc."])("%j is no name", (name) => {
    expect(fromWire(name)).toBeUndefined();
  });

  test("no name there is the raw request's", () => {
    fc.assert(fc.property(fc.string(), (name) => fromWire(name) !== RAW));
  });

  test("what is called is what is served, unless its only dot stands at an end of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("A", "b", ".", "_"), minLength: 1 }), (method) => {
        const served = fromWire(toWire(method));
        const hasOneDot = method.split(".").length === 2;
        if (hasOneDot && method.endsWith(".")) expect(served).toBeUndefined();
        else expect(served).toBe(hasOneDot && method.startsWith(".") ? method.slice(1) : method);
      }),
    );
  });
});
