import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { codeOfStatus, type GrpcStatus } from "./grpc-status.ts";
import { dialError } from "./socket.ts";
import { cannotConnect, codeOf } from "./system-error.ts";
import { tlsDialError } from "./tls-error.ts";

/** What was dialled. */
export interface GrpcDialled {
  /** `grpc://host:port` or `grpcs://host:port`. */
  readonly address: string;
  readonly path: string;
  /** Whom the server's certificate should have been for; `undefined` without TLS. */
  readonly name: string | undefined;
}

/**
 * Says why no stream came about, in the words of the other transports where it is the same. `broken` is the error of the
 * connection, as far as it is known.
 */
export function grpcDialError({ address, path, name }: GrpcDialled, status: GrpcStatus, broken: unknown): RpcError {
  const { code: number, details } = status;
  const code = codeOfStatus(number);
  const fail = (why: string): RpcError =>
    new RpcError(code, `Cannot connect to ${address}: ${why}`, { executed: "no", wireCode: number });
  if (code === "unimplemented") return fail(`the server has no gRPC service at ${path}. Is it served there?`);
  const said = printable(details);
  if (code !== "unavailable") return fail(said === "" ? `the server ended the stream with ${code}` : said);
  const cause = broken instanceof Error ? broken : systemError(details);
  if (codeOf(cause).startsWith("ERR_HTTP2") || /Protocol error/.test(details)) {
    return cannotConnect(`Cannot connect to ${address}: the other side does not speak gRPC there`, cause);
  }
  if (codeOf(cause) !== "") {
    const error = dialError(address, cause);
    return name === undefined ? error : RpcError.from(tlsDialError(address, name, error));
  }
  if (/Last error: Failed to connect/.test(details)) {
    // The connection was there and was closed before a word of HTTP/2.
    if (name !== undefined) return RpcError.from(tlsDialError(address, name, cause));
    return cannotConnect(
      `Cannot connect to ${address}: the other side closed the connection. Is it a gRPC server?`,
      cause,
    );
  }
  const why = /Last error: (?:Error: )?(.*?)(?: \([^()]*\))?\. Resolution note: /s.exec(details)?.[1] ?? details;
  return cannotConnect(`Cannot connect to ${address}: ${printable(why)}`, cause);
}

/** The error behind a text of grpc-js, with Node's code where the text tells which it is. */
function systemError(details: string): Error {
  const code = details.startsWith("Name resolution failed") ? "ENOTFOUND" : /\bE[A-Z]{3,}\b/.exec(details)?.[0];
  return Object.assign(new Error(details), code === undefined ? {} : { code });
}
