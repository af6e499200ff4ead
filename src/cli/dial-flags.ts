import { type Command, Option } from "commander";
import type { NodeConnectOptions } from "../node.ts";
import { type Headers, headerOption } from "./headers.ts";
import { isGrpc, isHttp, isPoll, isSecure, isWebSocket } from "./schemes.ts";
import { addTlsOptions, type TlsEnd, type TlsFlags, tlsFilesOf } from "./tls-flags.ts";
import { UsageError } from "./usage.ts";

/** What belongs to some kinds of addresses, for a command that dials. */
export interface DialFlags extends TlsFlags {
  readonly fallback?: readonly string[];
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

/** `--fallback`, for a command whose server may be reached in several ways. */
export function fallbackOption(): Option {
  const about = "another address of the same server, for when those before do not answer; may be given again";
  return new Option("--fallback <address>", about).argParser((text: string, before: readonly string[] = []) => [
    ...before,
    text,
  ]);
}

/** The address and those that stand in for it, the best first. */
export function addressesOf(address: string, { fallback = [] }: DialFlags): readonly string[] {
  return [address, ...fallback];
}

/** How an address, and those that stand in for it, are dialled. Throws `UsageError` for flags that none of them has a use for: to pass over them would be to do something else. */
export function dialOptionsOf(
  address: string,
  flags: DialFlags,
  { events, maxRequests }: HttpWishes = {},
): Pick<NodeConnectOptions, "tls" | "ws" | "http" | "poll" | "grpc"> {
  const { header: headers, plaintextCredentials } = flags;
  const addresses = addressesOf(address, flags);
  const tls = tlsFilesOf(flags, addresses, END);
  const [ws, http, poll, grpc] = [isWebSocket, isHttp, isPoll, isGrpc].map((isOne) => addresses.some(isOne));
  const given = headers !== undefined ? "--header" : plaintextCredentials ? "--plaintext-credentials" : undefined;
  if (given !== undefined && !(ws || http || poll || grpc)) {
    throw new UsageError(
      `${given} belongs to an address of the web or of gRPC: ws://, http:// or grpc://, with TLS or without`,
    );
  }
  if (plaintextCredentials && addresses.every(isSecure)) {
    throw new UsageError("--plaintext-credentials belongs to an address without TLS: leave it out");
  }
  return {
    ...(tls && { tls }),
    ...(ws && { ws: { headers, plaintextCredentials } }),
    ...(http && { http: { headers, plaintextCredentials, events, maxRequests } }),
    ...(poll && { poll: { headers, plaintextCredentials } }),
    ...(grpc && { grpc: { metadata: headers, insecure: plaintextCredentials } }),
  };
}
