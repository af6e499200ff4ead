import { type LoggerOption, loggerOf } from "../core/logger.ts";
import { printable } from "../core/text.ts";
import type { Listen } from "../core/wire.ts";
import { httpListen } from "../http/node/listen.ts";
import { pollListen } from "../http/node/poll-listen.ts";
import type { HttpOptions } from "../http/options.ts";
import type { PollServeOptions } from "../http/poll/options.ts";
import { type Address, webPlace } from "../transports/node/address.ts";
import type { GrpcServeOptions } from "../transports/node/grpc-options.ts";
import { HttpHosts } from "../transports/node/http-host.ts";
import { stdioListen } from "../transports/node/stdio.ts";
import { tcpListen } from "../transports/node/tcp.ts";
import { type TlsServeOptions, tlsListen } from "../transports/node/tls.ts";
import { unixListen } from "../transports/node/unix.ts";
import { type WsServeOptions, wsListen } from "../transports/node/ws-listen.ts";
import { grpcTransport } from "./grpc-transport.ts";
import { checkBeside, checkKinds } from "./kinds.ts";
import { checkPorts, portOf, type WiresOptions } from "./port-listening.ts";

/** What belongs to some kinds of addresses, for the end that listens. */
export interface ListenOptions extends WiresOptions {
  /** For `tls://`, `wss://`, `https://` and `grpcs://`, which need it, and for `wires`: the server's certificate, and whom it lets in. */
  readonly tls?: TlsServeOptions | undefined;
  /** For `ws://` and `wss://`: whom it lets in by Host, Origin and headers. */
  readonly ws?: WsServeOptions | undefined;
  /** For `http://` and `https://`: whom it lets in, and what it answers. The path is that of the address. */
  readonly http?: Omit<HttpOptions, "path"> | undefined;
  /** For `poll+http://`, `beat+http://` and their like with `https`: whom it lets in, and its bounds. */
  readonly poll?: Omit<PollServeOptions, "path"> | undefined;
  /** For `grpc://` and `grpcs://`. */
  readonly grpc?: GrpcServeOptions | undefined;
  readonly logger?: LoggerOption;
  readonly handshakeTimeoutMs?: number | undefined;
}

/**
 * Which place means which transport: an address, or what listens already. Addresses of the web with the same host and port
 * share a server. Rejects with `TypeError` for options that cannot be used, for those that none of the addresses has, and for
 * those of which somebody could think that a listener of their own has them.
 */
export async function listensOf(places: readonly (Address | Listen)[], options: ListenOptions): Promise<Listen[]> {
  if (places.length === 0) throw new TypeError("There is no address to serve at: give at least one");
  const { tls, ws, http, poll, grpc, wires } = options;
  const addresses = places.filter((place) => typeof place !== "function");
  if (wires !== undefined) {
    checkPorts(addresses, options);
    checkKinds(addresses, { ws, http, poll, grpc }, "listener");
    return places.map((place) => (typeof place === "function" ? place : portOf(place, wires, tls)));
  }
  checkKinds(addresses, { tls, ws, http, poll, grpc }, "listener");
  if (addresses.length < places.length) checkBeside({ ws, http, poll });
  const hosts = new HttpHosts();
  return Promise.all(places.map((place) => (typeof place === "function" ? place : listenOf(place, options, hosts))));
}

async function listenOf(address: Address, options: ListenOptions, hosts: HttpHosts): Promise<Listen> {
  const { tls, ws, http, poll, grpc, handshakeTimeoutMs } = options;
  switch (address.kind) {
    case "tcp":
      return tcpListen(address);
    case "tls": {
      const logger = loggerOf(options.logger);
      const onRefused = (from: string, { message }: Error): void =>
        logger.warn(`Refused ${from}: ${printable(message)}`);
      return tlsListen({ host: address.host, port: address.port, tls: tls ?? {}, handshakeTimeoutMs, onRefused });
    }
    case "ws":
    case "wss": {
      const { path, ...place } = webPlace(address);
      const at = hosts.at({ ...place, tls: address.kind === "wss" ? (tls ?? {}) : undefined });
      return wsListen({ ...ws, path, at });
    }
    case "http":
    case "https": {
      const { path, ...place } = webPlace(address);
      const at = hosts.at({ ...place, tls: address.kind === "https" ? (tls ?? {}) : undefined });
      return httpListen({ ...http, path, at });
    }
    case "poll+http":
    case "poll+https":
    case "beat+http":
    case "beat+https": {
      const { path, ...place } = webPlace(address);
      const at = hosts.at({ ...place, tls: address.kind.endsWith("s") ? (tls ?? {}) : undefined });
      return pollListen({ ...poll, path, at, scheme: address.kind.startsWith("beat") ? "beat" : "poll" });
    }
    case "grpc":
    case "grpcs": {
      const { grpcListen } = await grpcTransport();
      const isSecure = address.kind === "grpcs";
      const { host, port } = address;
      return grpcListen({ host, port, secure: isSecure, tls: isSecure ? tls : undefined, grpc });
    }
    case "unix":
      return unixListen(address);
    case "stdio":
      return stdioListen();
    case "exec":
      throw new TypeError("Cannot listen on exec: a program is started by the end that connects");
  }
}
