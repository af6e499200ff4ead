// The calls of one whole run: every contender in two processes of its own, warmed up, then measured in turn, round by round.
import { countingProxy } from "./counting-proxy.js";
import { startEnd } from "./end.js";
import { order } from "./workloads.js";

const WARM_UP_MS = 3000;
/** For each case after the first, whose code is warm but for its own values. */
const MORE_WARM_UP_MS = 500;
const COUNTING_MS = 200;
const COUNTED = ["small@64", "order@64"];

/**
 * Runs these contenders (see contenders.js), each in the cases that `casesOf` gives, but for the fan-out (see fan-out.js),
 * and resolves with a Map from the contender's name to `{ label, samples, bytes }`: by the case's key, one sample per round
 * `{ rate, cpu, writes }` (calls per second; CPU seconds per million calls and write system calls per call, of both ends
 * together), and the bytes of one call `{ up, down }`.
 */
export async function wholeRun(contenders, casesOf, { rounds, ms, countBytes }) {
  const pairs = [];
  try {
    for (const contender of contenders) {
      const cases = casesOf(contender).filter(({ workload }) => workload !== "fan-out");
      if (cases.length > 0) pairs.push(await startPair(contender, cases));
    }
    for (const pair of pairs) {
      if (countBytes) await measureBytes(pair);
      await warmUp(pair);
    }
    for (let round = 0; round < rounds; round++) await measureRound(pairs, ms);
  } finally {
    // In this order, since Go's client complains of a server that goes away.
    await Promise.all(pairs.map(({ client }) => client.stop()));
    await Promise.all(pairs.map(({ server }) => server.stop()));
  }
  return new Map(pairs.map(({ contender, label, samples, bytes }) => [contender.name, { label, samples, bytes }]));
}

async function startPair(contender, cases) {
  const server = startEnd(contender, "server");
  const client = startEnd(contender, "client");
  try {
    const address = await server.ask("listen");
    await client.ask("dial", { address, order });
    const samples = Object.fromEntries(cases.map(({ key }) => [key, []]));
    return { contender, label: contender.label, cases, server, client, address, samples, bytes: {} };
  } catch (error) {
    await Promise.all([client.stop(), server.stop()]);
    throw error;
  }
}

async function warmUp({ client, cases }) {
  const [first, ...rest] = cases.toSorted((a, b) => (b.key === "small@64") - (a.key === "small@64"));
  await client.ask("run", { ...first, ms: WARM_UP_MS });
  for (const each of rest) await client.ask("run", { ...each, ms: MORE_WARM_UP_MS });
}

/** The contenders take turns within a case, so that a slow minute of the machine meets all of them. */
async function measureRound(pairs, ms) {
  const keys = new Map(pairs.flatMap(({ cases }) => cases.map((each) => [each.key, each])));
  for (const each of keys.values()) {
    for (const pair of pairs) {
      if (each.key in pair.samples) pair.samples[each.key].push(await sample(pair, each, ms));
    }
  }
}

async function sample({ server, client }, { workload, inFlight }, ms) {
  const writes = () => server.writes() + client.writes();
  const serverCpuMs = await server.ask("cpu");
  const writesBefore = writes();
  const outcome = await client.ask("run", { workload, inFlight, ms });
  const written = writes() - writesBefore;
  const cpuMs = outcome.cpuMs + (await server.ask("cpu")) - serverCpuMs;
  const { calls } = outcome;
  return { rate: (calls * 1000) / outcome.ms, cpu: (cpuMs * 1000) / calls, writes: written / calls };
}

/** What one call weighs on the wire, seen by a proxy between the server and one more client, set-up not counted. */
async function measureBytes({ contender, cases, address, bytes }) {
  const proxy = await countingProxy(address);
  const client = startEnd(contender, "client");
  try {
    await client.ask("dial", { address: proxy.address, order });
    for (const { key, workload, inFlight } of cases.filter((each) => COUNTED.includes(each.key))) {
      const run = () => client.ask("run", { workload, inFlight, ms: COUNTING_MS });
      await run();
      const before = proxy.counts();
      const { calls } = await run();
      const after = proxy.counts();
      bytes[key] = { up: (after.up - before.up) / calls, down: (after.down - before.down) / calls };
    }
  } finally {
    await client.stop();
    proxy.close();
  }
}
