import type { Dialer } from "../../core/wire.ts";
import type { TlsConnectOptions } from "../../transports/node/tls.ts";
import { type PollTarget, pollDialer } from "../poll/dialer.ts";
import { nodeSender } from "./dialer.ts";

/** Where a server of links is, and how Node asks it. */
export interface NodePollTarget extends PollTarget {
  /** For `https:`: whom to trust, who this end is. Default: the public certificates, and nobody. */
  readonly tls?: TlsConnectOptions | undefined;
}

/**
 * Dials as `pollDialer` does, over Node's own HTTP client, unless a `fetch` is given: it can be told whom to trust, and leaves
 * no connection when its link ends. Throws `TypeError` and `RangeError` as that does.
 */
export function nodePollDialer({ tls, ...target }: NodePollTarget): Dialer {
  if (tls !== undefined && !/^((poll|beat)\+)?https:/i.test(String(target.url))) {
    throw new TypeError("The option tls belongs to an address poll+https:// or beat+https://");
  }
  if (target.fetch === undefined) return pollDialer(target, (url) => nodeSender(url, tls));
  if (tls === undefined) return pollDialer(target);
  throw new TypeError("Give the option tls or a fetch, not both: each says whom to trust");
}
