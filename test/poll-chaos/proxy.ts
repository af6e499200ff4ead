import { after, type Clock } from "../../src/core/clock.ts";
import type { HttpReply, HttpRequest, HttpSender } from "../../src/http/client/reply.ts";
import type { PollServer } from "../../src/http/poll/poll-server.ts";
import type { Answer, Asked, Gone } from "../../src/http/server/exchange.ts";
import type { Random } from "../schedules/random.ts";

/** How bad a network is: of a hundred requests, so many meet with this. */
export interface Weather {
  /** The request never arrives. */
  readonly loses: number;
  /** It arrives, and its answer does not. */
  readonly forgets: number;
  /** It arrives again, at any time later. */
  readonly repeats: number;
  /** The connection is cut while it is under way: both sides notice. */
  readonly cuts: number;
  /** Somebody on the way answers in place of the server. */
  readonly lies: number;
  readonly maxDelayMs: number;
}

export const CALM: Weather = { loses: 0, forgets: 0, repeats: 0, cuts: 0, lies: 0, maxDelayMs: 5 };

const EMPTY = new Uint8Array(0);

/** A proxy between a client and its server, without sockets and in virtual time, that does what networks do. */
export class ChaosProxy implements HttpSender {
  weather: Weather = CALM;
  /** Nothing comes through. */
  isDown = false;
  /** What it did, by kind. */
  readonly did = new Map<string, number>();
  requests = 0;
  readonly #server: PollServer;
  readonly #clock: Clock;
  readonly #random: Random;
  isClosed = false;

  constructor(server: PollServer, clock: Clock, random: Random) {
    this.#server = server;
    this.#clock = clock;
    this.#random = random;
  }

  send(request: HttpRequest): Promise<HttpReply> {
    this.requests++;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(why));
      request.signal.addEventListener("abort", () => fail("aborted"), { once: true });
      const late = (action: () => void): void => this.#later(action);
      if (this.isDown || this.#meets("loses")) {
        // A request that is lost fails, or hangs until its sender gives up.
        if (this.#random.once(2)) late(() => fail("lost"));
        return;
      }
      if (this.#meets("lies")) return late(() => resolve(this.#lie()));
      const isForgotten = this.#meets("forgets");
      const isCut = this.#meets("cuts");
      if (this.#meets("repeats")) this.#later(() => void this.#ask(request), 20);
      late(() => {
        const { answer, leave } = this.#ask(request);
        request.signal.addEventListener("abort", () => late(leave), { once: true });
        if (isCut) {
          late(() => {
            leave();
            fail("cut");
          });
        }
        void answer.then((given) =>
          late(() => {
            if (isForgotten || this.isDown) return this.#random.once(2) ? fail("forgotten") : undefined;
            resolve(replyOf(given, this.#random.once(20) && this.#meets("cuts")));
          }),
        );
      });
    });
  }

  close(): void {
    this.isClosed = true;
  }

  /** Hands a request to the server. `leave`: the caller goes away. */
  #ask({ headers, body }: HttpRequest): { readonly answer: Promise<Answer>; leave(): void } {
    const listeners = new Set<(why: Gone) => void>();
    const asked: Asked = {
      method: "POST",
      target: "/",
      about: { remoteAddress: "chaos:1" },
      header: (name) => headers[name],
      body: async () => (typeof body === "object" ? body.slice() : EMPTY),
      request: () => {
        throw new Error("nobody asks for it");
      },
      onGone(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    return {
      answer: this.#server.handle(asked),
      leave() {
        for (const listener of listeners) listener("gone");
      },
    };
  }

  #lie(): HttpReply {
    return replyOf(
      this.#random.pick<Answer>([
        { status: 502, headers: { "content-type": "text/html" }, body: "<h1>Bad gateway</h1>" },
        { status: 503, headers: { "content-type": "text/plain", "retry-after": "1" }, body: "later" },
        { status: 200, headers: { "content-type": "text/html" }, body: "<h1>Sign in to this network</h1>" },
      ]),
      false,
    );
  }

  #meets(kind: Exclude<keyof Weather, "maxDelayMs">): boolean {
    if (this.#random.below(100) >= this.weather[kind]) return false;
    this.did.set(kind, (this.did.get(kind) ?? 0) + 1);
    return true;
  }

  #later(action: () => void, times = 1): void {
    const delay = this.#random.below(this.weather.maxDelayMs * times);
    if (delay === 0) action();
    else after(this.#clock, delay, action);
  }
}

function replyOf({ status, headers, body = "" }: Answer, isBroken: boolean): HttpReply {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return {
    status,
    statusText: "",
    header: (name) => headers[name],
    read: async (maxBytes) => {
      if (isBroken) throw new Error("the answer broke off");
      return { bytes: bytes.subarray(0, maxBytes), isTooLarge: bytes.length > maxBytes };
    },
    async *chunks() {
      yield bytes;
    },
    drop() {},
  };
}
