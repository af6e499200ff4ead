import type { CallContext } from "./context.ts";
import { RpcError } from "./errors.ts";
import type { AnyHandler, Dispatcher } from "./handlers.ts";
import type { CallOptions } from "./outgoing.ts";

/** One call or notification on its way through middleware, the same for both directions. */
export interface MiddlewareCall {
  /** `in`: this end serves it; `out`: this end makes it. */
  readonly direction: "in" | "out";
  readonly method: string;
  readonly params: unknown;
  readonly isNotification: boolean;
  /** What the handler gets; only for `in`. */
  readonly context?: CallContext | undefined;
  /** What the caller gave; only for `out`. */
  readonly options?: CallOptions | undefined;
}

/**
 * Stands around every call of one direction and sees its outcome, unknown methods included: it returns what `next`
 * resolves to, or something else, or throws. `next()` goes on with the call as it is, `next(changed)` with another one.
 */
export type Middleware = (call: MiddlewareCall, next: (changed?: MiddlewareCall) => Promise<unknown>) => unknown;

/** The innermost step of a chain. */
export type Last = (call: MiddlewareCall) => unknown;

/** Builds the chain once; the first middleware is the outermost. */
export function compose(middleware: readonly Middleware[], last: Last): Last {
  return middleware.reduceRight<Last>(
    (next, layer) => (call) => layer(call, async (changed = call) => next(changed)),
    last,
  );
}

/** A dispatcher whose every call goes through the middleware first; without any it is the dispatcher itself. */
export function withMiddleware(dispatcher: Dispatcher, middleware: readonly Middleware[]): Dispatcher {
  if (middleware.length === 0) return dispatcher;
  const chain = compose(middleware, ({ method, params, context }) => {
    if (context === undefined) throw new TypeError("Middleware must pass on the context of an incoming call");
    const handler = dispatcher.find(method);
    if (handler === undefined) throw new UnknownMethod(method);
    return handler(params, context);
  });
  const run: AnyHandler = (params, context) =>
    chain({ direction: "in", method: context.method, params, isNotification: context.isNotification, context });
  return { find: () => run, names: () => dispatcher.names?.() ?? [] };
}

/**
 * An error about the very call that a handler was given: what it says about execution goes on to the caller. Of any other
 * error that a handler throws it does not, for there an inner call speaks of itself.
 */
export class OfThisCall extends RpcError {}

/** A call to a method that was not registered. */
export class UnknownMethod extends OfThisCall {
  constructor(method: string) {
    super("unimplemented", "method not found", { data: method, executed: "no" });
  }
}
