import type { Listen, Wire } from "../core/wire.ts";
import { checkWire } from "../http/json-wire.ts";
import { httpListen } from "../http/node/listen.ts";
import { pollListen } from "../http/node/poll-listen.ts";
import type { HttpOptions } from "../http/options.ts";
import { type PollServeOptions, pollServeRules } from "../http/poll/options.ts";
import type { GrpcServeOptions } from "../transports/node/grpc-options.ts";
import { checkKeepalive } from "../transports/node/grpc-options.ts";
import type { HttpHost } from "../transports/node/http-host.ts";
import type { HttpService, SocketService } from "../transports/node/port-doors.ts";
import { beginsHttp2 } from "../transports/node/port-strangers.ts";
import { type WsServeOptions, wsListen } from "../transports/node/ws-listen.ts";
import { grpcTransport } from "./grpc-transport.ts";

/** How a port serves JSON-RPC over HTTP. */
export interface HttpPortOptions extends HttpOptions {
  /** A wire of JSON-RPC. Default: the port's own, or `jsonrpc()`. */
  readonly wire?: Wire | undefined;
}

/** How a port serves WebSocket. */
export interface WebSocketPortOptions extends WsServeOptions {
  /** Default: `/`. */
  readonly path?: string | undefined;
  /** What the messages are. Default: the port's own `jsonrpc()`, or a new one. */
  readonly wire?: Wire | undefined;
}

/** How a port serves links of plain requests. */
export interface PollPortOptions extends PollServeOptions {
  /** What the frames are. Default: the port's own `jsonrpc()`, or a new one. */
  readonly wire?: Wire | undefined;
}

/** How a port serves gRPC; TLS is the port's. */
export interface GrpcPortOptions extends Omit<GrpcServeOptions, "credentials"> {
  /** What the streams carry, at its own path if it has one. Default: the port's own `jsonrpc()`, or a new one. */
  readonly wire?: Wire | undefined;
}

/** JSON-RPC over HTTP for `serve(…, { wires: [http({ path: "/rpc" })] })`. Throws `TypeError` or `RangeError` for a wrong option. */
export function http({ wire, ...options }: HttpPortOptions = {}): HttpService {
  if (wire !== undefined) checkWire(wire, "http()");
  const service = overHttp(`HTTP at ${options.path ?? "/"}`, wire, (at) => httpListen({ ...options, at }));
  return { ...service, insteadOfAuthenticator: "http({ identify }) or webSocket()" };
}

/** WebSocket for `serve(…, { wires: [webSocket({ path: "/ws" })] })`; several have a path each, and a wire if they like. */
export function webSocket({ wire, ...options }: WebSocketPortOptions = {}): HttpService {
  return overHttp(`WebSocket at ${options.path ?? "/"}`, wire, (at) => wsListen({ ...options, at }));
}

/**
 * Links of plain requests for `serve(…, { wires: [poll({ path: "/poll" })] })`, where a WebSocket does not pass: for clients at
 * `poll+http://` and at `beat+http://`. Several have a path each, and a wire if they like. Throws `TypeError` or `RangeError`
 * for a wrong option.
 */
export function poll({ wire, ...options }: PollPortOptions = {}): HttpService {
  pollServeRules(options);
  return overHttp(`long-poll at ${options.path ?? "/"}`, wire, (at) => pollListen({ ...options, at }));
}

/**
 * gRPC for `serve(…, { wires: [grpc()] })`: clients that know that the port speaks HTTP/2, or find out over TLS, as all of gRPC
 * do. Needs the package `@grpc/grpc-js`.
 */
export function grpc({ wire, ...options }: GrpcPortOptions = {}): SocketService {
  checkKeepalive(options.keepalive);
  return {
    name: "gRPC",
    begins: beginsHttp2,
    protocols: ["h2"],
    insteadOfAuthenticator: wire?.insteadOfAuthenticator,
    async open(accept, terms) {
      const { serveSockets } = await grpcTransport();
      const spoken = wire ?? terms.wire;
      const { take, close } = serveSockets(
        (raw) => accept({ ...raw, wire: spoken }),
        { ...terms, wire: spoken },
        options,
      );
      return { take, close: async () => close() };
    },
  };
}

/** What is served at a path of the port's HTTP server; without a wire of its own it speaks the port's. */
function overHttp(name: string, wire: Wire | undefined, listen: (at: HttpHost) => Listen): HttpService {
  return {
    name,
    insteadOfAuthenticator: wire?.insteadOfAuthenticator,
    listenAt(at) {
      const begin = listen(at);
      return (accept, terms) => {
        const spoken = wire ?? terms.wire;
        return begin((raw) => accept({ ...raw, wire: spoken }), { ...terms, wire: spoken });
      };
    },
  };
}
