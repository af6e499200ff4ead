import { type Command, Option } from "commander";
import type { NodeConnectOptions } from "../node.ts";
import { type Headers, headerOption } from "./headers.ts";
import { isGrpc, isHttp, isSecure, isWebSocket } from "./schemes.ts";
import { addTlsOptions, type TlsEnd, type TlsFlags, tlsFilesOf } from "./tls-flags.ts";
import { UsageError } from "./usage.ts";

/** What belongs to some kinds of addresses, for a command that dials. */
export interface DialFlags extends TlsFlags {
  readonly header?: Headers;
  readonly plaintextCredentials?: boolean;
}

/** What a command asks of HTTP by itself. */
export interface HttpWishes {
  /** What the server says by itself is wanted, too. */
  readonly events?: boolean;
  readonly maxRequests?: number;
}

const GROUP = "Addresses of the web, of gRPC and of TLS:";
const END: TlsEnd = { role: "client", prefix: "--" };

/** Adds the options of `DialFlags`, in a group of the help. */
export function withDialOptions(command: Command, group: string = GROUP): Command {
  command
    .addOption(headerOption().helpGroup(group))
    .addOption(
      new Option(
        "--plaintext-credentials",
        "let credentials cross a network without TLS, where anybody on the way can read them",
      ).helpGroup(group),
    );
  return addTlsOptions(command, END, group);
}

/** How an address is dialled. Throws `UsageError` for flags that it has no use for: to pass over them would be to do something else. */
export function dialOptionsOf(
  address: string,
  flags: DialFlags,
  { events, maxRequests }: HttpWishes = {},
): Pick<NodeConnectOptions, "tls" | "ws" | "http" | "grpc"> {
  const { header: headers, plaintextCredentials } = flags;
  const tls = tlsFilesOf(flags, [address], END);
  const given = headers !== undefined ? "--header" : plaintextCredentials ? "--plaintext-credentials" : undefined;
  if (given !== undefined && !(isWebSocket(address) || isHttp(address) || isGrpc(address))) {
    throw new UsageError(
      `${given} belongs to an address of the web or of gRPC: ws://, http:// or grpc://, with TLS or without`,
    );
  }
  if (plaintextCredentials && isSecure(address)) {
    throw new UsageError("--plaintext-credentials belongs to an address without TLS: leave it out");
  }
  return {
    ...(tls && { tls }),
    ...(isWebSocket(address) && { ws: { headers, plaintextCredentials } }),
    ...(isHttp(address) && { http: { headers, plaintextCredentials, events, maxRequests } }),
    ...(isGrpc(address) && { grpc: { metadata: headers, insecure: plaintextCredentials } }),
  };
}
