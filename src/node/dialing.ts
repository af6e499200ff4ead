import type { Dialer } from "../core/wire.ts";
import type { HttpConnectOptions } from "../http/dialer.ts";
import { nodeHttpDialer } from "../http/node/dialer.ts";
import type { Address } from "../transports/node/address.ts";
import { execDialer } from "../transports/node/exec.ts";
import type { GrpcConnectOptions } from "../transports/node/grpc-options.ts";
import { stdioConnection } from "../transports/node/stdio.ts";
import { tcpDialer } from "../transports/node/tcp.ts";
import { type TlsConnectOptions, tlsDialer } from "../transports/node/tls.ts";
import { unixDialer } from "../transports/node/unix.ts";
import { type WsConnectOptions, wsDialer } from "../transports/node/ws-dialer.ts";
import { grpcTransport } from "./grpc-transport.ts";
import { checkKinds } from "./kinds.ts";

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
  /** For `grpc://` and `grpcs://`. */
  readonly grpc?: GrpcConnectOptions | undefined;
}

/** Which address means which transport. Rejects with `TypeError` for options that cannot be used, there or at all. */
export async function dialerOf(address: Address, { tls, ws, http, grpc }: DialOptions): Promise<Dialer> {
  checkKinds([address], { tls, ws, http, grpc });
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
    case "grpc":
    case "grpcs": {
      const { grpcDialer } = await grpcTransport();
      return grpcDialer({ host: address.host, port: address.port, secure: address.kind === "grpcs", tls, grpc });
    }
    case "unix":
      return unixDialer(address);
    case "exec":
      return execDialer(address);
    case "stdio":
      return async () => stdioConnection();
  }
}
