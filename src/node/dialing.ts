import type { Dialer, Wire } from "../core/wire.ts";
import type { HttpConnectOptions } from "../http/dialer.ts";
import { checkWire } from "../http/json-wire.ts";
import { nodeHttpDialer } from "../http/node/dialer.ts";
import { nodePollDialer } from "../http/node/poll-dialer.ts";
import type { PollConnectOptions } from "../http/poll/options.ts";
import { type Address, formatAddress, parseAddress } from "../transports/node/address.ts";
import { type ExecOptions, execDialer } from "../transports/node/exec.ts";
import type { GrpcConnectOptions } from "../transports/node/grpc-options.ts";
import { stdioConnection } from "../transports/node/stdio.ts";
import { tcpDialer } from "../transports/node/tcp.ts";
import { type TlsConnectOptions, tlsDialer } from "../transports/node/tls.ts";
import { unixDialer } from "../transports/node/unix.ts";
import { type WsConnectOptions, wsDialer } from "../transports/node/ws-dialer.ts";
import { grpcTransport } from "./grpc-transport.ts";
import { checkKinds, checkRoom, optionsOf } from "./kinds.ts";

/** What belongs to some kinds of addresses, for the end that dials. */
export interface DialOptions {
  /**
   * For `tls://`, `wss://`, `https://` and `grpcs://`: whom to trust, who this end is. Default: the public certificates, and
   * nobody.
   */
  readonly tls?: TlsConnectOptions | undefined;
  /** For `ws://` and `wss://`. */
  readonly ws?: WsConnectOptions | undefined;
  /** For `http://` and `https://`. */
  readonly http?: HttpConnectOptions | undefined;
  /** For `poll+http://`, `beat+http://` and their like with `https`. */
  readonly poll?: PollConnectOptions | undefined;
  /** For `grpc://` and `grpcs://`. */
  readonly grpc?: GrpcConnectOptions | undefined;
  /** For `exec:`: where and with what the program runs. `execDialer` takes a list of arguments, too. */
  readonly exec?: ExecOptions | undefined;
}

/** A dialer with the name of its address; one that was given as it is has none. */
export interface NamedDialer {
  readonly name?: string;
  readonly dial: Dialer;
}

/**
 * How to get to each place, in their order: an address, or what dials already. Each address gets those of the options that are
 * for its kind. Rejects with `TypeError` for options that none of them has, for an address that the wire or an authenticator
 * cannot go to, and for one that is always up before another.
 */
export async function dialersOf(
  places: readonly (string | Dialer)[],
  { tls, ws, http, poll, grpc, exec }: DialOptions,
  { wire, authenticator }: { readonly wire: Wire; readonly authenticator?: unknown },
): Promise<NamedDialer[]> {
  const options = { tls, ws, http, poll, grpc, exec };
  const parsed = places.map((place) => (typeof place === "string" ? parseAddress(place) : place));
  const addresses = parsed.filter((place) => typeof place !== "function");
  if (places.length > 0) checkKinds(addresses, options, "dialer");
  for (const address of addresses) {
    checkRoom(address, authenticator);
    if (address.kind === "http" || address.kind === "https") checkWire(wire, `An address ${address.kind}://`);
    if (address !== parsed.at(-1)) checkFails(address, http);
  }
  return Promise.all(
    parsed.map(async (place) => {
      if (typeof place === "function") return { dial: place };
      return { name: nameOf(place), dial: await dialerOf(place, optionsOf(place, options)) };
    }),
  );
}

/** Throws `TypeError` for an address that is up at once, whether anybody is there or not: nothing below it would be tried. */
function checkFails(address: Address, http: HttpConnectOptions | undefined): void {
  const { kind } = address;
  const isUp = kind === "stdio" || kind === "exec" || ((kind === "http" || kind === "https") && http?.events !== true);
  if (!isUp) return;
  throw new TypeError(`${nameOf(address)} is up at once, and no address after it would ever be tried: put it last`);
}

/** An address as it may be printed: passwords, and tokens in queries, are nobody else's to read. */
function nameOf(address: Address): string {
  if (!("url" in address)) return formatAddress(address);
  const { protocol, host, pathname } = new URL(address.url);
  return `${protocol}//${host}${pathname}`;
}

/**
 * Which address means which transport; what dials already is given back. Rejects with `TypeError` for options that cannot be used,
 * there or at all.
 */
export async function dialerOf(address: Address | Dialer, options: DialOptions): Promise<Dialer> {
  const { tls, ws, http, poll, grpc, exec } = options;
  const isOwn = typeof address === "function";
  checkKinds(isOwn ? [] : [address], { tls, ws, http, poll, grpc, exec }, "dialer");
  if (isOwn) return address;
  switch (address.kind) {
    case "tcp":
      return tcpDialer(address);
    case "tls":
      return tlsDialer({ ...address, tls });
    case "ws":
    case "wss":
      return wsDialer({ ...ws, url: address.url, tls });
    case "http":
    case "https":
      return nodeHttpDialer({ ...http, url: address.url, tls });
    case "poll+http":
    case "poll+https":
    case "beat+http":
    case "beat+https":
      return nodePollDialer({ ...poll, url: address.url, tls });
    case "grpc":
    case "grpcs": {
      const { grpcDialer } = await grpcTransport();
      return grpcDialer({ host: address.host, port: address.port, secure: address.kind === "grpcs", tls, grpc });
    }
    case "unix":
      return unixDialer(address);
    case "exec":
      return execDialer({ ...exec, ...address });
    case "stdio":
      return async () => stdioConnection();
  }
}
