import { afterEach, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import { LoadProcess } from "./process.ts";

const MIB = 1 << 20;
const GIB = 1 << 30;

interface Outcomes {
  readonly offered: number;
  readonly refused: number;
  readonly failed: number;
  readonly peakRss: number;
}

const processes: LoadProcess[] = [];
afterEach(() => Promise.all(processes.splice(0).map((each) => each.kill())));

test("a WebSocket client that stops reading while it is offered 1 GiB costs maxQueuedBytes and at most 16 MiB more", {
  timeout: 60_000,
}, async () => {
  const program = new URL("./ws-ends.js", import.meta.url);
  // V8's young generation grows for anybody; here it has its full size from the start.
  const server = new LoadProcess(program, ["--min-semi-space-size=16"]);
  const stalling = new LoadProcess(program);
  processes.push(server, stalling);
  await stalling.ask("connect", { address: await server.ask<string>("listen") });
  // It reads at first, so that what sending costs has been paid.
  await server.ask("warmUp", { bytes: GIB / 16, ms: 1000 });
  stalling.freeze();
  const before = await server.ask<number>("rss");
  const { offered, refused, failed, peakRss } = await server.ask<Outcomes>("offer", { bytes: GIB });
  expect(offered).toBe(GIB / (64 << 10));
  expect(failed).toBe(0);
  // What was not refused waits, or was sent and never answered.
  expect(offered - refused).toBeLessThan(offered / 32);
  expect(peakRss - before).toBeLessThan(DEFAULT_LIMITS.maxQueuedBytes + 16 * MIB);
});
