import { after } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import type { Accept, LinkTerms } from "../../core/wire.ts";
import type { HttpOptions, HttpRules } from "../options.ts";
import { type Asked, type Reading, Refused } from "./exchange.ts";

/** Where requests become links, for as long as a server listens. */
export interface Door {
  readonly accept: Accept;
  readonly terms: LinkTerms;
  readonly rules: HttpRules;
  /** The user's. */
  readonly hooks: Pick<HttpOptions, "identify" | "parseRequest" | "parseGet">;
  /** Counts what is under way and has no end here: streams. */
  count(change: 1 | -1): void;
}

/** A request that was let in, and whose it is. */
export interface Visitor {
  readonly asked: Asked;
  readonly identity: unknown;
}

/** Finds out whose a request is. Rejects with what its sender is told when it is nobody's, or takes too long. */
export async function identified(
  { hooks, terms }: { readonly hooks: Pick<HttpOptions, "identify">; readonly terms: LinkTerms },
  asked: Asked,
): Promise<Visitor> {
  const { identify } = hooks;
  if (identify === undefined) return { asked, identity: asked.about.identity };
  try {
    return { asked, identity: await inTime(terms, async () => identify(asked.request(), asked.about)) };
  } catch (thrown) {
    throw thrown instanceof Refused ? thrown : toldOf(terms, thrown, "identify failed");
  }
}

/** Runs what reads the body of a request. One that does not come in time is refused. */
export async function reading<Value>(
  { terms, rules: { bodyTimeoutMs } }: Pick<Door, "terms"> & { readonly rules: Pick<HttpRules, "bodyTimeoutMs"> },
  read: (reading: Reading) => Promise<Value>,
): Promise<Value> {
  const under: Reading = {};
  const stop = after(terms.clock, bodyTimeoutMs, () => {
    under.stop?.(new Refused(408, `The body did not come within ${bodyTimeoutMs} ms`));
  });
  try {
    return await read(under);
  } finally {
    stop();
  }
}

/** What a caller may know of an error; the log knows the rest. */
export function toldOf({ logger }: LinkTerms, thrown: unknown, what: string): RpcError {
  const error = RpcError.from(thrown);
  if (error !== thrown) logger.error(`${what}, trace ${error.trace ?? ""}`, thrown);
  return error;
}

function inTime<Value>({ clock, handshakeTimeoutMs }: LinkTerms, identify: () => Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const why = `Not identified within ${handshakeTimeoutMs} ms`;
    const stop = after(clock, handshakeTimeoutMs, () => reject(new RpcError("deadline_exceeded", why)));
    void identify().then(resolve, reject).finally(stop);
  });
}
