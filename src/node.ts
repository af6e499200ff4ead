import { Client, type ConnectOptions } from "./client/client.ts";
import { loggerOf } from "./core/logger.ts";
import { printable } from "./core/text.ts";
import type { Dialer, Listen } from "./core/wire.ts";
import { type ServeOptions, Server } from "./server/server.ts";
import { type Address, parseAddress } from "./transports/node/address.ts";
import { execDialer } from "./transports/node/exec.ts";
import { stdioConnection, stdioListen } from "./transports/node/stdio.ts";
import { tcpDialer, tcpListen } from "./transports/node/tcp.ts";
import { type TlsConnectOptions, type TlsServeOptions, tlsDialer, tlsListen } from "./transports/node/tls.ts";
import { unixDialer, unixListen } from "./transports/node/unix.ts";
import { jsonrpc } from "./wires/jsonrpc.ts";

export type { BodyName } from "./codecs/native/body.ts";
export type { NativeOptions } from "./codecs/native/codec.ts";
export { deflate } from "./transports/node/deflate.ts";
export type { Pem, TlsConnectOptions, TlsIdentity, TlsOptions, TlsServeOptions } from "./transports/node/tls.ts";
export type { Compression, NativeWireOptions } from "./wires/native.ts";
export { native } from "./wires/native.ts";

/** How a client connects from Node. */
export interface NodeConnectOptions<Data = unknown> extends ConnectOptions<Data> {
  /** For an address `tls://host:port`: whom to trust, who this end is. Default: the public certificates, and nobody. */
  readonly tls?: TlsConnectOptions | undefined;
}

/** How a server serves on Node. */
export interface NodeServeOptions<Data = unknown> extends ServeOptions<Data> {
  /** For the addresses `tls://host:port`, which need it: the server's certificate, and whom it lets in. */
  readonly tls?: TlsServeOptions | undefined;
}

/**
 * Connects to an address and resolves with the client when its link is up. Rejects with an `RpcError` (`unavailable`)
 * that says why it did not come about, and with `TypeError` for an address or option that is wrong.
 *
 * An address is a URL (`tcp://127.0.0.1:7000`, `tls://host:7000`, `unix:/run/app.sock`, `stdio:`, `exec:program args`), a bare `host:port`,
 * a bare path, or a dialer of your own. `Api` is the type of the other side's handlers, for `client.remote`.
 */
export async function connect<Api = unknown, Data = unknown>(
  address: string | Dialer,
  options: NodeConnectOptions<Data> = {},
): Promise<Client<Api>> {
  const dial = typeof address === "string" ? dialerOf(parseAddress(address), options) : address;
  return Client.open<Api, Data>(dial, options.wire ?? jsonrpc(), options);
}

/**
 * Serves handlers at one or more addresses and resolves when all of them listen; `server.addresses` has the real ones.
 * Rejects when one of them cannot be had, and then listens nowhere. TCP listens on 127.0.0.1 unless the address says otherwise.
 */
export async function serve<Data = unknown>(
  addresses: string | Listen | readonly (string | Listen)[],
  options: NodeServeOptions<Data> = {},
): Promise<Server> {
  const places = typeof addresses === "string" || typeof addresses === "function" ? [addresses] : addresses;
  const listens = places.map((place) => (typeof place === "string" ? listenOf(parseAddress(place), options) : place));
  return Server.open(listens, options.wire ?? jsonrpc(), options);
}

/** Which address means which transport, for the end that dials. */
function dialerOf(address: Address, options: NodeConnectOptions<never>): Dialer {
  if (options.tls !== undefined && address.kind !== "tls") {
    throw new TypeError(`The option tls belongs to an address tls://host:port, not to one of the kind ${address.kind}`);
  }
  switch (address.kind) {
    case "tls":
      return tlsDialer({ ...address, tls: options.tls });
    case "tcp":
      return tcpDialer(address);
    case "unix":
      return unixDialer(address);
    case "exec":
      return execDialer(address);
    case "stdio":
      return async () => stdioConnection();
  }
}

/** And for the end that listens. */
function listenOf(address: Address, options: NodeServeOptions<never>): Listen {
  switch (address.kind) {
    case "tls": {
      const logger = loggerOf(options.logger);
      return tlsListen({
        ...address,
        tls: options.tls ?? {},
        handshakeTimeoutMs: options.handshakeTimeoutMs,
        onRefused: (from, { message }) => logger.warn(`Refused ${from}: ${printable(message)}`),
      });
    }
    case "tcp":
      return tcpListen(address);
    case "unix":
      return unixListen(address);
    case "stdio":
      return stdioListen();
    case "exec":
      throw new TypeError("Cannot listen on exec: a program is started by the end that connects");
  }
}
