import { checkMs } from "../../core/clock.ts";
import type { GuardOptions } from "../../transports/guard.ts";
import type { CallerOptions } from "../client/caller.ts";
import { checkBound, type HttpOptions, type HttpRules, httpRules } from "../options.ts";
import { LINK_HEADER } from "./envelope.ts";

/** How links are served that are made of plain requests. */
export interface PollServeOptions extends GuardOptions, Pick<HttpOptions, "path" | "cors" | "identify"> {
  /** Links at a time; further ones get 503. Default 10 000. */
  readonly maxLinks?: number | undefined;
  /** The longest that a request is held. Proxies give up after 30 to 60 s. Default 25 000. */
  readonly maxHoldMs?: number | undefined;
  /** A link ends when its client has not been heard for so long. Default 60 000. */
  readonly idleMs?: number | undefined;
  /** Bytes that a link keeps for its client before the channel is full. Default 512 KiB. */
  readonly maxHeldBytes?: number | undefined;
  /** How long the body of a request may take to come, and its answer to be read. Default 30 000. */
  readonly bodyTimeoutMs?: number | undefined;
}

/** How a client makes a link of plain requests. */
export interface PollConnectOptions extends CallerOptions {
  /** Sends the requests. Default: the platform's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** How long the server is asked to hold a request. Default 25 000, or what the server says if that is less. */
  readonly holdMs?: number | undefined;
  /** Heartbeat only: how often the server is asked. Default 1000. */
  readonly intervalMs?: number | undefined;
  /** How long an answer may take beyond the time that it is held. Default 10 000. */
  readonly timeoutMs?: number | undefined;
  /** How long requests may fail until the link is lost. Default 30 000. */
  readonly resumeMs?: number | undefined;
  /** The longest that this end waits before it repeats a request; it begins with 100. Default 5000. */
  readonly maxRetryMs?: number | undefined;
  /** Bytes that are kept for the server before the channel is full. Default 512 KiB. */
  readonly maxHeldBytes?: number | undefined;
}

/** How the client asks: `poll` keeps a request waiting at the server, `beat` asks every `intervalMs`. */
export type PollMode = "poll" | "beat";

/** A server's options, checked and filled in. */
export interface PollServeRules extends Pick<HttpRules, "path" | "cors" | "bodyTimeoutMs"> {
  readonly maxLinks: number;
  readonly maxHoldMs: number;
  readonly idleMs: number;
  readonly maxHeldBytes: number;
}

/** A client's options, checked and filled in. */
export interface PollConnectRules {
  readonly mode: PollMode;
  readonly holdMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly resumeMs: number;
  readonly maxRetryMs: number;
  readonly maxHeldBytes: number;
}

const DEFAULT_HOLD_MS = 25_000;
const DEFAULT_HELD_BYTES = 512 << 10;

/** Checks the options and fills in the defaults. Throws `TypeError` or `RangeError` for a wrong one. */
export function pollServeRules(options: PollServeOptions): PollServeRules {
  const { path, cors, bodyTimeoutMs } = httpRules(options);
  return {
    path,
    cors: cors && { ...cors, headers: [LINK_HEADER, ...cors.headers] },
    bodyTimeoutMs,
    maxLinks: checkBound("maxLinks", options.maxLinks ?? 10_000),
    maxHoldMs: checkMs("maxHoldMs", options.maxHoldMs ?? DEFAULT_HOLD_MS),
    idleMs: checkMs("idleMs", options.idleMs ?? 60_000),
    maxHeldBytes: checkBound("maxHeldBytes", options.maxHeldBytes ?? DEFAULT_HELD_BYTES),
  };
}

/** Checks the options and fills in the defaults. Throws `TypeError` or `RangeError` for a wrong one. */
export function pollConnectRules(mode: PollMode, options: PollConnectOptions): PollConnectRules {
  if (mode === "poll" && options.intervalMs !== undefined) {
    throw new TypeError("The option intervalMs belongs to an address beat+http://: one of poll+http:// asks at once");
  }
  const intervalMs = checkMs("intervalMs", options.intervalMs ?? 1000);
  if (intervalMs === 0 || intervalMs === Number.POSITIVE_INFINITY) {
    throw new RangeError("intervalMs must be a number above 0");
  }
  return {
    mode,
    intervalMs,
    holdMs: checkMs("holdMs", options.holdMs ?? DEFAULT_HOLD_MS),
    timeoutMs: checkMs("timeoutMs", options.timeoutMs ?? 10_000),
    resumeMs: checkMs("resumeMs", options.resumeMs ?? 30_000),
    maxRetryMs: checkMs("maxRetryMs", options.maxRetryMs ?? 5000),
    maxHeldBytes: checkBound("maxHeldBytes", options.maxHeldBytes ?? DEFAULT_HELD_BYTES),
  };
}
