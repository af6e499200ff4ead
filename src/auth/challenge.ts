import { bytesOf } from "../core/text.ts";
import { isEqual, joined } from "./bytes.ts";
import { refusal } from "./refusal.ts";

/** The nonce that a challenge begins with. */
export const NONCE_BYTES = 16;
/** What is read at most where the text is not looked at. */
const MAX_BYTES = 1024;

/** What a server asks the owner of a key to sign: a nonce of 16 bytes and a text that names the key, 117 in all. */
export function challengeOf(publicKey: string, nonce: Uint8Array): Uint8Array {
  return joined(nonce, bytesOf(`Hello: ${publicKey}\nMessage: I am not a robot!\n`));
}

/**
 * Checks a challenge before it is signed. The original signs whatever follows the nonce; here it must be the text for this
 * key, because whoever signs what others choose signs more than logins. Throws `unauthenticated`.
 */
export function checkChallenge(
  message: Uint8Array,
  publicKey: string,
  { verifyText }: { readonly verifyText: boolean },
): void {
  const nonce = message.subarray(0, NONCE_BYTES);
  if (message.length < NONCE_BYTES || nonce.every((byte) => byte === 0)) throw refusal("The challenge has no nonce");
  if (message.length > MAX_BYTES) throw refusal(`A challenge has at most ${MAX_BYTES} bytes`);
  if (verifyText && !isEqual(message, challengeOf(publicKey, nonce))) {
    throw refusal(`The challenge does not name the key ${publicKey}: this end does not sign it`);
  }
}
