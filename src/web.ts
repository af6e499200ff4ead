/** Connects from a web page or a worker: the same client as everywhere, over what a browser has. */
import { Client, type ConnectOptions } from "./client/client.ts";
import type { Rung } from "./client/ladder.ts";
import type { Dialer, Wire } from "./core/wire.ts";
import type { PollConnectOptions } from "./http/poll/dialer.ts";
import { pageClock } from "./transports/web/page-clock.ts";
import { pageUrl } from "./transports/web/page-url.ts";
import { type WebSocketOptions, webSocketDialer } from "./transports/web/ws-dialer.ts";

export type { Client, ClientState, ConnectOptions } from "./client/client.ts";
export type { Redial } from "./client/redial.ts";
export { RpcError } from "./core/errors.ts";
export type { HandlersOf, Remote } from "./core/remote.ts";
export type { Authenticator, Dialer, Wire } from "./core/wire.ts";
export type { PollConnectOptions } from "./http/poll/dialer.ts";
export type { MakeWebSocket, WebSocketOptions, WebSocketTarget } from "./transports/web/ws-dialer.ts";
export { webSocketDialer } from "./transports/web/ws-dialer.ts";

/** How a client connects from a page: what every client can be told, and what belongs to some kinds of addresses. */
export interface WebConnectOptions<Data = unknown> extends Omit<ConnectOptions<Data>, "wrapPipe"> {
  /** For `ws://` and `wss://`. */
  readonly ws?: WebSocketOptions | undefined;
  /** For `poll+http://`, `beat+http://` and their like. */
  readonly poll?: PollConnectOptions | undefined;
}

/**
 * Connects to an address and resolves with the client when its link is up. Rejects with an `RpcError` (`unavailable`) when
 * none came about, and with `TypeError` for an address or option that is wrong.
 *
 * An address is a URL: `ws://host:port/path` or `wss://…`, or plain HTTP where these do not pass: `poll+https://host/path`
 * (long-poll), `beat+https://…` (heartbeat). Those of the page's own server need no host: `/rpc` is a WebSocket, `poll:/rpc`
 * and `beat:/rpc` are the others. It may be a dialer of your own, too. A page may be told no more about a failed attempt than
 * that it failed. Several addresses are ways to the same other side, the best first, as for `connect` of `convoke/node`.
 *
 * Without `wire` JSON-RPC is loaded, and for long-poll its transport: in a service worker, where nothing can be loaded later,
 * give a wire and a dialer. `Api` is the type of the other side's handlers, for `client.remote`.
 */
export async function connect<Api = unknown, Data = unknown>(
  address: string | URL | Dialer | readonly (string | URL | Dialer)[],
  options: WebConnectOptions<Data> = {},
): Promise<Client<Api>> {
  const places = typeof address === "object" && !(address instanceof URL) ? address : [address];
  const rungs = await Promise.all(places.map((place) => rungOf(place, options)));
  const { wire = await defaultWire(), clock = pageClock() } = options;
  return Client.open<Api, Data>(rungs, wire, { ...options, clock });
}

async function rungOf(place: string | URL | Dialer, options: WebConnectOptions<never>): Promise<Rung> {
  if (typeof place === "function") return { dial: place };
  const url = pageUrl(place);
  return { name: `${url.protocol}//${url.host}${url.pathname}`, dial: await dialerOf(url, options) };
}

/** Which address means which transport. Rejects with `TypeError` for options that cannot be used. */
async function dialerOf(url: URL, { ws, poll }: WebConnectOptions<never>): Promise<Dialer> {
  if (!/^(poll|beat)\+https?:$/.test(url.protocol)) return webSocketDialer({ ...ws, url });
  // Loaded by those who have such an address.
  const { pollDialer } = await import("./http/poll/dialer.ts");
  return pollDialer({ ...poll, url });
}

/** Loaded by those who name no wire, so that nobody has two. */
async function defaultWire(): Promise<Wire> {
  const { jsonMessages } = await import("./wires/json-messages.ts");
  return jsonMessages();
}
