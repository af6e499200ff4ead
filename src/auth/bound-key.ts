import type { Role } from "../core/channel.ts";
import { printable } from "../core/text.ts";
import type { Authenticator } from "../core/wire.ts";
import { bytesOfHex, hexOf, randomBytes } from "./bytes.ts";
import { isSignedBy, KeyPair, publicKeyOfHex, SIGNATURE_BYTES } from "./curve.ts";
import { errorFrame, explained, receiveOwn, textField } from "./frames.ts";
import { checkedKey, type KeyOptions, keyLookup, needsAuthorize, needsPrivateKey } from "./keys.ts";
import { refusal } from "./refusal.ts";
import { taggedHash } from "./tagged-hash.ts";

/** How the ends prove their keys to one another, for one server. */
export interface BoundKeyOptions extends KeyOptions {
  /** The name that both ends have for the server, such as its host and port: a proof made for one name is void under another. */
  readonly serverName: string;
  /** The public keys that a client takes for the server's own; one of them must be proven. Default: any server that knows the name. */
  readonly serverKeys?: string | readonly string[] | undefined;
}

const VERSION = 1;
const TAG = `convoke/bound-key/${VERSION}`;
const NONCE_BYTES = 32;
const MAX_FRAME = 4096;
const MAX_NAME = 255;

/** What both ends sign: everything that was said. */
interface Transcript {
  readonly serverName: string;
  readonly clientKey: string;
  /** Empty when the server has no key. */
  readonly serverKey: string;
  readonly clientNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
  readonly userAgent: string;
}

/**
 * A handshake with keys of secp256k1 whose proofs cannot be used elsewhere: what is signed names the protocol and its version,
 * the server, who signs, both keys and a nonce of each end. A server that has a `privateKey` proves it as well, and a client
 * then has `{ publicKey }` as the identity of its server. A refusal is a frame `{"error":…}` before the close; a key that
 * is proven and that nobody knows closes with 4100. Needs the package `@noble/curves`.
 *
 * Who stands between the ends can still pass everything on, and change what is said after it: that is what TLS is for. Throws
 * `TypeError` for a wrong option.
 */
export function boundKey(options: BoundKeyOptions): Authenticator {
  const { serverName, userAgent = "", random = randomBytes } = options;
  if (typeof serverName !== "string" || serverName === "" || serverName.length > MAX_NAME) {
    throw new TypeError(`serverName must be a text of 1 to ${MAX_NAME} characters`);
  }
  const pair = options.privateKey === undefined ? undefined : new KeyPair(options.privateKey);
  const identityOf = options.authorize === undefined ? undefined : keyLookup(options.authorize);
  const trusted = options.serverKeys === undefined ? undefined : new Set([options.serverKeys].flat().map(checkedKey));
  return {
    async client(exchange) {
      const key = pair ?? needsPrivateKey("boundKey");
      return explained(exchange, errorFrame, async () => {
        const clientKey = await key.publicKey();
        const clientNonce = random(NONCE_BYTES);
        const hello = { clientKey, nonce: hexOf(clientNonce), ...(userAgent !== "" && { userAgent }) };
        await exchange.send(JSON.stringify({ boundKey: VERSION, ...hello }));
        const said = await receiveOwn<"boundKey" | "serverName" | "serverKey" | "nonce">(exchange, MAX_FRAME);
        checkVersion(said.boundKey);
        if (said.serverName !== serverName) {
          throw refusal(
            `The server is "${printable(textField(said.serverName, "serverName"))}", and not "${serverName}"`,
          );
        }
        const serverKey = said.serverKey === undefined ? "" : publicKeyOfHex(textField(said.serverKey, "serverKey"));
        if (trusted !== undefined && !trusted.has(serverKey))
          throw refusal("The server has none of the keys that it should have");
        const serverNonce = nonceOf(said.nonce);
        const transcript = { serverName, clientKey, serverKey, clientNonce, serverNonce, userAgent };
        await exchange.send(JSON.stringify({ signature: hexOf(await key.sign(await digestOf(transcript, "client"))) }));
        const welcome = await receiveOwn<"welcome" | "signature">(exchange, MAX_FRAME);
        if (welcome.welcome !== true) throw refusal("Expected a welcome");
        if (serverKey === "") return undefined;
        await checkSignature(welcome.signature, serverKey, await digestOf(transcript, "server"));
        return { publicKey: serverKey };
      });
    },
    async server(exchange) {
      const authorize = identityOf ?? needsAuthorize("boundKey");
      return explained(exchange, errorFrame, async () => {
        const hello = await receiveOwn<"boundKey" | "clientKey" | "nonce" | "userAgent">(exchange, MAX_FRAME);
        checkVersion(hello.boundKey);
        const clientKey = publicKeyOfHex(textField(hello.clientKey, "clientKey"));
        const clientNonce = nonceOf(hello.nonce);
        const agent = hello.userAgent === undefined ? "" : textField(hello.userAgent, "userAgent");
        const serverKey = (await pair?.publicKey()) ?? "";
        const serverNonce = random(NONCE_BYTES);
        const answer = {
          boundKey: VERSION,
          serverName,
          ...(serverKey !== "" && { serverKey }),
          nonce: hexOf(serverNonce),
        };
        await exchange.send(JSON.stringify(answer));
        const proof = await receiveOwn<"signature">(exchange, MAX_FRAME);
        const transcript = { serverName, clientKey, serverKey, clientNonce, serverNonce, userAgent: agent };
        await checkSignature(proof.signature, clientKey, await digestOf(transcript, "client"));
        const identity = await authorize(clientKey, agent, exchange);
        // Last, so that nobody has this end sign who is not let in.
        const own = pair && { signature: hexOf(await pair.sign(await digestOf(transcript, "server"))) };
        await exchange.send(JSON.stringify({ welcome: true, ...own }));
        return identity;
      });
    },
  };
}

function digestOf(transcript: Transcript, signer: Role): Promise<Uint8Array> {
  const { serverName, clientKey, serverKey, clientNonce, serverNonce, userAgent } = transcript;
  return taggedHash(TAG, [signer, serverName, clientKey, serverKey, clientNonce, serverNonce, userAgent]);
}

async function checkSignature(value: unknown, publicKey: string, digest: Uint8Array): Promise<void> {
  const signature = bytesOfHex(textField(value, "signature"), SIGNATURE_BYTES);
  if (signature === undefined || !(await isSignedBy(publicKey, signature, digest))) {
    throw refusal("The signature does not belong to the key, the server's name and the nonces");
  }
}

function checkVersion(value: unknown): void {
  if (value !== VERSION) throw refusal(`Expected the first frame of a handshake with bound keys, version ${VERSION}`);
}

function nonceOf(value: unknown): Uint8Array {
  const nonce = bytesOfHex(textField(value, "nonce"), NONCE_BYTES);
  if (nonce === undefined) throw refusal(`A nonce has ${NONCE_BYTES * 2} hexadecimal digits`);
  return nonce;
}
