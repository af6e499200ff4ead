import { describe, expect, test } from "vitest";
import { type CallContext, type Dispatcher, Fleet, fleetService, lookup, Registry } from "../index.ts";
import { isOperator, OPERATORS, type Operators, withService } from "./operators.ts";

function context(remoteAddress: string | undefined, hello: object | undefined = undefined, invalid = 0): CallContext {
  return { remoteAddress, connection: { hello, stats: () => ({ invalid }) } } as unknown as CallContext;
}

const allowed = (given: CallContext): Operators[] => OPERATORS.filter((operators) => isOperator(operators, given));

describe("who may operate a fleet", () => {
  test.each(["127.0.0.1:4000", "127.8.0.1:4000", "[::1]:4000", "unix:/tmp/a.sock", "stdio:"])("%s is local", (from) => {
    expect(allowed(context(from))).toEqual(["local", "anyone"]);
  });

  test.each(["10.0.0.1:4000", "[fe80::1]:4000", "127.0.0.1.example.org:4000", "[::127.0.0.1]:1", undefined])(
    "%s is not",
    (from) => {
      expect(allowed(context(from))).toEqual(["anyone"]);
    },
  );

  test("an agent never is an operator, wherever it comes from", () => {
    expect(allowed(context("127.0.0.1:4000", { name: "ann" }))).toEqual([]);
    expect(allowed(context("10.0.0.1:4000", { name: "ann" }))).toEqual([]);
    expect(allowed(context("127.0.0.1:4000", { session: "1.a.1" }))).toEqual(["local", "anyone"]);
  });

  test("a link that has brought lines of HTTP, or anything else that is no request, is not known to be local", () => {
    expect(allowed(context("127.0.0.1:4000", undefined, 1))).toEqual(["anyone"]);
  });
});

describe("the operators' methods", () => {
  const service = fleetService(new Fleet(), { authorise: () => true });
  const find = (handlers: object, method: string): unknown => (handlers as Dispatcher).find(method);

  test("stand beside those of an object, an instance and a registry, and are listed with them", () => {
    class Sums {
      add(): number {
        return 3;
      }
    }
    for (const handlers of [{ add: () => 3 }, new Sums(), new Registry({ add: () => 3 })]) {
      const both = withService(handlers, service) as Dispatcher;
      expect(both.names?.()).toEqual(["add", "fleet.call", "fleet.callAll", "fleet.list", "fleet.watch"]);
      expect((both.find("add") as () => number)()).toBe(3);
    }
  });

  test("stand beside those that are looked up, and before them", () => {
    const both = withService(
      lookup((method) => () => method),
      service,
    );
    expect((find(both, "anything") as () => string)()).toBe("anything");
    expect((find(both, "fleet.list") as { name: string }).name).not.toBe("");
    expect((both as Dispatcher).names).toBeUndefined();
  });

  test("stand beside those that each connection has of its own", () => {
    const both = withService((who: string) => ({ who: () => who }), service) as (who: string) => object;
    for (const who of ["a", "b"]) expect((find(both(who), "who") as () => string)()).toBe(who);
  });

  test("take the names that they have", () => {
    expect(() => withService({ fleet: { list: () => 1 } }, service)).toThrow(
      'Cannot register "fleet.list": the name is taken',
    );
  });
});
