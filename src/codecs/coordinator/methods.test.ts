import { DurationSchema, EmptySchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, expectTypeOf, test } from "vitest";
import { coordinator } from "../../coordinator.ts";
import type { Remote } from "../../core/remote.ts";
import { type CoordinatorApi, type CoordinatorHandlers, type CoordinatorMethods, MethodTable } from "./methods.ts";

const METHODS = {
  upper: [StringValueSchema, StringValueSchema],
  raw: [EmptySchema],
} as const satisfies CoordinatorMethods;

describe("the table of methods", () => {
  test("finds a method by its name and by the type of its request", () => {
    const table = new MethodTable(METHODS);
    expect(table.named("upper")).toEqual({ name: "upper", request: StringValueSchema, response: StringValueSchema });
    expect(table.taking("google.protobuf.Empty")).toEqual({ name: "raw", request: EmptySchema, response: undefined });
  });

  test.each(["", "__proto__", "constructor", "toString", "google.protobuf.Duration"])("finds nothing by %o", (name) => {
    const table = new MethodTable(METHODS);
    expect([table.named(name), table.taking(name)]).toEqual([undefined, undefined]);
  });

  test("has a second method for a type refused at once, by the names of both", () => {
    const methods = { first: [EmptySchema], second: [EmptySchema, StringValueSchema] } as const;
    expect(() => coordinator({ methods })).toThrow(
      new TypeError(
        `Cannot add the method "second": a request's type chooses its method, and google.protobuf.Empty is that of "first". Give each a request of its own`,
      ),
    );
  });

  test.each([
    ["no types", { a: undefined }],
    ["an object in their place", { a: { request: EmptySchema } }],
    ["a type that is none", { a: [{}] }],
    ["a response that is none", { a: [EmptySchema, "Empty"] }],
    ["three types", { a: [EmptySchema, StringValueSchema, DurationSchema] }],
    ["no name", { "": [EmptySchema] }],
  ])("refuses %s, and says what a method is", (_, methods) => {
    expect(() => coordinator({ methods: methods as never })).toThrow(
      /^Cannot add the method ".?": .*\[CollectRequestSchema, CollectResponseSchema\]$/,
    );
  });

  test.each([undefined, null, 5])("refuses %o in its place", (methods) => {
    expect(() => coordinator({ methods: methods as never })).toThrow(TypeError);
  });
});

test("both ends are typed by the table", () => {
  const remote = {} as Remote<CoordinatorApi<typeof METHODS>>;
  expectTypeOf(remote.upper).returns.resolves.toHaveProperty("value").toBeString();
  expectTypeOf(remote.upper).parameter(0).extract<{ value?: string }>().not.toBeNever();
  expectTypeOf(remote.raw).returns.resolves.toEqualTypeOf<Uint8Array>();
  const handlers: CoordinatorHandlers<typeof METHODS> = {
    upper: ({ value }) => ({ value: value.toUpperCase() }),
    raw: async () => new Uint8Array(),
  };
  expect(Object.keys(handlers)).toEqual(Object.keys(METHODS));
});
