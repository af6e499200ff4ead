import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { Log, pair } from "../../test/suites/engine.ts";
import { method, positional } from "./method.ts";
import type { Remote } from "./remote.ts";

const handlers = {
  zod: method(
    { params: z.object({ a: z.number(), b: z.number().default(2) }), result: z.number(), positional: ["a", "b"] },
    ({ a, b }) => a + b,
  ),
  valibot: method({ params: v.object({ name: v.string() }), unknown: "reject" }, async ({ name }) => `hello ${name}`),
  list: method({ params: z.array(z.number()) }, (each) => each.length),
  wrong: method({ params: z.unknown(), result: z.object({ id: z.number() }) }, () => ({ id: "x" }) as never),
  minus: positional(["first", "second"], (first: number, second: number | undefined) => first - (second ?? 0)),
};
type R = Remote<typeof handlers>;

async function problem(name: string, params?: unknown): Promise<unknown> {
  const { client } = pair({ server: { handlers } });
  return client.call(name, params).then(
    () => "no error",
    ({ code, message, data, wireCode }) => ({ code, message, data, wireCode }),
  );
}

function refusal(path: readonly string[], message: unknown): object {
  return { code: "invalid_argument", message: "invalid parameters", wireCode: -32602, data: [{ path, message }] };
}

describe("method", () => {
  test("gives the function what the schema made of the params, by name or by position", async () => {
    const { client } = pair({ server: { handlers } });
    expect(await client.call("zod", { a: 1 })).toBe(3);
    expect(await client.call("zod", [1, 5])).toBe(6);
    expect(await client.call("valibot", { name: "Ann" })).toBe("hello Ann");
    expect(await client.call("list", [1, 2, 3])).toBe(3);
  });

  test("says which parameter is wrong, with either library", async () => {
    expect(await problem("zod", { a: "1" })).toEqual(refusal(["a"], expect.stringContaining("number")));
    expect(await problem("valibot", { name: 1 })).toEqual(refusal(["name"], expect.stringContaining("string")));
    expect(await problem("zod")).toEqual(refusal(["a"], expect.any(String)));
  });

  test("wants as many params by position as there are names", async () => {
    expect(await problem("zod", [1])).toEqual(refusal([], "got 1 parameters, want 2"));
  });

  test("refuses keys that the schema does not know only when told to", async () => {
    const { client } = pair({ server: { handlers } });
    expect(await client.call("zod", { a: 1, z: 1 })).toBe(3);
    expect(await problem("valibot", { name: "Ann", z: 1 })).toEqual(refusal(["z"], "unknown parameter"));
  });

  test("never sends a result that does not fit; the log says why", async () => {
    const logger = new Log();
    const { client } = pair({ server: { handlers, logger } });
    await expect(client.call("wrong")).rejects.toMatchObject({ code: "internal", message: "Internal error" });
    expect(String(logger.lines[0]?.cause)).toContain('The result of "wrong" does not fit its schema: id: ');
  });

  test("gives Remote its types", () => {
    expectTypeOf<Parameters<R["zod"]>[0]>().toEqualTypeOf<{ a: number; b?: number | undefined }>();
    expectTypeOf<R["zod"]>().returns.resolves.toEqualTypeOf<number>();
    expectTypeOf<Parameters<R["valibot"]>[0]>().toEqualTypeOf<{ name: string }>();
    expectTypeOf<R["valibot"]>().returns.resolves.toEqualTypeOf<string>();
    expectTypeOf<R["minus"]>().returns.resolves.toEqualTypeOf<number>();
  });
});

describe("positional", () => {
  test("takes an array of exactly those, or an object of those names", async () => {
    const { client } = pair({ server: { handlers } });
    expect(await client.call("minus", [5, 3])).toBe(2);
    expect(await client.call("minus", { first: 5 })).toBe(5);
    expect(await problem("minus", [5])).toEqual(refusal([], "got 1 parameters, want 2"));
    expect(await problem("minus", { third: 5 })).toEqual(refusal(["third"], "unknown parameter"));
  });
});
