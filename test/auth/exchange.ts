import type { Frame, Role } from "../../src/core/channel.ts";
import { RpcError } from "../../src/core/errors.ts";
import { textOf } from "../../src/core/text.ts";
import type { Authenticator, Exchange } from "../../src/core/wire.ts";

/** One end of an exchange in memory: what the other end sends is received in order. */
export class End implements Exchange {
  readonly remoteAddress = "10.0.0.7:4100";
  /** Everything that came, whether it was received or not. */
  readonly got: Frame[] = [];
  other: End | undefined = undefined;
  readonly #inbox: Frame[] = [];
  #waiting: { resolve(frame: Frame): void; reject(error: RpcError): void } | undefined = undefined;
  #ended: RpcError | undefined = undefined;

  async send(frame: Frame): Promise<void> {
    this.other?.take(frame);
  }

  receive(): Promise<Frame> {
    const frame = this.#inbox.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Receives what must be a JSON object. */
  async receiveJson(): Promise<{ readonly [Name in string]?: unknown }> {
    return JSON.parse(textOf(await this.receive()));
  }

  /** The link has ended, or the time of the handshake. */
  end(error: RpcError = new RpcError("unavailable", "The link has ended")): void {
    this.#ended = error;
    this.#waiting?.reject(error);
  }

  /** Takes what the other end sends. */
  take(frame: Frame): void {
    this.got.push(frame);
    if (this.#waiting === undefined) this.#inbox.push(frame);
    else this.#waiting.resolve(frame);
    this.#waiting = undefined;
  }
}

/** Two ends of one exchange. */
export function ends(): [client: End, server: End] {
  const client = new End();
  const server = new End();
  client.other = server;
  server.other = client;
  return [client, server];
}

/** Who stands between the ends: gets each frame and gives what goes on in its place. */
export type Between = (frame: string, from: Role) => string;

/** How both halves ended, and what was said. */
export interface Meeting {
  readonly client: PromiseSettledResult<unknown>;
  readonly server: PromiseSettledResult<unknown>;
  readonly said: readonly { readonly from: Role; readonly frame: string }[];
}

/** Plays a whole handshake. The half that is left alone is told that the link has ended. */
export async function meet(
  client: Authenticator,
  server: Authenticator,
  between: Between = (frame) => frame,
): Promise<Meeting> {
  const [near, far] = ends();
  const said: { from: Role; frame: string }[] = [];
  const through = (from: Role, to: End) => async (frame: Frame) => {
    const passed = between(textOf(frame), from);
    said.push({ from, frame: passed });
    to.take(passed);
  };
  near.send = through("client", far);
  far.send = through("server", near);
  const [one, other] = await Promise.allSettled([
    client.client(near).catch((thrown: unknown) => (far.end(), Promise.reject(thrown))),
    server.server(far).catch((thrown: unknown) => (near.end(), Promise.reject(thrown))),
  ]);
  return { client: one, server: other, said };
}

/** The error that a half ended with. Throws when it did not. */
export async function refusalOf(half: Promise<unknown>): Promise<RpcError> {
  try {
    await half;
  } catch (thrown) {
    if (RpcError.is(thrown)) return thrown;
    throw thrown;
  }
  throw new Error("It was let in");
}

/** How many attempts are measured at once: enough for the clock, few enough for one batch to be left alone. */
const BATCH = 32;

/**
 * CPU time that one attempt takes in this process, all of its threads, in milliseconds: the mean of the cheapest batch of 32.
 * Where another program runs on the same core the same work takes up to half as much again, and that is not ours.
 */
export async function cpuMsEach<Item>(items: readonly Item[], attempt: (item: Item) => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < items.length; at += BATCH) {
    const batch = items.slice(at, at + BATCH);
    const before = process.cpuUsage();
    for (const item of batch) await attempt(item);
    const { user, system } = process.cpuUsage(before);
    // A few left over may all be of the kind that is refused without a look at the curve.
    if (batch.length === BATCH) least = Math.min(least, (user + system) / 1000 / BATCH);
  }
  return least;
}
