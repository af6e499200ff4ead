import type { ServerCredentials } from "@grpc/grpc-js";
import { printable } from "../../core/text.ts";
import type { Listen, Listener } from "../../core/wire.ts";
import { checkKeepalive, type GrpcServeOptions } from "./grpc-options.ts";
import type { GrpcPackage } from "./grpc-package.ts";
import { serveSockets } from "./grpc-sockets.ts";
import { checkPort, hostAndPort, LOOPBACK, type TcpTarget, tcpSockets } from "./tcp.ts";
import { type TlsServeOptions, tlsSockets } from "./tls.ts";

/** Where a gRPC server shall be, and how it speaks. */
export interface GrpcListenTarget extends TcpTarget {
  /** Over TLS: the address begins with `grpcs://`. */
  readonly secure?: boolean | undefined;
  readonly tls?: TlsServeOptions | undefined;
  readonly grpc?: GrpcServeOptions | undefined;
}

/** See `GrpcTransport.grpcListen`. */
export function grpcListen(grpcJs: GrpcPackage, target: GrpcListenTarget): Listen {
  const { host = LOOPBACK, port, secure = false, tls, grpc = {} } = target;
  checkPort(port);
  checkKeepalive(grpc.keepalive);
  const scheme = secure ? "grpcs" : "grpc";
  const address = `${scheme}://${hostAndPort(host, port)}`;
  const given =
    grpc.credentials === undefined ? undefined : checkCredentials(grpcJs, grpc.credentials, address, secure);
  if (given !== undefined && tls !== undefined) {
    throw new TypeError("Give the option tls or grpc.credentials, not both: each says who this end is");
  }
  return async (accept, terms) => {
    const { logger, handshakeTimeoutMs } = terms;
    const listen =
      secure && given === undefined
        ? tlsSockets(
            {
              ...{ host, port, tls: tls ?? {}, handshakeTimeoutMs },
              onRefused: (from, { message }) => logger.warn(`Refused ${from}: ${printable(message)}`),
            },
            scheme,
            "h2",
          )
        : tcpSockets({ host, port }, scheme);
    const served = serveSockets(grpcJs, accept, terms, grpc, given);
    let listener: Listener;
    try {
      listener = await listen((socket) => served.take(socket));
    } catch (error) {
      served.close();
      throw error;
    }
    return {
      address: listener.address,
      async close() {
        await listener.close();
        served.close();
      },
    };
  };
}

function checkCredentials(
  { ServerCredentials }: GrpcPackage,
  given: object,
  address: string,
  secure: boolean,
): ServerCredentials {
  if (!(given instanceof ServerCredentials)) {
    throw new TypeError(
      "grpc.credentials must be ServerCredentials of the package @grpc/grpc-js that is installed here",
    );
  }
  if (given._isSecure() === secure) return given;
  throw new TypeError(
    secure
      ? `grpc.credentials are insecure and do not belong to ${address}: write grpc://, or leave them out`
      : `grpc.credentials are secure and do not belong to ${address}: write grpcs://`,
  );
}
