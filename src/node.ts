import { Client, type ConnectOptions } from "./client/client.ts";
import * as raw from "./client/open-channel.ts";
import type { Dialer, Listen } from "./core/wire.ts";
import { type DialOptions, dialerOf, dialersOf } from "./node/dialing.ts";
import { checkRoom } from "./node/kinds.ts";
import { type ListenOptions, listensOf } from "./node/listening.ts";
import { ownWire } from "./node/port-listening.ts";
import { type ServeOptions, Server } from "./server/server.ts";
import { parseAddress } from "./transports/node/address.ts";
import { jsonrpc } from "./wires/jsonrpc.ts";

export type { OpenChannel } from "./client/open-channel.ts";
export type { BodyName } from "./codecs/native/body.ts";
export type { NativeOptions } from "./codecs/native/codec.ts";
export type { CallerOptions } from "./http/client/caller.ts";
export type { HttpConnectOptions } from "./http/dialer.ts";
export { type HttpListenTarget, httpListen } from "./http/node/listen.ts";
export { requestListener } from "./http/node/listener.ts";
export { type PollListenTarget, pollListen } from "./http/node/poll-listen.ts";
export type { CorsOptions, HttpOptions } from "./http/options.ts";
export type { PollConnectOptions, PollServeOptions } from "./http/poll/options.ts";
export type { DialOptions } from "./node/dialing.ts";
export type { ListenOptions } from "./node/listening.ts";
export {
  type GrpcPortOptions,
  grpc,
  type HttpPortOptions,
  http,
  type PollPortOptions,
  poll,
  type WebSocketPortOptions,
  webSocket,
} from "./node/port-services.ts";
export type { GuardOptions } from "./transports/guard.ts";
export { deflate } from "./transports/node/deflate.ts";
export { type ExecOptions, type ExecTarget, execDialer } from "./transports/node/exec.ts";
export type {
  GrpcConnectOptions,
  GrpcIdentify,
  GrpcInterceptor,
  GrpcKeepalive,
  GrpcMetadata,
  GrpcOptions,
  GrpcServeOptions,
} from "./transports/node/grpc-options.ts";
export type { HttpService, OpenService, PortService, SocketService } from "./transports/node/port-doors.ts";
export type { Pem, TlsConnectOptions, TlsIdentity, TlsOptions, TlsServeOptions } from "./transports/node/tls.ts";
export type { WsConnectOptions } from "./transports/node/ws-dialer.ts";
export { acceptedWebSocket, type WsListenTarget, type WsServeOptions, wsListen } from "./transports/node/ws-listen.ts";
export type { Compression, NativeWireOptions } from "./wires/native.ts";
export { native } from "./wires/native.ts";

/** How a client connects from Node: what every client can be told, and what belongs to some kinds of addresses. */
export interface NodeConnectOptions<Data = unknown> extends ConnectOptions<Data>, DialOptions {}

/** How a server serves on Node: what every server can be told, and what belongs to some kinds of addresses. */
export interface NodeServeOptions<Data = unknown>
  extends ServeOptions<Data>,
    Omit<ListenOptions, "logger" | "handshakeTimeoutMs"> {}

/** How raw access is opened from Node. */
export interface NodeOpenChannelOptions extends raw.OpenChannelOptions, DialOptions {}

/**
 * Connects to an address and resolves with the client when its link is up. Rejects with an `RpcError` (`unavailable`)
 * that says why it did not come about, and with `TypeError` for an address or option that is wrong.
 *
 * An address is a URL (`tcp://127.0.0.1:7000`, `tls://host:7000`, `ws://host:7000/path`, `wss://`, `http://host:7000/path`,
 * `https://`, `grpc://host:7000`, `grpcs://`, `unix:/run/app.sock`, `stdio:`, `exec:program args`), a bare `host:port`, a bare
 * path, or a dialer of your own. Those of HTTP carry JSON-RPC only, and those of gRPC need the package `@grpc/grpc-js`. `Api`
 * is the type of the other side's handlers, for `client.remote`.
 *
 * Several addresses are ways to the same other side, the best first: the first that answers is taken and remembered, better
 * ones are tried again later, and the client moves over to them without losing a call (`options.ladder`). It rejects when none
 * answers, and says why for each. `client.address` is the one that is used.
 */
export async function connect<Api = unknown, Data = unknown>(
  address: string | Dialer | readonly (string | Dialer)[],
  options: NodeConnectOptions<Data> = {},
): Promise<Client<Api>> {
  const places = placesOf(address);
  const { wire = jsonrpc(), authenticator } = options;
  return Client.open<Api, Data>(await dialersOf(places, options, { wire, authenticator }), wire, options);
}

/**
 * Serves handlers at one or more addresses and resolves when all of them listen; `server.addresses` has the real ones.
 * Rejects when one of them cannot be had, and then listens nowhere. Where an address names no host it is 127.0.0.1, and
 * addresses of WebSocket and HTTP with the same host and port share one server, each with its path. With `wires` one address
 * `tcp://`, `tls://` or `unix:` serves all of them, and HTTP, WebSocket and gRPC if they are among them.
 */
export async function serve<Data = unknown>(
  addresses: string | Listen | readonly (string | Listen)[],
  options: NodeServeOptions<Data> = {},
): Promise<Server> {
  const places = placesOf(addresses);
  const wire = ownWire(options, jsonrpc);
  const parsed = places.map((place) => (typeof place === "string" ? parseAddress(place) : place));
  for (const place of parsed) if (typeof place !== "function") checkRoom(place, options.authenticator);
  const listens = await listensOf(parsed, options);
  return Server.open(listens, wire, options);
}

/**
 * Opens a link below any wire, frames in and frames out, for authors of protocols and for tests: nothing is said that the caller
 * does not send. The wire gives the framing and nothing else. Rejects as `connect` does.
 */
export async function openChannel(
  address: string | Dialer,
  options: NodeOpenChannelOptions = {},
): Promise<raw.OpenChannel> {
  const dial = await dialerOf(typeof address === "string" ? parseAddress(address) : address, options);
  return raw.openChannel(dial, options.wire ?? jsonrpc(), options);
}

/** Throws `TypeError` for what is neither addresses nor places of one's own. */
function placesOf<Own extends (...given: never[]) => unknown>(
  given: string | Own | readonly (string | Own)[],
): readonly (string | Own)[] {
  const places = Array.isArray(given) ? (given as readonly (string | Own)[]) : [given as string | Own];
  const wrong = places.find((place) => typeof place !== "string" && typeof place !== "function");
  if (wrong === undefined && !places.includes(undefined as never)) return places;
  throw new TypeError(`An address is a text such as "tcp://127.0.0.1:7000", not ${String(wrong)}`);
}
