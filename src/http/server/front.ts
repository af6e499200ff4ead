import type { LinkTerms } from "../../core/wire.ts";
import type { Guard } from "../../transports/guard.ts";
import { refusal, textAnswer } from "./answers.ts";
import { toldOf } from "./door.ts";
import { type Answer, type Asked, BodyTaken, type HttpAbout, Refused } from "./exchange.ts";
import { answered, FetchAsked } from "./fetch.ts";
import { visitOf } from "./visit.ts";

/** What answers requests behind a guard: a bridge, or a server of links. */
export interface Front {
  readonly guard: Guard;
  /** Answers a request whose Host and Origin were checked; never rejects. */
  handle(asked: Asked): Promise<Answer>;
  /** Hears of a request that the guard refused; `why` is safe to print. */
  refused(remoteAddress: string | undefined, why: string): void;
}

/** Answers one request as the platform has it; never rejects. */
export async function answerAt(front: Front, request: Request, about: HttpAbout): Promise<Response> {
  const asked = new FetchAsked(request, about);
  const why = front.guard.refuses(visitOf(asked));
  if (why === undefined) return answered(await front.handle(asked), asked);
  front.refused(asked.about.remoteAddress, why);
  return answered(textAnswer(403, why), asked);
}

/** The answer to a request that failed, of whose fault only the log learns: `what` begins its line. */
export function answerToFailed(thrown: unknown, terms: LinkTerms, what: string): Answer {
  if (thrown instanceof BodyTaken) terms.logger.error(`${what}: ${thrown.message}`);
  if (thrown instanceof Refused) return textAnswer(thrown.status, thrown.message, thrown.headers);
  return refusal(toldOf(terms, thrown, what));
}

/** Logs that a request was refused by its Host or Origin; `why` is safe to print. */
export function logRefused(terms: LinkTerms | undefined, remoteAddress: string | undefined, why: string): void {
  terms?.logger.warn(`Refused ${remoteAddress ?? "a client"}: ${why}`);
}
