import type { Dialer, Listen } from "../../core/wire.ts";
import { type GrpcTarget, grpcDialer } from "./grpc-dial.ts";
import { type GrpcListenTarget, grpcListen } from "./grpc-listen.ts";
import type { GrpcPackage } from "./grpc-package.ts";
import { type ServeSockets, serveSockets } from "./grpc-sockets.ts";

/** The gRPC transport. */
export interface GrpcTransport {
  /**
   * Dials over gRPC: a connection and one stream on it, at the wire's own path or at that of `convoke.v1.Wire`. Throws
   * `TypeError` at once for options that are wrong or do not belong together.
   */
  readonly grpcDialer: (target: GrpcTarget) => Dialer;
  /**
   * Listens for gRPC on a TCP port with a server of its own: one service at the wire's path, and `grpc.health.v1.Health`. Throws
   * `TypeError` at once for options that are wrong or do not belong together.
   */
  readonly grpcListen: (target: GrpcListenTarget) => Listen;
  readonly serveSockets: ServeSockets;
}

/** Makes the transport over the package that whoever has an address of gRPC has loaded. */
export function grpcOver(grpc: GrpcPackage): GrpcTransport {
  return {
    grpcDialer: (target) => grpcDialer(grpc, target),
    grpcListen: (target) => grpcListen(grpc, target),
    serveSockets: (...about) => serveSockets(grpc, ...about),
  };
}
