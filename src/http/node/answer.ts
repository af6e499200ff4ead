import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Full } from "../../core/channel.ts";
import { answerBefore } from "../../transports/node/http-host-refusal.ts";
import { remoteAddressOf } from "../../transports/node/tcp.ts";
import { identityOf } from "../../transports/node/tls.ts";
import { BodyReader } from "../body.ts";
import type { HttpBridge } from "../bridge.ts";
import type { HttpRules } from "../options.ts";
import {
  type Answer,
  type Asked,
  BodyTaken,
  type Gone,
  type HttpAbout,
  type Outlet,
  type Reading,
  Refused,
  tooLarge,
  type WithBody,
} from "../server/exchange.ts";
import { withBody } from "../server/fetch.ts";

/** Node's timers go no further. */
const LONGEST_MS = 2 ** 31 - 1;

/** Has the bridge answer a request of Node's server, whose Host and Origin were checked. */
export async function answerOver(
  bridge: Pick<HttpBridge, "handle"> & { readonly rules: Pick<HttpRules, "bodyTimeoutMs"> },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A connection that breaks says so by closing, too.
  request.on("error", ignore);
  response.on("error", ignore);
  const answer = await bridge.handle(new NodeAsked(request, response));
  if (response.destroyed) return;
  // A stream has the heartbeat of its link.
  if (answer.stream === undefined) limitReading(response, Math.min(bridge.rules.bodyTimeoutMs, LONGEST_MS));
  write(answer, request, response);
}

/**
 * Breaks off an answer that is not read for so long, counted from the last byte that left. The time is the socket's, so that
 * it is given back for the next answer.
 */
function limitReading(response: ServerResponse, ms: number): void {
  const giveBackAfter = (socket: Socket): void => {
    const { timeout = 0 } = socket;
    // Node sets the time of an idle connection when it has finished, too, and that one counts.
    response.prependOnceListener("finish", () => socket.setTimeout(timeout));
  };
  // An answer behind others gets its socket when those have finished.
  if (response.socket === null) response.once("socket", giveBackAfter);
  else giveBackAfter(response.socket);
  response.setTimeout(ms, () => response.destroy());
}

/** A request as Node has it. */
class NodeAsked implements Asked {
  readonly method: string;
  readonly target: string;
  readonly about: HttpAbout;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    const { socket } = request;
    const isSecure = socket instanceof TLSSocket;
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.about = {
      remoteAddress: remoteAddressOf(socket),
      identity: isSecure ? identityOf(socket) : undefined,
      secure: isSecure,
      localAddress: socket.localAddress,
      localPort: socket.localPort,
    };
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === "object" ? value.join(", ") : value;
  }

  body(maxBytes: number, reading: Reading): Promise<Uint8Array> {
    const request = this.#request;
    return new Promise((resolve, reject) => {
      if (request.readableDidRead || request.readableEnded) throw new BodyTaken();
      const body = new BodyReader(maxBytes);
      const settle = (error?: unknown): void => {
        request.off("data", onData).off("end", onEnd).off("close", onClose).pause();
        reading.stop = undefined;
        if (error === undefined) resolve(body.bytes);
        else reject(error);
      };
      const onData = (chunk: Uint8Array): void => {
        if (!body.take(chunk)) settle(tooLarge(maxBytes));
      };
      const onEnd = (): void => settle();
      const onClose = (): void => settle(new Refused(400, "The body broke off"));
      request.on("end", onEnd).on("close", onClose).on("data", onData);
      reading.stop = settle;
      if (request.destroyed) onClose();
    });
  }

  request(withIt?: WithBody): Request {
    const { rawHeaders, method = "GET" } = this.#request;
    try {
      const headers = new Headers();
      for (let at = 0; at + 1 < rawHeaders.length; at += 2)
        headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
      const scheme = this.about.secure === true ? "https" : "http";
      const url = `${scheme}://${headers.get("host") ?? "localhost"}${this.target}`;
      if (withIt === undefined || method === "GET" || method === "HEAD") return new Request(url, { method, headers });
      return new Request(url, withBody({ method, headers }, this.#stream(withIt)));
    } catch {
      throw new Refused(400, "The request cannot be understood");
    }
  }

  onGone(listener: (why: Gone) => void): () => void {
    const response = this.#response;
    if (response.destroyed) {
      listener("gone");
      return ignore;
    }
    const onClose = (): void => listener("gone");
    response.on("close", onClose);
    return () => response.off("close", onClose);
  }

  /** The body, read when somebody wants it. */
  #stream({ maxBytes, reading }: WithBody): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const body = await this.body(maxBytes, reading);
          if (body.length > 0) controller.enqueue(body);
          controller.close();
        },
        cancel: () => reading.stop?.(new Refused(400, "Nobody reads the body")),
      },
      { highWaterMark: 0 },
    );
  }
}

function write({ status, headers, body, stream }: Answer, request: IncomingMessage, response: ServerResponse): void {
  if (stream !== undefined) {
    response.writeHead(status, headers);
    response.flushHeaders();
    return stream(outletOf(response));
  }
  // 204 has no length, and neither has its body.
  const length = status === 204 ? {} : { "content-length": Buffer.byteLength(body ?? "") };
  if (request.complete) {
    response.writeHead(status, { ...headers, ...length });
    response.end(body);
    return;
  }
  answerBefore(response, status, { ...headers, ...length, connection: "close" }, body);
}

function outletOf(response: ServerResponse): Outlet {
  let drained: Promise<void> | undefined;
  return {
    write(text): Full {
      if (response.write(text) || response.destroyed) return;
      drained ??= new Promise((resolve) => {
        const free = (): void => {
          response.off("drain", free).off("close", free);
          drained = undefined;
          resolve();
        };
        response.on("drain", free).on("close", free);
      });
      return drained;
    },
    end: () => void response.end(),
    cut: () => void response.destroy(),
  };
}

function ignore(): void {}
