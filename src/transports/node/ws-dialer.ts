import { type ClientRequest, type IncomingMessage, validateHeaderName, validateHeaderValue } from "node:http";
import net from "node:net";
import tls, { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import { type Code, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Dialer, RawConnection } from "../../core/wire.ts";
import { plaintextCredential } from "../guard.ts";
import { dialError, dialSocket, givenUp, SOCKET_OPTIONS } from "./socket.ts";
import { codeOf } from "./system-error.ts";
import { remoteAddressOf, TCP_OPTIONS } from "./tcp.ts";
import { identityOf, type TlsConnectOptions, tlsClientOptions, verdict } from "./tls.ts";
import { tlsDialError } from "./tls-error.ts";
import { webSocketChannel } from "./ws-channel.ts";
import { wsOptionsOf } from "./ws-options.ts";

type WsHeaders = Readonly<Record<string, string>>;

/** How a client opens WebSocket connections. */
export interface WsConnectOptions {
  /** Headers of the request: `{ authorization: "Bearer …" }`, or what gives them anew each time that is dialled. */
  readonly headers?: WsHeaders | (() => WsHeaders | Promise<WsHeaders>) | undefined;
  /** The subprotocols that are offered; the server must take one of them. Default: none. */
  readonly protocols?: readonly string[] | undefined;
  /** Compresses messages if the server wants it, too. Costs memory and time. Default: false. */
  readonly deflate?: boolean | undefined;
  /**
   * Lets credentials (authorization, cookies, the password or token of an address) cross a network as plain text, where
   * anybody on the way can read them. Default: false.
   */
  readonly plaintextCredentials?: boolean | undefined;
}

/** Where a WebSocket server is, and how it is spoken to. */
export interface WsTarget extends WsConnectOptions {
  /** `ws://host:port/path?query` or `wss://…`; a user and password in it are sent as Basic authorization. */
  readonly url: string | URL;
  /** For `wss:`. */
  readonly tls?: TlsConnectOptions | undefined;
}

/** What a server means that answers a handshake with an HTTP status; anything else is `unavailable`. */
const CODES: ReadonlyMap<number, Code> = new Map([
  [400, "invalid_argument"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "not_found"],
  [405, "unimplemented"],
  [426, "unimplemented"],
  [429, "resource_exhausted"],
  [501, "unimplemented"],
]);
/** So much of what the server says about it is read. */
const MAX_ANSWER_BYTES = 512;

/**
 * Dials a WebSocket server. An attempt rejects with `unavailable`, or with what the server's HTTP status means, which is
 * the `wireCode` then; redirects are not followed. Throws `TypeError` for options that cannot be used, and for credentials
 * that would leave this machine as plain text.
 */
export function wsDialer(target: WsTarget): Dialer {
  const { headers: given = {}, protocols = [], deflate } = target;
  const url = checkedUrl(target.url);
  const address = `${url.protocol}//${url.host}${url.pathname}`;
  for (const protocol of protocols) {
    if (!/^[!#$%&'*+\-.^`|~\w]+$/.test(protocol)) throw new TypeError(`"${printable(protocol)}" is no subprotocol`);
  }
  const checked = (headers: WsHeaders): WsHeaders => {
    checkHeaders(headers);
    const credential = target.plaintextCredentials === true ? undefined : plaintextCredential(url, headers);
    if (credential === undefined) return headers;
    const advice = "Use wss://, or set plaintextCredentials";
    throw new TypeError(`Cannot connect to ${address}: ${credential} would cross the network as plain text. ${advice}`);
  };
  const fixed = checked(typeof given === "function" ? {} : given);
  const connect = connectorOf(url, address, target.tls);
  return async (signal, terms) => {
    // Only who needs it waits for it, and before there is a socket whose end nobody would hear of.
    const { WebSocket } = await import("ws");
    const headers = typeof given === "function" ? checked(await given()) : fixed;
    const socket = await connect(signal);
    const webSocket = new WebSocket(url, [...protocols], {
      headers,
      followRedirects: false,
      createConnection: () => socket,
      ...wsOptionsOf(terms.limits, deflate),
    });
    const remoteAddress = remoteAddressOf(socket);
    const identity = socket instanceof TLSSocket ? identityOf(socket) : undefined;
    return opened(webSocket, address, signal, () => ({
      channel: webSocketChannel(webSocket, socket, terms.limits.maxFrameBytes),
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(identity !== undefined && { identity }),
    }));
  };
}

/** Connects the socket below. */
function connectorOf(
  { protocol, hostname, port }: URL,
  address: string,
  options: TlsConnectOptions | undefined,
): (signal: AbortSignal) => Promise<net.Socket> {
  const isSecure = protocol === "wss:";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const settings = { host, port: port === "" ? (isSecure ? 443 : 80) : Number(port), ...SOCKET_OPTIONS };
  if (!isSecure) {
    if (options !== undefined) throw new TypeError(`The option tls belongs to an address wss://, not to ${address}`);
    return (signal) => dialSocket(address, signal, () => net.connect({ ...settings, ...TCP_OPTIONS }));
  }
  const name = options?.serverName ?? host;
  const secured: tls.ConnectionOptions = { ...settings, ...tlsClientOptions(name, options) };
  return async (signal) => {
    try {
      const socket = await dialSocket(address, signal, () => tls.connect(secured), "secureConnect");
      socket.setKeepAlive(TCP_OPTIONS.keepAlive, TCP_OPTIONS.keepAliveInitialDelay);
      // Without a certificate there is nothing to judge: that one is missing the server says aloud.
      if (options?.cert !== undefined) await verdict(socket);
      return socket;
    } catch (thrown) {
      throw tlsDialError(address, name, thrown);
    }
  };
}

/** Makes the connection when the socket is open, unless the server refuses it or the signal fires first. */
function opened(
  webSocket: WebSocket,
  address: string,
  signal: AbortSignal,
  connection: () => RawConnection,
): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal.removeEventListener("abort", onAbort);
      webSocket.terminate();
      reject(error);
    };
    const onAbort = (): void => fail(givenUp(address, signal));
    // After a failure it stays: an error that nobody listens to ends the process.
    const onError = (error: Error): void => {
      const failed = dialError(address, error);
      // With TLS 1.3 a client learns only now that its certificate was refused.
      fail(codeOf(error).startsWith("ERR_SSL") ? tlsDialError(address, address, failed) : failed);
    };
    const onRefused = (request: ClientRequest, response: IncomingMessage): void => {
      void refusalOf(address, request, response).then(fail);
    };
    webSocket.once("open", () => {
      signal.removeEventListener("abort", onAbort);
      // At once: what the server has sent is on its way already.
      resolve(connection());
      webSocket.off("error", onError);
      webSocket.off("unexpected-response", onRefused);
    });
    webSocket.on("error", onError);
    webSocket.on("unexpected-response", onRefused);
    signal.addEventListener("abort", onAbort);
  });
}

/** Reads why the server answers with something else than a WebSocket. */
async function refusalOf(address: string, request: ClientRequest, response: IncomingMessage): Promise<RpcError> {
  const { statusCode = 0, statusMessage = "", headers } = response;
  let text = "";
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length >= MAX_ANSWER_BYTES) break;
    }
  } catch {
    // What has come must do.
  }
  request.destroy();
  const isText = headers["content-type"]?.startsWith("text/plain") === true;
  const said = isText && text.trim() !== "" ? text.trim() : statusMessage;
  const message = `Cannot connect to ${address}: the server answered ${statusCode} ${printable(said)}.${adviceOn(statusCode)}`;
  return new RpcError(CODES.get(statusCode) ?? "unavailable", message, { executed: "no", wireCode: statusCode });
}

/** What may be wrong where the status says more than the server. */
function adviceOn(status: number): string {
  if (status >= 300 && status < 400) return " Redirects are not followed: connect to where it points";
  if (status !== 426) return "";
  return " Something on the way took the header Upgrade away, as a proxy does that was not told to pass it on";
}

function checkedUrl(given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  if (url !== undefined && (url.protocol === "ws:" || url.protocol === "wss:") && url.hash === "") return url;
  // A password does not belong into errors and logs.
  const shown = printable(String(given).replace(/\/\/[^/]*@/, "//…@"));
  throw new TypeError(`Bad address "${shown}": write ws://host:port/path or wss://host:port/path`);
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (cause) {
      throw new TypeError(`The header "${printable(name)}" cannot be sent`, { cause });
    }
  }
}
