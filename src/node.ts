import { Client, type ConnectOptions } from "./client/client.ts";
import type { Dialer, Listen } from "./core/wire.ts";
import { type ServeOptions, Server } from "./server/server.ts";
import { type Address, parseAddress } from "./transports/node/address.ts";
import { execDialer } from "./transports/node/exec.ts";
import { stdioConnection, stdioListen } from "./transports/node/stdio.ts";
import { tcpDialer, tcpListen } from "./transports/node/tcp.ts";
import { unixDialer, unixListen } from "./transports/node/unix.ts";
import { jsonrpc } from "./wires/jsonrpc.ts";

/**
 * Connects to an address and resolves with the client when its link is up. Rejects with an `RpcError` (`unavailable`)
 * that says why it did not come about, and with `TypeError` for an address or option that is wrong.
 *
 * An address is a URL (`tcp://127.0.0.1:7000`, `unix:/run/app.sock`, `stdio:`, `exec:program args`), a bare `host:port`,
 * a bare path, or a dialer of your own. `Api` is the type of the other side's handlers, for `client.remote`.
 */
export async function connect<Api = unknown, Data = unknown>(
  address: string | Dialer,
  options: ConnectOptions<Data> = {},
): Promise<Client<Api>> {
  const dial = typeof address === "string" ? dialerOf(parseAddress(address)) : address;
  return Client.open<Api, Data>(dial, options.wire ?? jsonrpc(), options);
}

/**
 * Serves handlers at one or more addresses and resolves when all of them listen; `server.addresses` has the real ones.
 * Rejects when one of them cannot be had, and then listens nowhere. TCP listens on 127.0.0.1 unless the address says otherwise.
 */
export async function serve<Data = unknown>(
  addresses: string | Listen | readonly (string | Listen)[],
  options: ServeOptions<Data> = {},
): Promise<Server> {
  const places = typeof addresses === "string" || typeof addresses === "function" ? [addresses] : addresses;
  const listens = places.map((place) => (typeof place === "string" ? listenOf(parseAddress(place)) : place));
  return Server.open(listens, options.wire ?? jsonrpc(), options);
}

/** Which address means which transport, for the end that dials. */
function dialerOf(address: Address): Dialer {
  switch (address.kind) {
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
function listenOf(address: Address): Listen {
  switch (address.kind) {
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
