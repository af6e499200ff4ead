import { RpcError } from "../src/core/errors.ts";

/** What a handler of the probe service may ask about its call. */
interface ProbeContext {
  readonly id: string | undefined;
  readonly isNotification: boolean;
  readonly hasParams: boolean;
  readonly method: string;
  readonly peer?: {
    call(method: string, params?: unknown): Promise<unknown>;
    notify(method: string, params?: unknown): Promise<void>;
  };
}

export type ProbeHandler = (params: unknown, context: ProbeContext) => unknown;

/**
 * The service that the cases of jrpc2 were observed with, as handlers by name. `sleep` waits for so many milliseconds,
 * in whatever time the test has.
 */
export function jrpc2Service(sleep: (ms: number) => Promise<void>): Readonly<Record<string, ProbeHandler>> {
  return {
    X: (_, { hasParams }) => {
      if (hasParams) throw new RpcError("invalid_argument", "no parameters accepted");
      return "OK";
    },
    Y: () => undefined,
    Empty: () => null,
    Echo: (params) => params,
    ID: (_, { id = "", isNotification, hasParams, method }) => [id, isNotification, hasParams, method],
    Args: (params) => numbersOf(params ?? []).length,
    Struct: (params) => ({ ...ZERO, ...fieldsOf(params, { x: "number", y: "string" }, false) }),
    Pos: (params) => {
      const { first = 0, second = 0 } = fieldsOf(params, { first: "number", second: "number" }, true);
      return Number(first) - Number(second);
    },
    Sleep: async (params) => {
      const [ms = 0] = numbersOf(params);
      await sleep(ms);
      return ms;
    },
    Html: () => "<a&b>\u2028é",
    Chan: () => () => undefined,
    Plain: () => fail(new Error("plain <failure> & co")),
    Err: () => fail(new RpcError("unknown", "boom 1", { wireCode: -32000, data: { a: 1 } })),
    ErrVal: () => fail(new RpcError("unknown", "value", { wireCode: 5 })),
    ErrWrap: () => fail(new Error("wrap: inner", { cause: new RpcError("unknown", "inner", { wireCode: 7 }) })),
    ErrCode: () => fail(new RpcError("unknown", "error code 12345", { wireCode: 12345 })),
    ErrNoErr: () => fail(new RpcError("unknown", "noerr", { wireCode: -32099 })),
    ErrEmpty: () => fail(new RpcError("unknown", "", { wireCode: 3 })),
    ErrZero: () => fail(new RpcError("unknown", "", { wireCode: 0 })),
    ErrStd: () => fail(new RpcError("invalid_argument", "invalid parameters")),
    ParseErr: () => fail(new RpcError("invalid_argument", "handler parse", { wireCode: -32700 })),
    InvReq: () => fail(new RpcError("invalid_argument", "handler inv", { wireCode: -32600 })),
    NotFound: () => fail(new RpcError("unimplemented", "handler nf")),
    Cancel: () => fail(new DOMException("context canceled", "AbortError")),
    Deadline: () => fail(new DOMException("w: context deadline exceeded", "TimeoutError")),
    Notify: (_, { peer }) => peer?.notify("note", [1]),
    CB: (_, { peer }) => peer?.call("cb", { q: 2 }),
  };
}

const ZERO = { x: 0, y: "" };

function fail(error: Error): never {
  throw error;
}

function badParams(why: string): never {
  throw new RpcError("invalid_argument", "invalid parameters", { data: why });
}

function numbersOf(params: unknown): number[] {
  if (!Array.isArray(params)) badParams("a list is wanted");
  const list: readonly unknown[] = params;
  return list.map((each, at) => (typeof each === "number" ? each : badParams(`${at}: a number is wanted`)));
}

/** Params by name or by position; what is null or absent is left out. */
function fieldsOf(params: unknown, types: Readonly<Record<string, string>>, strict: boolean): Record<string, unknown> {
  const names = Object.keys(types);
  let given: readonly [string, unknown][] = [];
  if (Array.isArray(params)) {
    if (params.length !== names.length) badParams(`[-32602] got ${params.length} parameters, want ${names.length}`);
    given = params.map((value: unknown, at) => [names[at] ?? "", value]);
  } else if (params !== undefined) {
    given = Object.entries(params as object);
  }
  const fields: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (!names.includes(name)) {
      if (strict) badParams(`unknown field ${JSON.stringify(name)}`);
      continue;
    }
    if (value === null) continue;
    if (typeof value !== types[name]) badParams(`${name}: a ${types[name]} is wanted`);
    fields[name] = value;
  }
  return fields;
}
