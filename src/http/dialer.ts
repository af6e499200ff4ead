import { RpcError } from "../core/errors.ts";
import { bytesOf, printable } from "../core/text.ts";
import type { Dialer } from "../core/wire.ts";
import { plaintextCredential } from "../transports/guard.ts";
import { ClientChannel } from "./client/client-channel.ts";
import {
  fetchSender,
  type HttpHeaders,
  type HttpReply,
  type HttpRequest,
  type HttpSender,
  wordsOf,
} from "./client/reply.ts";
import { statusReason } from "./client/statuses.ts";
import { checkWire } from "./json-wire.ts";
import { checkBound } from "./options.ts";

/** How a client calls over HTTP. */
export interface HttpConnectOptions {
  /** Headers of each request: `{ authorization: "Bearer …" }`, or what gives them anew for each. */
  readonly headers?: HttpHeaders | (() => HttpHeaders | Promise<HttpHeaders>) | undefined;
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Requests that are under way at once. Default 64. */
  readonly maxRequests?: number | undefined;
  /** Opens a stream of server-sent events too, so that the server can notify this end. Default: false. */
  readonly events?: boolean | undefined;
  /**
   * Lets credentials (authorization, cookies, the password or token of an address) cross a network as plain text, where
   * anybody on the way can read them. Default: false.
   */
  readonly plaintextCredentials?: boolean | undefined;
}

/** Where a JSON-RPC server is, and how it is called. */
export interface HttpDialTarget extends HttpConnectOptions {
  /** `http://host:port/path?query` or `https://…`; a user and password in it are sent as Basic authorization. */
  readonly url: string | URL;
}

const DEFAULT_MAX_REQUESTS = 64;

/**
 * Dials a JSON-RPC server over HTTP: each message is a POST. Nothing is sent before the first, so that a link is up at once;
 * with `events` it is when the server has opened the stream. Redirects are not followed. Throws `TypeError` or `RangeError`
 * for options that cannot be used, for credentials that would leave this machine as plain text, and, when it dials, for
 * another wire than JSON-RPC. `senderOf` makes what sends the requests of one link, in place of `fetch`.
 */
export function httpDialer(target: HttpDialTarget, senderOf?: (url: URL) => HttpSender): Dialer {
  const { headers: given = {}, events = false } = target;
  const fetched = target.fetch ?? ((to, init) => fetch(to, init));
  const maxRequests = checkBound("maxRequests", target.maxRequests ?? DEFAULT_MAX_REQUESTS);
  const parsed = checkedUrl(target.url);
  const address = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  const checked = (headers: HttpHeaders): HttpHeaders => {
    const credential = target.plaintextCredentials === true ? undefined : plaintextCredential(parsed, headers);
    if (credential === undefined) return headersOf(headers, parsed);
    const advice = "Use https://, or set plaintextCredentials";
    throw new TypeError(`Cannot connect to ${address}: ${credential} would cross the network as plain text. ${advice}`);
  };
  const fixed = checked(typeof given === "function" ? {} : given);
  const url = withoutUser(parsed);
  return async (signal, terms) => {
    checkWire(terms.wire, `An address ${parsed.protocol}//`);
    signal.throwIfAborted();
    const sender = senderOf?.(url) ?? fetchSender(url.href, fetched);
    const send = async (request: HttpRequest): Promise<HttpReply> => {
      const own = typeof given === "function" ? checked(await given()) : fixed;
      return sender.send({ ...request, headers: { ...own, ...request.headers } });
    };
    const channel = new ClientChannel(
      {
        address,
        maxRequests,
        post: (body, aborted) => send({ method: "POST", body, headers: POST_HEADERS, signal: aborted }),
        ended: () => sender.close(),
      },
      terms,
    );
    if (!events) return { channel, remoteAddress: parsed.host };
    const giveUp = (): void => channel.close({ message: "The attempt was given up" });
    signal.addEventListener("abort", giveUp);
    try {
      const reply = await send({ method: "GET", headers: EVENT_HEADERS, signal: channel.signal });
      if (!isStream(reply)) throw noStream(address, reply);
      void channel.readEvents(reply);
      return { channel, remoteAddress: parsed.host };
    } catch (thrown) {
      channel.close();
      if (RpcError.is(thrown) || (thrown instanceof TypeError && thrown.cause === undefined)) throw thrown;
      throw cannotConnect(address, thrown);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };
}

const POST_HEADERS: HttpHeaders = { "content-type": "application/json", accept: "application/json" };
const EVENT_HEADERS: HttpHeaders = { accept: "text/event-stream" };

function checkedUrl(url: string | URL): URL {
  const text = String(url);
  // Not the text, which may have a password in it.
  if (!URL.canParse(text)) throw new TypeError("The address is no URL: write http://host:port/path");
  const parsed = new URL(text);
  if (parsed.protocol === "http:" || parsed.protocol === "https:") return parsed;
  throw new TypeError(
    `Bad address of the kind ${printable(parsed.protocol)}: write http://host:port/path or https://…`,
  );
}

/** The headers in small letters, with the user and password of the address unless they say who calls themselves. */
function headersOf(given: HttpHeaders, { username, password }: URL): HttpHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    try {
      headers[name.toLowerCase()] = new Headers([[name, value]]).get(name) ?? value;
    } catch {
      throw new TypeError(`The header "${printable(name)}" cannot be sent: its name or value has a bad character`);
    }
  }
  if ((username === "" && password === "") || "authorization" in headers) return headers;
  const pair = bytesOf(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { ...headers, authorization: `Basic ${btoa(String.fromCharCode(...pair))}` };
}

function withoutUser(parsed: URL): URL {
  const url = new URL(parsed);
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}

function isStream(reply: HttpReply): boolean {
  return reply.status === 200 && /^\s*text\/event-stream\s*(?:;|$)/i.test(reply.header("content-type") ?? "");
}

function noStream(address: string, reply: HttpReply): RpcError {
  reply.drop();
  const isAnswer = reply.status === 200;
  const { message, error } = statusReason(reply);
  const why = isAnswer ? "it has no server-sent events" : message;
  const code = isAnswer ? "unimplemented" : (error?.code ?? "unavailable");
  return new RpcError(code, `Cannot connect to ${address}: ${why}`, { executed: "no", wireCode: reply.status });
}

function cannotConnect(address: string, thrown: unknown): RpcError {
  const message = `Cannot connect to ${address}: ${wordsOf(thrown)}`;
  return new RpcError("unavailable", message, { cause: thrown, executed: "no" });
}
