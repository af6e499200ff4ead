import { isDeepStrictEqual } from "node:util";
import type { Client } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { deflate } from "../../src/transports/node/deflate.ts";
import { native } from "../../src/wires/native.ts";
import { pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { allOf, echo, flagOf, Loop, type Runs, stage, strike, watch, work } from "./stage.ts";

/** Nothing, in both of its forms. */
async function nothing(): Promise<string> {
  const got: unknown[] = [];
  const it = await stage({ handlers: { give: (params: unknown) => (got.push(params), params) } });
  const back = [await it.client.call("give", null), await it.client.call("give", undefined)];
  await strike(it);
  const isSame = (values: unknown[]): boolean => isDeepStrictEqual(values, [null, undefined]);
  return `request: ${isSame(got) ? "nothing" : "changed"}, response: ${isSame(back) ? "nothing" : "changed"}`;
}

class Point {
  readonly x: number = 1;
}

/** An object is what the receiver knows of objects, whatever it was at the sender. */
async function oneKind(): Promise<string> {
  const kinds: string[] = [];
  const kindOf = (value: object): void => void kinds.push(`${value.constructor.name} ${JSON.stringify(value)}`);
  const it = await stage({ handlers: { kindOf } });
  await it.client.call("kindOf", new Point());
  await it.client.call("kindOf", { x: 1 });
  await strike(it);
  return allOf(kinds) === 'Object {"x":1}' ? "both arrive as the kind that is known there" : kinds.join(" and ");
}

/** `workers` make `each` calls one after another; says how many answers were right. */
async function crowd(clients: readonly Client[], workers: number, each: number): Promise<number> {
  let right = 0;
  const worker = async (_: unknown, at: number): Promise<void> => {
    const client = clients[at % clients.length];
    for (let nth = 0; nth < each; nth++) {
      const value = [at, nth, `worker ${at}`];
      if (isDeepStrictEqual(await client?.call("echo", value), value)) right++;
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return right;
}

async function manyCallers(): Promise<string> {
  const lines: string[] = [];
  const delayed = new Loop();
  const options = { clock: new ManualClock(), flushDelayMs: 1 };
  await delayed.serve({ ...options, handlers: { echo } });
  const done = crowd([await delayed.connect({ ...options, connections: 2 })], 100, 100);
  const seen = watch(done);
  for (; !seen.isSettled; await turn(1)) options.clock.advance(1);
  lines.push(`2 connections, flush after 1 ms: ${await done} of 10000 match`);
  await delayed.close();

  const mixed = new Loop();
  const compressed = native({ compression: deflate() });
  await mixed.serve({ wire: compressed, handlers: { echo } });
  const clients = [await mixed.connect({ wire: compressed }), await mixed.connect({ wire: native() })];
  lines.push(`with and without compression: ${await crowd(clients, 100, 10)} of 1000 match`);
  await mixed.close();
  return lines.join("\n");
}

async function completionOrder(): Promise<string> {
  const it = await stage();
  const order: string[] = [];
  const calls = [20, 10].map((ms) => it.client.call("slow", ms).then(() => order.push(`${ms} ms`)));
  await pass(it.clock, 30, 5);
  await Promise.all(calls);
  await strike(it);
  return order.join(" before ");
}

async function concurrency(): Promise<string> {
  const lines: string[] = [];
  const full = await stage({ server: { concurrency: 2 } });
  await Promise.all([full.client.notify("slow", 100), full.client.notify("slow", 100)]);
  const short = flagOf(full.client.call("echo", 1, { timeoutMs: 50 }));
  const long = flagOf(full.client.call("echo", 1, { timeoutMs: 200 }));
  await pass(full.clock, 150, 5);
  lines.push(`50 ms: ${await short}`, `200 ms: ${await long}`);
  await strike(full);

  const wide = await stage({ server: { concurrency: 2 }, client: { connections: 3 } });
  await turn();
  const { clock } = wide;
  const began = clock.now;
  const done = Promise.all(Array.from({ length: 6 }, () => wide.client.call("slow", 100)));
  const seen = watch(done);
  for (await turn(); !seen.isSettled && clock.now < began + 2000; await turn()) clock.advance(5);
  const { length } = wide.client.connections;
  lines.push(`6 calls of 100 ms, ${length} connections: ${Math.floor((clock.now - began) / 50) * 50} ms`);
  await strike(wide);
  return lines.join("\n");
}

async function manySends(): Promise<string> {
  const it = await stage();
  const sends = Array.from({ length: 1000 }, (_, at) => flagOf(it.client.notify("echo", at)));
  const calls = Array.from({ length: 10 }, (_, at) => flagOf(it.client.call("echo", `call ${at}`)));
  const lines = [`sends: ${allOf(await Promise.all(sends))}`, `calls: ${allOf(await Promise.all(calls))}`];
  lines.push(`handled: ${it.ran.length}`);
  await strike(it);
  return lines.join("\n");
}

/** Counted also while calls still wait for the end of their turn. */
async function pendingCount(): Promise<string> {
  const clock = new ManualClock();
  const loop = new Loop();
  await loop.serve({ clock, handlers: { slow: (ms: number) => work(clock, ms) } });
  const client = await loop.connect({ clock });
  const counts = [client.pendingCount];
  const calls: Promise<unknown>[] = [];
  for (let nth = 0; nth < 10; nth++) {
    calls.push(client.call("slow", 100));
    counts.push(client.pendingCount);
    if (nth % 2 === 1) await turn();
  }
  await pass(clock, 120, 10);
  await Promise.all(calls);
  counts.push(client.pendingCount);
  await loop.close();
  return counts.join(" ");
}

/** Calls and sends: rows 2, 3, 5 to 7, 15, 48. */
export const CALL_RUNS: Runs = {
  2: nothing,
  3: oneKind,
  5: manyCallers,
  6: completionOrder,
  7: concurrency,
  15: manySends,
  48: pendingCount,
};
