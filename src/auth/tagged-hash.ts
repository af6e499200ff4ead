import { bytesOf } from "../core/text.ts";
import { joined, sha256 } from "./bytes.ts";

/**
 * A SHA-256 that is of use in one place only, as in BIP-340: the digest of the tag stands twice before the message. Fields are
 * preceded by their lengths (four bytes, big-endian), so that no two lists of fields are the same bytes.
 */
export async function taggedHash(tag: string, fields: readonly (string | Uint8Array)[]): Promise<Uint8Array> {
  const prefix = await sha256(bytesOf(tag));
  const parts = fields.map(bytesOf).flatMap((field) => [lengthOf(field), field]);
  return sha256(joined(prefix, prefix, ...parts));
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length);
}
