import { checkMs } from "../core/clock.ts";
import { printable } from "../core/text.ts";
import type { GuardOptions } from "../transports/guard.ts";
import type { HttpAbout } from "./server/exchange.ts";
import type { ParseGet } from "./server/get-query.ts";

/** What other web pages may do; which ones, `origins` says. */
export interface CorsOptions {
  /** Headers that a page may send beside Content-Type. Default: `["authorization"]`. */
  readonly headers?: readonly string[] | undefined;
  /** Pages may send the user's cookies. Default: false. */
  readonly credentials?: boolean | undefined;
  /** How long a browser may remember the answer. Default 600. */
  readonly maxAgeSeconds?: number | undefined;
}

/** How JSON-RPC is served over HTTP. */
export interface HttpOptions extends GuardOptions {
  /** Where the bridge stands: at this path, and for GET that is a call below it. Default `/`, which is any path for `fetch`. */
  readonly path?: string | undefined;
  /** Lets the pages of `origins` call from a browser: preflights are answered. Default: false. */
  readonly cors?: boolean | CorsOptions | undefined;
  /** What is pushed can be read as server-sent events: by a POST, and by a GET that stays. Default: true. */
  readonly events?: boolean | undefined;
  /**
   * Says who sends this request, by its headers and by what is known of its connection: what it resolves with becomes
   * `context.identity`. Throws to refuse it; the code of an `RpcError` picks the status (`unauthenticated`: 401). It gets the
   * request without its body, and has as long as `handshakeTimeoutMs`. Default: the client's certificate, over TLS.
   */
  readonly identify?: ((request: Request, about: HttpAbout) => unknown) | undefined;
  /**
   * Makes a JSON-RPC message of a request, in place of the rules for method and content type: text, bytes or a value that
   * becomes JSON; `undefined` is answered with 204. What it throws is answered with 500. Host and Origin are checked before.
   */
  readonly parseRequest?: ((request: Request) => unknown) | undefined;
  /**
   * Answers GET requests at the path and below it with the bare result: `basicQuery`, `typedQuery` or a rule of your own.
   * Default: GET is not allowed.
   */
  readonly parseGet?: ParseGet | undefined;
  /** Bytes of a request's body. Default: the server's `maxFrameBytes`. */
  readonly maxBodyBytes?: number | undefined;
  /** Requests that are answered at once, streams of events with them; further ones get 503. Default 8192. */
  readonly maxRequests?: number | undefined;
  /** How long a body may take to come, and how long the reader of an answer may stand still. Default 30 000. */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * How long the answer to a POST or a GET may take: then its calls end with `deadline_exceeded`, and their handlers are
   * told. Streams of events are not meant. Default: Infinity.
   */
  readonly answerTimeoutMs?: number | undefined;
}

/** What pages may do, filled in. */
export interface CorsRules {
  readonly headers: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

/** The options, checked and filled in. */
export interface HttpRules {
  readonly path: string;
  /** GET below the path is a call. */
  readonly takesBelow: boolean;
  readonly cors: CorsRules | undefined;
  readonly events: boolean;
  readonly maxBodyBytes: number | undefined;
  readonly maxRequests: number;
  readonly bodyTimeoutMs: number;
  readonly answerTimeoutMs: number;
  /** The methods that are answered, for the header Allow. */
  readonly allow: string;
}

const DEFAULT_MAX_REQUESTS = 8192;
const DEFAULT_BODY_TIMEOUT_MS = 30_000;

/** Checks the options and fills in the defaults. Throws `TypeError` or `RangeError` for a wrong one. */
export function httpRules(options: HttpOptions): HttpRules {
  const { path = "/", cors = false, events = true, maxBodyBytes, maxRequests = DEFAULT_MAX_REQUESTS } = options;
  if (!/^\/[^?#\s]*$/.test(path)) throw new TypeError(`Bad path "${printable(path)}": write /name`);
  if (maxBodyBytes !== undefined) checkBound("maxBodyBytes", maxBodyBytes);
  return {
    path: path.replace(/(?<=.)\/+$/, ""),
    takesBelow: options.parseGet !== undefined,
    cors: cors === false ? undefined : corsOf(cors === true ? {} : cors, options),
    events,
    maxBodyBytes,
    maxRequests: checkBound("maxRequests", maxRequests),
    bodyTimeoutMs: checkMs("bodyTimeoutMs", options.bodyTimeoutMs ?? DEFAULT_BODY_TIMEOUT_MS),
    answerTimeoutMs: checkMs("answerTimeoutMs", options.answerTimeoutMs ?? Number.POSITIVE_INFINITY),
    allow: events || options.parseGet !== undefined ? "GET, POST" : "POST",
  };
}

function corsOf(cors: CorsOptions, { origins = [] }: GuardOptions): CorsRules {
  const { headers = ["authorization"], credentials = false, maxAgeSeconds = 600 } = cors;
  if (credentials && origins.includes("*")) {
    throw new TypeError('cors.credentials with origins "*" would let any page act for its visitors: list the origins');
  }
  for (const name of headers) {
    if (!/^[!#$%&'*+\-.^`|~\w]+$/.test(name)) throw new TypeError(`"${printable(name)}" is no header for cors.headers`);
  }
  return { headers, credentials, maxAgeSeconds };
}

/** Throws `RangeError` for what is no bound. */
export function checkBound(name: string, value: number): number {
  if (typeof value === "number" && value >= 1) return value;
  throw new RangeError(`${name} must be a number of at least 1, not ${String(value)}`);
}
