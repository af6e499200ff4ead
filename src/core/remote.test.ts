import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { pair } from "../../test/suites/engine.ts";
import { world } from "../../test/suites/world.ts";
import type { CallContext, Caller, Connection } from "./context.ts";
import { Registry } from "./handlers.ts";
import type { CallOptions } from "./outgoing.ts";
import { type HandlersOf, type Remote, remoteOf } from "./remote.ts";

class Account {
  balance = 1;
  deposit({ amount }: { amount: number }, _context: CallContext): Promise<number> {
    this.balance += amount;
    return Promise.resolve(this.balance);
  }
}

const handlers = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  greet: async (name: string, { remoteAddress }: CallContext) => `hello ${name} at ${remoteAddress ?? "?"}`,
  maybe: (limit?: number) => [limit ?? 10],
  ping: () => "pong" as const,
  later: () => Promise.resolve({ at: 1 }),
  nothing: (): void => {},
  math: { deep: { twice: (n: number) => n * 2 } },
  account: new Account(),
};
type Api = typeof handlers;

describe("Remote", () => {
  test("gives each method its params, its options and its awaited result", () => {
    type R = Remote<Api>;
    expectTypeOf<R["add"]>().parameter(0).toEqualTypeOf<{ a: number; b: number }>();
    expectTypeOf<R["add"]>().parameter(1).extract<CallOptions>().not.toBeNever();
    expectTypeOf<R["add"]>().returns.resolves.toEqualTypeOf<number>();
    expectTypeOf<R["greet"]>().parameter(0).toBeString();
    expectTypeOf<R["greet"]>().returns.resolves.toBeString();
    expectTypeOf<R["greet"]>().toExtend<(params: string, options?: CallOptions) => Promise<string>>();
    expectTypeOf<R["later"]>().returns.resolves.toEqualTypeOf<{ at: number }>();
    expectTypeOf<R["nothing"]>().returns.resolves.toEqualTypeOf<void>();
    // @ts-expect-error params are checked
    expectTypeOf<R["add"]>().toBeCallableWith({ a: "1", b: 2 });
    // @ts-expect-error params are needed
    expectTypeOf<R["add"]>().toBeCallableWith();
  });

  test("lets params out where the handler can do without", () => {
    type R = Remote<Api>;
    expectTypeOf<R["ping"]>().toBeCallableWith();
    expectTypeOf<R["ping"]>().returns.resolves.toEqualTypeOf<"pong">();
    expectTypeOf<R["maybe"]>().toBeCallableWith();
    expectTypeOf<R["maybe"]>().toBeCallableWith(5, { timeoutMs: 1 });
    expectTypeOf<R["maybe"]>().returns.resolves.toEqualTypeOf<number[]>();
  });

  test("nests services, and takes class instances for what they are", () => {
    type R = Remote<Api>;
    expectTypeOf<R["math"]["deep"]["twice"]>().toExtend<(params: number, options?: CallOptions) => Promise<number>>();
    expectTypeOf<R["account"]["deposit"]>().parameter(0).toEqualTypeOf<{ amount: number }>();
    expectTypeOf<R["account"]["deposit"]>().returns.resolves.toEqualTypeOf<number>();
  });

  test("knows the handlers that a function makes for each connection", () => {
    const perConnection = (connection: Connection<{ user: string }>) => ({ who: () => connection.data.user });
    expectTypeOf<Remote<typeof perConnection>["who"]>().returns.resolves.toEqualTypeOf<string>();
  });

  test("optional methods and services are called with ?.", () => {
    interface Optional {
      trace?(params: { on: boolean }): void;
      log?: { level(n: number): string };
    }
    const check = (remote: Remote<Optional>): void => {
      expectTypeOf(remote.trace?.({ on: true })).toEqualTypeOf<Promise<void> | undefined>();
      expectTypeOf(remote.log?.level(1)).toEqualTypeOf<Promise<string> | undefined>();
      // @ts-expect-error it may not be there
      remote.trace({ on: true });
      // @ts-expect-error params are checked
      remote.trace?.({ on: 1 });
    };
    expect(check).toBeTypeOf("function");
  });

  test("offers of an instance what is registered: neither its data nor its private methods", () => {
    class Store {
      count = 0;
      items = new Map<string, number>();
      readonly names = new Set<string>();
      readonly log: string[] = [];
      readonly opened = new Date(0);
      readonly #secret = 1;
      readonly limits = { of: (name: string) => name.length };
      renamed = (to: string): string => to;
      _secret(): number {
        return this.#secret;
      }
      get(sku: string): number | undefined {
        return this.items.get(sku);
      }
    }
    class Sealed {
      readonly #n = 1;
      _n(): number {
        return this.#n;
      }
      n(): number {
        return this.#n;
      }
    }
    class Plain {
      add(n: number): number {
        return n;
      }
    }
    expectTypeOf<keyof Remote<Store>>().toEqualTypeOf<"get" | "renamed">();
    expectTypeOf<keyof Remote<Sealed>>().toEqualTypeOf<"n">();
    expectTypeOf<keyof Remote<Plain>>().toEqualTypeOf<"add">();
    expectTypeOf<Remote<{ store: Store }>["store"]["get"]>().returns.resolves.toEqualTypeOf<number | undefined>();
    expectTypeOf<keyof Remote<{ _own: () => number; sealed: Sealed }>>().toEqualTypeOf<"_own" | "sealed">();
    const check = (remote: Remote<{ store: Store }>): void => {
      // @ts-expect-error a number is no method
      void remote.store.count;
      // @ts-expect-error nor is a map
      void remote.store.items.get("x");
      // @ts-expect-error nor is a list
      void remote.store.log;
      // @ts-expect-error an instance's objects are no services
      void remote.store.limits;
      // @ts-expect-error nor are its private methods registered
      void remote.store._secret();
    };
    expect(check).toBeTypeOf("function");
    const registry = new Registry({ store: new Store(), sealed: new Sealed(), _own: () => 1 });
    expect(registry.names()).toEqual(["_own", "sealed.n", "store.get", "store.renamed"]);
  });

  test("knows the methods of a table of any names, and none of an unknown one", () => {
    expectTypeOf<keyof Remote<unknown>>().toEqualTypeOf<never>();
    expectTypeOf<Remote<Record<string, (n: number) => string>>[string]>().returns.resolves.toBeString();
  });

  test("a typed call with a result schema has the schema's type", () => {
    const check = (remote: Remote<Api>, options: CallOptions): void => {
      const result = z.number().transform(String);
      expectTypeOf(remote.add({ a: 1, b: 2 }, { result, timeoutMs: 1 })).resolves.toEqualTypeOf<string>();
      expectTypeOf(remote.ping(undefined, { result })).resolves.toEqualTypeOf<string>();
      expectTypeOf(remote.add({ a: 1, b: 2 }, { result: z.unknown() })).resolves.toEqualTypeOf<number>();
      expectTypeOf(remote.add({ a: 1, b: 2 }, { result: undefined })).resolves.toEqualTypeOf<number>();
      expectTypeOf(remote.add({ a: 1, b: 2 }, options)).resolves.toEqualTypeOf<number>();
      // @ts-expect-error the schema gives a string
      const wrong: Promise<number> = remote.add({ a: 1, b: 2 }, { result });
      // @ts-expect-error there is no such option
      remote.add({ a: 1, b: 2 }, { timeoutMs: 1, timeout: 1 });
      // @ts-expect-error params are checked beside a schema, too
      remote.add({ a: "1", b: 2 }, { result });
      expect(wrong).toBeDefined();
    };
    expect(check).toBeTypeOf("function");
  });

  test("a call with a result schema has the schema's type, one without is unknown", () => {
    const check = (caller: Caller): void => {
      expectTypeOf(caller.call("x", 1, { result: z.object({ n: z.number() }) })).resolves.toEqualTypeOf<{
        n: number;
      }>();
      expectTypeOf(caller.call("x", 1, { result: z.string().transform(Number) })).resolves.toEqualTypeOf<number>();
      expectTypeOf(caller.call("x", 1, { timeoutMs: 1 })).resolves.toBeUnknown();
      expectTypeOf(caller.call("x")).resolves.toBeUnknown();
    };
    expect(check).toBeTypeOf("function");
  });
});

describe("remoteOf", () => {
  test("calls methods by the names of its properties", async () => {
    const { client } = pair({ server: { handlers } });
    const remote = remoteOf<Api>(client);
    expect(await remote.add({ a: 1, b: 2 })).toBe(3);
    expect(await remote.greet("ann")).toBe("hello ann at ?");
    expect(await remote.maybe()).toEqual([10]);
    expect(await remote.math.deep.twice(4)).toBe(8);
    expect(await remote.account.deposit({ amount: 4 }, { timeoutMs: 50 })).toBe(5);
    await expect(remote.add({ a: 1, b: 2 }, { timeoutMs: 0 })).rejects.toMatchObject({ code: "deadline_exceeded" });
  });

  test("a client has it for the api that it was opened with", async () => {
    const it = await world({ handlers });
    expect(await (it.client.remote as Remote<Api>).ping()).toBe("pong");
    await it.client.close();
  });

  test("may be awaited, printed and compared by accident without a call", async () => {
    const { client } = pair();
    const remote = remoteOf<Api>(client);
    expect(await Promise.resolve(remote)).toBe(remote);
    expect(remote.math).toBe(remote.math);
    expect(Object.prototype.toString.call(remote)).toBe("[object Function]");
    expect(client.stats().calls).toBe(0);
  });

  test("methods that are called like those of functions are methods", async () => {
    const names = { call: () => 1, bind: () => 2, apply: () => 3, name: () => 4, length: () => 5, toString: () => 6 };
    const { client } = pair({ server: { handlers: names } });
    const remote = remoteOf<typeof names>(client);
    expect(
      await Promise.all([
        remote.call(),
        remote.bind(),
        remote.apply(),
        remote.name(),
        remote.length(),
        remote.toString(),
      ]),
    ).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("handlers of a contract", () => {
  interface Contract {
    get(params: { readonly id: string }): { readonly name: string };
    whoami(): string;
    readonly math: { add(params: { readonly a: number; readonly b: number }): number };
  }

  test("may answer later, know their context, and may be checked by a schema", async () => {
    const handlers: HandlersOf<Contract> = {
      get: async ({ id }) => ({ name: id }),
      whoami: (_, { remoteAddress }) => String(remoteAddress),
      math: { add: ({ a, b }) => a + b },
    };
    expectTypeOf<Parameters<HandlersOf<Contract>["get"]>[1]>().toEqualTypeOf<CallContext>();
    // @ts-expect-error: it is no name.
    const wrong: HandlersOf<Pick<Contract, "whoami">> = { whoami: () => 1 };
    expect(Object.keys({ ...handlers, ...wrong })).toEqual(["get", "whoami", "math"]);
    expectTypeOf<Remote<HandlersOf<Contract>>["math"]["add"]>().toExtend<
      (params: { a: number; b: number }) => Promise<number>
    >();
  });
});
