import type { CloseReason } from "../../core/channel.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";

/** gRPC's numbers of the codes, from 1 on: 0 is OK. */
const CODES: readonly Code[] = [
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];
const NUMBERS: ReadonlyMap<Code, number> = new Map(CODES.map((code, at) => [code, at + 1]));

/** How a call of gRPC ended. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

/** What a status says in so many bytes: it travels in a header. */
const MAX_DETAILS = 512;

/** The code of a number; one that there is not is `unknown`. */
export function codeOfStatus(number: number): Code {
  return CODES[number - 1] ?? "unknown";
}

/** The status that says an error to the other side. */
export function statusOf({ code, message }: RpcError): GrpcStatus {
  return { code: NUMBERS.get(code) ?? 2, details: printable(message, MAX_DETAILS) };
}

/** Why a link ended whose stream ended with this status. `path` is what was asked for. */
export function reasonOfStatus({ code: number, details }: GrpcStatus, path: string): CloseReason {
  if (number === 0) return { message: "The other side closed the connection" };
  const code = codeOfStatus(number);
  const said = details === "" ? `The stream ended with ${code}` : printable(details, MAX_DETAILS);
  const message = code === "unimplemented" ? `The server has no gRPC service at ${path} (${said})` : said;
  return { message, error: new RpcError(code, message, { wireCode: number }), closeCode: number };
}
