import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import { after } from "../../core/clock.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import type { LinkTerms, Listen, RawConnection } from "../../core/wire.ts";
import { Guard, type GuardOptions } from "../guard.ts";
import { HttpHost, type HttpSpot } from "./http-host.ts";
import { ignore, refuseUpgrade } from "./http-host-refusal.ts";
import { remoteAddressOf } from "./tcp.ts";
import { identityOf } from "./tls.ts";
import { webSocketChannel } from "./ws-channel.ts";
import { wsOptionsOf } from "./ws-options.ts";

/** How a server takes WebSocket connections. */
export interface WsServeOptions extends GuardOptions {
  /** The subprotocols that are spoken here; the first that the client offers is taken. Default: none. */
  readonly protocols?: readonly string[] | undefined;
  /** Compresses messages for clients that want it. Costs memory and time. Default: false. */
  readonly deflate?: boolean | undefined;
  /**
   * Says who sends this request, by its cookies or headers: what it resolves with becomes `context.identity`. Throws to
   * refuse it; the code of an `RpcError` picks the HTTP status (`unauthenticated`: 401). Default: the TLS certificate.
   */
  readonly identify?: ((request: IncomingMessage) => unknown) | undefined;
}

/** Where WebSocket connections are taken: a server of its own, one that several paths share, or a user's own. */
export type WsListenTarget = WsServeOptions & {
  /** Default: `/`. */
  readonly path?: string | undefined;
} & HttpSpot;

/** What a refused client is told. */
const STATUS: ReadonlyMap<Code, number> = new Map([
  ["unauthenticated", 401],
  ["permission_denied", 403],
  ["not_found", 404],
  ["resource_exhausted", 429],
  ["unavailable", 503],
  ["deadline_exceeded", 503],
]);

/**
 * Listens for WebSocket connections at one path of an HTTP server. Requests whose Host or Origin is not allowed get 403,
 * and a text that says which option would allow them. Throws `TypeError` at once for options that cannot be used.
 */
export function wsListen(target: WsListenTarget): Listen {
  const { path = "/", protocols = [], deflate, identify } = target;
  const host = HttpHost.at(target);
  const guard = new Guard(target);
  return async (accept, terms) => {
    // Only who needs it waits for it.
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      ...wsOptionsOf(terms.limits, deflate),
      handleProtocols: (offered) => [...offered].find((each) => protocols.includes(each)) ?? false,
    });
    const deciding = new Set<Duplex>();
    const welcome = (request: IncomingMessage, socket: Duplex, head: Buffer, identity?: unknown): void => {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        accept(acceptedWebSocket(webSocket, request, terms, identity));
      });
    };
    const decide = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
      socket.on("error", ignore);
      deciding.add(socket);
      try {
        const identity = await inTime(terms, identify?.(request));
        socket.off("error", ignore);
        welcome(request, socket, head, identity);
      } catch (thrown) {
        const error = RpcError.from(thrown);
        if (error.code === "internal") terms.logger.error(`identify failed, trace ${error.trace ?? ""}`, thrown);
        refuseUpgrade(socket, STATUS.get(error.code) ?? 500, error.message);
      } finally {
        deciding.delete(socket);
      }
    };
    const place = await host.route(path, {
      guard,
      onRefused: (from, why) => terms.logger.warn(`Refused ${from}: ${why}`),
      upgrade: identify === undefined ? welcome : (...upgrade) => void decide(...upgrade),
    });
    return {
      get address() {
        const scheme = place.secure ? "wss:" : "ws:";
        return place.authority === undefined ? `${scheme}${path}` : `${scheme}//${place.authority}${path}`;
      },
      async close() {
        place.close();
        for (const socket of deciding) socket.destroy();
      },
    };
  };
}

/**
 * Makes a connection of a socket that a `WebSocketServer` of the user's own accepted, to be given to `accept` of a `Listen`
 * of the user's own. Called inside the `connection` event, nothing is lost that comes over it; what that server checks and
 * bounds before is its own affair.
 */
export function acceptedWebSocket(
  webSocket: WebSocket,
  request: IncomingMessage,
  { limits }: Pick<LinkTerms, "limits">,
  identity: unknown = certificateOf(request.socket),
): RawConnection {
  const remoteAddress = remoteAddressOf(request.socket);
  return {
    channel: webSocketChannel(webSocket, request.socket, limits.maxFrameBytes),
    ...(remoteAddress !== undefined && { remoteAddress }),
    ...(identity !== undefined && { identity }),
  };
}

function certificateOf(socket: Socket): unknown {
  return socket instanceof TLSSocket ? identityOf(socket) : undefined;
}

function inTime({ clock, handshakeTimeoutMs }: LinkTerms, identity: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const why = `Not identified within ${handshakeTimeoutMs} ms`;
    const stop = after(clock, handshakeTimeoutMs, () => reject(new RpcError("deadline_exceeded", why)));
    void Promise.resolve(identity).then(resolve, reject).finally(stop);
  });
}
