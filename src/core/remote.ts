import type { Caller } from "./context.ts";
import type { CallOptions } from "./outgoing.ts";

/** A function of any shape, as a constraint. */
type AnyFunction = (...args: never) => unknown;

/** The handlers of an api type: the table itself, or what a function makes for each connection. */
export type TableOf<Api> = Api extends AnyFunction ? ReturnType<Api> : Api;

/** One remote method: the handler's first parameter, then the options of the call. */
type RemoteMethod<Params, Result> = undefined extends Params
  ? (params?: Params, options?: CallOptions) => Promise<Awaited<Result>>
  : (params: Params, options?: CallOptions) => Promise<Awaited<Result>>;

type RemoteTable<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends (...args: infer Args) => infer Result
    ? RemoteMethod<Args[0], Result>
    : RemoteTable<Table[Name]>;
};

/**
 * The methods of the other side as typed functions: `Remote<typeof handlers>`. The types are the word of whoever wrote
 * them; what really arrives is checked only where a handler or a call has a schema.
 */
export type Remote<Api> = RemoteTable<TableOf<Api>>;

/**
 * Gives typed access to whatever can be called: `remoteOf<Api>(context.peer).math.add({ a: 1, b: 2 })` calls `math.add`.
 * Names are made of property names joined by dots; `then` is never one, so that a remote may be awaited by accident.
 */
export function remoteOf<Api>(caller: Caller): Remote<Api> {
  return methodsOf<CallOptions>((method, params, options) => caller.call(method, params, options)) as Remote<Api>;
}

/** What is called for a property path: the method's name, and what it was called with. */
export type CallByName<Options> = (method: string, params?: unknown, options?: Options) => unknown;

/** The same access, whatever a call gives; its user says what type it has. */
export function methodsOf<Options>(call: CallByName<Options>): object {
  return node(call, "");
}

function node<Options>(callByName: CallByName<Options>, path: string): object {
  const children = new Map<string, object>();
  const call = (params?: unknown, options?: Options): unknown => callByName(path, params, options);
  return new Proxy(call, {
    get(_, name) {
      if (typeof name !== "string" || name === "then") return undefined;
      let child = children.get(name);
      if (child === undefined) {
        child = node(callByName, path === "" ? name : `${path}.${name}`);
        children.set(name, child);
      }
      return child;
    },
  });
}
