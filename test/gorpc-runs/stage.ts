import { Client, type ConnectOptions } from "../../src/client/client.ts";
import type { Pipe } from "../../src/core/channel.ts";
import type { ManualClock } from "../../src/core/clock.ts";
import { after } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { type MemoryNetwork, memoryNetwork } from "../../src/transports/memory.ts";
import { native } from "../../src/wires/native.ts";
import { never } from "../suites/engine.ts";
import { type World, type WorldSetup, world } from "../suites/world.ts";

/** Plays one row of the table, and gives what happened in the words of its outcome. */
export type Run = () => Promise<string>;

/** The runs of one area, by the numbers of their rows. */
export type Runs = Readonly<Record<number, Run>>;

/** The flags of gorpc's ClientError, of which exactly one is true, by the codes that stand for them here. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ["deadline_exceeded", "Timeout"],
  ["unavailable", "Connection"],
  ["resource_exhausted", "Overflow"],
  ["cancelled", "Canceled"],
]);

/** How a call ended, in gorpc's words: `ok`, or its error's flag. */
export async function flagOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (thrown) {
    return flagOfError(thrown);
  }
}

/** The flag of one error; what is no error of a call is told as it is. */
export function flagOfError(thrown: unknown): string {
  if (!RpcError.is(thrown)) return String(thrown);
  return thrown.remote ? "Server" : (FLAGS.get(thrown.code) ?? thrown.code);
}

/** The same flags in one line, each once. */
export function allOf(flags: readonly string[]): string {
  return [...new Set(flags)].sort().join(", ");
}

/** Options of both ends over real sockets. */
export const BASIC = { wire: native(), logger: false } as const;

/** A free port of this machine. */
export const LOCAL = "tcp://127.0.0.1:0";

/** A handler that gives back what it gets. */
export const echo = (params: unknown): unknown => params;

/** Tells whether a promise has settled; look again after a turn. */
export function watch(promise: Promise<unknown>): { readonly isSettled: boolean } {
  const seen = { isSettled: false };
  const settled = (): void => void (seen.isSettled = true);
  promise.then(settled, settled);
  return seen;
}

/** A handler's work: so much time of the clock. */
export function work(clock: ManualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void after(clock, ms, () => resolve()));
}

/** A world that speaks the native wire: a handler that echoes, one that never ends, and one that takes `params` ms. */
export async function stage({ handlers, ...setup }: WorldSetup = {}): Promise<World> {
  const it: World = await world({
    wire: native(),
    handlers: {
      echo,
      never,
      slow: (ms: number): Promise<void> => work(it.clock, ms),
      ...handlers,
    },
    ...setup,
  });
  return it;
}

/** Ends both ends of a world and forgets what runs. */
export async function strike(it: World, ...clients: readonly Client[]): Promise<void> {
  await Promise.all([it.client, ...clients].map((client) => client.close({ graceMs: 0 })));
  await it.server.close({ graceMs: 0 });
}

/** What the dialler does to each pipe before the engine gets it. */
export type Tap = (pipe: Pipe) => Pipe;

/** A server and clients over pipes in memory, which can be tapped; the time is what the options say. */
export class Loop {
  readonly network: MemoryNetwork = memoryNetwork();
  readonly #open: { close(options: { graceMs: number }): Promise<void> }[] = [];

  async serve(options: ServeOptions<never> = {}): Promise<Server> {
    const server = await Server.open([this.network.listen("loop")], options.wire ?? native(), {
      logger: false,
      ...options,
    });
    this.#open.push(server);
    return server;
  }

  async connect(options: ConnectOptions<never> = {}, tap: Tap = (pipe) => pipe): Promise<Client> {
    const dial = this.network.dial("loop");
    const client = await Client.open(
      async (signal) => {
        const raw = await dial(signal);
        return raw.pipe === undefined ? raw : { ...raw, pipe: tap(raw.pipe) };
      },
      options.wire ?? native(),
      { logger: false, ...options },
    );
    this.#open.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const end of this.#open.splice(0).reverse()) await end.close({ graceMs: 0 });
  }
}

/** What a lazy client is asked for by: it resolves without a link, and dials in its own time. */
export const LAZY: object = { lazy: true };
