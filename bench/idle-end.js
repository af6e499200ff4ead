// One process of idle.js: the server, or some of its clients. It lives as long as the process that forked it.
import { setTimeout as pause } from "node:timers/promises";
import { jsonrpc } from "convoke/jsonrpc";
import { connect, native, serve } from "convoke/node";

/** Handshakes under way at once. */
const AT_ONCE = 100;
const QUIET_MS = 500;

const wires = { native, jsonrpc };

let server;
const clients = [];

const answers = {
  async listen({ transport, wire, ...options }) {
    server = await serve(`${transport}://127.0.0.1:0`, { wire: wires[wire](), logger: false, ...options });
    return server.addresses[0];
  },
  async connect({ address, wire, count, heartbeat }) {
    const dial = () => connect(address, { wire: wires[wire](), logger: false, redial: false, heartbeat });
    for (let left = count; left > 0; left -= AT_ONCE) {
      clients.push(...(await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, dial))));
    }
  },
  /** What is held when all is quiet. */
  async memory() {
    await pause(QUIET_MS);
    globalThis.gc();
    await pause(QUIET_MS);
    globalThis.gc();
    return process.memoryUsage();
  },
  /** The time of the processor that so many milliseconds took. */
  async watch({ ms }) {
    const before = process.cpuUsage();
    await pause(ms);
    const { user, system } = process.cpuUsage(before);
    return { cpuMs: (user + system) / 1000, connections: server.connections.length };
  },
};

process.on("message", async ({ what, ...details }) => {
  try {
    process.send({ value: await answers[what](details) });
  } catch ({ message }) {
    process.send({ error: message });
  }
});
process.on("disconnect", () => process.exit());
