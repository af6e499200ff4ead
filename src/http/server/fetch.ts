import type { Full } from "../../core/channel.ts";
import { nameOf } from "../../core/errors.ts";
import { BodyReader } from "../body.ts";
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
} from "./exchange.ts";

/** Bytes of events that may wait for their reader before a stream is full. */
const HIGH_WATER = 64 << 10;
const EMPTY = new Uint8Array(0);

/** A request as the platform has it: the `Request` of the Fetch standard. */
export class FetchAsked implements Asked {
  readonly method: string;
  readonly target: string;
  readonly about: HttpAbout;
  readonly #request: Request;
  readonly #host: string;
  readonly #listeners = new Set<(why: Gone) => void>();
  #gone: Gone | undefined = undefined;

  constructor(request: Request, about: HttpAbout = {}) {
    const url = new URL(request.url);
    this.#request = request;
    this.#host = url.host;
    this.method = request.method;
    this.target = url.pathname + url.search;
    this.about = { ...about, secure: about.secure ?? url.protocol === "https:" };
  }

  header(name: string): string | undefined {
    // Where the platform shows no Host, it has put it into the URL.
    return this.#request.headers.get(name) ?? (name === "host" ? this.#host : undefined);
  }

  async body(maxBytes: number, reading: Reading): Promise<Uint8Array> {
    this.#checkBody();
    const reader = this.#request.body?.getReader();
    if (reader === undefined) return EMPTY;
    const body = new BodyReader(maxBytes);
    let stopped: Refused | undefined;
    reading.stop = (why) => {
      stopped = why;
      void reader.cancel(why).catch(() => {});
    };
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (stopped !== undefined) throw stopped;
        if (done) return body.bytes;
        if (body.take(value)) continue;
        void reader.cancel().catch(() => {});
        throw tooLarge(maxBytes);
      }
    } catch (thrown) {
      throw thrown instanceof Refused ? thrown : new Refused(400, "The body broke off");
    } finally {
      reading.stop = undefined;
    }
  }

  request(withIt?: WithBody): Request {
    const { url, method, headers, signal, body } = this.#request;
    if (withIt === undefined || body === null) return new Request(url, { method, headers, signal });
    this.#checkBody();
    return new Request(url, withBody({ method, headers, signal }, body.pipeThrough(bounded(withIt))));
  }

  #checkBody(): void {
    const { bodyUsed, body } = this.#request;
    if (bodyUsed || body?.locked === true) throw new BodyTaken();
  }

  onGone(listener: (why: Gone) => void): () => void {
    const { signal } = this.#request;
    if (signal.aborted) this.#gone ??= whyOf(signal);
    if (this.#gone !== undefined) {
      listener(this.#gone);
      return () => {};
    }
    const onAbort = (): void => this.gone(whyOf(signal));
    signal.addEventListener("abort", onAbort);
    this.#listeners.add(listener);
    return () => {
      signal.removeEventListener("abort", onAbort);
      this.#listeners.delete(listener);
    };
  }

  /** The caller has gone: its request says so, or the reader of the answer. */
  gone(why: Gone): void {
    this.#gone ??= why;
    for (const listener of this.#listeners) listener(why);
  }
}

/** The init of a request with a body that is read while it is sent, which standard and types say nowhere. */
export function withBody(init: RequestInit, body: ReadableStream<Uint8Array>): RequestInit {
  return { ...init, body, duplex: "half" } as RequestInit;
}

/** Makes the platform's answer. */
export function answered({ status, headers, body, stream }: Answer, asked: FetchAsked): Response {
  if (stream !== undefined)
    return new Response(
      streamOf(stream, () => asked.gone("gone")),
      { status, headers },
    );
  if (body === undefined) return new Response(null, { status, headers });
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return new Response(bytes, { status, headers: { ...headers, "content-length": String(bytes.length) } });
}

/** Passes a body on up to a bound, and breaks it there, or when its reading is stopped. */
function bounded({ maxBytes, reading }: WithBody): TransformStream<Uint8Array, Uint8Array> {
  let length = 0;
  return new TransformStream({
    start(controller) {
      reading.stop = (why) => controller.error(why);
    },
    transform(chunk, controller) {
      length += chunk.length;
      if (length <= maxBytes) controller.enqueue(chunk);
      else controller.error(tooLarge(maxBytes));
    },
    flush() {
      reading.stop = undefined;
    },
  });
}

function streamOf(start: (outlet: Outlet) => void, gone: () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let roomy: (() => void) | undefined;
  let room: Promise<void> | undefined;
  const relieve = (): void => {
    room = undefined;
    roomy?.();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let isOver = false;
        start({
          write(text): Full {
            if (isOver) return;
            controller.enqueue(encoder.encode(text));
            if ((controller.desiredSize ?? 1) > 0) return;
            room ??= new Promise((resolve) => {
              roomy = resolve;
            });
            return room;
          },
          end() {
            if (isOver) return;
            isOver = true;
            controller.close();
            relieve();
          },
          cut() {
            if (isOver) return;
            isOver = true;
            controller.error(new Error("The link was closed"));
            relieve();
          },
        });
      },
      pull: relieve,
      cancel() {
        relieve();
        gone();
      },
    },
    { highWaterMark: HIGH_WATER, size: (chunk) => chunk?.length ?? 0 },
  );
}

/** A caller that gave itself some time still waits for an answer when it is over. */
function whyOf({ reason }: AbortSignal): Gone {
  return nameOf(reason) === "TimeoutError" ? "late" : "gone";
}
