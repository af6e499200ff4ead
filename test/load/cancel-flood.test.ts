import { afterEach, expect, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { after } from "../../src/core/clock.ts";
import { connect, native } from "../../src/node.ts";
import { ManualClock, testNetwork } from "../../src/testing.ts";
import { codeOf } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { LoadProcess } from "./process.ts";

const MIB = 1 << 20;
const CONCURRENCY = 256;
const PAIRS = 200_000;
/** Over TCP. */
const FEWER = 50_000;
/** Pairs that are made at once. */
const BURST = 1000;

interface Hogs {
  readonly running: number;
  readonly peak: number;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** How long a handler holds its place, whatever its caller wants: 10 to 100 ms. */
const holdMs = (n: number): number => 10 + ((n * 37) % 91);

/** Makes calls, waits until they have been sent, then gives them all up; says how they ended. */
async function burst(client: Client, from: number): Promise<string[]> {
  const controllers: AbortController[] = [];
  const sent = (client.connections[0]?.stats().sent ?? 0) + BURST;
  const ends = Array.from({ length: BURST }, (_, n) => {
    const controller = new AbortController();
    controllers.push(controller);
    return codeOf(client.call("hog", { ms: holdMs(from + n) }, { signal: controller.signal }));
  });
  while ((client.connections[0]?.stats().sent ?? sent) < sent) await turn(1);
  for (const controller of controllers) controller.abort();
  return Promise.all(ends);
}

test("200 000 calls, each given up as soon as it was sent, never run more handlers than the server allows", async () => {
  const clock = new ManualClock();
  const network = testNetwork();
  let running = 0;
  let peak = 0;
  let begun = 0;
  const server = await network.serve("memory:hog", {
    wire: native(),
    clock,
    logger: false,
    concurrency: CONCURRENCY,
    handlers: {
      echo: (params: unknown) => params,
      async hog({ ms }: { ms: number }) {
        begun++;
        peak = Math.max(peak, ++running);
        await new Promise<void>((resolve) => after(clock, ms, resolve));
        running--;
      },
    },
  });
  closers.push(() => server.close({ graceMs: 0 }));
  const dial = (): Promise<Client> => network.connect("memory:hog", { wire: native(), clock, logger: false });
  const [flooder, neighbour] = [await dial(), await dial()];
  closers.push(
    () => flooder.close({ graceMs: 0 }),
    () => neighbour.close({ graceMs: 0 }),
  );
  const ends = new Map<string, number>();
  for (let from = 0; from < PAIRS; from += BURST) {
    for (const end of await burst(flooder, from)) ends.set(end, (ends.get(end) ?? 0) + 1);
    const answer = neighbour.call("echo", from);
    // A place is free after 100 ms at the latest, and then it is the neighbour's turn.
    for (let ms = 0; ms < 100; ms += 10) {
      clock.advance(10);
      await turn(1);
    }
    expect(neighbour.pendingCount).toBe(0);
    expect(await answer).toBe(from);
  }
  expect(ends).toEqual(new Map([["cancelled/unknown", PAIRS]]));
  expect(peak).toBe(CONCURRENCY);
  expect(running).toBe(0);
  expect(flooder.pendingCount).toBe(0);
  // The others were given up while they waited for a place.
  expect(begun).toBeLessThan(PAIRS);
});

test("so it is over TCP, where it costs the server at most 32 MiB and its neighbour is answered", async () => {
  const server = new LoadProcess(new URL("./server.js", import.meta.url), ["--min-semi-space-size=16"]);
  closers.push(() => server.kill());
  const address = await server.ask<string>("listen", { concurrency: CONCURRENCY });
  const dial = (): Promise<Client> => connect(address, { wire: native(), redial: false, logger: false });
  const [flooder, neighbour] = [await dial(), await dial()];
  closers.push(
    () => flooder.close({ graceMs: 0 }),
    () => neighbour.close({ graceMs: 0 }),
  );
  // At first it pays for the code.
  for (let from = 0; from < FEWER; from += BURST) await burst(flooder, from);
  const before = await server.ask<number>("rss");
  let most = 0;
  let cancelled = 0;
  for (let from = 0; from < FEWER; from += BURST) {
    const answer = neighbour.call("echo", from, { timeoutMs: 2000 });
    // A handler may end before the last call of its burst has been sent.
    const ends = (await burst(flooder, from)).filter((end) => end !== "ok");
    expect(new Set(ends)).toEqual(new Set(["cancelled/unknown"]));
    cancelled += ends.length;
    expect(await answer).toBe(from);
    if (from % (5 * BURST) === 0) most = Math.max(most, await server.ask<number>("rss"));
  }
  expect(cancelled).toBeGreaterThan(FEWER * 0.9);
  expect(most - before).toBeLessThan(32 * MIB);
  await expect.poll(async () => (await server.ask<Hogs>("hogs")).running).toBe(0);
  expect(await server.ask<Hogs>("hogs")).toMatchObject({ peak: CONCURRENCY });
});
