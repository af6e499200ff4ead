import { printable } from "../../core/text.ts";
import { BodyReader } from "../body.ts";

export type HttpHeaders = Readonly<Record<string, string>>;

/** One request of a client. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Names in small letters. */
  readonly headers: HttpHeaders;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Ends it, its answer too. */
  readonly signal: AbortSignal;
}

/** A request whose sender may tell how far it came. */
export interface TrackedRequest extends HttpRequest {
  /**
   * Is told whether anything of it may have left. A sender that knows says no at the beginning, and yes as soon as it has a
   * connection; of one that says nothing anything may have left.
   */
  readonly mayHaveLeft?: ((may: boolean) => void) | undefined;
}

/** What came back. Either its body is taken or it is dropped. */
export interface HttpReply {
  readonly status: number;
  readonly statusText: string;
  /** The name in small letters. */
  header(name: string): string | undefined;
  /** Reads the body up to a bound; what is above is not read. Rejects when it breaks off. */
  read(maxBytes: number): Promise<ReadBody>;
  /** The body as it comes. Ends with an error when it breaks off. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Wants nothing of the body. */
  drop(): void;
}

/** A body, or how one began that is too large. */
export interface ReadBody {
  readonly bytes: Uint8Array;
  readonly isTooLarge: boolean;
}

/** Sends the requests of one link to its server. Redirects are not followed. */
export interface HttpSender {
  send(request: HttpRequest): Promise<HttpReply>;
  /** The link is over: no connection stays. */
  close(): void;
}

/** So much of a body that is too large is of use: it may say which call it answers. */
const HEAD_BYTES = 1024;

/** What was read of a body. */
export function readBody(body: BodyReader): ReadBody {
  const { bytes, isTooLarge } = body;
  return { bytes: isTooLarge ? bytes.subarray(0, HEAD_BYTES) : bytes, isTooLarge };
}

/** So much of what a server says about a refusal is read. */
const MAX_WORDS = 512;

/** What a server says about a refusal, safe to print, if that is text; empty otherwise. Takes the body or drops it. */
export async function saidIn(reply: HttpReply): Promise<string> {
  if (!/^\s*text\/plain\b/i.test(reply.header("content-type") ?? "")) {
    reply.drop();
    return "";
  }
  try {
    const { bytes } = await reply.read(MAX_WORDS);
    return printable(new TextDecoder().decode(bytes.subarray(0, MAX_WORDS)).trim());
  } catch {
    return "";
  }
}

/** Sends by the platform's `fetch`, or one like it, which keeps connections as it likes. */
export function fetchSender(url: string, fetched: (url: string, init: RequestInit) => Promise<Response>): HttpSender {
  return {
    async send({ method, headers, body, signal }) {
      const init: RequestInit = { method, headers, signal, redirect: "manual", cache: "no-store" };
      return new FetchReply(await fetched(url, body === undefined ? init : { ...init, body }));
    },
    close() {},
  };
}

class FetchReply implements HttpReply {
  readonly #response: Response;

  constructor(response: Response) {
    this.#response = response;
  }

  get status(): number {
    return this.#response.status;
  }
  get statusText(): string {
    // Browsers hide everything about it.
    return this.#response.type === "opaqueredirect" ? "(a redirect)" : this.#response.statusText;
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined;
  }

  async read(maxBytes: number): Promise<ReadBody> {
    const body = new BodyReader(maxBytes);
    for await (const chunk of this.chunks()) if (!body.take(chunk)) break;
    return readBody(body);
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const reader = this.#response.body?.getReader();
    let isDone = reader === undefined;
    try {
      while (reader !== undefined && !isDone) {
        const { done, value } = await reader.read();
        isDone = done;
        if (!done) yield value;
      }
    } finally {
      if (!isDone) void reader?.cancel().catch(() => {});
    }
  }

  drop(): void {
    void this.#response.body?.cancel().catch(() => {});
  }
}

/** What the system was doing, or what it found wrong, before anything could be sent. */
const CONNECTING: ReadonlySet<unknown> = new Set(["connect", "getaddrinfo"]);
const NO_CONNECTION =
  /^(?:UND_ERR_CONNECT_TIMEOUT|ERR_TLS_CERT_ALTNAME_INVALID|(?:CERT|CRL|UNABLE_TO|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED_CERT)(?:_\w+)?)$/;

/** Whether a request broke before it had a connection, as far as the system's error in its `cause` says so. */
export function isUnsent(thrown: unknown): boolean {
  return thrown instanceof Error && isOfConnecting(thrown.cause);
}

function isOfConnecting(cause: unknown): boolean {
  // Each address of a name has an error of its own.
  if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isOfConnecting);
  if (typeof cause !== "object" || cause === null) return false;
  const { syscall, code } = cause as { readonly syscall?: unknown; readonly code?: unknown };
  return CONNECTING.has(syscall) || (typeof code === "string" && NO_CONNECTION.test(code));
}

/** Why a request broke, to follow a colon: `fetch` of Node hides that behind a text that says nothing. */
export function wordsOf(thrown: unknown): string {
  const hidden = thrown instanceof Error && thrown.message === "fetch failed" ? (thrown.cause ?? thrown) : thrown;
  return hidden instanceof Error && hidden.message !== "" ? printable(hidden.message) : "the request failed";
}
