import type { Listen } from "../../core/wire.ts";
import { Guard } from "../../transports/guard.ts";
import type { HttpOptions } from "../options.ts";
import { textAnswer } from "../server/answers.ts";
import { preflight, withCors } from "../server/cors.ts";
import type { Answer, Asked, HttpAbout } from "../server/exchange.ts";
import { answerAt, answerToFailed, logRefused } from "../server/front.ts";
import { splitTarget } from "../server/visit.ts";
import { type PollServeOptions, type PollServeRules, pollServeRules } from "./options.ts";
import { PollLinks } from "./poll-links.ts";

/**
 * Links made of plain requests, by long-poll or heartbeat (docs/wires/poll.md): each carries any wire, both ways. It knows
 * no HTTP server: `fetch` takes requests as platforms have them.
 */
export class PollServer {
  /** For those that stand between it and an HTTP server: where it answers, and in which times. */
  readonly rules: PollServeRules;
  /** Decides who may come in; `handle` leaves that to its caller. */
  readonly guard: Guard;
  /** For `serve` or `Server.open`; one server listens at a time. */
  readonly listen: Listen;
  /** Answers one request; never rejects. It may be passed on by itself, and looks at nothing but the request. */
  readonly fetch: (request: Request) => Promise<Response>;
  readonly #hooks: Pick<HttpOptions, "identify">;
  #links: PollLinks | undefined = undefined;

  /** Throws `TypeError` or `RangeError` for a wrong option. `newLink` makes the ids, for tests. */
  constructor(options: PollServeOptions = {}, newLink?: () => string) {
    this.#hooks = options;
    this.rules = pollServeRules(options);
    this.guard = new Guard(options);
    this.listen = async (accept, terms) => {
      if (this.#links !== undefined) throw new TypeError("One server listens here already: make another PollServer");
      const links = new PollLinks(accept, terms, this.rules, newLink);
      this.#links = links;
      void links.emptied.then(() => {
        this.#links = undefined;
      });
      return { address: `poll+http:${this.rules.path}`, close: () => links.close() };
    };
    this.fetch = (request) => this.answer(request, {});
  }

  /** Links that there are, those with them that wait for their client to hear of their end. */
  get links(): number {
    return this.#links?.size ?? 0;
  }

  /** Requests that named a link that there is not, or not for them. */
  get strayRequests(): number {
    return this.#links?.strays ?? 0;
  }

  /** Resolves when nobody listens and the last link has ended: until then its requests must find their way here. */
  async emptied(): Promise<void> {
    await this.#links?.emptied;
  }

  /** Answers one request of which more is known than itself says, by whoever accepted it; never rejects. */
  async answer(request: Request, about: HttpAbout): Promise<Response> {
    return answerAt(this, request, about);
  }

  /** Logs that a request was refused by its Host or Origin; `why` is safe to print. */
  refused(remoteAddress: string | undefined, why: string): void {
    logRefused(this.#links?.terms, remoteAddress, why);
  }

  /** Answers a request whose Host and Origin were checked; never rejects. */
  async handle(asked: Asked): Promise<Answer> {
    return withCors(await this.#answer(asked), this.rules.cors, asked);
  }

  async #answer(asked: Asked): Promise<Answer> {
    const { path: own, cors } = this.rules;
    const [path] = splitTarget(asked.target);
    if (path !== own && own !== "/") return textAnswer(404, "There is nothing at this path");
    const allowed = preflight(cors, asked);
    if (allowed !== undefined) return allowed;
    const links = this.#links;
    if (links === undefined) return textAnswer(503, "Nobody serves here", { "retry-after": "1" });
    try {
      return await links.answer(asked, this.#hooks);
    } catch (thrown) {
      return answerToFailed(thrown, links.terms, "A request of a link failed");
    }
  }
}
