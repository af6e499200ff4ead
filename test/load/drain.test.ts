import { afterEach, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { connect, native, serve } from "../../src/node.ts";
import type { Server } from "../../src/server/server.ts";
import { codeOf } from "../suites/engine.ts";
import { deferred } from "../suites/support.ts";

const ROUNDS = 50;
const CLIENTS = 4;
const RUNNING = 1000;
const LATE = 500;
/** Late calls that are made in one turn of the event loop. */
const AT_ONCE = 50;

const ends: (Client | Server)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end.close({ graceMs: 0 })));
});

interface Stage {
  readonly server: Server;
  readonly clients: readonly Client[];
  /** The calls that a handler began. */
  readonly begun: ReadonlySet<number>;
  /** Makes a call; how it ends. */
  call(n: number): Promise<string>;
  /** Resolves when the first thousand run. */
  readonly running: Promise<void>;
  /** Lets the handlers end. */
  release(): void;
}

async function start(): Promise<Stage> {
  const begun = new Set<number>();
  const running = deferred();
  const end = deferred();
  const hold = async (n: number): Promise<number> => {
    begun.add(n);
    if (begun.size === RUNNING) running.resolve();
    await end.promise;
    return -n;
  };
  const server = await serve("tcp://127.0.0.1:0", { wire: native(), logger: false, handlers: { hold } });
  const dial = (): Promise<Client> =>
    connect(server.addresses[0] ?? "", { wire: native(), redial: false, logger: false });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, dial));
  ends.push(server, ...clients);
  const call = (n: number): Promise<string> => codeOf(checked(clients[n % CLIENTS], n));
  return { server, clients, begun, call, running: running.promise, release: end.resolve };
}

async function checked(client: Client | undefined, n: number): Promise<void> {
  if ((await client?.call("hold", n)) !== -n) throw new Error(`Call ${n} was answered with another's result`);
}

/**
 * 1000 calls run and 500 come one after another; the server closes when `before` of these have been made. The handlers end
 * together: when all calls have been made, or at the moment when the server closes. Says how the calls ended that ended
 * otherwise than they ought to.
 */
async function round(before: number, handlersEnd: "last" | "at once"): Promise<string[]> {
  const { server, clients, begun, call, running, release } = await start();
  const calls = Array.from({ length: RUNNING }, (_, n) => call(n));
  await running;
  let closed: Promise<void> | undefined;
  for (let late = 0; late < LATE; late += AT_ONCE) {
    if (late === before) {
      closed = server.close();
      if (handlersEnd === "at once") release();
    }
    for (let n = 0; n < AT_ONCE; n++) calls.push(call(RUNNING + late + n));
    await new Promise((resolve) => setImmediate(resolve));
  }
  release();
  const outcomes = await Promise.all(calls);
  await closed;
  for (const client of clients) expect(client.pendingCount).toBe(0);
  await Promise.all(clients.map((client) => client.close()));
  return outcomes.filter((outcome, n) => outcome !== (begun.has(n) ? "ok" : "unavailable/no"));
}

test("50 times, a server that closes answers each of 1000 running calls, and says of the late ones that they did not run", async () => {
  for (let n = 0; n < ROUNDS; n++) {
    expect(await round((n % (LATE / AT_ONCE)) * AT_ONCE, "last")).toEqual([]);
  }
});

test("so it does when its handlers end at once, so that it closes while late calls are on their way", async () => {
  const wrong = new Map<string, number>();
  for (let n = 0; n < ROUNDS; n++) {
    for (const outcome of await round((n % (LATE / AT_ONCE)) * AT_ONCE, "at once"))
      wrong.set(outcome, (wrong.get(outcome) ?? 0) + 1);
  }
  expect(wrong).toEqual(new Map());
});
