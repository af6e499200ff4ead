import { afterEach, expect, test } from "vitest";
import { LoadProcess } from "./process.ts";

const LINKS = 10_000;
/** These are held first, so that what the first ones cost anyhow has been paid. */
const WARM_UP = 100;
const KIB = 1 << 10;

const processes: LoadProcess[] = [];
afterEach(() => Promise.all(processes.splice(0).map((each) => each.kill())));

test(`${LINKS} held polls cost a bounded amount of memory, and no more however often they are asked again`, {
  timeout: 180_000,
}, async () => {
  const program = new URL("./poll-ends.js", import.meta.url);
  // V8's young generation grows for anybody; here it has its full size from the start.
  const server = new LoadProcess(program, ["--min-semi-space-size=16"]);
  const client = new LoadProcess(program);
  processes.push(server, client);
  const at = await server.ask<number>("listen", { maxLinks: LINKS });
  await client.ask("hold", { at, count: WARM_UP });
  const before = await server.ask<number>("heap");
  const perLink = async (): Promise<number> => ((await server.ask<number>("heap")) - before) / (LINKS - WARM_UP);
  await client.ask("hold", { at, count: LINKS - WARM_UP });
  expect(await server.ask("connections")).toBe(LINKS);
  const held = await perLink();
  // Most of it is Node's: a socket, a request and its answer.
  expect(held).toBeLessThan(20 * KIB);
  expect(await client.ask("tryOne")).toBe("An opening was answered 503");
  // Each of them takes the place of one that is held.
  for (let round = 0; round < 3; round++) expect(await client.ask("askAgain")).toBe(LINKS);
  expect(await perLink()).toBeLessThan(held + KIB);
  expect(await server.ask("rss")).toBeLessThan(64 * KIB * LINKS);
  await server.ask("say", { bytes: 1000 });
  expect(await client.ask("answers")).toBe(LINKS);
  // What a link costs when no request of it is held: its peer, for the most part.
  expect(await perLink()).toBeLessThan(6 * KIB);
});
