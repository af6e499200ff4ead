import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { Log, pair } from "../../test/suites/engine.ts";
import type { CallContext } from "./context.ts";
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

  test("takes functions whose results fit the schema as they are written: literals, unions and tuples", () => {
    const params = z.number();
    const either = z.discriminatedUnion("ok", [
      z.object({ ok: z.literal(true), n: z.number() }),
      z.object({ ok: z.literal(false) }),
    ]);
    const nested = z.object({ rows: z.array(z.tuple([z.number(), z.enum(["a", "b"])])) });
    const fitting = {
      kind: method({ params, result: z.object({ kind: z.enum(["odd", "even"]) }) }, (n) => ({
        kind: n % 2 === 0 ? "even" : "odd",
      })),
      either: method({ params, result: either }, (n) => (n === 0 ? { ok: false } : { ok: true, n })),
      returns: method({ params, result: either }, async (n) => {
        if (n === 0) return { ok: false };
        return { ok: true, n };
      }),
      pair: method({ params, result: z.tuple([z.number(), z.string()]) }, async (n) => [n, "x"]),
      nested: method({ params, result: nested }, () => ({ rows: [[1, "a"]] })),
      literal: method({ params, result: z.literal("ok") }, () => "ok"),
      later: method({ params, result: z.literal("ok").nullable() }, async () => "ok"),
      awaited: method({ params, result: z.enum(["started", "running"]) }, async (n) => {
        await Promise.resolve(n);
        return "started";
      }),
      then: method({ params, result: z.literal(true) }, (n) => Promise.resolve(n).then(() => true)),
      sometimes: method({ params, result: z.number() }, (n) => (n > 1 ? n : Promise.resolve(n))),
      nothing: method({ params, result: z.void() }, async () => {}),
      never: method({ params, result: z.number() }, () => {
        throw new Error("never");
      }),
      valibot: method({ params: v.number(), result: v.object({ kind: v.picklist(["a", "b"]) }) }, async () => ({
        kind: "a",
      })),
      converted: method({ params, result: z.date().transform((at) => at.toISOString()) }, (n) => new Date(n)),
      wide: method({ params }, (n) => ({ kind: n > 1 ? "a" : "b", list: [n] })),
    };
    type Fitting = Remote<typeof fitting>;
    expectTypeOf<Fitting["kind"]>().returns.resolves.toEqualTypeOf<{ kind: "odd" | "even" }>();
    expectTypeOf<Fitting["pair"]>().returns.resolves.toEqualTypeOf<[number, string]>();
    expectTypeOf<Fitting["later"]>().returns.resolves.toEqualTypeOf<"ok" | null>();
    expectTypeOf<Fitting["converted"]>().returns.resolves.toEqualTypeOf<string>();
    expectTypeOf<Fitting["wide"]>().returns.resolves.toEqualTypeOf<{ kind: string; list: number[] }>();
  });

  test("takes what a result is expected to be from the table that it stands in, too", () => {
    interface Kind {
      readonly kind: "a" | "b";
    }
    type Serves<Result> = (params: number, context: CallContext) => Result | Promise<Result>;
    const params = z.number();
    const table: { readonly [Name in "sync" | "async" | "schema"]: Serves<Kind> } & { readonly pair: Serves<[1, 2]> } =
      {
        sync: method({ params }, (n) => ({ kind: n > 1 ? "a" : "b" })),
        async: method({ params }, async () => ({ kind: "a" })),
        schema: method({ params, result: z.object({ kind: z.enum(["a", "b"]) }) }, async () => ({ kind: "a" })),
        pair: method({ params }, async () => [1, 2]),
      };
    expect(Object.keys(table)).toHaveLength(4);
  });

  test("refuses functions whose results do not fit the schema", () => {
    const params = z.number();
    const kind = z.object({ kind: z.enum(["a", "b"]), n: z.number() });
    const pairs = z.array(z.tuple([z.number(), z.string()]));
    // @ts-expect-error another type
    method({ params, result: z.number() }, () => "x");
    // @ts-expect-error another literal
    method({ params, result: kind }, (n) => ({ kind: n > 1 ? "a" : "c", n }));
    // @ts-expect-error a text that may be anything
    method({ params, result: kind }, async (n) => ({ kind: String(n), n }));
    // @ts-expect-error a member is missing
    method({ params, result: kind }, () => ({ kind: "a" }));
    // @ts-expect-error a tuple of another length
    method({ params, result: pairs }, (n) => [[n, "x", n]]);
    // @ts-expect-error another literal of an async function
    method({ params, result: z.literal("ok") }, async () => "no");
    // @ts-expect-error no result at all
    method({ params, result: z.number() }, async () => {});
    // @ts-expect-error params are what the schema makes of them
    method({ params, result: z.number() }, (text: string) => text.length);
    expect(() => method({ params }, (n) => n)).not.toThrow();
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
