import { bytesOfHex, hexOf, isEqual } from "./bytes.ts";
import { notConfigured, refusal } from "./refusal.ts";

type Curve = typeof import("@noble/curves/secp256k1.js").secp256k1;

/** A secret key: 32 bytes, or their 64 hexadecimal digits. */
export type PrivateKey = string | Uint8Array;

/** How many points there are (SEC 2, 2.4.1): secret keys are below it. */
const ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;
const KEY_BYTES = 32;
/** A byte that says how to recover the key, then r and s. */
export const SIGNATURE_BYTES = 65;
/** What that byte begins at for a compressed key: 27, as in Bitcoin's signed messages, and 4 for "compressed". */
const HEADER = 27 + 4;

/**
 * Reads a public key in the forms of SEC 1: 33 bytes, or the 65 of an uncompressed one. Gives the digits of the former in
 * lower case. Whether it is on the curve is not looked at: no signature leads to one that is not. Throws
 * `unauthenticated` for anything else.
 */
export function publicKeyOfHex(text: string): string {
  const bytes = text.length <= 130 ? bytesOfHex(text) : undefined;
  const [form] = bytes ?? [];
  if (bytes?.length === 33 && (form === 2 || form === 3)) return text.toLowerCase();
  if (bytes?.length === 65 && form === 4) {
    return ((bytes[64] ?? 0) & 1 ? "03" : "02") + hexOf(bytes.subarray(1, 33));
  }
  throw refusal("The public key is not one of secp256k1");
}

/** A secret key and the public one that belongs to it. */
export class KeyPair {
  readonly #secret: Uint8Array;
  #publicKey: Promise<string> | undefined = undefined;

  /** Copies the key that a user gave. Throws `TypeError` for one that is none, and does not quote it. */
  constructor(key: PrivateKey) {
    const bytes = typeof key === "string" ? bytesOfHex(key, KEY_BYTES) : key;
    if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES || !isScalar(numberOf(bytes))) {
      throw new TypeError("privateKey must be a secret key of secp256k1: 32 bytes or 64 hexadecimal digits");
    }
    this.#secret = bytes.slice();
  }

  /** The digits of the public key, compressed. */
  publicKey(): Promise<string> {
    this.#publicKey ??= curve().then(({ getPublicKey }) => hexOf(getPublicKey(this.#secret)));
    return this.#publicKey;
  }

  /** Signs a digest of 32 bytes (RFC 6979, low s): 65 bytes, the first of them 31 to 34. */
  async sign(digest: Uint8Array): Promise<Uint8Array> {
    const { sign } = await curve();
    const signature = sign(digest, this.#secret, { prehash: false, format: "recovered" });
    signature[0] = (signature[0] ?? 0) + HEADER;
    return signature;
  }
}

/** Gives the public key that belongs to a secret one, as tables have it: 66 hexadecimal digits. Throws `TypeError` for none. */
export function publicKeyOf(privateKey: PrivateKey): Promise<string> {
  return new KeyPair(privateKey).publicKey();
}

/**
 * Whether the owner of the public key has signed the digest: one recovery at most. There is one signature in one form for a
 * digest and a nonce: headers of uncompressed keys and high s, which others take, are refused.
 */
export async function isSignedBy(publicKey: string, signature: Uint8Array, digest: Uint8Array): Promise<boolean> {
  const recovery = (signature[0] ?? 0) - HEADER;
  if (signature.length !== SIGNATURE_BYTES || recovery < 0 || recovery > 3) return false;
  const r = numberOf(signature.subarray(1, 33));
  const s = numberOf(signature.subarray(33));
  if (!isScalar(r) || !isScalar(s) || s > ORDER / 2n) return false;
  const { recoverPublicKey } = await curve();
  const plain = signature.slice();
  plain[0] = recovery;
  const claimed = bytesOfHex(publicKey);
  try {
    return claimed !== undefined && isEqual(recoverPublicKey(plain, digest, { prehash: false }), claimed);
  } catch {
    // No point has this r.
    return false;
  }
}

/** Loads the curve for those who use keys. Rejects with `failed_precondition` where the package, an optional peer, is not installed. */
async function curve(): Promise<Curve> {
  try {
    return (await import("@noble/curves/secp256k1.js")).secp256k1;
  } catch (cause) {
    throw notConfigured("Keys of secp256k1 need the package @noble/curves: npm install @noble/curves", cause);
  }
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${hexOf(bytes)}`);
}

function isScalar(number: bigint): boolean {
  return number > 0n && number < ORDER;
}
