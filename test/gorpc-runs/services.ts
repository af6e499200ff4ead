import { isDeepStrictEqual } from "node:util";
import { ManualClock } from "../../src/core/clock.ts";
import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import { Registry } from "../../src/core/handlers.ts";
import { pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { flagOf, Loop, type Runs, stage, strike, work } from "./stage.ts";

/** A service with a state of its own. */
class Counter {
  #count = 0;
  add(by: number): number {
    this.#count += by;
    return this.#count;
  }
}

class Stateless {
  hello(name: string): string {
    return `hello ${name}`;
  }
}

class Encoded {
  toJSON(): string {
    return "its own form";
  }
}

class Empty {}

const failing = (): never => {
  throw new RpcError("unknown", "failed");
};

/** Every shape of function, and what becomes of a call of it: params, and the result that is wanted. */
const SHAPES: readonly (readonly [
  what: string,
  handler: (...args: never) => unknown,
  params: unknown,
  want: unknown,
])[] = [
  ["nothing in, nothing out", () => {}, undefined, undefined],
  ["nothing in, one out", () => 5, undefined, 5],
  ["nothing in, an error", failing, undefined, "Server"],
  ["one in, nothing out", (_: number) => {}, 1, undefined],
  ["one in, one out", (one: number) => one + 1, 1, 2],
  ["one in, an error", (_: number) => failing(), 1, "Server"],
  ["one in, one out or an error", (one: number) => (one > 0 ? one : failing()), 3, 3],
  ["two in, one out", (one: number, { remoteAddress }: CallContext) => `${one} ${remoteAddress}`, 1, "1 test:0"],
  ["two in, an error", (_: number, __: CallContext) => failing(), 1, "Server"],
  ["two in, nothing out", (_: number, __: CallContext) => {}, 1, undefined],
];

/** Every kind of value, echoed. */
const VALUES: readonly (readonly [what: string, value: unknown])[] = [
  ["recursive struct", { value: 1, next: { value: 2, next: { value: 3, next: null } } }],
  ["identical field sets", [{ a: 1 }, { a: 1 }]],
  ["map", new Map([["a", 1]])],
  ["bytes", Uint8Array.of(1, 200, 255)],
  ["map of empty structs", new Map([["a", {}]])],
  ["time", new Date(1_400_000_000_123)],
];

/** Registers and says how that went. */
function registered(register: () => unknown): string {
  try {
    register();
    return "taken";
  } catch (thrown) {
    return thrown instanceof TypeError ? "refused" : String(thrown);
  }
}

/** What is no function and no service, by gorpc's table of registration errors. */
function mistakes(): string[] {
  const handler = (): void => {};
  const taken = new Registry({ name: handler, Svc: { handler } });
  const twice = [() => taken.register("name", handler), () => taken.register("Svc", { handler })].map(registered);
  const of = (what: string, register: () => unknown): string => `${what}: ${registered(register)}`;
  return [
    of("not a function", () => new Registry({ foobar: 7 })),
    of("empty name", () => new Registry({ "": handler })),
    of("empty name, registered later", () => new Registry().register("", handler)),
    `the same name twice: ${[...new Set(twice)].join(", ")}`,
    of("no methods", () => new Registry({ none: new Empty() })),
    of("no methods in a service that is an object", () => new Registry({ none: {} })),
    of("more than two parameters", () => new Registry({ foo: (a: never, b: never, c: never) => [a, b, c] })),
    of("nil service", () => new Registry({ none: null })),
  ];
}

async function shapes(): Promise<string> {
  const lines: string[] = [];
  const it = await stage({
    handlers: {
      ...Object.fromEntries(SHAPES.map(([what, handler]) => [what, handler])),
      one: new Counter(),
      two: new Counter(),
      Stateless: new Stateless(),
      add: (by: number) => by,
    },
  });
  const { client } = it;
  for (const [what, , params, want] of SHAPES) {
    const got: unknown = await client.call(what, params).catch(() => flagOf(client.call(what, params)));
    lines.push(`${what}: ${isDeepStrictEqual(got, want) ? "works" : String(got)}`);
  }
  await client.call("one.add", 5);
  const state = [await client.call("one.add", 1), await client.call("two.add", 1), await client.call("add", 1)];
  const apart = isDeepStrictEqual(state, [6, 1, 1]);
  lines.push(`two services of one class beside a function: ${apart ? "each has its own state" : state.join()}`);
  lines.push(`service without state: ${String(await client.call("Stateless.hello", "you"))}`);
  for (const [what, value] of VALUES) {
    lines.push(`${what}: ${isDeepStrictEqual(await client.call("echo", value), value) ? "works" : "changed"}`);
  }
  const own = await client.call("echo", new Encoded());
  lines.push(`own encoding: ${own === "its own form" ? "arrives in its own form" : "changed"}`);
  await strike(it);
  return [...lines, ...mistakes()].join("\n");
}

/** Five calls and three sends of 10 ms each. */
async function counters(): Promise<string> {
  const clock = new ManualClock();
  const loop = new Loop();
  const server = await loop.serve({ clock, handlers: { slow: () => work(clock, 10) } });
  const client = await loop.connect({ clock });
  for (let nth = 0; nth < 8; nth++) {
    const request = nth < 5 ? client.call("slow") : client.notify("slow");
    await pass(clock, 15, 5);
    await request;
  }
  await turn();
  const [near, far] = [client.stats(), server.stats()];
  const isSame = near.bytesWritten === far.bytesRead && near.bytesRead === far.bytesWritten && near.bytesRead > 0;
  await loop.close();
  return [
    `requests: ${near.calls + near.notificationsSent} and ${far.requests + far.notificationsReceived}`,
    `dials: ${near.dials}`,
    `accepts: ${far.accepts}`,
    `bytes: ${isSame ? "the same at both ends" : "different"}`,
    `timed: ${near.callTime.count} and ${far.handlerTime.count}`,
  ].join("\n");
}

/** Services and functions, what is registered by mistake, and the counters: rows 38 and 46. */
export const SERVICE_RUNS: Runs = {
  38: shapes,
  46: counters,
};
