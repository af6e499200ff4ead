// The fan-out: of every contender one process calls all agents at once, and they stand in a few processes more.
import { startEnd } from "./end.js";

/** So many processes hold the agents. */
export const AGENT_PROCESSES = 3;
const WARM_UP_MS = 3000;
/** Descriptors that a process needs beside its connections. */
const SPARE = 200;

/** Node raises its own limit as far as it may. */
const { soft } = process.report.getReport().userLimits.open_files;
const openFiles = soft === "unlimited" ? Infinity : Number(soft);

/** Why a case cannot be measured here; `undefined` when it can. */
export function whyNot({ agents }) {
  if (agents === undefined || agents + SPARE <= openFiles) return undefined;
  return `a process may open ${openFiles} files here (ulimit -n)`;
}

/**
 * Runs these contenders in the cases of the workload "fan-out" that `casesOf` gives, in the order of their sizes, and
 * resolves with what `wholeRun` gives: `rate` is of calls to all agents, `cpu` and `writes` are of the calls of one agent each.
 */
export async function fanOutRun(contenders, casesOf, { rounds, ms }) {
  const groups = [];
  try {
    for (const contender of contenders) {
      const cases = casesOf(contender).filter(({ workload }) => workload === "fan-out");
      if (cases.length > 0) groups.push(await startGroup(contender, cases));
    }
    const sizes = new Map(groups.flatMap(({ cases }) => cases.map((each) => [each.key, each])));
    for (const each of [...sizes.values()].sort((a, b) => a.agents - b.agents)) {
      const taking = groups.filter(({ cases }) => cases.includes(each));
      for (const group of taking) await grow(group, each);
      for (let round = 0; round < rounds; round++) {
        for (const group of taking) group.samples[each.key].push(await sample(group, each, ms));
      }
    }
  } finally {
    await Promise.all(groups.flatMap(({ agents }) => agents.map((end) => end.stop())));
    await Promise.all(groups.map(({ controller }) => controller.stop()));
  }
  return new Map(groups.map(({ contender, label, samples }) => [contender.name, { label, samples, bytes: {} }]));
}

async function startGroup(contender, cases) {
  const controller = startEnd(contender, "server");
  const agents = Array.from({ length: AGENT_PROCESSES }, () => startEnd(contender, "client"));
  try {
    const address = await controller.ask("listen");
    const samples = Object.fromEntries(cases.map(({ key }) => [key, []]));
    return { contender, label: contender.label, cases, controller, agents, address, count: 0, samples };
  } catch (error) {
    await Promise.all([controller, ...agents].map((end) => end.stop()));
    throw error;
  }
}

/** Adds agents until there are as many as this case wants, and warms up. */
async function grow(group, { workload, inFlight, agents: count }) {
  const { controller, agents, address } = group;
  const names = Array.from({ length: count - group.count }, (_, at) => `agent-${group.count + at}`);
  await Promise.all(
    agents.map((end, index) =>
      end.ask("dial", { address, names: names.filter((_, at) => at % agents.length === index) }),
    ),
  );
  group.count = count;
  await controller.ask("gather", { agents: count });
  await controller.ask("run", { workload, inFlight, ms: WARM_UP_MS });
}

async function sample({ controller, agents }, { workload, inFlight, agents: count }, ms) {
  const ends = [controller, ...agents];
  const writes = () => ends.reduce((sum, end) => sum + end.writes(), 0);
  const cpuOf = async () =>
    (await Promise.all(agents.map((end) => end.ask("cpu")))).reduce((sum, each) => sum + each, 0);
  const cpuBefore = await cpuOf();
  const writesBefore = writes();
  const outcome = await controller.ask("run", { workload, inFlight, ms });
  const written = writes() - writesBefore;
  const cpuMs = outcome.cpuMs + (await cpuOf()) - cpuBefore;
  const single = outcome.calls * count;
  return { rate: (outcome.calls * 1000) / outcome.ms, cpu: (cpuMs * 1000) / single, writes: written / single };
}
