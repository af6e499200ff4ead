/// <reference lib="esnext.disposable" preserve="true" />
/**
 * JSON-RPC over HTTP, on any platform that has `fetch`: a bridge that turns requests into links of a server, and a client
 * that turns messages into requests.
 */
import { Client, type ConnectOptions } from "./client/client.ts";
import { HttpBridge } from "./http/bridge.ts";
import { type HttpDialTarget, httpDialer } from "./http/dialer.ts";
import type { HttpOptions } from "./http/options.ts";
import { type ServeOptions, Server } from "./server/server.ts";
import { jsonrpc } from "./wires/jsonrpc.ts";

export { HttpBridge } from "./http/bridge.ts";
export type { CallerOptions } from "./http/client/caller.ts";
export type { HttpHeaders, HttpReply, HttpRequest, HttpSender, ReadBody } from "./http/client/reply.ts";
export type { HttpConnectOptions, HttpDialTarget } from "./http/dialer.ts";
export { httpDialer } from "./http/dialer.ts";
export type { CorsOptions, HttpOptions } from "./http/options.ts";
export { type PollTarget, pollDialer } from "./http/poll/dialer.ts";
export { PollServer } from "./http/poll/poll-server.ts";
export type { HttpAbout } from "./http/server/exchange.ts";
export type { GetCall, GetTarget, ParseGet } from "./http/server/get-query.ts";
export { basicQuery, typedQuery } from "./http/server/get-query.ts";
export type { GuardOptions } from "./transports/guard.ts";

/** How handlers are served over HTTP: what every server can be told, and what HTTP has of its own. */
export interface HttpServeOptions<Data = unknown>
  extends Omit<ServeOptions<Data>, "authenticator" | "wrapPipe">,
    HttpOptions {}

/** Handlers that are served over HTTP. */
export interface HttpServer {
  /** Answers one request; never rejects. It may be passed on by itself: `export default { fetch }`. */
  readonly fetch: HttpBridge["fetch"];
  /** Answers one request of which more is known than itself says: who sent it, from where. Never rejects. */
  answer: HttpBridge["answer"];
  readonly server: Server;
  /** Lets running handlers answer, then closes; requests that come later get 500. May be called twice. */
  close: Server["close"];
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves handlers to whoever hands in requests: `const { fetch } = await serveHttp({ handlers, hosts: ["example.org"] })`
 * goes wherever a `(request: Request) => Promise<Response>` does. Without `hosts` only names of this machine are answered.
 * Rejects with `TypeError` or `RangeError` for a wrong option.
 */
export async function serveHttp<Data = unknown>(options: HttpServeOptions<Data> = {}): Promise<HttpServer> {
  const bridge = new HttpBridge(options);
  const server = await Server.open<Data>([bridge.listen], options.wire ?? jsonrpc(), options);
  return {
    fetch: bridge.fetch,
    answer: (request, about) => bridge.answer(request, about),
    server,
    close: (closing) => server.close(closing),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Connects to a JSON-RPC server over HTTP; `client.call` and `client.remote` are those of every client. */
export async function connectHttp<Api = unknown, Data = unknown>(
  url: string | URL,
  options: Omit<ConnectOptions<Data>, "authenticator" | "wrapPipe" | "name" | "labels"> &
    Omit<HttpDialTarget, "url"> = {},
): Promise<Client<Api>> {
  return Client.open<Api, Data>(httpDialer({ ...options, url }), options.wire ?? jsonrpc(), options);
}
