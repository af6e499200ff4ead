import http, { type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { ignore, MAX_HEADERS, refuseUpgrade } from "./http-host-refusal.ts";
import { listenError, listening, SOCKET_OPTIONS } from "./socket.ts";
import { codeOf } from "./system-error.ts";
import { TCP_OPTIONS, type TcpTarget } from "./tcp.ts";
import { watchHandshakes } from "./tls.ts";

/** How long a client may take for the TLS handshake, and then for the headers of each request. */
export const HEADERS_MS = 8000;
/** How long a client may take for a whole request. */
const REQUEST_MS = 30_000;
/** How often these times are looked at. */
const CHECK_MS = 1000;

const SERVER_OPTIONS: ServerOptions = {
  highWaterMark: SOCKET_OPTIONS.highWaterMark,
  ...TCP_OPTIONS,
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: 16 << 10,
};

/** Answers what comes to a server; says whether the path is one of its own. */
export interface Router {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  request(request: IncomingMessage, response: ServerResponse): boolean;
  /** A request that nobody else answers. */
  otherwise(request: IncomingMessage, response: ServerResponse): void;
}

/** A server with our listeners on it. */
export interface BoundServer {
  readonly server: http.Server;
  /** From now on there are routes for plain requests, too. */
  takeRequests(): void;
  close(): void;
}

/** Makes a server that listens there. Rejects with `unavailable` when it cannot. */
export async function openServer(
  address: string,
  { host, port }: Required<TcpTarget>,
  secured: https.ServerOptions | undefined,
  router: Router,
): Promise<BoundServer> {
  const server = newServer(secured);
  const bound = serveAll(server, router);
  try {
    await listening(server, () => server.listen(port, host));
  } catch (error) {
    throw listenError(address, error, codeOf(error) === "EADDRINUSE" ? ". Does another server run there?" : "");
  }
  return bound;
}

/** Has a server of `newServer` answer the sockets that it is given by `emit("connection")`; it listens nowhere. */
export function feedServer(server: http.Server, router: Router): BoundServer {
  const bound = serveAll(server, router);
  // Only from this event on does Node look at the times of its connections, and know them when it closes.
  server.emit("listening");
  return bound;
}

/** Makes a server with our bounds and times; with certificates it is one of HTTPS. */
export function newServer(secured?: https.ServerOptions): http.Server {
  const server =
    secured === undefined ? http.createServer(SERVER_OPTIONS) : https.createServer({ ...secured, ...SERVER_OPTIONS });
  // One more, so that it shows when there are too many.
  server.maxHeadersCount = MAX_HEADERS + 1;
  return server;
}

/** Puts our listeners on a server that is nobody else's. */
function serveAll(server: http.Server, router: Router): BoundServer {
  const dropHandshakes = server instanceof https.Server ? watchHandshakes(server, undefined) : ignore;
  let unanswered = 0;
  let isClosed = false;
  const onAnswered = (): void => {
    if (--unanswered === 0 && isClosed) server.closeAllConnections();
  };
  server.on("upgrade", (request, socket, head) => {
    if (!router.upgrade(request, socket, head)) refuseUpgrade(socket, 404, "There is nothing at this path");
  });
  server.on("request", (request, response) => {
    unanswered++;
    response.once("close", onAnswered);
    if (!router.request(request, response)) router.otherwise(request, response);
  });
  return {
    server,
    takeRequests: ignore,
    close() {
      isClosed = true;
      server.close();
      dropHandshakes();
      // Whoever has not said yet what it wants; from here on Node looks at no clock any more.
      if (unanswered === 0) server.closeAllConnections();
    },
  };
}

/** Adds listeners to a user's server. Whatever is not ours goes on as it would without us. */
export function attach(server: http.Server, router: Router): BoundServer {
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (router.upgrade(request, socket, head) || server.listenerCount("upgrade") > 1) return;
    refuseUpgrade(socket, 404, "There is nothing at this path");
  };
  let others: ReturnType<typeof server.rawListeners> | undefined;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (router.request(request, response)) return;
    for (const listener of others ?? []) listener.call(server, request, response);
    if (server.listenerCount("request") + (others ?? []).length === 1) router.otherwise(request, response);
  };
  server.on("upgrade", onUpgrade);
  if (server.listenerCount("request") === 0) server.on("request", onRequest);
  return {
    server,
    takeRequests() {
      if (others !== undefined) return;
      // They would answer requests to our paths too, with 404.
      server.off("request", onRequest);
      others = server.rawListeners("request");
      server.removeAllListeners("request");
      server.on("request", onRequest);
    },
    close() {
      server.off("upgrade", onUpgrade);
      server.off("request", onRequest);
      for (const listener of others?.reverse() ?? []) {
        server.prependListener("request", listener as (...args: unknown[]) => void);
      }
    },
  };
}
