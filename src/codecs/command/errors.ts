import { type Code, type Executed, type Fault, isCode } from "../../core/errors.ts";
import { isObject, memberOf } from "./envelope.ts";

const SECOND_MS = 1000;
/** What a caller is told of an error that is not for it: `RpcError.from` says so here, and Hemi so. */
const HIDDEN = "Internal error";
const HIDDEN_THERE = "internal error";
/** By which the original's clients know it: there is no code. */
const NOT_FOUND = /^not found\b/;
const EXECUTED: ReadonlySet<unknown> = new Set<Executed>(["no", "yes", "unknown"]);

/** The whole seconds since 1970. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / SECOND_MS);
}

/**
 * What stands under `error` in a payload: `timestamp` in whole seconds, `trace` of an internal error, `message`, and unless
 * the original's form is wanted `code`, `data` and `executed`, which its ends pass over.
 */
export function errorOf({ code, message, data, trace, timestamp, executed }: Fault, compat: boolean): object {
  const bare = {
    timestamp: timestamp === undefined ? nowSeconds() : Math.floor(timestamp / SECOND_MS),
    // There a trace is what tells an internal error from one of the request.
    trace: compat && code !== "internal" ? undefined : trace,
    message: code === "internal" && message === HIDDEN ? HIDDEN_THERE : message,
  };
  return compat ? bare : { ...bare, code, data, executed };
}

/** Reads what stands under `error` in a payload; `undefined` where there is none. */
export function faultIn(payload: object, anyCase: boolean): Fault | undefined {
  const error = memberOf(payload, "error", anyCase);
  if (!isObject(error)) return undefined;
  const member = (name: string): unknown => memberOf(error, name, anyCase);
  const [message, trace, timestamp, executed] = ["message", "trace", "timestamp", "executed"].map(member);
  const text = typeof message === "string" ? message : "";
  const isTraced = typeof trace === "string" && trace !== "";
  return {
    code: codeOf(member("code"), text, isTraced),
    message: text,
    data: member("data"),
    trace: isTraced ? trace : undefined,
    timestamp: typeof timestamp === "number" ? timestamp * SECOND_MS : undefined,
    executed: EXECUTED.has(executed) ? (executed as Executed) : undefined,
  };
}

function codeOf(code: unknown, message: string, isTraced: boolean): Code {
  if (isCode(code)) return code;
  if (isTraced) return "internal";
  return NOT_FOUND.test(message) ? "not_found" : "invalid_argument";
}
