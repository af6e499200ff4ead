import { bytesOfHex } from "../../src/auth/bytes.ts";

/** One handshake that the original's library has made: key, digest of the challenge, signature. */
export interface Vector {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly digest: string;
  readonly signature: string;
}

/** The nonce of all vectors: 00 01 02 … 0f. */
export const NONCE: Uint8Array = Uint8Array.from({ length: 16 }, (_, at) => at);

/** Made with decred's secp256k1. */
export const VECTORS: readonly [Vector, Vector, Vector] = [
  {
    privateKey: `${"00".repeat(31)}01`,
    publicKey: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    digest: "bc66714899107f5973041a1c3b3fdc3fd3fa4ff0822ed70df254420756109e33",
    signature:
      "201ae57b373ea3d1af6f48812b49f9bc5b54f9e0cc36c0cfa44dd44dcb58a584ac206bc63c42111caf094cc90e325e97d3964f493afc36e20f95eeb0c339d7b43a",
  },
  {
    privateKey: `c0ffee${"00".repeat(27)}beef`,
    publicKey: "02c2e52c5667fbb3c7b14f87a7fe3d0c76f8c17a32258182b94a6958e18c51b62b",
    digest: "3aac39275a96a4ddb2317686e0b650986bd11ecadea35503bed002d076d3218b",
    signature:
      "20ff870c6fabd03d923c020a604e8af165004f63abd5c2be13c317327374140475093032cc3799adf7107262a6814b66fb44a0d3846860f981125a9b0ec9f755fb",
  },
  {
    privateKey: "7f".repeat(32),
    publicKey: "03142715675faf8da1ecc4d51e0b9e539fa0d52fdd96ed60dbe99adb15d6b05ad9",
    digest: "59962acdccdabf7bd7fc617b3fedf391632e38c177a673f105d45e9ede45538e",
    signature:
      "1f1b186a7eaf2764efa1181d29b7c74f665968ff6df99da2720280f2e12c1ca1c11676a2e7cc88a7db61b527a702c94a60b2297829f2646d37b2d37cfb2ab1b442",
  },
];

/** The bytes of hexadecimal digits that are known to be some. */
export function bytes(hex: string): Uint8Array {
  const found = bytesOfHex(hex);
  if (found === undefined) throw new TypeError(`"${hex}" is not hexadecimal`);
  return found;
}

/** The same bytes but for one bit. */
export function flipped(given: Uint8Array, bit: number): Uint8Array {
  const copy = given.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
