import type http from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { ignore, MAX_HEADERS, refuseUpgrade } from "./http-host-refusal.ts";

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
    const { socket } = request;
    const refusal = this.#refusalOf(request);
    if (refusal === undefined) socket.unshift(Buffer.concat([headWithout(request), head]));
    socket.on("error", ignore);
    const goOn = (): void => {
      if (socket.destroyed) return;
      socket.off("error", ignore);
      if (refusal !== undefined) return refuseUpgrade(socket, ...refusal);
      // An answer before this one has begun the time of an idle connection.
      socket.setTimeout(0);
      this.#server.emit(this.#server instanceof https.Server ? "secureConnection" : "connection", socket);
    };
    // Answers to earlier requests still leave by the old way.
    const before = this.#unanswered.get(socket);
    if (before === undefined) goOn();
    else before.once("close", goOn);
  }

  /** Why it cannot be written down again as it came. */
  #refusalOf({ rawHeaders }: IncomingMessage): readonly [status: number, why: string] | undefined {
    // Of more than that Node may have left some out, and what says how long the body is with them.
    const most = Math.min(this.#server.maxHeadersCount || MAX_HEADERS + 1, MAX_HEADERS + 1);
    if (rawHeaders.length >= 2 * most) return [431, `A request may have ${most - 1} headers`];
    // A parser that is told to be lenient lets them through.
    return rawHeaders.some((each) => /[\r\n]/.test(each)) ? [400, "A header has a line break"] : undefined;
  }
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
