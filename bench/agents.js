// What the contenders of the fan-out share.
import { setTimeout as pause } from "node:timers/promises";

/** How long a controller waits for its agents: nobody is that late, but whoever measures a deadline has one. */
export const TIMEOUT_MS = 20_000;
/** Connections that one process of agents opens at once. */
const AT_ONCE = 100;
const POLL_MS = 10;

/** What an agent answers to `collect`; `since` tells the call apart. */
export const collect = (agent, { since, kinds }) => ({
  agent,
  since,
  cpu: 0.375,
  memoryMiB: 512,
  samples: kinds.length,
  healthy: true,
});

/** Opens a connection for each of these names. */
export async function openAll(names, open) {
  for (let at = 0; at < names.length; at += AT_ONCE) await Promise.all(names.slice(at, at + AT_ONCE).map(open));
}

/** Waits until so many have come: a client knows it a moment before the controller does. */
export async function gathered(agents, count) {
  while (count() < agents) await pause(POLL_MS);
}
