import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { All } from "./calling.ts";
import type { FanOut, Outcome } from "./fan-out.ts";

class Disk {
  size = 1;
  readonly files = new Map<string, number>();
  free({ path }: { path: string }): number {
    return path.length;
  }
  _mount(): void {}
}

interface Api {
  readonly disk: Disk;
  up(): boolean;
  trace?(params: { on: boolean }): void;
}

test("the methods of all members have the types of the handlers, and only what is registered", async () => {
  const check = async (all: All<Api>): Promise<void> => {
    expectTypeOf(all.disk.free({ path: "/" }, { first: 1 })).toEqualTypeOf<FanOut<number>>();
    expectTypeOf(await all.up()).toEqualTypeOf<Outcome<boolean>[]>();
    expectTypeOf(all.trace?.({ on: true })).toEqualTypeOf<FanOut<void> | undefined>();
    expectTypeOf<keyof All<Api>["disk"]>().toEqualTypeOf<"free">();
    // @ts-expect-error params are checked
    all.disk.free({ path: 1 });
    // @ts-expect-error a method that may not be there
    all.trace({ on: true });
    // @ts-expect-error a map is no service
    all.disk.files.get("x");
  };
  expect(check).toBeTypeOf("function");
});

test("a call to all with a result schema has the schema's type", () => {
  const check = (all: All<Api>): void => {
    const result = z.number().transform(String);
    expectTypeOf(all.disk.free({ path: "/" }, { result })).toEqualTypeOf<FanOut<string>>();
    expectTypeOf(all.up(undefined, { result, timeoutMs: 1 })).toEqualTypeOf<FanOut<string>>();
    // @ts-expect-error there is no such option
    all.up(undefined, { timeoutMs: 1, timeout: 1 });
  };
  expect(check).toBeTypeOf("function");
});
