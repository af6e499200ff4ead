import type { CloseReason } from "../../core/channel.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Failure } from "./outgoing-record.ts";
import { type HttpReply, saidIn } from "./reply.ts";

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
  /** How the request's own calls fail. */
  readonly failure: Failure;
  /** Why the link ends, if it does. */
  readonly reason: CloseReason;
  /** The request alone; the link, as soon as nothing else is under way on it; the link at once. */
  readonly costs: "request" | "rest" | "link";
}

/**
 * Reads a status that was not expected. What is wrong with one request costs only its own calls, and what will pass nobody
 * else's; everything else would be wrong with the next one, too, and ends the link (jrpc2, case 214).
 */
export async function unexpected(reply: HttpReply): Promise<Unexpected> {
  const { status } = reply;
  const reason = await statusReason(reply);
  const isLater = LATER.has(status);
  const number = isLater ? -32094 : (NUMBERS.get(status) ?? -32603);
  const failure: Failure = { number, message: reason.message, executed: status === 413 ? "no" : "unknown" };
  return { failure, reason, costs: isLater ? "rest" : ALONE.has(status) ? "request" : "link" };
}

/** A status as the end of a link, with what the server says about it. Takes the body or drops it. */
export async function statusReason(reply: HttpReply): Promise<CloseReason> {
  const { status } = reply;
  const said = await saidIn(reply);
  const shown = `unexpected HTTP status ${status} ${printable(reply.statusText)}`.trimEnd();
  const message = `${shown}${said === "" ? "" : `: ${said}`}${whereTo(status)}`;
  const error = new RpcError(CODES.get(status) ?? "unavailable", message, { wireCode: status });
  const later = Number(reply.header("retry-after") ?? Number.NaN);
  const redialAfterMs = LATER.has(status) && later > 0 ? { redialAfterMs: later * 1000 } : {};
  return { message, error, ...redialAfterMs };
}

/** What to do about a redirect; browsers hide its status. */
export function whereTo(status: number): string {
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  return isRedirect ? ". Redirects are not followed: connect to where it points" : "";
}

/** Whether this may be a JSON-RPC message: the first that is no blank opens one. */
export function isMessage(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  return first === 0x7b || first === 0x5b;
}
