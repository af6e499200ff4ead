import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { codeOf, explain } from "./system-error.ts";

/** What is wrong with a certificate, by OpenSSL's codes, in words that follow "its certificate". */
const CERTIFICATE: ReadonlyMap<string, string> = new Map([
  ["CERT_HAS_EXPIRED", "has expired"],
  ["CERT_NOT_YET_VALID", "is not valid yet"],
  ["CERT_REVOKED", "was revoked"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "is signed by itself and not among those in tls.ca"],
  ["INVALID_PURPOSE", "is not made for this purpose"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "is not signed by one that tls.ca trusts"],
  ["UNABLE_TO_GET_ISSUER_CERT", "is not signed by one that tls.ca trusts"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "is not signed by one that tls.ca trusts"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "is not signed by one that tls.ca trusts"],
  ["CERT_SIGNATURE_FAILURE", "has a signature that is wrong"],
]);

/** What the other side's alert or its bytes mean. */
const HANDSHAKE: ReadonlyMap<string, string> = new Map([
  ["ERR_SSL_WRONG_VERSION_NUMBER", "the other side does not speak TLS there"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "the other side does not speak TLS there"],
  ["ERR_SSL_HTTP_REQUEST", "the other side does not speak TLS there"],
  ["ERR_SSL_UNSUPPORTED_PROTOCOL", "the other side speaks no version of TLS that is allowed here"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "the other side allows no version of TLS that is spoken here"],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "the TLS handshake did not end in time"],
  ["ECONNRESET", "the connection ended in the TLS handshake. Is it a TLS server that is meant?"],
]);

/** The server asked for a certificate and got none. TLS 1.2 has only the general alert for that. */
const NO_CERTIFICATE = new Set([
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
  "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
]);

/** Says what ended an attempt to dial `address`, whose certificate should have been for `name`. */
export function tlsDialError(address: string, name: string, thrown: unknown): unknown {
  const cause = RpcError.is(thrown) ? thrown.cause : thrown;
  const code = codeOf(cause);
  const fail = (kind: "unauthenticated" | "unavailable", why: string): RpcError =>
    new RpcError(kind, `Cannot connect to ${address}: ${why}`, { cause, executed: "no" });
  const wrong = CERTIFICATE.get(code);
  if (wrong !== undefined) return fail("unauthenticated", `its certificate ${wrong}`);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return fail(
      "unauthenticated",
      `its certificate is not for "${printable(name)}". Check the address or tls.serverName`,
    );
  }
  if (NO_CERTIFICATE.has(code)) {
    return fail("unauthenticated", "the server wants a client certificate. Give tls.cert and tls.key");
  }
  if (!RpcError.is(thrown)) {
    return fail(
      "unauthenticated",
      "the server ended it after the handshake. Does it trust the certificate in tls.cert?",
    );
  }
  const what = HANDSHAKE.get(code);
  if (what !== undefined) return fail("unavailable", what);
  return /ALERT/.test(code) ? fail("unauthenticated", `the server refused: ${explain(cause)}. Check tls.cert`) : thrown;
}

/** Says why a listener dropped a client in the handshake. */
export function refusalOf(error: Error, authorizationError: Error | string | undefined): RpcError {
  const code = typeof authorizationError === "string" ? authorizationError : codeOf(authorizationError);
  const wrong = CERTIFICATE.get(code);
  const fail = (why: string): RpcError => new RpcError("unauthenticated", why, { cause: error, executed: "no" });
  if (wrong !== undefined) return fail(`Its certificate ${wrong}`);
  if (code !== "") return fail(`Its certificate was not accepted: ${printable(code)}`);
  if (NO_CERTIFICATE.has(codeOf(error))) return fail("It showed no certificate, and one is needed");
  return fail(`The TLS handshake failed: ${HANDSHAKE.get(codeOf(error))?.replace(/\..*/, "") ?? explain(error)}`);
}
