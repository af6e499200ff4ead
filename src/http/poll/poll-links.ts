import { jsonText } from "../../codecs/jsonrpc/faults.ts";
import { RpcError } from "../../core/errors.ts";
import { Rounds } from "../../core/rounds.ts";
import type { Accept, LinkTerms } from "../../core/wire.ts";
import type { HttpOptions } from "../options.ts";
import { identified, reading } from "../server/door.ts";
import { type Answer, type Asked, Refused, tooLarge } from "../server/exchange.ts";
import { mediaTypeOf } from "../server/media-type.ts";
import {
  BATCH_BYTES,
  BODY_ROOM,
  isLink,
  LINK_HEADER,
  MEDIA_TYPE,
  openedBody,
  readAsking,
  readOpening,
} from "./envelope.ts";
import type { Bytes } from "./fields.ts";
import { newLinkId } from "./link-id.ts";
import type { PollServeRules } from "./options.ts";
import { ServerLink } from "./server-link.ts";

/** A link, and whose it is. */
interface Entry {
  readonly link: ServerLink;
  readonly identity: unknown;
  /** What the platform knows of the client: its certificate. */
  readonly known: unknown;
  /** Requests whose bodies are being read. */
  reading: number;
}

/** So many bodies of one link are read at once: an end sends one, and one more when it has given up another. */
const MAX_READING = 4;
/** Requests at once for each link that there may be: two, those that come instead of them, and those of strangers. */
const REQUESTS_PER_LINK = 4;
/** Of everybody who may come in with no link, or another's, the answer is the same. */
const NO_LINK = "There is no such link: open another";

/** The links of one server that listens. */
export class PollLinks {
  readonly terms: LinkTerms;
  /** Resolves when this is closed and the last link has ended. */
  readonly emptied: Promise<void>;
  readonly #accept: Accept;
  readonly #rules: PollServeRules;
  readonly #newLink: () => string;
  readonly #rounds: Rounds;
  readonly #entries = new Map<string, Entry>();
  #opening = 0;
  #requests = 0;
  #strays = 0;
  #isClosed = false;
  #settleEmptied: () => void = () => {};
  readonly #goneListeners = new Set<() => void>();

  constructor(accept: Accept, terms: LinkTerms, rules: PollServeRules, newLink: () => string = newLinkId) {
    this.terms = terms;
    this.#accept = accept;
    this.#rules = rules;
    this.#newLink = newLink;
    this.#rounds = new Rounds(terms.clock);
    this.emptied = new Promise((resolve) => {
      this.#settleEmptied = resolve;
    });
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Requests that named a link that there is not, or not for them. */
  get strays(): number {
    return this.#strays;
  }

  /** Lets nobody new in. Resolves when the links that have been closed in this turn are gone; others live on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#check();
    await Promise.resolve();
    while ([...this.#entries.values()].some(({ link }) => link.isClosing)) {
      await new Promise<void>((resolve) => this.#goneListeners.add(resolve));
    }
  }

  /** Answers one request. Rejects with what its sender is told. */
  async answer(asked: Asked, hooks: Pick<HttpOptions, "identify">): Promise<Answer> {
    checkPost(asked);
    const { maxLinks } = this.#rules;
    if (this.#requests >= REQUESTS_PER_LINK * maxLinks) throw busy("Too many requests are under way");
    this.#requests++;
    try {
      const { identity } = await identified({ hooks, terms: this.terms }, asked);
      const id = asked.header(LINK_HEADER);
      return id === undefined ? await this.#open(asked, identity) : await this.#exchange(asked, id, identity);
    } finally {
      this.#requests--;
    }
  }

  async #open(asked: Asked, identity: unknown): Promise<Answer> {
    if (this.#isClosed) throw busy("The server is closing");
    if (this.#entries.size + this.#opening >= this.#rules.maxLinks) throw busy("There are too many links");
    this.#opening++;
    try {
      const opening = readOpening(await this.#read(asked, BODY_ROOM));
      if (this.#isClosed) throw busy("The server is closing");
      return this.#opened(asked, identity, opening.maxFrameBytes);
    } catch (thrown) {
      throw RpcError.is(thrown) ? new Refused(400, thrown.message) : thrown;
    } finally {
      this.#opening--;
    }
  }

  #opened({ about }: Asked, identity: unknown, clientMaxFrameBytes: number): Answer {
    const { clock, limits, handshakeTimeoutMs } = this.terms;
    const { maxHeldBytes, maxHoldMs, idleMs } = this.#rules;
    const { maxFrameBytes } = limits;
    this.#checkIdentities([identity, about.identity]);
    const id = this.#newLink();
    const link = new ServerLink({
      clock,
      rounds: this.#rounds,
      maxFrameBytes,
      clientMaxFrameBytes,
      maxHeldBytes,
      maxHoldMs,
      idleMs,
      firstMs: Math.min(handshakeTimeoutMs, idleMs),
      gone: () => {
        this.#entries.delete(id);
        for (const listener of this.#goneListeners) listener();
        this.#goneListeners.clear();
        this.#check();
      },
    });
    this.#entries.set(id, { link, identity, known: about.identity, reading: 0 });
    const { remoteAddress } = about;
    this.#accept({
      channel: link,
      ...(remoteAddress !== undefined && { remoteAddress }),
      ...(identity !== undefined && { identity }),
    });
    return bodyAnswer(201, openedBody({ link: id, maxFrameBytes, maxHoldMs, idleMs }));
  }

  /** A client who cannot be known again could open a link, and never use it. */
  #checkIdentities(identities: readonly unknown[]): void {
    try {
      for (const each of identities) if (each !== undefined) jsonText(each);
    } catch (thrown) {
      const why = "the identity of a client must have a JSON form, by which its requests are known";
      this.terms.logger.error(`Cannot open a link: ${why}`, thrown);
      throw new Refused(500, "The server cannot tell whose link this would be: its log says why");
    }
  }

  async #exchange(asked: Asked, id: string, identity: unknown): Promise<Answer> {
    const entry = isLink(id) ? this.#entries.get(id) : undefined;
    const isTheirs =
      entry !== undefined && isSame(entry.identity, identity) && isSame(entry.known, asked.about.identity);
    if (!isTheirs) throw this.#stray(asked);
    if (entry.reading >= MAX_READING) throw busy("Too many requests of this link are under way", 429);
    const { maxFrameBytes } = this.terms.limits;
    entry.reading++;
    let body: Uint8Array;
    try {
      body = await this.#read(asked, Math.max(maxFrameBytes, BATCH_BYTES) + BODY_ROOM);
    } finally {
      entry.reading--;
    }
    // It may have ended meanwhile.
    if (this.#entries.get(id) !== entry) throw this.#stray(asked);
    let asking: ReturnType<typeof readAsking>;
    try {
      asking = readAsking(body, maxFrameBytes);
    } catch (thrown) {
      const error = RpcError.from(thrown);
      entry.link.close({ message: error.message, error });
      throw new Refused(400, error.message);
    }
    return bodyAnswer(200, await entry.link.exchange(asking, asked));
  }

  #read(asked: Asked, maxBytes: number): Promise<Uint8Array> {
    if (Number(asked.header("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return reading({ terms: this.terms, rules: this.#rules }, (under) => asked.body(maxBytes, under));
  }

  /** Somebody guesses, or comes too late: a few lines in the log, however many they are. */
  #stray(asked: Asked): Refused {
    this.#strays++;
    if (/^10*$/.test(String(this.#strays))) {
      const from = asked.about.remoteAddress ?? "a client";
      this.terms.logger.warn(`${this.#strays} requests named a link that there is not, the last from ${from}`);
    }
    return new Refused(410, NO_LINK);
  }

  #check(): void {
    if (this.#isClosed && this.#entries.size === 0) this.#settleEmptied();
  }
}

/** What must be so before anything is read. */
function checkPost(asked: Asked): void {
  if (asked.method !== "POST") throw new Refused(405, "", { allow: "POST", "accept-post": MEDIA_TYPE });
  if (mediaTypeOf(asked.header("content-type"))?.type !== MEDIA_TYPE) {
    throw new Refused(415, `content-type must be ${MEDIA_TYPE}`, { "accept-post": MEDIA_TYPE });
  }
  const encoding = asked.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new Refused(415, "content-encoding must be identity", { "accept-encoding": "identity" });
  }
}

function busy(why: string, status = 503): Refused {
  return new Refused(status, why, { "retry-after": "1" });
}

function bodyAnswer(status: number, body: Bytes): Answer {
  const headers = { "content-type": MEDIA_TYPE, "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return { status, headers, body };
}

/** Whether two requests come from the same; identities are values, and those of one caller say the same. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  try {
    return jsonText(one) === jsonText(other);
  } catch {
    return false;
  }
}
