import net from "node:net";
import type { Accept, Listener, RawConnection } from "../../core/wire.ts";
import { dialSocket, listenError, listenerOf, listening, SOCKET_OPTIONS, socketPipe } from "./socket.ts";
import { codeOf } from "./system-error.ts";

/** Where this machine can be reached from itself only: the default on both sides. */
export const LOOPBACK = "127.0.0.1";

/** What TCP sockets have beside `SOCKET_OPTIONS`: no delay for small writes, and probes after 30 s of silence. */
export const TCP_OPTIONS: {
  readonly noDelay: true;
  readonly keepAlive: true;
  readonly keepAliveInitialDelay: number;
} = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

/** Where a TCP server is or shall be. */
export interface TcpTarget {
  /** A name or an IP address; default `127.0.0.1`. */
  readonly host?: string;
  /** When listening, 0 means any free one. */
  readonly port: number;
}

/** Writes a host and a port as one text; IPv6 addresses get brackets. */
export function hostAndPort(host: string, port: number): string {
  // Joined, because a text made of pieces would keep them all: a server holds one for each of its links.
  return [host.includes(":") ? `[${host}]` : host, port].join(":");
}

/** Dials over TCP. */
export function tcpDialer({ host = LOOPBACK, port }: TcpTarget): (signal: AbortSignal) => Promise<RawConnection> {
  checkPort(port);
  const address = `tcp://${hostAndPort(host, port)}`;
  return async (signal) => {
    const options = { host, port, ...SOCKET_OPTIONS, ...TCP_OPTIONS };
    const socket = await dialSocket(address, signal, () => net.connect(options));
    return connectionOf(socket);
  };
}

/** Listens on a TCP port. */
export function tcpListen(target: TcpTarget): (accept: Accept) => Promise<Listener> {
  const listen = tcpSockets(target, "tcp");
  return (accept) => listen((socket) => accept(connectionOf(socket)));
}

/** Listens as `tcpListen` does, for a transport that speaks something of its own over TCP, and gives it each socket. */
export function tcpSockets(
  { host = LOOPBACK, port }: TcpTarget,
  scheme: string,
): (take: (socket: net.Socket) => void) => Promise<Listener> {
  checkPort(port);
  return async (take) => {
    const server = net.createServer({ ...SOCKET_OPTIONS, ...TCP_OPTIONS }, take);
    try {
      await listening(server, () => server.listen(port, host));
    } catch (error) {
      const advice = codeOf(error) === "EADDRINUSE" ? ". Does another server run there?" : "";
      throw listenError(`${scheme}://${hostAndPort(host, port)}`, error, advice);
    }
    return listenerOf(server, `${scheme}://${boundTo(server)}`);
  };
}

/** The host and port that a TCP server is bound to. */
export function boundTo(server: net.Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("The server is not bound to a port");
  return hostAndPort(bound.address, bound.port);
}

/** The other side's address as text; an IPv4 address that came through an IPv6 socket is written as IPv4. */
export function remoteAddressOf(socket: net.Socket): string | undefined {
  const { remoteAddress, remotePort } = socket;
  // It has none any more when it was reset before we got it.
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return hostAndPort(remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ""), remotePort);
}

function connectionOf(socket: net.Socket): RawConnection {
  const remoteAddress = remoteAddressOf(socket);
  return { pipe: socketPipe(socket), ...(remoteAddress !== undefined && { remoteAddress }) };
}

/** Throws `RangeError` unless it is a port. */
export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw new RangeError(`port must be a whole number from 0 to 65535, not ${String(port)}`);
}
