import type { Client, ConnectOptions } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { CallContext, CloseOptions } from "../../src/core/context.ts";
import { connect, serve } from "../../src/node.ts";
import type { ServeOptions } from "../../src/server/server.ts";
import { pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import type { World } from "../suites/world.ts";
import { allOf, BASIC, echo, flagOf, LAZY, LOCAL, Loop, type Runs, stage, strike, watch, work } from "./stage.ts";

const handlers = { echo };

/** The waits before each dial that followed `from`, in words. */
function waitsOf(it: World, from: number): string {
  const times = [from, ...it.dials.filter((time) => time > from)];
  const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  const grow = waits.every((wait, at) => at === 0 || wait >= (waits[at - 1] ?? 0));
  if (waits.length < 3 || waits.length > 12) return `${waits.length} dials in 20 s`;
  return grow && Math.max(...waits) <= 10_000 ? "after waits that grow up to 10 s" : waits.join(" ");
}

async function redialling(): Promise<string> {
  const lines: string[] = [];
  const it = await stage();
  it.switchOff();
  it.cut();
  await turn();
  const again = it.dials.length;
  lines.push(`a dropped connection: redialled ${again > 1 ? "at once" : "after a wait"}`);
  await pass(it.clock, 20_000);
  lines.push(`no server: redialled ${waitsOf(it, 0)}`);
  const said = it.log.lines.filter(({ message, cause }) => `${message} ${String(cause)}`.includes("Nobody is there"));
  lines.push(`a dial that failed: ${said.length > 0 ? "logged" : "not logged"}`);
  await strike(it);

  let refuses = false;
  const hook = (): void => {
    if (refuses) throw new Error("Not this one");
  };
  const picky = await stage({ client: { onConnect: hook } });
  refuses = true;
  picky.cut();
  await turn();
  await pass(picky.clock, 20_000);
  lines.push(`refused by onConnect: redialled ${waitsOf(picky, 0)}`);
  await strike(picky);
  return lines.join("\n");
}

async function refusedByServer(): Promise<string> {
  const onConnect = (): never => {
    throw new Error("Not you");
  };
  const server = await serve<never>(LOCAL, { ...BASIC, handlers, onConnect });
  const clients: Client[] = [];
  // Whether the refusal comes before the client knows its link or after, is all the same to whoever calls.
  const called = connect(server.addresses[0] ?? "", { ...BASIC, redial: false }).then(async (client) => {
    clients.push(client);
    const call = client.call("echo", 1);
    await client.closed;
    return call;
  });
  const lines = [`the call: ${await flagOf(called)}`, `connections: ${server.connections.length}`];
  for (const client of clients) await client.close();
  await server.close({ graceMs: 0 });
  return lines.join("\n");
}

async function stopWithCalls(): Promise<string> {
  const lines: string[] = [];
  const it = await stage();
  const sent = flagOf(it.client.call("never"));
  await turn();
  await it.client.close({ graceMs: 0 });
  lines.push(`sent: ${await sent}`);
  const again = await it.connect();
  lines.push(`started again: ${await flagOf(again.call("echo", 1))}`);
  await turn();
  it.switchOff();
  it.cut();
  await turn();
  const queued = flagOf(again.call("echo", 2));
  await again.close({ graceMs: 0 });
  const late = again.call("echo", 3);
  const seen = watch(late);
  await turn();
  const when = seen.isSettled ? "at once" : "later";
  lines.push(`queued: ${await queued}`, `after the stop: ${await flagOf(late)} ${when}`);
  await strike(it);
  return lines.join("\n");
}

async function beforeStart(): Promise<string> {
  const it = await stage();
  const clients: Client[] = [];
  it.switchOff();
  const lazily = it.connect({ ...LAZY }).then((client) => {
    clients.push(client);
    return client.call("echo", 1);
  });
  const call = flagOf(lazily);
  await pass(it.clock, 500);
  it.switchOn();
  await pass(it.clock, 2000);
  const outcome = `a call before there is a link: ${await call}`;
  await strike(it, ...clients);
  return outcome;
}

/** How a server stops while a handler runs: when it returns, what the caller gets, what becomes of the handler. */
async function stopping(options: CloseOptions): Promise<string> {
  let ending = "";
  const task = async (_: unknown, { signal }: CallContext): Promise<void> => {
    await work(it.clock, 100);
    ending = signal.aborted ? "ends aborted" : "runs to its end";
  };
  const it: World = await stage({ client: { redial: false }, handlers: { task } });
  const call = flagOf(it.client.call("task"));
  await turn();
  const closing = it.server.close(options);
  const seen = watch(closing);
  await turn();
  const when = seen.isSettled ? "at once" : "when the handler has ended";
  await pass(it.clock, 150, 10);
  await closing;
  const outcome = `returns ${when}, the call: ${await call}, the handler ${ending}`;
  await strike(it);
  return outcome;
}

async function serverStops(): Promise<string> {
  return `stop: ${await stopping({})}\nstop at once: ${await stopping({ graceMs: 0 })}`;
}

async function restarted(): Promise<string> {
  const lines: string[] = [];
  const loop = new Loop();
  const clock = new ManualClock();
  const first = await loop.serve({ clock, handlers });
  const client = await loop.connect({ clock, random: () => 0.5 });
  await first.close();
  await loop.serve({ clock, handlers });
  const call = flagOf(client.call("echo", 1, { timeoutMs: 1000 }));
  await pass(clock, 1100);
  lines.push(`within a second: ${await call}`);
  await loop.close();

  const before = await serve<never>(LOCAL, { ...BASIC, handlers });
  const [place = ""] = before.addresses;
  const dialled = await connect(place, BASIC);
  const [link] = dialled.connections;
  await before.close();
  await link?.closed;
  const after = await serve<never>(place, { ...BASIC, handlers });
  lines.push(`on the same port: ${await flagOf(dialled.call("echo", 2))}`);
  await dialled.close();
  await after.close();
  return lines.join("\n");
}

async function threeConnections(): Promise<string> {
  let accepts = 0;
  const server: ServeOptions<never> = { onConnect: () => void accepts++ };
  const client: ConnectOptions<never> = { connections: 3 };
  const it = await stage({ server, client });
  await turn();
  const calls = Array.from({ length: 30 }, (_, at) => flagOf(it.client.call("echo", at)));
  const flags = allOf(await Promise.all(calls));
  const outcome = `${it.dials.length} dials, ${accepts} accepts, calls: ${flags}`;
  await strike(it);
  return outcome;
}

/** Connections that come, break and end: rows 24, 25, 30 to 33, 49. */
export const LINK_RUNS: Runs = {
  24: redialling,
  25: refusedByServer,
  30: stopWithCalls,
  31: beforeStart,
  32: serverStops,
  33: restarted,
  49: threeConnections,
};
