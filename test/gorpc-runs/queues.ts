import { ManualClock } from "../../src/core/clock.ts";
import { pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import type { World } from "../suites/world.ts";
import { allOf, flagOf, flagOfError, Loop, type Runs, stage, strike, watch } from "./stage.ts";

/** A client without a link, whose queue holds two calls. */
async function queueOfTwo(): Promise<World> {
  const it = await stage({ client: { maxPending: 2 } });
  it.switchOff();
  it.cut();
  await turn();
  return it;
}

async function linkAgain(it: World): Promise<void> {
  it.switchOn();
  await pass(it.clock, 2000);
}

async function sendToFullQueue(): Promise<string> {
  const it = await queueOfTwo();
  const calls = [flagOf(it.client.call("echo", 1)), flagOf(it.client.call("echo", 2))];
  const send = it.client.notify("echo", 3);
  const seen = watch(send);
  await turn();
  const when = seen.isSettled ? "at once" : "later";
  const lines = [`the send: ${await flagOf(send)} ${when}`];
  await linkAgain(it);
  lines.push(`the queued calls: ${allOf(await Promise.all(calls))}`);
  await strike(it);
  return lines.join("\n");
}

async function oldestGivesWay(): Promise<string> {
  const it = await queueOfTwo();
  const calls = [1, 2, 3].map((each) => flagOf(it.client.call("echo", each)));
  await linkAgain(it);
  const flags = await Promise.all(calls);
  await strike(it);
  return flags.map((flag, at) => `${at + 1}: ${flag}`).join("\n");
}

async function batchToFullQueue(): Promise<string> {
  const it = await queueOfTwo();
  const { client } = it;
  const queued = Promise.all([1, 2].map((each) => flagOf(client.call("echo", each))));
  const batch = client.batch([
    ["echo", 3],
    ["echo", 4, { notify: true }],
    ["echo", 5],
  ]);
  await turn();
  const waiting = client.pendingCount;
  await linkAgain(it);
  const [one, skip, other] = (await batch).map((each) => (each.ok ? "ok" : flagOfError(each.error)));
  const lines = [`the queue holds ${waiting}`, `the queued calls: ${(await queued).join(", ")}`];
  lines.push(`the batch: ${one}, ${other}, its skip-response member ${skip === undefined ? "open" : "settled"}`);
  await strike(it);
  return lines.join("\n");
}

/** Calls one by one, to a server that never answers, until the link is given up. */
async function stuckServer(): Promise<string> {
  const it = await stage({ client: { maxPending: 2 } });
  const calls: Promise<string>[] = [];
  while (it.client.state === "open" && calls.length < 40) {
    calls.push(flagOf(it.client.call("never")));
    await turn(2);
  }
  const lines = [`call ${calls.length} ends the link`, `outstanding: ${allOf(await Promise.all(calls))}`];
  const next = flagOf(it.client.call("echo", 1));
  await pass(it.clock, 1000);
  lines.push(`the next call: ${await next}, connection ${it.links.length}`);
  await strike(it);
  return lines.join("\n");
}

/** Writes to the pipe while three sends leave together. */
async function sharedWrite(): Promise<string> {
  let writes = 0;
  const ran: unknown[] = [];
  const loop = new Loop();
  const clock = new ManualClock();
  await loop.serve({ clock, handlers: { note: (params: unknown) => void ran.push(params) } });
  const client = await loop.connect({ clock }, (pipe) => ({
    open: (sink) => pipe.open(sink),
    write(bytes) {
      writes++;
      return pipe.write(bytes);
    },
    close: (reason) => pipe.close(reason),
  }));
  await turn();
  const before = writes;
  await Promise.all([1, 2, 3].map((each) => client.notify("note", each)));
  await turn();
  const outcome = `${ran.length} sends, ${writes - before} write`;
  await loop.close();
  return outcome;
}

/** The queue and its bounds: rows 14, 16 to 18, 47. */
export const QUEUE_RUNS: Runs = {
  14: sendToFullQueue,
  16: oldestGivesWay,
  17: batchToFullQueue,
  18: stuckServer,
  47: sharedWrite,
};
