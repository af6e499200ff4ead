import type { Visit } from "../../transports/guard.ts";
import type { Asked } from "./exchange.ts";

/** What the guard must know of a request. */
export function visitOf(asked: Asked): Visit {
  const { secure = false, localAddress, localPort } = asked.about;
  const [host, origin, fetchSite] = [asked.header("host"), asked.header("origin"), asked.header("sec-fetch-site")];
  return { host, origin, fetchSite, secure, localAddress, localPort };
}

/** The path and what follows the question mark. */
export function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf("?");
  return at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at + 1)];
}
