// Clients in a process of their own, which call in turn and note how long each reply takes.
import { connect, native } from "convoke/node";
import { answering } from "./answering.js";

const PAUSE_MS = 50;
let clients;

answering({
  async connect({ address, count }) {
    const handlers = { news: () => {} };
    const dial = () => connect(address, { wire: native(), handlers, redial: false, logger: false });
    clients = await Promise.all(Array.from({ length: count }, dial));
  },
  /** Each client calls, waits a little, and calls again, for so long; gives the p99 in milliseconds. */
  async measure({ ms }) {
    const latencies = [];
    const end = performance.now() + ms;
    const loop = async (client, index) => {
      await new Promise((resolve) => setTimeout(resolve, (index * PAUSE_MS) / clients.length));
      while (performance.now() < end) {
        const began = performance.now();
        await client.call("echo", { began });
        latencies.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    };
    await Promise.all(clients.map(loop));
    latencies.sort((a, b) => a - b);
    return latencies[Math.floor(latencies.length * 0.99)];
  },
});
