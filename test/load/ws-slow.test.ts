import { afterEach, test } from "vitest";
import type { Client } from "../../src/client/client.ts";
import { connect, native } from "../../src/node.ts";
import { wsDialer } from "../../src/transports/node/ws-dialer.ts";
import { LoadProcess } from "./process.ts";
import { expectUnaffected } from "./slow.ts";

const SLOW = 200;
const HEALTHY = 20;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test(`${SLOW} sockets at one byte a second are cut within 10 s, and the healthy clients do not notice`, {
  timeout: 90_000,
}, async () => {
  const server = new LoadProcess(new URL("./ws-ends.js", import.meta.url));
  closers.push(() => server.kill());
  const url = await server.ask<string>("listen");
  const { port } = new URL(url);
  const dial = (): Promise<Client> => connect(wsDialer({ url }), { wire: native(), redial: false, logger: false });
  const clients = await Promise.all(Array.from({ length: HEALTHY }, dial));
  closers.push(() => Promise.all(clients.map((client) => client.close({ graceMs: 0 }))));
  const slowly = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\n`;
  const texts = Array.from({ length: SLOW }, () => ({ slowly }));
  await expectUnaffected(clients, Number(port), texts, closers);
});
