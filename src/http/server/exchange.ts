import type { Full } from "../../core/channel.ts";

/** What is known of an HTTP caller beside its request. */
export interface HttpAbout {
  /** For logs and `context.remoteAddress`. */
  readonly remoteAddress?: string | undefined;
  /** Who it is, when somebody has found out already; becomes `context.identity`. */
  readonly identity?: unknown;
  /** It came over TLS. Default: what the request's URL says. */
  readonly secure?: boolean | undefined;
  /** This end of the connection: its own address is a host that is allowed. */
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** One HTTP request, whatever brought it. */
export interface Asked {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly about: HttpAbout;
  /** The name in small letters. */
  header(name: string): string | undefined;
  /**
   * Reads the body, once. Rejects with a `Refused` for one that is above the limit, before it is in memory, for one that
   * breaks off, for one that somebody else has read, and with what its reading is stopped with.
   */
  body(maxBytes: number, reading: Reading): Promise<Uint8Array>;
  /**
   * The request as the platform has it, for the user's hooks: without its body, or with it. Throws a `Refused` for one that
   * the platform has no form for.
   */
  request(body?: WithBody): Request;
  /** Calls the listener when the caller goes away, at once when it has; what it returns ends that. */
  onGone(listener: (why: Gone) => void): () => void;
}

/** The reading of a body, for whoever may have to stop it. */
export interface Reading {
  /** There while it goes on. */
  stop?: ((why: Refused) => void) | undefined;
}

/** How the body of a request may be read: up to a bound, or until its reading is stopped. */
export interface WithBody {
  readonly maxBytes: number;
  readonly reading: Reading;
}

/** Why nobody waits for an answer any more: `late` when there is still somebody to be told that its time is over. */
export type Gone = "gone" | "late";

/** What is answered. */
export interface Answer {
  readonly status: number;
  /** Names in small letters; the body's length is left to whoever sends it. */
  readonly headers: Readonly<Record<string, string>>;
  /** All of it. */
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Or what brings it bit by bit: called once, when the headers are on their way. */
  readonly stream?: ((outlet: Outlet) => void) | undefined;
}

/** Where the body of an answer is written. */
export interface Outlet {
  /** Takes the text in any case. A promise means "full". */
  write(text: string): Full;
  /** Ends the answer well. */
  end(): void;
  /** Breaks it off, so that nobody takes it for whole. */
  cut(): void;
}

/** A request is answered with an error: `why` is the body, as plain text. */
export class Refused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, why: string, headers: Readonly<Record<string, string>> = {}) {
    super(why);
    this.status = status;
    this.headers = headers;
  }
}

/** The refusal of a body that somebody has read before, which is a mistake of this end: the log says so, too. */
export class BodyTaken extends Refused {
  constructor() {
    super(500, "The body was read before it came here: mount the bridge ahead of body parsers");
  }
}

/** The refusal of a body that is too large. */
export function tooLarge(maxBytes: number): Refused {
  return new Refused(413, `The body is above the limit of ${maxBytes} bytes`);
}
