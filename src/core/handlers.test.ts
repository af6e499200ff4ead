import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { call, codeOf, Hand, note, pair } from "../../test/suites/engine.ts";
import { deferred, turn } from "../../test/suites/support.ts";
import { world } from "../../test/suites/world.ts";
import type { CallContext, Connection } from "./context.ts";
import { RpcError } from "./errors.ts";
import { dispatcherOf, type HandlersOption, lookup, Registry } from "./handlers.ts";
import type { MiddlewareCall } from "./middleware.ts";

class Base {
  inherited(): string {
    return "base";
  }
  overridden(): string {
    return "base";
  }
}

class Account extends Base {
  balance = 5;
  readonly arrow = (): number => this.balance;
  #secret = 1;
  override overridden(): string {
    return `derived ${this.balance}`;
  }
  deposit({ amount }: { amount: number }): number {
    this.balance += amount;
    return this.balance + this.#secret;
  }
  get accessor(): () => void {
    throw new Error("accessors are not read");
  }
  _private(): void {}
  static open(): void {}
}

describe("what handlers may be", () => {
  test("plain functions, and nested objects as services with dotted names", async () => {
    const { client } = pair({
      server: {
        handlers: {
          ping: () => "pong",
          math: { add: ({ a, b }: { a: number; b: number }) => a + b, deep: { er: () => "deeper" } },
        },
      },
    });
    expect(await client.call("ping")).toBe("pong");
    expect(await client.call("math.add", { a: 1, b: 2 })).toBe(3);
    expect(await client.call("math.deep.er")).toBe("deeper");
    expect(await codeOf(client.call("math.deep"))).toBe("unimplemented/no");
  });

  test("a class instance serves its public methods, those of its base classes with them, and nothing else", async () => {
    const registry = new Registry({ account: new Account() });
    expect(registry.names()).toEqual(["account.arrow", "account.deposit", "account.inherited", "account.overridden"]);
    const { client } = pair({ server: { handlers: new Account() } });
    expect(await client.call("deposit", { amount: 2 })).toBe(8);
    expect(await client.call("overridden")).toBe("derived 7");
    for (const name of ["constructor", "_private", "accessor", "balance", "toString", "open", "hasOwnProperty"]) {
      expect(await codeOf(client.call(name))).toBe("unimplemented/no");
    }
  });

  test("an object without a prototype, and a module, are plain objects", () => {
    const bare = Object.assign(Object.create(null) as object, { f: () => 1 });
    expect(new Registry({ bare }).names()).toEqual(["bare.f"]);
  });

  test("lookup() asks a function once per request, in order of arrival", async () => {
    const asked: string[] = [];
    const { client } = pair({
      server: {
        handlers: lookup((method) => (asked.push(method), method.startsWith("x.") ? () => method : undefined)),
      },
    });
    expect(await Promise.all([client.call("x.1"), client.call("x.2"), codeOf(client.call("y"))])).toEqual([
      "x.1",
      "x.2",
      "unimplemented/no",
    ]);
    expect(asked).toEqual(["x.1", "x.2", "y"]);
  });

  test("a Registry and a lookup of another copy of the library serve what they hold, and not their own methods", async () => {
    vi.resetModules();
    const copy = await import("./handlers.ts");
    const registry = new copy.Registry({ ping: () => "pong" });
    const found = copy.lookup((method) => (method === "ping" ? () => "found" : undefined));
    expect(registry).not.toBeInstanceOf(Registry);
    for (const [handlers, answer] of [[registry, "pong"] as const, [found, "found"] as const]) {
      expect(() => new Registry({ service: handlers })).toThrow("serves alone");
      const { client } = pair({ server: { handlers } });
      expect(await client.call("ping")).toBe(answer);
      for (const name of ["register", "unregister", "names", "find"]) {
        expect(await codeOf(client.call(name, "ping"))).toBe("unimplemented/no");
      }
    }
  });

  test("a lookup that throws fails that call alone", async () => {
    const { client } = pair({
      server: {
        handlers: lookup((method) => {
          if (method === "bad") throw new Error("oh");
          return () => "ok";
        }),
      },
    });
    expect(await Promise.all([codeOf(client.call("bad")), client.call("good")])).toEqual(["internal/-", "ok"]);
  });

  test("a function gives the handlers of each connection, once, and sees the data that onConnect put there", async () => {
    interface Session {
      user: string;
    }
    let made = 0;
    let connected = 0;
    const it = await world({
      handlers: (connection: Connection<Session>) => {
        made++;
        return { who: () => connection.data.user, rename: (name: string) => void (connection.data.user = name) };
      },
      server: {
        onConnect: (connection: Connection<Session>) => void (connection.data = { user: `user ${++connected}` }),
      } as never,
    });
    const other = await it.connect();
    await it.client.call("rename", "ann");
    expect([await it.client.call("who"), await other.call("who"), await it.client.call("who")]).toEqual([
      "ann",
      "user 2",
      "ann",
    ]);
    expect(made).toBe(2);
  });

  test("handlers that cannot be made for a connection refuse that connection", async () => {
    await expect(
      world({ handlers: () => ({ f: 1 }), client: { redial: false } }).then(async (it) => it.client.call("f")),
    ).rejects.toMatchObject({ code: "unavailable" });
  });

  test.each([
    ["a number", { a: 1 }],
    ["null", { a: { b: null } }],
    ["an array", { a: [] }],
    ["an array for all", []],
    ["an instance without methods", { a: new (class Empty {})() }],
    ["an object without functions", { a: {} }],
    ["a function without a name", { "": () => 1 }],
    ["a function of three parameters", { a: (_params: unknown, _context: unknown, _more: unknown) => 1 }],
    ["a Registry as a part", { a: new Registry({ b: () => 1 }) }],
    ["a lookup as a part", { a: lookup(() => undefined) }],
    ["a name twice", { "a.b": () => 1, a: { b: () => 2 } }],
  ])("%s throws a TypeError at once", (_, handlers) => {
    expect(() => new Registry(handlers)).toThrow(TypeError);
    expect(() => dispatcherOf(handlers)).toThrow(TypeError);
  });

  test("a promise of handlers throws a TypeError that says so, and its own failure is no unhandled rejection", async () => {
    const promises = [Promise.resolve({ f: () => 1 }), Promise.reject(new Error("no"))];
    for (const promise of promises) expect(() => dispatcherOf(promise)).toThrow(/await it first/);
    await turn();
  });

  test("an async factory of handlers is refused by the compiler", () => {
    const handlers = { f: (params: { n: number }) => params.n };
    class Service {
      f(): number {
        return 1;
      }
    }
    expectTypeOf(handlers).toExtend<HandlersOption>();
    expectTypeOf<Service>().toExtend<HandlersOption>();
    expectTypeOf<Registry>().toExtend<HandlersOption>();
    expectTypeOf<Record<string, () => unknown>>().toExtend<HandlersOption>();
    expectTypeOf(() => handlers).toExtend<HandlersOption>();
    expectTypeOf((_: Connection<number>) => new Service()).toExtend<HandlersOption<number>>();
    expectTypeOf(async () => handlers).not.toExtend<HandlersOption>();
    expectTypeOf(Promise.resolve(handlers)).not.toExtend<HandlersOption>();
  });

  test("an object that contains itself throws instead of recursing for ever", () => {
    const loop: Record<string, unknown> = {};
    loop["again"] = loop;
    expect(() => new Registry(loop)).toThrow(/contains itself/);
  });
});

describe("register and unregister", () => {
  test("take effect while the end is running, for calls that arrive from then on", async () => {
    const gate = deferred<string>();
    const registry = new Registry({ old: () => gate.promise });
    const { client } = pair({ server: { handlers: registry } });
    const running = client.call("old");
    await turn();
    registry.register("new", () => "new");
    registry.register("service", { a: () => "a", b: () => "b" });
    expect(await client.call("new")).toBe("new");
    expect(await client.call("service.b")).toBe("b");
    expect([registry.unregister("old"), registry.unregister("service"), registry.unregister("service")]).toEqual([
      true,
      true,
      false,
    ]);
    expect(await codeOf(client.call("old"))).toBe("unimplemented/no");
    expect(await codeOf(client.call("service.a"))).toBe("unimplemented/no");
    gate.resolve("still answered");
    expect(await running).toBe("still answered");
  });

  test("a name twice throws, and may be given again once it is free", () => {
    const registry = new Registry({ a: () => 1 });
    expect(() => registry.register("a", () => 2)).toThrow(TypeError);
    registry.unregister("a");
    registry.register("a", () => 2);
    expect(registry.names()).toEqual(["a"]);
  });
});

describe("a service that cannot be registered", () => {
  test("leaves none of its methods behind", () => {
    const registry = new Registry({ service: { b: () => 1 } });
    expect(() => registry.register("service", { a: () => 2, b: () => 2 })).toThrow(/"service.b": the name is taken/);
    expect(() => registry.register("other", { a: () => 2, b: 5 })).toThrow(/"other.b": it is a number/);
    expect(registry.names()).toEqual(["service.b"]);
    expect(registry.find("service.b")?.(undefined, undefined as never)).toBe(1);
  });
});

describe("context", () => {
  test("tells a handler everything about its call", async () => {
    const seen: CallContext[] = [];
    const look = (_: unknown, context: CallContext): void => void seen.push(context);
    const hand = new Hand({ handlers: { look }, remoteAddress: "test:7", identity: { user: "ann" } });
    hand.clock.advance(1000);
    await hand.say(
      { kind: "call", id: "07", method: "look", params: [], timeoutMs: 500, meta: { trace: "t" } },
      note("look"),
      call(0, "look"),
    );
    const [one, two, three] = seen;
    expect(one).toMatchObject({
      method: "look",
      id: "07",
      isNotification: false,
      hasParams: true,
      deadline: 1500,
      meta: { trace: "t" },
      remoteAddress: "test:7",
      identity: { user: "ann" },
    });
    expect(one?.connection).toBe(hand.peer);
    expect(one?.signal.aborted).toBe(false);
    expect(two).toMatchObject({
      id: undefined,
      isNotification: true,
      hasParams: false,
      deadline: undefined,
      meta: undefined,
    });
    expect(three).toMatchObject({ id: "0", isNotification: false });
    void one?.peer.notify("hello", [1]);
    await turn();
    expect(hand.got.at(-1)).toMatchObject({ kind: "notify", method: "hello", params: [1] });
  });

  test("signal is the same object each time, and already aborted when it is first asked for after the end", async () => {
    let context: CallContext | undefined;
    const gate = deferred();
    const hand = new Hand({
      handlers: { wait: async (_: unknown, given: CallContext) => ((context = given), gate.promise) },
    });
    await hand.say(call(1, "wait"), { kind: "cancel", id: 1 });
    expect(context?.signal.aborted).toBe(true);
    expect(context?.signal.reason).toBeInstanceOf(RpcError);
    expect(context?.signal).toBe(context?.signal);
    gate.resolve();
  });
});

describe("middleware", () => {
  const recorder = () => {
    const seen: string[] = [];
    const middleware = async (
      mine: MiddlewareCall,
      next: (changed?: MiddlewareCall) => Promise<unknown>,
    ): Promise<unknown> => {
      const name = `${mine.direction} ${mine.method}${mine.isNotification ? " note" : ""}`;
      try {
        const value = await next();
        seen.push(`${name}: ${JSON.stringify(value)}`);
        return value;
      } catch (thrown) {
        seen.push(`${name}: ${RpcError.is(thrown) ? thrown.code : String(thrown)}`);
        throw thrown;
      }
    };
    return { seen, middleware: [middleware] };
  };
  const handlers = {
    add: ({ a, b }: { a: number; b: number }) => a + b,
    fail: () => {
      throw new Error("on purpose");
    },
    later: async () => (await turn(1), "later"),
    note: () => {},
  };

  test("sees every call and its outcome on both sides, unknown methods and notifications too", async () => {
    const there = recorder();
    const here = recorder();
    const { client } = pair({
      server: { handlers, middleware: there.middleware },
      client: { middleware: here.middleware },
    });
    expect(await client.call("add", { a: 1, b: 2 })).toBe(3);
    await client.call("fail").catch(() => {});
    await client.call("nope").catch(() => {});
    await client.call("later");
    await client.notify("note");
    await client.call("add", 1n).catch(() => {});
    await turn();
    expect(there.seen).toEqual([
      "in add: 3",
      "in fail: Error: on purpose",
      "in nope: unimplemented",
      'in later: "later"',
      "in note note: undefined",
    ]);
    expect(here.seen).toEqual([
      "out add: 3",
      "out fail: internal",
      "out nope: unimplemented",
      'out later: "later"',
      "out note note: undefined",
      "out add: invalid_argument",
    ]);
  });

  test("sees the members of a batch, which still leave together", async () => {
    const here = recorder();
    const hand = new Hand({ role: "client", middleware: here.middleware });
    const batch = hand.peer.batch([["a"], ["b", 1, { notify: true }], ["c"]]);
    await turn();
    expect(hand.got).toMatchObject([
      { kind: "batch", messages: [{ method: "a" }, { kind: "notify", method: "b" }, { method: "c" }] },
    ]);
    await hand.say({
      kind: "batch",
      messages: [
        { kind: "result", id: 2, value: "C" },
        { kind: "error", id: 1, error: { code: "aborted", message: "A" } },
      ],
    });
    expect(await batch).toMatchObject([
      { ok: false, error: { code: "aborted" } },
      { ok: true, value: undefined },
      { ok: true, value: "C" },
    ]);
    expect(here.seen.sort()).toEqual(["out a: aborted", "out b note: undefined", 'out c: "C"']);
  });

  test("a member of a batch that middleware holds up leaves alone, and holds up nobody", async () => {
    const gate = deferred();
    const hand = new Hand({
      role: "client",
      middleware: [async (mine, next) => (mine.method === "slow" && (await gate.promise), next())],
    });
    const batch = hand.peer.batch([["slow"], ["fast"]]);
    await turn();
    expect(hand.got).toMatchObject([{ kind: "batch", messages: [{ method: "fast" }] }]);
    gate.resolve();
    await turn();
    expect(hand.got[1]).toMatchObject({ kind: "call", method: "slow", id: 2 });
    await hand.say({ kind: "result", id: 2, value: "s" }, { kind: "result", id: 1, value: "f" });
    expect(await batch).toEqual([
      { ok: true, value: "s" },
      { ok: true, value: "f" },
    ]);
  });

  test("the first is the outermost; each may change the call, its outcome, or answer by itself", async () => {
    const { client } = pair({
      server: {
        handlers,
        middleware: [
          async (mine, next) => `outer(${String(await next(mine))})`,
          async (mine, next) =>
            mine.method === "alias"
              ? next({ ...mine, method: "add", params: { a: 20, b: 1 } })
              : mine.method === "own"
                ? "own"
                : next(),
        ],
      },
    });
    expect(await client.call("alias")).toBe("outer(21)");
    expect(await client.call("own")).toBe("outer(own)");
  });

  test("what it throws is the outcome: an RpcError as it is, anything else hidden", async () => {
    const { client } = pair({
      server: {
        handlers,
        middleware: [
          (mine) => {
            throw mine.method === "add" ? new RpcError("permission_denied", "no") : new Error("secret");
          },
        ],
      },
    });
    await expect(client.call("add")).rejects.toMatchObject({ code: "permission_denied", message: "no" });
    await expect(client.call("later")).rejects.toMatchObject({ code: "internal", message: "Internal error" });
  });
});
