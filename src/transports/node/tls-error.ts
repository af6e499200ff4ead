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

/** What is wrong with a connection over TLS. */
export interface TlsFault {
  readonly code: "unauthenticated" | "unavailable";
  /** To follow a colon. */
  readonly why: string;
}

/**
 * Says what ended a connection to a server whose certificate should have been for `name`: in the handshake, or `after` it, when
 * the server judges this end's certificate. `undefined` for what has nothing to do with TLS.
 */
export function tlsFault(name: string, cause: unknown, after = false): TlsFault | undefined {
  const code = codeOf(cause);
  const unauthenticated = (why: string): TlsFault => ({ code: "unauthenticated", why });
  const wrong = CERTIFICATE.get(code);
  if (wrong !== undefined) return unauthenticated(`its certificate ${wrong}`);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return unauthenticated(`its certificate is not for "${printable(name)}". Check the address or tls.serverName`);
  }
  if (NO_CERTIFICATE.has(code)) {
    return unauthenticated("the server wants a client certificate. Give tls.cert and tls.key");
  }
  if (after) {
    return unauthenticated("the server ended it after the handshake. Does it trust the certificate in tls.cert?");
  }
  const what = HANDSHAKE.get(code);
  if (what !== undefined) return { code: "unavailable", why: what };
  return /ALERT/.test(code) ? unauthenticated(`the server refused: ${explain(cause)}. Check tls.cert`) : undefined;
}

/** Says what ended an attempt to dial `address`, whose certificate should have been for `name`. */
export function tlsDialError(address: string, name: string, thrown: unknown): unknown {
  const cause = RpcError.is(thrown) ? thrown.cause : thrown;
  const fault = tlsFault(name, cause, !RpcError.is(thrown));
  return fault === undefined ? thrown : refusedByTls(address, fault, cause);
}

/** Makes the error of a connection to `address` that TLS ended, before anything was sent over it. */
export function refusedByTls(address: string, { code, why }: TlsFault, cause: unknown): RpcError {
  return new RpcError(code, `Cannot connect to ${address}: ${why}`, { cause, executed: "no" });
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
