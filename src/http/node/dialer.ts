import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import type { Dialer } from "../../core/wire.ts";
import { explain } from "../../transports/node/system-error.ts";
import { TCP_OPTIONS } from "../../transports/node/tcp.ts";
import { type TlsConnectOptions, tlsClientOptions } from "../../transports/node/tls.ts";
import { refusedByTls, type TlsFault } from "../../transports/node/tls-error.ts";
import { tlsRequests } from "../../transports/node/tls-request.ts";
import { BodyReader } from "../body.ts";
import { type HttpReply, type HttpSender, type ReadBody, readBody, type TrackedRequest } from "../client/reply.ts";
import { type HttpDialTarget, httpDialer } from "../dialer.ts";

/** Where a JSON-RPC server is, and how Node calls it. */
export interface NodeHttpTarget extends HttpDialTarget {
  /** For `https:`: whom to trust, who this end is. Default: the public certificates, and nobody. */
  readonly tls?: TlsConnectOptions | undefined;
}

/** Idle connections are closed before a server of Node does so, which might be just when the next request leaves. */
const IDLE_MS = 4000;
/** A body that nobody wants is read to its end up to this size, so that its connection can be used again. */
const DROPPED_BYTES = 64 << 10;

/**
 * Dials as `httpDialer` does, over Node's own HTTP client, unless a `fetch` is given: it is faster by half, can be told whom
 * to trust, and leaves no connection when its link ends. Throws `TypeError` and `RangeError` as that does.
 */
export function nodeHttpDialer({ tls, ...target }: NodeHttpTarget): Dialer {
  if (tls !== undefined && !/^https:/i.test(String(target.url))) {
    throw new TypeError("The option tls belongs to an address https://");
  }
  if (target.fetch === undefined) return httpDialer(target, (url) => nodeSender(url, tls));
  if (tls === undefined) return httpDialer(target);
  throw new TypeError("Give the option tls or a fetch, not both: each says whom to trust");
}

/**
 * Sends the requests of one link by Node's own client. Where a certificate is at fault a request rejects with an `RpcError`, as
 * an attempt over `tls://` does: `unauthenticated`, and nothing of it has left.
 */
export function nodeSender(url: URL, tls: TlsConnectOptions | undefined): HttpSender {
  const isSecure = url.protocol === "https:";
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const address = `${url.origin}${url.pathname}`;
  const name = tls?.serverName ?? hostname;
  const settings = { ...TCP_OPTIONS, timeout: IDLE_MS };
  const agent = isSecure ? new https.Agent({ ...settings, ...tlsClientOptions(name, tls) }) : new http.Agent(settings);
  const watch = isSecure ? tlsRequests(name, tls?.cert !== undefined) : plainRequest;
  const { request } = isSecure ? https : http;
  const options = { agent, hostname, port: url.port, path: url.pathname + url.search };
  return {
    send: ({ method, headers, body = "", signal, mayHaveLeft }: TrackedRequest) =>
      new Promise((resolve, reject) => {
        const length = method === "POST" ? { "content-length": Buffer.byteLength(body) } : {};
        const sent = request({ ...options, method, signal, headers: { ...headers, ...length } });
        mayHaveLeft?.(false);
        const faultOf = watch(sent, () => mayHaveLeft?.(true));
        sent.once("response", (response) => resolve(new NodeReply(response)));
        sent.on("error", (error) => {
          const fault = signal.aborted ? undefined : faultOf(error);
          const isRefused = fault?.code === "unauthenticated";
          reject(
            isRefused ? refusedByTls(address, fault, error) : new Error(fault?.why ?? explain(error), { cause: error }),
          );
        });
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** Calls `ready` when a request has a connection. Until then all of it is here. */
function plainRequest(sent: ClientRequest, ready: () => void): () => TlsFault | undefined {
  sent.once("socket", (socket) => {
    if (socket.connecting) socket.once("connect", ready);
    else ready();
  });
  return () => undefined;
}

class NodeReply implements HttpReply {
  readonly status: number;
  readonly statusText: string;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.statusText = response.statusMessage ?? "";
    // Whoever reads hears of it, too.
    response.on("error", ignore);
  }

  header(name: string): string | undefined {
    const value = this.#response.headers[name];
    return typeof value === "object" ? value.join(", ") : value;
  }

  read(maxBytes: number): Promise<ReadBody> {
    const response = this.#response;
    const body = new BodyReader(maxBytes);
    return new Promise((resolve, reject) => {
      const broken = (): void => reject(new Error("the answer broke off"));
      response.on("end", () => resolve(readBody(body))).on("close", broken);
      response.on("data", (chunk: Uint8Array) => {
        if (body.take(chunk)) return;
        resolve(readBody(body));
        response.destroy();
      });
      if (response.destroyed) broken();
    });
  }

  chunks(): AsyncIterable<Uint8Array> {
    return this.#response as AsyncIterable<Uint8Array>;
  }

  drop(): void {
    const isSmall = this.status === 204 || Number(this.header("content-length") ?? Number.NaN) <= DROPPED_BYTES;
    if (isSmall) this.#response.resume();
    else this.#response.destroy();
  }
}

function ignore(): void {}
