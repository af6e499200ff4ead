import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { connect } from "../src/node.ts";
import { codeOf } from "./suites/engine.ts";

/** A server that takes every request and answers none. */
const SILENT = `
  const server = require("node:net").createServer((socket) => socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function silentServer(): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, ["-e", SILENT], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { child, address: `tcp://127.0.0.1:${port.toString().trim()}` };
}

test("when a peer is killed with 10 000 calls in flight, all settle within 1 s, unavailable, and may have run", async () => {
  const { child, address } = await silentServer();
  const client = await connect(address, { redial: false, logger: false });
  const calls = Array.from({ length: 10_000 }, (_, n) => codeOf(client.call("never", { n }, { timeoutMs: 60_000 })));
  const batch = client.batch(
    [
      ["never", { n: 1 }],
      ["never", { n: 2 }],
    ],
    { timeoutMs: 60_000 },
  );
  // In flight means sent: the socket may have said "full" on the way.
  while ((client.connections[0]?.stats().sent ?? 0) < 10_001) await new Promise((resolve) => setImmediate(resolve));
  expect(client.pendingCount).toBe(10_002);
  const killed = performance.now();
  child.kill("SIGKILL");
  const codes = await Promise.all(calls);
  expect(performance.now() - killed).toBeLessThan(1000);
  expect(new Set(codes)).toEqual(new Set(["unavailable/unknown"]));
  for (const outcome of await batch)
    expect(outcome).toMatchObject({ ok: false, error: { code: "unavailable", executed: "unknown" } });
  expect(client.pendingCount).toBe(0);
  await client.close();
});
