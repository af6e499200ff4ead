import { RpcError } from "../core/errors.ts";
import type { Dialer } from "../core/wire.ts";
import { type CallerOptions, callerOf } from "./client/caller.ts";
import { ClientChannel } from "./client/client-channel.ts";
import { isEventStream } from "./client/event-stream.ts";
import { fetchSender, type HttpReply, type HttpSender, wordsOf } from "./client/reply.ts";
import { statusReason } from "./client/statuses.ts";
import { checkWire } from "./json-wire.ts";
import { checkBound } from "./options.ts";

/** How a client calls over HTTP. */
export interface HttpConnectOptions extends CallerOptions {
  /**
   * Sends the requests. Default: the platform's `fetch`. One that repeats a request by itself must not reject with the error of
   * a later attempt as its `cause`: a connection that was refused counts as a request that was not sent.
   */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Requests that are under way at once. Default 64. */
  readonly maxRequests?: number | undefined;
  /** Opens a stream of server-sent events too, so that the server can notify this end. Default: false. */
  readonly events?: boolean | undefined;
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
  const { events = false } = target;
  const fetched = target.fetch ?? ((to, init) => fetch(to, init));
  const maxRequests = checkBound("maxRequests", target.maxRequests ?? DEFAULT_MAX_REQUESTS);
  const caller = callerOf(target);
  const { address, url } = caller;
  return async (signal, terms) => {
    checkWire(terms.wire, `An address ${url.protocol}//`);
    signal.throwIfAborted();
    const sender = senderOf?.(url) ?? fetchSender(url.href, fetched);
    const channel = new ClientChannel(
      {
        address,
        maxRequests,
        headers: () => caller.headers(),
        send: (request) => sender.send(request),
        ended: () => sender.close(),
      },
      terms,
    );
    if (!events) return { channel, remoteAddress: url.host };
    const giveUp = (): void => channel.close({ message: "The attempt was given up" });
    signal.addEventListener("abort", giveUp);
    try {
      const headers = { ...(await caller.headers()), accept: "text/event-stream" };
      const reply = await sender.send({ method: "GET", headers, signal: channel.signal });
      if (reply.status !== 200 || !isEventStream(reply)) throw await noStream(address, reply);
      void channel.readEvents(reply);
      return { channel, remoteAddress: url.host };
    } catch (thrown) {
      channel.close();
      if (RpcError.is(thrown) || (thrown instanceof TypeError && thrown.cause === undefined)) throw thrown;
      throw cannotConnect(address, thrown);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  };
}

async function noStream(address: string, reply: HttpReply): Promise<RpcError> {
  const isAnswer = reply.status === 200;
  if (isAnswer) reply.drop();
  const { message, error } = await statusReason(reply);
  const why = isAnswer ? "it has no server-sent events" : message;
  const code = isAnswer ? "unimplemented" : (error?.code ?? "unavailable");
  return new RpcError(code, `Cannot connect to ${address}: ${why}`, { executed: "no", wireCode: reply.status });
}

function cannotConnect(address: string, thrown: unknown): RpcError {
  const message = `Cannot connect to ${address}: ${wordsOf(thrown)}`;
  return new RpcError("unavailable", message, { cause: thrown, executed: "no" });
}
