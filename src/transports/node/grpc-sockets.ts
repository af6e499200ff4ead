import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Server, ServerCredentials, ServerOptions } from "@grpc/grpc-js";
import type { Accept, LinkTerms } from "../../core/wire.ts";
import { Health } from "./grpc-health.ts";
import { type GrpcServeOptions, keepaliveOptions, receiveLimit } from "./grpc-options.ts";
import type { GrpcPackage } from "./grpc-package.ts";
import { GrpcService, identityOf as identityOfStream } from "./grpc-service.ts";
import { remoteAddressOf } from "./tcp.ts";
import { identityOf } from "./tls.ts";

/** How long connections may take to end when no stream of ours is left on them. */
const LINGER_MS = 1000;

/** A gRPC server that is given its connections. */
export interface GrpcTaker {
  /** Owns the socket from now on. */
  take(socket: Socket): void;
  /** Takes no more streams, and ends the connections when the last one has ended. May be called twice. */
  close(): void;
}

/**
 * Serves gRPC over the sockets that it is given, with TLS behind them or none: one service at the wire's path, and
 * `grpc.health.v1.Health`.
 */
export type ServeSockets = (
  accept: Accept,
  terms: LinkTerms,
  grpc: GrpcServeOptions,
  credentials?: ServerCredentials,
) => GrpcTaker;

/** See `ServeSockets`. */
export function serveSockets(grpcJs: GrpcPackage, ...about: Parameters<ServeSockets>): GrpcTaker {
  const [accept, terms, grpc, credentials = grpcJs.ServerCredentials.createInsecure()] = about;
  const own = new OwnServer(new grpcJs.Server(serverOptions(grpc, terms)), credentials);
  const service = new GrpcService(grpcJs, own.server, accept, terms, {
    identify: grpc.identify,
    identityOf: (stream, remoteAddress) => own.identityOf(remoteAddress) ?? identityOfStream(stream),
    onIdle: () => own.shutdown(),
  });
  const health = grpc.health === false ? undefined : Health.of(own.server);
  health?.set(service.name, true);
  own.onShutdown = () => health?.dismiss();
  return {
    take: (socket) => own.take(socket),
    close() {
      health?.set(service.name, false);
      service.close();
    },
  };
}

/** A server of grpc-js that gets its connections from us: binding them, and ending them at last, is in our hands. */
class OwnServer {
  readonly server: Server;
  /** Called when no stream of ours is left, before the connections are closed. */
  onShutdown: () => void = () => {};
  readonly #injector: ReturnType<Server["createConnectionInjector"]>;
  readonly #sockets = new Map<string, Socket>();
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(server: Server, credentials: ServerCredentials) {
    this.server = server;
    this.#injector = server.createConnectionInjector(credentials);
  }

  take(socket: Socket): void {
    const from = remoteAddressOf(socket) ?? "";
    // HTTP/2 ends as a whole.
    socket.allowHalfOpen = false;
    socket.on("error", () => {});
    this.#sockets.set(from, socket);
    socket.once("close", () => {
      this.#sockets.delete(from);
      if (this.#timer !== undefined && this.#sockets.size === 0) this.#end();
    });
    this.#injector.injectConnection(socket);
  }

  identityOf(remoteAddress: string | undefined): unknown {
    const socket = this.#sockets.get(remoteAddress ?? "");
    return socket instanceof TLSSocket ? identityOf(socket) : undefined;
  }

  /** Tells the clients to go, lets what is under way end for a moment, then ends it: a stranger's stream may have no end. */
  shutdown(): void {
    this.onShutdown();
    this.#injector.destroy();
    this.#timer = setTimeout(() => this.#end(), LINGER_MS).unref();
    if (this.#sockets.size === 0) this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const socket of this.#sockets.values()) socket.destroy();
    this.server.forceShutdown();
  }
}

function serverOptions({ keepalive, serverOptions }: GrpcServeOptions, terms: LinkTerms): ServerOptions {
  return {
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": receiveLimit(terms),
    "grpc.max_send_message_length": -1,
    ...keepaliveOptions(keepalive ?? terms.heartbeat),
    ...serverOptions,
  } as ServerOptions;
}
