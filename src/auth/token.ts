import { bytesOf } from "../core/text.ts";
import type { Authenticator } from "../core/wire.ts";
import { isEqual, sha256 } from "./bytes.ts";
import { errorFrame, explained, receiveOwn, textField } from "./frames.ts";
import { type Authorize, entriesOf, letsIn } from "./lookup.ts";
import { notConfigured, refusal } from "./refusal.ts";

/** How a client shows a token. One object may serve both ends; each needs its part of it. */
export interface TokenOptions {
  /** What a client shows, or what gives it, asked at each handshake (a token that is renewed). */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /**
   * Who the owner of a token is. A server needs it. A table is searched in a time that does not depend on the token; a
   * function has to see to that itself.
   */
  readonly authorize?: Authorize | undefined;
}

const MAX_FRAME = 16_384;

/**
 * A bearer token: the client's first frame is `{"token":"…"}`, and the server answers `{"welcome":true}` or, before it closes,
 * `{"error":…}`. Whoever reads the link has the token: use it over TLS, or where nobody else listens. Throws `TypeError` for
 * a wrong option.
 */
export function token(options: TokenOptions): Authenticator {
  const { token: shown, authorize } = options;
  if (shown !== undefined && typeof shown !== "function" && (typeof shown !== "string" || shown === "")) {
    throw new TypeError("token must be a text that is not empty, or a function that gives one");
  }
  const identityOf = authorize === undefined ? undefined : lookupIn(authorize);
  return {
    async client(exchange) {
      if (shown === undefined) throw notConfigured("Cannot prove who this client is: give token() a token");
      return explained(exchange, errorFrame, async () => {
        await exchange.send(JSON.stringify({ token: typeof shown === "function" ? await shown() : shown }));
        const { welcome } = await receiveOwn<"welcome">(exchange, MAX_FRAME);
        if (welcome !== true) throw refusal("Expected a welcome");
      });
    },
    async server(exchange) {
      if (identityOf === undefined) {
        throw notConfigured("Cannot let anybody in: give token() a function or table authorize");
      }
      return explained(exchange, errorFrame, async () => {
        const given = textField((await receiveOwn<"token">(exchange, MAX_FRAME)).token, "token");
        const identity = await identityOf(given, exchange.remoteAddress);
        if (!letsIn(identity)) throw refusal("Invalid token");
        await exchange.send(JSON.stringify({ welcome: true }));
        return identity;
      });
    },
  };
}

type TokenLookup = (token: string, remoteAddress: string | undefined) => Promise<unknown>;

/** Tokens of a table are kept and compared as digests, so that all are of one length, and always with every one of them. */
function lookupIn(authorize: Authorize): TokenLookup {
  if (typeof authorize === "function") {
    return async (given, remoteAddress) => authorize(given, { userAgent: "", remoteAddress });
  }
  const entries = entriesOf(authorize) ?? [];
  if (entries.some(([known]) => known === "")) throw new TypeError("A token must not be empty");
  let digests: Promise<{ readonly digest: Uint8Array; readonly identity: unknown }[]> | undefined;
  return async (given) => {
    digests ??= Promise.all(
      entries.map(async ([known, identity]) => ({ digest: await sha256(bytesOf(known)), identity })),
    );
    const wanted = await sha256(bytesOf(given));
    let found: unknown;
    for (const { digest, identity } of await digests) if (isEqual(digest, wanted)) found = identity;
    return found;
  };
}
