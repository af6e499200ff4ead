import net from "node:net";
import { expect } from "vitest";
import type { Client } from "../../src/client/client.ts";

const MS = 4000;
const ATTEMPTS = 3;
const CUT_MS = 10_000;

/** Each client calls in turn for so long; gives the p99 in milliseconds. */
async function p99(clients: readonly Client[], ms: number): Promise<number> {
  const latencies: number[] = [];
  const end = performance.now() + ms;
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < end) {
        const began = performance.now();
        await client.call("echo", [began]);
        latencies.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  return latencies[Math.floor(latencies.length * 0.99)] ?? Number.POSITIVE_INFINITY;
}

/** Sends a text, one byte a second after what comes `atOnce`; resolves when it was cut, with the milliseconds that it took. */
function drip(port: number, { atOnce = "", slowly }: SlowText, closers: (() => unknown)[]): Promise<number> {
  const socket = net.connect(port, "127.0.0.1");
  const began = performance.now();
  let at = 0;
  socket.write(atOnce);
  const timer = setInterval(() => socket.write(slowly.charAt(at++)), 1000);
  closers.push(() => socket.destroy());
  socket.on("error", () => {});
  socket.resume();
  return new Promise((resolve) => {
    socket.on("close", () => {
      clearInterval(timer);
      resolve(performance.now() - began);
    });
  });
}

/** What a slow client sends. */
export interface SlowText {
  readonly atOnce?: string;
  readonly slowly: string;
}

/** Slow clients come, each with a text of its own, while healthy ones call: those are cut, and these do not notice. */
export async function expectUnaffected(
  clients: readonly Client[],
  port: number,
  texts: readonly SlowText[],
  closers: (() => unknown)[],
): Promise<void> {
  await p99(clients, 1000); // Warms up.
  const seen: string[] = [];
  // The machine has hiccups of its own, which only one of the two measurements may meet.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await p99(clients, MS);
    const cuts = Promise.all(texts.map((text) => drip(port, text, closers)));
    const during = await p99(clients, MS);
    expect(Math.max(...(await cuts))).toBeLessThan(CUT_MS);
    seen.push(`${before.toFixed(1)} ms, then ${during.toFixed(1)} ms`);
    if (during <= 2 * before) return;
  }
  expect.fail(`The p99 more than doubled each time: ${seen.join("; ")}`);
}
