import type { RpcError } from "../core/errors.ts";
import type { Authenticator, Exchange } from "../core/wire.ts";
import { bytesOfHex, hexOf, randomBytes, sha256 } from "./bytes.ts";
import { challengeOf, checkChallenge, NONCE_BYTES } from "./challenge.ts";
import { isSignedBy, KeyPair, publicKeyOfHex, SIGNATURE_BYTES } from "./curve.ts";
import { explained, type Fields, fieldsOf, receiveFields, textField } from "./frames.ts";
import { type KeyOptions, keyLookup, needsAuthorize, needsPrivateKey } from "./keys.ts";
import { refusal, refusedByOther } from "./refusal.ts";

/** How the ends prove their keys as Hemi's do. */
export interface Secp256k1Options extends KeyOptions {
  /**
   * The client signs nothing but the text that the protocol has for its own key. Default `true`; `false` signs what the
   * server asks for, as the original does: then use the key for nothing else.
   */
  readonly verifyChallenge?: boolean | undefined;
}

const HELLO = "secp256k1-hello";
const CHALLENGE = "secp256k1-hello-challenge";
const ACCEPTED = "secp256k1-hello-challenge-accepted";
const ERROR = "secp256k1-error";
/** What a challenge of 1 KiB needs, and more. */
const MAX_FRAME = 4096;

/**
 * Hemi's handshake with keys of secp256k1, byte for byte: the client says its public key, signs a challenge, and is let in
 * without a word. A refusal is a command `secp256k1-error` before the close; a key that is proven and that nobody knows closes
 * with 4100 `invalid public key`. Needs the package `@noble/curves`.
 *
 * The challenge names no server: one that this client dials can log in as the client elsewhere. `boundKey()` cannot be relayed
 * so. Throws `TypeError` for a wrong option.
 */
export function secp256k1(options: Secp256k1Options): Authenticator {
  const { userAgent, verifyChallenge = true, random = randomBytes } = options;
  const pair = options.privateKey === undefined ? undefined : new KeyPair(options.privateKey);
  const identityOf = options.authorize === undefined ? undefined : keyLookup(options.authorize);
  return {
    async client(exchange) {
      const key = pair ?? needsPrivateKey("secp256k1");
      return explained(exchange, errorCommand, async () => {
        const publicKey = await key.publicKey();
        const hello = { ...(userAgent !== undefined && { userAgent }), publickey: publicKey };
        await exchange.send(command(HELLO, `Hello:${publicKey}`, hello));
        const { message } = await receiveCommand<"message">(exchange, CHALLENGE);
        const challenge = bytesOfHex(textField(message, "message")) ?? notHex();
        checkChallenge(challenge, publicKey, { verifyText: verifyChallenge });
        const signature = hexOf(await key.sign(await sha256(challenge)));
        await exchange.send(command(ACCEPTED, `HelloChallengeAccepted:${publicKey}`, { signature }));
      });
    },
    async server(exchange) {
      const authorize = identityOf ?? needsAuthorize("secp256k1");
      return explained(exchange, errorCommand, async () => {
        const hello = await receiveCommand<"publickey" | "userAgent">(exchange, HELLO);
        const written = textField(hello.publickey, "publickey");
        const publicKey = publicKeyOfHex(written);
        const challenge = challengeOf(publicKey, random(NONCE_BYTES));
        await exchange.send(command(CHALLENGE, `HelloChallenge:${written}`, { message: hexOf(challenge) }));
        const accepted = await receiveCommand<"signature">(exchange, ACCEPTED);
        const signature = bytesOfHex(textField(accepted.signature, "signature"), SIGNATURE_BYTES) ?? notHex();
        if (!(await isSignedBy(publicKey, signature, await sha256(challenge)))) {
          throw refusal("The signature does not belong to the key and the challenge");
        }
        return authorize(publicKey, agentOf(hello.userAgent), exchange);
      });
    },
  };
}

/** Who makes no use of it may leave it out, and the original writes null for nothing. */
function agentOf(value: unknown): string {
  return value === undefined || value === null ? "" : textField(value, "userAgent");
}

function command(name: string, id: string, payload: object): string {
  return JSON.stringify({ header: { command: name, id }, payload });
}

/** As the original writes the errors of its replies, and the code that the link closes with. */
function errorCommand({ message, wireCode }: RpcError): string {
  const timestamp = Math.floor(Date.now() / 1000);
  const error = { timestamp, message, ...(typeof wireCode === "number" && { closeCode: wireCode }) };
  return JSON.stringify({ header: { command: ERROR }, payload: { error } });
}

/** Receives the one command that may come now, and gives its payload. */
async function receiveCommand<Name extends string>(exchange: Exchange, expected: string): Promise<Fields<Name>> {
  const { header, payload } = await receiveFields<"header" | "payload">(exchange, MAX_FRAME);
  const { command: name, id } = fieldsOf<"command" | "id">(header);
  if (id !== undefined) textField(id, "id");
  if (name === ERROR) {
    const { error } = fieldsOf<"error">(payload);
    throw refusedByOther(fieldsOf(error));
  }
  if (name !== expected) throw refusal(`Expected the command "${expected}"`);
  return fieldsOf(payload);
}

function notHex(): never {
  throw refusal("A text of the handshake is not hexadecimal digits of the right number");
}
