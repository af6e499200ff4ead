import { AsyncLocalStorage } from "node:async_hooks";
import { z } from "zod";
import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import { lookup } from "../../src/core/handlers.ts";
import { method, positional } from "../../src/core/method.ts";
import type { Middleware } from "../../src/core/middleware.ts";
import { type Scene, server } from "./server-script.ts";
import type { Run, Runs, Stage } from "./stage.ts";

/** As jrpc2's adapters are: absent and null fields are zero. */
const number = z
  .number()
  .nullish()
  .transform((given) => given ?? 0);
const text = z
  .string()
  .nullish()
  .transform((given) => given ?? "");
const struct = z.object({ x: number, y: text });
const xy = ["x", "y"] as const;

const adapted = (): object => ({
  Args: method({ params: z.array(z.number()).default([]) }, (list) => list.length),
  Struct: method({ params: struct, positional: xy }, (given) => given),
  Strict: method({ params: struct, positional: xy, unknown: "reject" }, (given) => given),
  NoArray: method({ params: struct }, (given) => given),
  Pos: positional(["first", "second"], (first: number | null = 0, second: number | null = 0) => {
    return Number(first) - Number(second);
  }),
  Fixed: method({ params: z.array(z.string()).transform(([first = ""]) => [first]) }, (list) => list),
  Any: method({ params: z.unknown() }, (given) => given),
  Raw: method({ params: z.unknown() }, (given) => (given === undefined ? "" : JSON.stringify(given))),
  Int: method({ params: z.number().default(0) }, (given) => given),
});

/** The original's `data` is one text; a middleware makes one of our list. */
const dataAsText: Middleware = (_, next) =>
  next().catch((thrown: unknown) => {
    if (!RpcError.is(thrown) || !Array.isArray(thrown.data)) throw thrown;
    const complaints = thrown.data as readonly { readonly path: readonly string[]; readonly message: string }[];
    const data = complaints.map(({ path, message }) => [...path, message].join(": ")).join("; ");
    throw new RpcError(thrown.code, thrown.message, { data, wireCode: thrown.wireCode });
  });

const calls = server({ handlers: adapted, middleware: [dataAsText] });

/** What each step of a request knows of it, and a base context from a function of the user's. */
const carried: Run = (row) => {
  const base = new AsyncLocalStorage<string>();
  const told: string[] = [];
  let made = 0;
  const newContext: Middleware = ({ method: name, context }, next) => {
    told.push(`before: ${name} ${context?.id}`);
    return base.run(`base ${++made}`, next);
  };
  const handlers = (stage: Stage): object =>
    lookup((name) => {
      told.push(`assign: ${name}, ${base.getStore()}`);
      return (_: unknown, context: CallContext) => {
        const { id, method: own, isNotification, hasParams } = context;
        for (const line of told.splice(0)) stage.log(line);
        stage.log(`handler: ${own} ${id}, ${base.getStore()}`);
        return [isNotification, hasParams];
      };
    });
  return server({ handlers, middleware: [newContext] })(row);
};

/** A table with nested tables and odd names; a lookup stands at the top, so it splits off what it serves. */
const services = (): object => {
  const found = (): string => "found";
  const table = { A: { m: found, "": found, "m.x": found }, B: { C: { d: found } } };
  const names = new Map(
    Object.entries({ "A.m": table.A.m, "A.": table.A[""], "A.m.x": table.A["m.x"], "B.C.d": table.B.C.d }),
  );
  return lookup((name) => (name.startsWith("Z.") ? found : names.get(name)));
};

const reserved = (): object => ({ rpc: () => "mine", "rpc.custom": () => "mine", "rpc.": () => "mine" });

/** Only the names that the info lists: what it counts is case 150. */
const listed =
  (...scenes: readonly Scene[]): Run =>
  async (row) => {
    const told: string[] = [];
    for (const scene of scenes) {
      for (const record of (await server({ alone: true, ...scene })(row)).split("\n")) {
        const { result } = JSON.parse(record) as { readonly result: { readonly methods?: readonly string[] } };
        told.push("methods" in result ? JSON.stringify(result.methods) : "absent");
      }
    }
    return told.join("\n");
  };

const nothing = (): null => null;

/** Names, built-ins and the adaptation of handlers: cases 96, 141, 143 to 150, 216 to 223. */
export const HANDLER_RUNS: Runs = {
  96: server({ alone: true, handlers: () => ({ X: nothing }) }),
  141: carried,
  143: server({ handlers: reserved }),
  144: listed({ handlers: () => ({ X: nothing }) }),
  145: server({ handlers: reserved, builtins: false }),
  146: server({ handlers: services }),
  148: listed(
    { handlers: () => ({ B: { m: nothing }, A: { q: nothing, m: nothing } }) },
    { handlers: services },
    { handlers: () => lookup(() => undefined) },
  ),
  149: listed({}),
  150: server({ alone: true, handlers: () => ({ X: nothing, Plain: () => Promise.reject(new Error("no")) }) }),
  216: calls,
  217: calls,
  218: calls,
  219: calls,
  220: calls,
  221: calls,
  222: calls,
  223: calls,
};
