import type { Listen } from "../core/wire.ts";
import { Guard } from "../transports/guard.ts";
import { checkWire } from "./json-wire.ts";
import { type HttpOptions, type HttpRules, httpRules } from "./options.ts";
import { textAnswer } from "./server/answers.ts";
import { preflight, withCors } from "./server/cors.ts";
import { type Door, identified } from "./server/door.ts";
import type { Answer, Asked, HttpAbout } from "./server/exchange.ts";
import { answerAt, answerToFailed, logRefused } from "./server/front.ts";
import { answerGet } from "./server/get.ts";
import { answerWithEvents } from "./server/links.ts";
import { wantsEvents } from "./server/media-type.ts";
import { answerPost } from "./server/post.ts";
import { splitTarget } from "./server/visit.ts";

const NOT_FOUND: Answer = textAnswer(404, "There is nothing at this path");

/**
 * JSON-RPC over HTTP: each request is a link of its own on the server that listens here, and ends when it is answered. It
 * knows no HTTP server: `fetch` takes requests as platforms have them.
 */
export class HttpBridge {
  /** Decides who may come in; `handle` leaves that to its caller. */
  readonly guard: Guard;
  /** For `serve` or `Server.open`; one server listens at a time. */
  readonly listen: Listen;
  /** Answers one request; never rejects. It may be passed on by itself, and looks at nothing but the request. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** For those that stand between it and an HTTP server: where it answers, and in which times. */
  readonly rules: HttpRules;
  readonly #options: HttpOptions;
  #door: Door | undefined = undefined;
  #wasClosed = false;
  #requests = 0;

  /** Throws `TypeError` or `RangeError` for a wrong option. */
  constructor(options: HttpOptions = {}) {
    this.#options = options;
    this.rules = httpRules(options);
    this.guard = new Guard(options);
    this.listen = async (accept, terms) => {
      checkWire(terms.wire, "An HTTP bridge");
      if (this.#door !== undefined) throw new TypeError("One server listens here already: make another bridge");
      const count = (change: 1 | -1): void => {
        this.#requests += change;
      };
      const door: Door = { accept, terms, rules: this.rules, hooks: this.#options, count };
      this.#door = door;
      return {
        address: `http:${this.rules.path}`,
        close: async () => {
          if (this.#door !== door) return;
          this.#door = undefined;
          this.#wasClosed = true;
        },
      };
    };
    this.fetch = (request) => this.answer(request, {});
  }

  /** Answers one request of which more is known than itself says, by whoever accepted it; never rejects. */
  async answer(request: Request, about: HttpAbout): Promise<Response> {
    return answerAt(this, request, about);
  }

  /** Logs that a request was refused by its Host or Origin; `why` is safe to print. */
  refused(remoteAddress: string | undefined, why: string): void {
    logRefused(this.#door?.terms, remoteAddress, why);
  }

  /** Answers a request whose Host and Origin were checked; never rejects. */
  async handle(asked: Asked): Promise<Answer> {
    return withCors(await this.#counted(asked), this.rules.cors, asked);
  }

  async #counted(asked: Asked): Promise<Answer> {
    const door = this.#door;
    if (door === undefined) {
      return this.#wasClosed
        ? textAnswer(500, "the client has been stopped")
        : textAnswer(503, "Nobody serves here yet");
    }
    if (this.#requests >= this.rules.maxRequests) {
      return textAnswer(503, "Too many requests are under way", { "retry-after": "1" });
    }
    this.#requests++;
    try {
      return await this.#answer(asked, door);
    } catch (thrown) {
      return answerToFailed(thrown, door.terms, "An HTTP request failed");
    } finally {
      this.#requests--;
    }
  }

  /** What kind of request it is. */
  async #answer(asked: Asked, door: Door): Promise<Answer> {
    const { path: own, takesBelow, events, cors } = this.rules;
    const { parseGet } = this.#options;
    const [path, query] = splitTarget(asked.target);
    const isHere = path === own || (own === "/" && path.startsWith("/"));
    if (!isHere && !(takesBelow && path.startsWith(`${own}/`))) return NOT_FOUND;
    const allowed = preflight(cors, asked);
    if (allowed !== undefined) return allowed;
    const isEvents = events && wantsEvents(asked.header("accept"));
    if (asked.method === "GET" && parseGet !== undefined && !isEvents) {
      const target = {
        path: own === "/" ? path : path.slice(own.length),
        query,
        get request() {
          return asked.request();
        },
      };
      return answerGet(door, asked, target, parseGet);
    }
    if (!isHere) return NOT_FOUND;
    if (asked.method === "GET" && isEvents) return answerWithEvents(door, await identified(door, asked));
    return answerPost(door, asked, isEvents);
  }
}
