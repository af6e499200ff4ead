import type { Exchange } from "../core/wire.ts";
import type { PrivateKey } from "./curve.ts";
import { publicKeyOfHex } from "./curve.ts";
import { type Authorize, entriesOf, letsIn } from "./lookup.ts";
import { notConfigured, unknownKey } from "./refusal.ts";

/** What the handshakes with keys have in common. One object may serve both ends; each needs its part of it. */
export interface KeyOptions {
  /** Who this end is: 32 bytes or 64 hexadecimal digits. A client needs it. Use a key for nothing but this. */
  readonly privateKey?: PrivateKey | undefined;
  /** What a client says it is; nothing proves it. Default: nothing. */
  readonly userAgent?: string | undefined;
  /** Who the owner of a public key is (66 hexadecimal digits, in lower case). A server needs it. */
  readonly authorize?: Authorize | undefined;
  /** Gives that many bytes for nonces; tests give their own. Default: the platform's. */
  readonly random?: ((length: number) => Uint8Array) | undefined;
}

/** Finds the identity of a key that is proven. Rejects with 4100 for a key that nobody knows. */
export type KeyLookup = (publicKey: string, userAgent: string, exchange: Exchange) => Promise<unknown>;

/** Checks `authorize` and makes a lookup of it. Throws `TypeError` for a table with a key that is none. */
export function keyLookup(authorize: Authorize): KeyLookup {
  const entries = entriesOf(authorize);
  const table = entries && new Map(entries.map(([key, identity]) => [checkedKey(key), identity]));
  return async (publicKey, userAgent, { remoteAddress }) => {
    const identity =
      typeof authorize === "function"
        ? await authorize(publicKey, { userAgent, remoteAddress })
        : table?.get(publicKey);
    if (!letsIn(identity)) throw unknownKey();
    return identity;
  };
}

/** Reads a public key that a user gave. Throws `TypeError` for one that is none. */
export function checkedKey(key: string): string {
  try {
    return publicKeyOfHex(key);
  } catch {
    throw new TypeError(`A public key of secp256k1 has 66 or 130 hexadecimal digits, and "${key}" is none`);
  }
}

/** Throws what a client gets that has no key. */
export function needsPrivateKey(scheme: string): never {
  throw notConfigured(`Cannot prove who this client is: give ${scheme}() a privateKey`);
}

/** Throws what a server gets that knows nobody: it lets nobody in by default. */
export function needsAuthorize(scheme: string): never {
  throw notConfigured(`Cannot let anybody in: give ${scheme}() a function or table authorize`);
}
