import { RpcError } from "../core/errors.ts";
import type { Middleware } from "../core/middleware.ts";
import { jsonOf } from "./print.ts";

/** The wires that carry JSON and nothing else. */
const JSON_WIRES: ReadonlySet<string> = new Set(["jsonrpc", "lsp", "command"]);

/**
 * What stands between callers on one wire and an end on another, as middleware of the link to it; none where nothing has to
 * be translated. Callers of JSON get values that it has no form for as what comes nearest, as `convoke call` prints them;
 * and their list of params is the one param that a function of gorpc takes.
 */
export function translating(near: { readonly name: string }, far: { readonly name: string }): Middleware[] {
  if (!JSON_WIRES.has(near.name) || JSON_WIRES.has(far.name)) return [];
  return [
    async (call, next) => {
      if (call.direction === "in") return next({ ...call, params: jsonOf(call.params) });
      const params = far.name === "gorpc" ? onlyParam(call.method, call.params) : call.params;
      try {
        return jsonOf(await next({ ...call, params }));
      } catch (thrown) {
        throw RpcError.is(thrown) && thrown.data !== undefined ? withJsonData(thrown) : thrown;
      }
    },
  ];
}

/** `["x-1"]` is `"x-1"`, and `[]` is none; an object is one param already. */
function onlyParam(method: string, params: unknown): unknown {
  if (!Array.isArray(params)) return params;
  if (params.length <= 1) return params[0];
  throw new RpcError("invalid_argument", `Cannot call "${method}": a function of gorpc takes one param, in [ ]`, {
    executed: "no",
  });
}

function withJsonData(error: RpcError): RpcError {
  const { code, message, cause, remote } = error;
  return new RpcError(code, message, { ...error, cause, remote, data: jsonOf(error.data) });
}
