import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Guard, Visit } from "../guard.ts";
import { remoteAddressOf } from "./tcp.ts";

/** A request with more headers is refused: Node would drop those above its bound, and nobody knows which. */
export const MAX_HEADERS = 100;
/** How long a client that was refused may take to go. */
const LINGER_MS = 1000;

/** Answers a request with an error as plain text, and reads no more of its connection. */
export function refuse(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.on("error", ignore);
  answerBefore(response, status, { ...plainText(body), Connection: status === 426 ? "Upgrade, close" : "close" }, body);
}

/**
 * Answers a request whose body has not come and is not wanted, and reads it for a while all the same: a connection that is closed
 * with something unread in it is reset, and its client, or a proxy, loses the answer. The headers say `connection: close`.
 */
export function answerBefore(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): void {
  const { req: request } = response;
  response.writeHead(status, headers);
  if (request.complete || request.destroyed) return void response.end(body);
  // The whole answer leaves now, its end when the client has read it.
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  const timer = setTimeout(() => response.end(), LINGER_MS).unref();
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  request.once("end", end).once("close", end).resume();
}

/** Answers a request that wants another protocol with an error as plain text, and closes its socket. */
export function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  const headers = Object.entries({ ...plainText(body), Connection: "close" }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.on("error", ignore);
  // What is unread when a socket is destroyed resets it, and eats the answer at the other side.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.write([`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ""}`, ...headers, "", ""].join("\r\n"));
  socket.end(body);
}

/** Listens to a socket whose errors somebody else will hear of. */
export function ignore(): void {}

/** Never shown as a page, whatever of the request it repeats. */
function plainText(body: Buffer): Readonly<Record<string, string | number>> {
  return {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": body.length,
  };
}

/** Says why a request does not get in, and tells `onRefused`; `undefined` for one that does. */
export function refusalOf(
  request: IncomingMessage,
  {
    guard,
    onRefused,
  }: {
    readonly guard: Guard;
    readonly onRefused?: ((remoteAddress: string, why: string) => void) | undefined;
  },
): readonly [status: number, why: string] | undefined {
  if (request.rawHeaders.length > 2 * MAX_HEADERS) return [431, `A request may have ${MAX_HEADERS} headers`];
  const why = guard.refuses(visitOf(request));
  if (why === undefined) return undefined;
  onRefused?.(remoteAddressOf(request.socket) ?? "a client", why);
  return [403, why];
}

function visitOf({ headers, rawHeaders, socket }: IncomingMessage): Visit {
  // Of two hosts Node shows the first, and a proxy may have believed the second.
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "host");
  const fetchSite = headers["sec-fetch-site"];
  return {
    host: hosts.length === 0 ? undefined : hosts.join(", "),
    origin: headers.origin,
    fetchSite: typeof fetchSite === "string" ? fetchSite : undefined,
    secure: isSecure(socket),
    localAddress: socket.localAddress,
    localPort: socket.localPort,
  };
}

function isSecure(socket: Socket | TLSSocket): boolean {
  return "encrypted" in socket;
}
