import { checkAuthenticator } from "../core/options.ts";
import type { Authenticator, Listen, Wire } from "../core/wire.ts";
import type { Address } from "../transports/node/address.ts";
import { portListen } from "../transports/node/port.ts";
import { isWire, type PortService } from "../transports/node/port-doors.ts";
import type { TlsServeOptions } from "../transports/node/tls.ts";

/** What a server was told about its wires. */
export interface WiresOptions {
  readonly authenticator?: Authenticator | undefined;
  /** The wire to speak; all who dial must agree. */
  readonly wire?: Wire | undefined;
  /**
   * For `tcp://`, `tls://` and `unix:`, in place of `wire`: everything that is spoken there, told apart by how a client begins.
   * Beside wires there are `http()`, `webSocket()`, `poll()` and `grpc()`. With `tls` a port `tcp://` takes clients with and without TLS.
   */
  readonly wires?: readonly (Wire | PortService)[] | undefined;
}

/**
 * The wire of a server's links that do not say theirs: of several, the one that is JSON-RPC. Throws `TypeError` for `wire` and
 * `wires` together, and for an authenticator where one of them has no room for it.
 */
export function ownWire({ wire, wires, authenticator }: WiresOptions, usual: () => Wire): Wire {
  if (wires === undefined) return wire ?? usual();
  if (wire !== undefined) throw new TypeError("Give the option wire or wires, not both: each says what is spoken");
  const spoken = wires.filter(isWire);
  for (const each of spoken) checkAuthenticator(authenticator, each);
  for (const { name, insteadOfAuthenticator } of wires) {
    if (authenticator === undefined || insteadOfAuthenticator === undefined) continue;
    throw new TypeError(`${name} has no room for an authenticator: use ${insteadOfAuthenticator}`);
  }
  return spoken.find(({ name }) => name === "jsonrpc") ?? usual();
}

/** Throws `TypeError` where no address is a port for `wires`, and where none is one that has TLS for `tls`. */
export function checkPorts(
  addresses: readonly Address[],
  { tls }: { readonly tls?: TlsServeOptions | undefined },
): void {
  if (addresses.length === 0) {
    throw new TypeError(`${WIRES_BELONG}, and a listener of your own does not get it`);
  }
  if (tls === undefined || addresses.some(({ kind }) => kind !== "unix")) return;
  const why = "a Unix socket has no TLS, and lets in whom its file lets in";
  throw new TypeError(`The option tls belongs to a port tcp:// or tls://: ${why}`);
}

const WIRES_BELONG = "The option wires belongs to an address tcp://, tls:// or unix:";

/** Listens at one address for all of the wires. Throws `TypeError` for an address that cannot be such a port. */
export function portOf(
  address: Address,
  wires: readonly (Wire | PortService)[],
  tls: TlsServeOptions | undefined,
): Listen {
  switch (address.kind) {
    case "tcp":
    case "tls":
      return portListen({ host: address.host, port: address.port, wires, tls, secure: address.kind === "tls" });
    case "unix":
      return portListen({ path: address.path, wires });
    default:
      throw new TypeError(`${WIRES_BELONG}, not to one of the kind ${address.kind}`);
  }
}
