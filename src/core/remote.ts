import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CallContext, Caller } from "./context.ts";
import type { CallOptions } from "./outgoing.ts";

/** A function of any shape, as a constraint. */
type AnyFunction = (...args: never) => unknown;

/**
 * Handlers for a contract that both ends share: each of its methods as a function of its params and the context of the call,
 * which may answer later. `const handlers: HandlersOf<Api> = { … }`.
 */
export type HandlersOf<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...given: infer Given) => infer Result
    ? (params: Given[0], context: CallContext) => Awaited<Result> | Promise<Awaited<Result>>
    : HandlersOf<Api[Name]>;
};

/** The handlers of an api type: the table itself, or what a function makes for each connection. */
export type TableOf<Api> = Api extends AnyFunction ? ReturnType<Api> : Api;

/** What stands in a service beside its methods, and is an object. */
type Data = Date | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | readonly unknown[] | ArrayBufferView;

/** Whether something may be a handler or a service. */
type IsServed<Entry> = [Entry] extends [AnyFunction]
  ? true
  : [Entry] extends [Data]
    ? false
    : [Entry] extends [object]
      ? true
      : false;

/** The names of a service's fields that hold data. */
type DataOf<Service> = {
  [Name in keyof Service]-?: IsServed<NonNullable<Service[Name]>> extends true ? never : Name;
}[keyof Service];

/** The methods of an instance that are registered. */
type MethodsOf<Instance> = {
  [Name in keyof Instance]-?: NonNullable<Instance[Name]> extends AnyFunction
    ? Name extends `_${string}`
      ? never
      : Name
    : never;
}[keyof Instance];

/**
 * What a service offers, as a `Registry` reads it: all of an object's own entries, or the public methods alone of what must
 * be an instance of a class, because it holds data or has private members.
 */
export type Offered<Service> = [DataOf<Service>] extends [never]
  ? { [Name in keyof Service]: Service[Name] } extends Service
    ? Service
    : Pick<Service, MethodsOf<Service>>
  : Pick<Service, MethodsOf<Service>>;

/** The schema of one call, if it has one. */
export type MaybeSchema = StandardSchemaV1 | undefined;

/** What a call gives: what its own schema says, or the handler's result where there is none, or one that says nothing. */
export type ResultOf<Schema extends MaybeSchema, Result> = [Schema] extends [StandardSchemaV1<unknown, infer Output>]
  ? unknown extends Output
    ? Awaited<Result>
    : Output
  : Awaited<Result>;

/** The options of a call that may have a schema for its result. */
export type WithSchema<Options, Schema extends MaybeSchema> = Options & { readonly result?: Schema | undefined };

/** One remote method: the handler's first parameter, then the options of the call. */
type RemoteMethod<Params, Result> = undefined extends Params
  ? <Schema extends MaybeSchema = undefined>(
      params?: Params,
      options?: WithSchema<CallOptions, Schema>,
    ) => Promise<ResultOf<Schema, Result>>
  : <Schema extends MaybeSchema = undefined>(
      params: Params,
      options?: WithSchema<CallOptions, Schema>,
    ) => Promise<ResultOf<Schema, Result>>;

type RemoteTable<Table> = {
  readonly [Name in keyof Table]: NonNullable<Table[Name]> extends (...args: infer Args) => infer Result
    ? RemoteMethod<Args[0], Result>
    : RemoteTable<Offered<NonNullable<Table[Name]>>>;
};

/**
 * The methods of the other side as typed functions: `Remote<typeof handlers>`. The types are the word of whoever wrote
 * them; what really arrives is checked only where a handler or a call has a schema. A call with a `result` schema has the
 * schema's type.
 */
export type Remote<Api> = RemoteTable<Offered<TableOf<Api>>>;

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
