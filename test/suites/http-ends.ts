import { expect } from "vitest";
import { ManualClock } from "../../src/core/clock.ts";
import { type HttpServeOptions, type HttpServer, serveHttp } from "../../src/http.ts";
import { Log } from "./engine.ts";

/** Handlers over HTTP without a network, in virtual time. */
export interface HttpStage {
  readonly http: HttpServer;
  readonly clock: ManualClock;
  readonly log: Log;
  /** Sends a request to it as one of this machine does; `url` is what follows the host. */
  ask(init?: RequestInit, url?: string): Promise<Response>;
  /** Posts a record. */
  post(record: string, init?: RequestInit): Promise<Response>;
}

export async function httpStage(options: HttpServeOptions<never> = {}): Promise<HttpStage> {
  const clock = new ManualClock();
  const log = new Log();
  const http = await serveHttp<never>({ clock, logger: log, ...options });
  const ask = (init?: RequestInit, url = "/"): Promise<Response> =>
    http.answer(new Request(`http://localhost:8080${url}`, init), { remoteAddress: "test:1" });
  return {
    http,
    clock,
    log,
    ask,
    post: (record, init) =>
      ask({ method: "POST", body: record, ...init, headers: { "content-type": "application/json", ...init?.headers } }),
  };
}

/** A call as JSON text; id and params are JSON text too. */
export function callText(id: string | number, method: string, params?: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params === undefined ? "" : `,"params":${params}`}}`;
}

export function noteText(method: string, params?: string): string {
  return `{"jsonrpc":"2.0","method":"${method}"${params === undefined ? "" : `,"params":${params}`}}`;
}

/** Status and body of a response in one text. */
export async function told(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`.trim();
}

/** Reads a stream of events as they come. */
export class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(response: Response) {
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    if (response.body === null) throw new TypeError("There is no stream");
    this.#reader = response.body.getReader();
  }

  /** The next event or comment; `undefined` at the end. Rejects when the stream breaks off. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const event = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return event;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Wants no more. */
  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}
