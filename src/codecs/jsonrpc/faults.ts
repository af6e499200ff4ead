import { type Executed, type Fault, RpcError } from "../../core/errors.ts";
import type { Dialect } from "./options.ts";

/** A fault that a peer's message has: the numbers of a parse error and of an invalid request. */
export function faultOf(wireCode: -32700 | -32600, message: string, data?: unknown): Fault {
  return { code: "invalid_argument", message, data, wireCode };
}

/** The message is beyond a limit: as a request it is refused before it ran, as a reply its result is lost. */
export function beyondLimit(message: string, executed: Executed): Fault {
  return { code: "resource_exhausted", message, executed, wireCode: executed === "no" ? -32600 : undefined };
}

/**
 * Reads the error object of a reply, whatever is in it. A code that is no number is kept as `wireCode` when it is text;
 * `trace` and `executed` are read out of data that an end of this library has filled in, and data itself stays as it is.
 */
export function readError(error: object, dialect: Dialect): Fault {
  const { code, message, data } = error as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly data?: unknown;
  };
  const extras = readExtras(data);
  return {
    code: (typeof code === "number" ? dialect.names.get(code) : undefined) ?? "unknown",
    message: typeof message === "string" ? message : "",
    data,
    trace: extras?.trace,
    executed: extras?.executed,
    wireCode: typeof code === "number" || typeof code === "string" ? code : undefined,
  };
}

/** The error object of a reply, as JSON text. Throws when its data has no JSON form. */
export function errorText(fault: Fault, dialect: Dialect): string {
  const error = dialect.verbatim ? thrownFault(fault) : fault;
  const { wireCode, message } = error;
  const number = typeof wireCode === "number" && Number.isFinite(wireCode) ? wireCode : dialect.numbers[error.code];
  const data = dataText(error, dialect.verbatim);
  const text = message === "" ? "" : `,"message":${JSON.stringify(message)}`;
  return data === "" ? `{"code":${number}${text}}` : `{"code":${number}${text},"data":${data}}`;
}

/**
 * What jrpc2 says of an exception: its own text, as a system error, a cancellation or a missed deadline. Only what this
 * end made of something else that was thrown is undone so; an `RpcError` that a handler threw stays as it is.
 */
function thrownFault(fault: Fault): Fault {
  if (!RpcError.is(fault) || fault.remote || !(fault.cause instanceof Error)) return fault;
  const { name, message } = fault.cause;
  const isHidden = fault.code === "internal" && (fault.trace !== undefined || fault.executed === "yes");
  if (isHidden) return { code: "unknown", message };
  return name === "AbortError" || name === "TimeoutError" ? { code: fault.code, message } : fault;
}

/** Data as the thrower gave it; where it gave none, the two facts that JSON-RPC has no other place for. */
function dataText({ data, trace, executed }: Fault, verbatim: boolean): string {
  if (data !== undefined) return jsonText(data);
  if (verbatim || (trace === undefined && executed === undefined)) return "";
  return JSON.stringify({ trace, executed });
}

interface Extras {
  readonly trace?: string;
  readonly executed?: Executed;
}

/** The data of `dataText`, and nothing that merely looks like it: it has these members and no other. */
function readExtras(data: unknown): Extras | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  if (!Object.hasOwn(data, "trace") && !Object.hasOwn(data, "executed")) return undefined;
  const extras: { trace?: string; executed?: Executed } = {};
  for (const [key, value] of Object.entries(data)) {
    if (key === "trace" && typeof value === "string") extras.trace = value;
    else if (key === "executed" && (value === "no" || value === "yes" || value === "unknown")) extras.executed = value;
    else return undefined;
  }
  return extras;
}

/**
 * The JSON text of a value. Throws `TypeError` where JSON.stringify would say nothing or something else without a word:
 * for functions, symbols and `undefined`, for numbers that are not finite, and for maps, sets, promises and the like.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`${nameOf(value)} has no JSON form`);
  if (text === "null" ? typeof value === "number" : text === "{}" && !isBare(value)) {
    throw new TypeError(`${nameOf(value)} has no JSON form`);
  }
  return text;
}

/** Whether an object that turned into `{}` really holds nothing: a Map, an Error or a Promise does, in its slots. */
function isBare(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object Object]" || hasToJson(value);
}

function hasToJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "toJSON" in value && typeof value.toJSON === "function";
}

function nameOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return `A value of type ${typeof value}`;
  return `A value of type ${Object.prototype.toString.call(value).slice(8, -1)}`;
}
