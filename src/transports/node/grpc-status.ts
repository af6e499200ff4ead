import type { CloseReason } from "../../core/channel.ts";
import { type Code, codeOfGrpc, GRPC_NUMBERS, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";

/** How a call of gRPC ended. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

/** What a status says in so many bytes: it travels in a header. */
const MAX_DETAILS = 512;

/** The code of a number; one that there is not is `unknown`. */
export function codeOfStatus(number: number): Code {
  return codeOfGrpc(number) ?? "unknown";
}

/** The status that says an error to the other side. */
export function statusOf({ code, message }: RpcError): GrpcStatus {
  return { code: GRPC_NUMBERS.get(code) ?? 2, details: printable(message, MAX_DETAILS) };
}

/** Why a link ended whose stream ended with this status. `path` is what was asked for. */
export function reasonOfStatus({ code: number, details }: GrpcStatus, path: string): CloseReason {
  if (number === 0) return { message: "The other side closed the connection" };
  const code = codeOfStatus(number);
  const said = details === "" ? `The stream ended with ${code}` : printable(details, MAX_DETAILS);
  const message = code === "unimplemented" ? `The server has no gRPC service at ${path} (${said})` : said;
  return { message, error: new RpcError(code, message, { wireCode: number }), closeCode: number };
}
