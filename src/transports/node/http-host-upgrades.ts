import type http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { ignore, MAX_HEADERS, refuseUpgrade } from "./http-host-refusal.ts";

/** How much of a body is kept, where it has to be, and how long it may take to come. */
const MAX_BODY_BYTES = 4 << 20;
const BODY_MS = 30_000;

type Refusal = readonly [status: number, why: string];

/** Whether a request wants to be a WebSocket, and nothing else. */
export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Serves as ordinary requests those that Node took for upgrades and that offer what nobody here speaks: a server may ignore an
 * offer (RFC 9110, 7.8). Node can ignore one by itself, where nobody listens to upgrades; but then it loses what came behind
 * that request in one piece, and takes the rest of a body for the next request.
 */
export class Offers {
  readonly #server: http.Server;
  /** The last request of each connection, while it is not answered. */
  readonly #unanswered = new WeakMap<Duplex, ServerResponse>();

  constructor(server: http.Server) {
    this.#server = server;
  }

  /** Is told of each request of the server. */
  began({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#unanswered.set(socket, response);
    response.once("close", () => {
      if (this.#unanswered.get(socket) === response) this.#unanswered.delete(socket);
    });
  }

  /** Gives the connection back to the server, as if the request had offered nothing. */
  ignore(request: IncomingMessage, head: Buffer): void {
    request.socket.on("error", ignore);
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined || !hasBodyApart(request)) return this.#giveBack(request, head, refusal);
    void bodyOf(request).then((body) => {
      const tooLarge = [413, `The body of a request that offers a protocol may have ${MAX_BODY_BYTES} bytes`] as const;
      if (body === undefined) this.#giveBack(request, head, tooLarge);
      else this.#giveBack(request, Buffer.concat([body, head]), undefined);
    });
  }

  #giveBack(request: IncomingMessage, rest: Buffer, refusal: Refusal | undefined): void {
    const { socket } = request;
    // It may flow already, and nobody would hear of what is put back.
    socket.pause();
    if (refusal === undefined && !socket.destroyed) socket.unshift(Buffer.concat([headWithout(request), rest]));
    const goOn = (): void => {
      if (socket.destroyed) return;
      socket.off("error", ignore);
      if (refusal !== undefined) return refuseUpgrade(socket, ...refusal);
      // An answer before this one has begun the time of an idle connection.
      socket.setTimeout(0);
      this.#server.emit(this.#server instanceof https.Server ? "secureConnection" : "connection", socket);
      socket.resume();
    };
    // Answers to earlier requests still leave by the old way.
    const before = this.#unanswered.get(socket);
    if (before === undefined) goOn();
    else before.once("close", goOn);
  }

  /** Why it cannot be written down again as it came. */
  #refusalOf({ rawHeaders }: IncomingMessage): Refusal | undefined {
    // Of more than that Node may have left some out, and what says how long the body is with them.
    const most = Math.min(this.#server.maxHeadersCount || MAX_HEADERS + 1, MAX_HEADERS + 1);
    if (rawHeaders.length >= 2 * most) return [431, `A request may have ${most - 1} headers`];
    // A parser that is told to be lenient lets them through.
    return rawHeaders.some((each) => /[\r\n]/.test(each)) ? [400, "A header has a line break"] : undefined;
  }
}

/** Whether Node's parser reads the body, as from Node 26 on, and not whoever gets the socket. */
function hasBodyApart(request: IncomingMessage): boolean {
  return !request.complete || request.readableLength > 0;
}

/** The body of a request as it is sent; `undefined` for one that is too large, breaks off or takes too long. */
function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const settle = (body?: Buffer): void => {
      clearTimeout(timer);
      resolve(body);
    };
    const timer = setTimeout(() => request.socket.destroy(), BODY_MS);
    request.on("data", (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes <= MAX_BODY_BYTES) return;
      request.pause();
      settle();
    });
    request.once("end", () => settle(sent(request, Buffer.concat(pieces))));
    request.once("close", () => settle());
  });
}

/** A body with its length as the head has it: beside it, or in it. */
function sent({ headers, rawTrailers }: IncomingMessage, body: Buffer): Buffer {
  if (headers["transfer-encoding"] === undefined) return body;
  const trailers = rawTrailers.flatMap((each, at) => (at % 2 === 0 ? [`${each}: ${rawTrailers[at + 1]}\r\n`] : []));
  const end = Buffer.from(`0\r\n${trailers.join("")}\r\n`, "latin1");
  if (body.length === 0) return end;
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n"), end]);
}

/** The head of a request byte by byte, but for what it offers. */
function headWithout({ method = "", url = "", httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    const kept = name.toLowerCase() === "connection" ? withoutOffer(value) : value;
    if (kept !== undefined && !OFFERS.test(name)) lines.push(`${name}: ${kept}`);
  }
  return Buffer.from([...lines, "", ""].join("\r\n"), "latin1");
}

/** What the header Connection says about other things than the offer. */
function withoutOffer(value: string): string | undefined {
  const kept = value.split(",").filter((each) => !OFFERS.test(each.trim()));
  return kept.length === 0 ? undefined : kept.join(",").trim();
}

const OFFERS = /^(?:upgrade|http2-settings)$/i;
