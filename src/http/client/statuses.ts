import type { CloseReason } from "../../core/channel.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Failure } from "./outgoing-record.ts";
import type { HttpReply } from "./reply.ts";

/** What a status says that is no answer; anything else means that the server is of no use now. */
const CODES: ReadonlyMap<number, Code> = new Map([
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "not_found"],
  [405, "unimplemented"],
  [413, "resource_exhausted"],
  [429, "resource_exhausted"],
]);
const NUMBERS: ReadonlyMap<number, number> = new Map([
  [401, -32093],
  [403, -32092],
  [413, -32095],
]);
/** About this one request; the next may do better. */
const ALONE: ReadonlySet<number> = new Set([413, 500]);
/** Try again later. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** What a status means that is neither 200 nor one without content. */
export interface Unexpected {
  /** How the request's own calls fail; nothing: as those of a lost link do. */
  readonly failure: Failure | undefined;
  /** Why the link ends; nothing: it lives. */
  readonly reason: CloseReason | undefined;
}

/**
 * Reads a status that was not expected. What is wrong with one request costs only its own calls; everything else would be
 * wrong with the next one, too, and ends the link (jrpc2, case 214).
 */
export function unexpected(reply: HttpReply): Unexpected {
  const { status } = reply;
  const reason = statusReason(reply);
  const number = NUMBERS.get(status) ?? -32603;
  const failure: Failure = { number, message: reason.message, executed: status === 413 ? "no" : "unknown" };
  if (ALONE.has(status)) return { failure, reason: undefined };
  return { failure: LATER.has(status) ? undefined : failure, reason };
}

/** A status as the end of a link. */
export function statusReason(reply: HttpReply): CloseReason {
  const { status } = reply;
  const message = `unexpected HTTP status ${status} ${printable(reply.statusText)}`.trimEnd();
  const error = new RpcError(CODES.get(status) ?? "unavailable", message, { wireCode: status });
  const later = Number(reply.header("retry-after") ?? Number.NaN);
  const redialAfterMs = LATER.has(status) && later > 0 ? { redialAfterMs: later * 1000 } : {};
  return { message, error, ...redialAfterMs };
}

/** Whether this may be a JSON-RPC message: the first that is no blank opens one. */
export function isMessage(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  return first === 0x7b || first === 0x5b;
}
