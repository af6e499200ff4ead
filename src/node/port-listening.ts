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
  return spoken.find(({ name }) => name === "jsonrpc") ?? usual();
}

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
      throw new TypeError(
        `The option wires belongs to an address tcp://, tls:// or unix:, not to one of the kind ${address.kind}`,
      );
  }
}
