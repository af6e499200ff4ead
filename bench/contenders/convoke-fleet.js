// Convoke's fleet on its own wire over TCP.
import { Fleet } from "convoke";
import { connect, native, serve } from "convoke/node";
import { systemClock } from "../../dist/core/clock.js";
import { collect, gathered, openAll, TIMEOUT_MS } from "../agents.js";

export const label = "Convoke, fleet";
export const workloads = ["fan-out"];

const TICK_MS = 500;

const fleet = new Fleet({ timeoutMs: TIMEOUT_MS });

export async function listen() {
  const server = await serve("tcp://127.0.0.1:0", { wire: native(), fleet });
  return server.addresses[0];
}

export async function gather(agents) {
  await gathered(agents, () => fleet.size);
  return {
    agents,
    collectAll: async (params) => (await fleet.callAll("collect", params)).map(({ value }) => value),
  };
}

/**
 * Real agents have a process each, with one wire and one clock. Thousands in one process share them: else each would bring
 * 64 KiB for its wire and a timer of its own. The clock ticks less often, since agents that make no calls have no deadlines.
 */
const shared = { wire: native(), clock: systemClock(TICK_MS) };

export function dial(address, { names }) {
  return openAll(names, (name) => {
    const handlers = { collect: (params) => collect(name, params) };
    return connect(address, { ...shared, name, handlers });
  });
}
