import type { CallContext, Caller } from "../core/context.ts";
import type { RpcError } from "../core/errors.ts";
import { type Dispatcher, lookup } from "../core/handlers.ts";
import { OfThisCall } from "../core/middleware.ts";
import { passedOn } from "../core/passed-on.ts";
import { Client } from "./client.ts";

/**
 * Methods that speak of the link that they come over, or of an id on it. On another link the same words would mean somebody
 * else: the bridge itself, or the call of another caller.
 */
const OF_THE_LINK: ReadonlySet<string> = new Set([
  "convoke.hello",
  "convoke.ping",
  "convoke.goodbye",
  "$/cancelRequest",
  "notifications/cancelled",
]);

/**
 * Handlers that pass every call and notification on to another caller, whatever its method: `serve(address, { handlers:
 * forwarding(client), builtins: false })` is a proxy. Deadline, cancellation and metadata go along where the wires carry them;
 * results and errors come back as they are: with an error its number or text (`wireCode`), its data, and whether the call has
 * run. A caller that
 * gave no deadline has the time that `to` gives its calls.
 *
 * `to` is shared by all who call, and stays its owner's to close: for the other side every call is this end's own. A client
 * whose link is down refuses at once with `unavailable`, in place of holding calls back. Methods that only mean something on
 * their own link (`convoke.hello`, `$/cancelRequest` and the like) are not passed on.
 */
export function forwarding(to: Caller): Dispatcher {
  const pass = async (params: unknown, context: CallContext): Promise<unknown> => {
    const { method, meta } = context;
    if (to instanceof Client && to.state === "connecting") throw down(method);
    if (context.isNotification) return to.notify(method, params, { meta });
    try {
      return await to.call(method, params, { timeoutMs: timeLeft(context), signal: context.signal, meta });
    } catch (thrown) {
      throw passedOn(thrown, context);
    }
  };
  return lookup((method) => (OF_THE_LINK.has(method) ? undefined : pass));
}

function timeLeft({ deadline }: CallContext): number | undefined {
  return deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
}

function down(method: string): RpcError {
  const why = "the other side cannot be reached at the moment";
  return new OfThisCall("unavailable", `Cannot call "${method}": ${why}`, { executed: "no" });
}
