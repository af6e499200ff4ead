import { after, type Clock } from "../../core/clock.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Caller } from "../client/caller.ts";
import { type HttpHeaders, type HttpReply, type HttpSender, saidIn, wordsOf } from "../client/reply.ts";
import { whereTo } from "../client/statuses.ts";
import { BATCH_BYTES, BODY_ROOM, LINK_HEADER, MEDIA_TYPE } from "./envelope.ts";
import type { Bytes } from "./fields.ts";

interface MissedOptions {
  readonly retryAfterMs?: number;
  readonly isUnsent?: boolean;
  readonly cause?: unknown;
}

/** A request that failed in a way that the next one may not: it is sent again. */
export class Missed extends Error {
  /** The server asked for so much patience. */
  readonly retryAfterMs: number;
  /** It was not sent: what should have given its headers failed, with the `cause`. */
  readonly isUnsent: boolean;

  constructor(message: string, { retryAfterMs = 0, isUnsent = false, cause }: MissedOptions = {}) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
    this.isUnsent = isUnsent;
  }
}

/** Where requests go, and how long their answers may take. */
export interface CourierSetup {
  readonly caller: Caller;
  readonly sender: HttpSender;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxFrameBytes: number;
}

/** One request on its way. */
interface Posting {
  readonly link: string | undefined;
  readonly body: Bytes;
  readonly signal: AbortSignal;
  hasHeaders: boolean;
}

/** Statuses that say: not now. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** What a status means that is not one of these; anything else is `unavailable`. */
const CODES: ReadonlyMap<number, Code> = new Map([
  [400, "data_loss"],
  [401, "unauthenticated"],
  [403, "permission_denied"],
  [404, "not_found"],
  [405, "unimplemented"],
  [413, "resource_exhausted"],
  [415, "unimplemented"],
]);

/** A server says what it takes when it gives the link, and is not sent more. */
const TOO_LARGE = "Send less, or have the proxy before the server take more (nginx: client_max_body_size)";

/** Carries bodies to one server and back. It lives as long as its link, and keeps the process alive until it is closed. */
export class Courier {
  readonly #setup: CourierSetup;
  readonly #maxBytes: number;
  /** Between two requests there may be no socket that would keep the process alive, as that of any other link does. */
  readonly #letGo: (() => void) | undefined;

  constructor(setup: CourierSetup) {
    this.#setup = setup;
    this.#letGo = setup.clock.hold?.();
    this.#maxBytes = Math.max(setup.maxFrameBytes, BATCH_BYTES) + BODY_ROOM;
  }

  /**
   * Posts one body and gives that of the answer, which has to come within `timeoutMs` beside `holdMs`, the time that its headers
   * take with it. Rejects with `Missed` when it may be tried again, and with `RpcError` when the server means no.
   */
  async post(link: string | undefined, body: Bytes, holdMs: number, signal: AbortSignal): Promise<Uint8Array> {
    const { clock, timeoutMs } = this.#setup;
    const abort = new AbortController();
    const posting: Posting = { link, body, signal: abort.signal, hasHeaders: false };
    // Not everything ends when it is told to.
    let end: (why: string) => void = () => {};
    const ended = new Promise<never>((_, reject) => {
      end = (why) => {
        reject(new Missed(why));
        abort.abort();
      };
    });
    const giveUp = (): void => end("the request was given up");
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    const stop = after(clock, holdMs + timeoutMs, () => {
      end(`no ${posting.hasHeaders ? "answer" : "headers for the request"} within ${timeoutMs} ms`);
    });
    try {
      return await Promise.race([ended, this.#send(posting)]);
    } finally {
      stop();
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** There will be no more requests. */
  close(): void {
    this.#letGo?.();
    this.#setup.sender.close();
  }

  async #send(posting: Posting): Promise<Uint8Array> {
    const { link, body, signal } = posting;
    const own = await this.#headers();
    posting.hasHeaders = true;
    try {
      signal.throwIfAborted();
      const headers = {
        ...own,
        "content-type": MEDIA_TYPE,
        accept: MEDIA_TYPE,
        ...(link !== undefined && { [LINK_HEADER]: link }),
      };
      const reply = await this.#setup.sender.send({ method: "POST", headers, body, signal });
      if (signal.aborted) reply.drop();
      signal.throwIfAborted();
      return await this.#read(reply, body.length);
    } catch (thrown) {
      if (RpcError.is(thrown) || thrown instanceof Missed) throw thrown;
      throw new Missed(wordsOf(thrown), { cause: thrown });
    }
  }

  async #headers(): Promise<HttpHeaders> {
    try {
      return await this.#setup.caller.headers();
    } catch (cause) {
      throw new Missed(`no headers for the request: ${wordsOf(cause)}`, { isUnsent: true, cause });
    }
  }

  async #read(reply: HttpReply, sentBytes: number): Promise<Uint8Array> {
    const { status } = reply;
    const type = reply.header("content-type") ?? "none";
    if ((status !== 200 && status !== 201) || !type.startsWith(MEDIA_TYPE)) throw await refused(reply, type, sentBytes);
    const { bytes, isTooLarge } = await reply.read(this.#maxBytes);
    if (isTooLarge) throw new RpcError("resource_exhausted", `The answer is above ${this.#maxBytes} bytes`);
    return bytes;
  }
}

async function refused(reply: HttpReply, type: string, sentBytes: number): Promise<Error> {
  const { status } = reply;
  const said = (await saidIn(reply)) || printable(reply.statusText);
  if (status === 200 || status === 201) return new Missed(`something else answers there, ${printable(type)}`);
  const message = `the server answered ${status}${said === "" ? "" : ` ${said}`}`;
  if (LATER.has(status)) {
    const seconds = Number(reply.header("retry-after") ?? Number.NaN);
    const cause = new RpcError("unavailable", message, { wireCode: status });
    return new Missed(message, { retryAfterMs: seconds > 0 ? seconds * 1000 : 0, cause });
  }
  const advice = status === 413 ? `, to ${sentBytes} bytes. ${TOO_LARGE}` : whereTo(status);
  return new RpcError(CODES.get(status) ?? "unavailable", message + advice, { wireCode: status });
}
