import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CallContext } from "./context.ts";
import { RpcError } from "./errors.ts";
import { type Shape, withShape } from "./shape.ts";

/** How a method checks what comes in and goes out, with schemas of any Standard Schema library. */
export interface MethodOptions extends Shape {
  /** Checks and converts the params; what it gives goes to the function. */
  readonly params: StandardSchemaV1;
  /** Checks and converts the result; what does not fit is `internal` and logged, never sent. Default: not checked. */
  readonly result?: StandardSchemaV1 | undefined;
  /** Takes an array of exactly so many params too, as an object of these names; absent params are then an empty object. */
  readonly positional?: readonly string[] | undefined;
  /**
   * `reject`: refuses params with a key that the validated params have not got, at the top level only. A schema that keeps
   * every key refuses none; one that renames a key refuses the old name. Default `ignore`.
   */
  readonly unknown?: "reject" | "ignore" | undefined;
}

/** What a function of checked params gives: what its result's schema takes, if it has one. */
type Returned<Options extends MethodOptions> = Options["result"] extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<Options["result"]>
  : unknown;

/**
 * What a function is taken to give until its body has been read. A promise too: the compiler widens the literal that an
 * `async` function returns alone where something else than promises is expected.
 */
type Expected<Value> = Value & Promise<Value>;

/**
 * A function of checked params. It is a conditional type because the compiler puts what it has found out about the options
 * only into such a one before it reads the body: so literals, tuples and unions keep their types.
 */
type Checked<Options extends MethodOptions, Result> = Options extends {
  readonly params: infer Params extends StandardSchemaV1;
}
  ? (params: StandardSchemaV1.InferOutput<Params>, context: CallContext) => Result | Promise<Awaited<Result>>
  : never;

/** What the caller gets. */
type Sent<Options extends MethodOptions, Result> = Options["result"] extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Options["result"]>
  : Awaited<Result>;

/** One thing that is wrong with the params of a call: `data` of the error is a list of them. */
export interface Complaint {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * Makes a handler of checked params. Params that do not fit are answered with `invalid_argument` (-32602), whose `data`
 * is a list of `{ path, message }`. Usable wherever a function is; `Remote` takes its types from the schemas.
 */
export function method<
  const Options extends MethodOptions,
  Result extends Returned<Options> = Expected<Returned<Options>>,
>(
  options: Options,
  fn: Checked<Options, Result>,
): (
  params: StandardSchemaV1.InferInput<Options["params"]>,
  context: CallContext,
) => Sent<Options, Result> | Promise<Sent<Options, Result>> {
  const { params: schema, result: resultSchema, positional: names, unknown = "ignore" } = options;
  const run = async (given: unknown, context: CallContext): Promise<unknown> => {
    const input = names === undefined ? given : named(names, given);
    const checked = await schema["~standard"].validate(input);
    if (checked.issues !== undefined) throw invalid(checked.issues.map(complaintOf));
    if (unknown === "reject") refuseUnknown(input, checked.value);
    const value: unknown = await fn(checked.value as never, context);
    return resultSchema === undefined ? value : fitting(resultSchema, value, context.method);
  };
  // The schemas have checked what these types say.
  return withShape(run as (params: unknown, context: CallContext) => Promise<never>, options);
}

/**
 * Makes a handler of a function with params by position: takes an array of exactly so many, or an object of these names.
 * An absent name is `undefined`; a name that is not listed is refused. Nothing else is checked.
 */
export function positional<const Names extends readonly string[], Result>(
  names: Names,
  fn: (...args: [...{ -readonly [Index in keyof Names]: never }, CallContext]) => Result,
): (params: { readonly [Name in Names[number]]?: unknown } | readonly unknown[], context: CallContext) => Result {
  return withShape(
    (params: unknown, context: CallContext): Result => {
      const given = named(names, params);
      if (typeof given !== "object" || given === null) {
        throw invalid([{ path: [], message: "an array or an object is wanted" }]);
      }
      const strange = Object.keys(given).filter((name) => !names.includes(name));
      if (strange.length > 0) throw invalid(strange.map(unknownName));
      const values = names.map((name) =>
        Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined,
      );
      return fn(...([...values, context] as never));
    },
    { positional: names },
  );
}

/** Params by position as an object; by name they stay as they are. */
function named(names: readonly string[], params: unknown): unknown {
  if (params === undefined) return {};
  if (!Array.isArray(params)) return params;
  if (params.length !== names.length) {
    throw invalid([{ path: [], message: `got ${params.length} parameters, want ${names.length}` }]);
  }
  return Object.fromEntries(names.map((name, at) => [name, params[at] as unknown]));
}

function refuseUnknown(input: unknown, output: unknown): void {
  if (!isRecord(input) || !isRecord(output)) return;
  const strange = Object.keys(input).filter((name) => !Object.hasOwn(output, name));
  if (strange.length > 0) throw invalid(strange.map(unknownName));
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownName(name: string): Complaint {
  return { path: [name], message: "unknown parameter" };
}

/** What is sent in place of the handler's result. Throws what becomes `internal`: it is no fault of the caller. */
async function fitting(schema: StandardSchemaV1, value: unknown, name: string): Promise<unknown> {
  const checked = await schema["~standard"].validate(value);
  if (checked.issues === undefined) return checked.value;
  const why = checked.issues.map(complaintOf).map(({ path, message }) => `${path.join(".") || "result"}: ${message}`);
  throw new Error(`The result of "${name}" does not fit its schema: ${why.join("; ")}`);
}

function complaintOf({ path = [], message }: StandardSchemaV1.Issue): Complaint {
  return { path: path.map((part) => String(typeof part === "object" ? part.key : part)), message };
}

function invalid(data: readonly Complaint[]): RpcError {
  return new RpcError("invalid_argument", "invalid parameters", { data, wireCode: -32602 });
}
