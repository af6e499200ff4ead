import { afterEach, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { nodeHttpDialer } from "../../src/http/node/dialer.ts";
import { connect } from "../../src/node.ts";
import { LoadProcess } from "./process.ts";
import { expectUnaffected } from "./slow.ts";

const SLOW = 200;
const HEALTHY = 20;
/** Headers have 8 s by default; bodies are given as long here. */
const BODY_MS = 8000;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test(`${SLOW} requests at one byte a second, in the headers or in the body, are cut within 10 s, and the healthy clients do not notice`, {
  timeout: 90_000,
}, async () => {
  const server = new LoadProcess(new URL("./http-ends.js", import.meta.url));
  closers.push(() => server.kill());
  const url = await server.ask<string>("listen", { bodyTimeoutMs: BODY_MS });
  const { port } = new URL(url);
  const dial = (): Promise<Client> => connect(nodeHttpDialer({ url }), { redial: false, logger: false });
  const clients = await Promise.all(Array.from({ length: HEALTHY }, dial));
  closers.push(() => Promise.all(clients.map((client) => client.close({ graceMs: 0 }))));
  const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`;
  const texts = Array.from({ length: SLOW }, (_, at) =>
    at % 2 === 0 ? { slowly: head } : { atOnce: `${head}\r\n`, slowly: " ".repeat(100) },
  );
  await expectUnaffected(clients, Number(port), texts, closers);
});
