import type { Hello } from "../core/message.ts";
import { randomWord } from "../core/random-word.ts";
import { sessionText } from "../core/session.ts";

/** What a client says of itself: the same on each link but for the session, which tells a fleet which link is the newer one. */
export class Hellos {
  readonly #hello: Hello;
  readonly #startedAt: number;
  readonly #word = randomWord();
  #links = 0;

  constructor(hello: Hello, startedAt: number) {
    this.#hello = hello;
    this.#startedAt = startedAt;
  }

  /** For the next link, which may be one that this end moves to. */
  next(moves: boolean): Hello {
    this.#links++;
    return {
      ...this.#hello,
      session: sessionText({ startedAt: this.#startedAt, word: this.#word, link: this.#links }),
      ...(moves && { moves }),
    };
  }
}

/** Checks when a client says that it began, and returns it. Throws `RangeError` for what is no time. */
export function checkStart(startedAt: number): number {
  if (Number.isSafeInteger(startedAt) && startedAt >= 0 && startedAt < 1e15) return startedAt;
  throw new RangeError(`startedAt must be whole milliseconds since 1970, not ${String(startedAt)}`);
}
