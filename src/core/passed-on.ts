import type { CallContext } from "./context.ts";
import { RpcError } from "./errors.ts";
import { OfThisCall } from "./middleware.ts";

/**
 * What a handler throws that passed its call on to somebody else, where that failed: the inner call is the outer one, and whether it
 * has run is true of this. Where the handler's own signal ended it (its deadline, or its caller), the reason of that says more.
 */
export function passedOn(thrown: unknown, { signal }: Pick<CallContext, "signal">): unknown {
  if (!RpcError.is(thrown)) return thrown;
  if (signal.aborted && thrown.cause === signal.reason) return signal.reason;
  return new OfThisCall(thrown.code, thrown.message, { ...thrown, cause: thrown });
}
