import http, { type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { setImmediate, setTimeout } from "node:timers/promises";
import { ignore, MAX_HEADERS, refuseUpgrade } from "./http-host-refusal.ts";
import { isWebSocket, Offers } from "./http-host-upgrades.ts";
import { listenError, listening, SOCKET_OPTIONS } from "./socket.ts";
import { codeOf } from "./system-error.ts";
import { TCP_OPTIONS, type TcpTarget } from "./tcp.ts";
import { watchHandshakes } from "./tls.ts";

/** How long a client may take for the TLS handshake, and then for the headers of each request. */
export const HEADERS_MS = 8000;
/** How long a client may take for a whole request. */
const REQUEST_MS = 30_000;
/**
 * How long a connection may be idle. Above the 60 s after which proxies close those that they keep (nginx, AWS): with less, one
 * of their requests would now and then meet a connection that is being closed, which is a 502.
 */
const IDLE_MS = 75_000;
/** The longest time that a timer of Node can be set to. */
const LONGEST_MS = 2 ** 31 - 1;
/** How often these times are looked at. */
const CHECK_MS = 1000;

const SERVER_OPTIONS: ServerOptions = {
  highWaterMark: SOCKET_OPTIONS.highWaterMark,
  ...TCP_OPTIONS,
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: IDLE_MS,
  connectionsCheckingInterval: CHECK_MS,
  maxHeaderSize: 16 << 10,
};

/** Answers what comes to a server; says whether the path is one of its own. */
export interface Router {
  /** Whether anything is served at the path of this request. */
  owns(request: IncomingMessage): boolean;
  /** Gets those that want to be a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  request(request: IncomingMessage, response: ServerResponse): boolean;
  /** A request that nobody else answers. */
  otherwise(request: IncomingMessage, response: ServerResponse): void;
}

/** A server with our listeners on it. */
export interface BoundServer {
  readonly server: http.Server;
  /** From now on there are routes for WebSocket, too. */
  takeUpgrades(): void;
  close(): void;
  /** Resolves when the answers that were given whole have left, or after `withinMs`. */
  flushed(withinMs: number): Promise<void>;
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
  const unanswered = new Set<ServerResponse>();
  /** How many requests of each connection are unanswered. */
  const asking = new Map<Duplex, number>();
  let isClosed = false;
  // Node takes an answer that it was given whole for one that has left, and would cut it off with its connection.
  server.closeIdleConnections = ignore;
  server.on(server instanceof https.Server ? "secureConnection" : "connection", (socket: Duplex) => {
    if (!asking.has(socket)) socket.once("close", () => asking.delete(socket));
    asking.set(socket, 0);
  });
  const count = (socket: Duplex, change: 1 | -1): void => {
    const requests = asking.get(socket);
    if (requests === undefined) return;
    asking.set(socket, requests + change);
    if (isClosed && requests + change === 0) socket.destroy();
  };
  const offers = new Offers(server);
  server.on("upgrade", (request, socket, head) => {
    if (!isWebSocket(request)) offers.ignore(request, head);
    else if (router.upgrade(request, socket, head)) asking.delete(socket);
    else refuseUpgrade(socket, 404, NOTHING);
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    count(socket, 1);
    unanswered.add(response);
    response.once("close", () => {
      unanswered.delete(response);
      count(socket, -1);
    });
    offers.began(request, response);
    if (!router.request(request, response)) router.otherwise(request, response);
  });
  return {
    server,
    takeUpgrades: ignore,
    close() {
      isClosed = true;
      server.close();
      dropHandshakes();
      // Whoever has not said yet what it wants, too; from here on Node looks at no clock any more.
      for (const [socket, requests] of asking) if (requests === 0) socket.destroy();
    },
    flushed: (withinMs) => leaving(unanswered, withinMs),
  };
}

/** Waits for the answers that were given whole. */
async function leaving(answers: Iterable<ServerResponse>, withinMs: number): Promise<void> {
  // Those of links that have just ended are given before this.
  await setImmediate();
  const ended = [...answers].filter(({ writableEnded }) => writableEnded);
  if (ended.length === 0) return;
  const over = new AbortController();
  const gone = ended.map((answer) => new Promise((resolve) => answer.once("close", resolve)));
  const late = setTimeout(Math.min(withinMs, LONGEST_MS), undefined, { signal: over.signal }).catch(ignore);
  await Promise.race([Promise.all(gone), late]);
  over.abort();
}

/** What a client is told that asks for a path of nobody. */
const NOTHING = "There is nothing at this path";

/**
 * Stands before the listeners of a user's server, those that are added later among them: they get what is not ours, as they would
 * without us. Nobody else's listener is touched.
 */
export function attach(server: http.Server, router: Router): BoundServer {
  const offers = new Offers(server);
  const { emit } = server;
  let isClosed = false;
  // Node upgrades nothing where nobody listens.
  const listener = (): void => {};
  const others = (): number => server.listenerCount("upgrade") - server.listenerCount("upgrade", listener);
  const pass = (event: string | symbol, args: readonly unknown[]): boolean =>
    Reflect.apply(emit, server, [event, ...args]) as boolean;
  const intercept = (event: string | symbol, ...args: unknown[]): boolean => {
    if (isClosed || (event !== "request" && event !== "upgrade")) return pass(event, args);
    if (event === "request") {
      const [request, response] = args as [IncomingMessage, ServerResponse];
      offers.began(request, response);
      if (!router.request(request, response) && !pass(event, args)) router.otherwise(request, response);
      return true;
    }
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    if (isWebSocket(request) && router.upgrade(request, socket, head)) return true;
    if (others() > 0 && !router.owns(request)) return pass(event, args);
    if (isWebSocket(request)) refuseUpgrade(socket, 404, NOTHING);
    else offers.ignore(request, head);
    return true;
  };
  server.emit = intercept as typeof server.emit;
  return {
    server,
    takeUpgrades() {
      if (server.listenerCount("upgrade", listener) === 0) server.on("upgrade", listener);
    },
    close() {
      isClosed = true;
      server.off("upgrade", listener);
      // Somebody who stands before us by now keeps us, and we pass everything on.
      if (server.emit === intercept) server.emit = emit;
    },
    // Its owner closes it.
    flushed: async () => {},
  };
}
