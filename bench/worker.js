// One end of one contender in a process of its own. The bench asks by lines of JSON on standard input, one question at
// a time; each gets one line on standard output, `{ value }` or `{ error }`. go/gorpc/main.go answers the same.
import { createInterface } from "node:readline";
import { workloads } from "./workloads.js";

const contender = await import(`./contenders/${process.argv[2]}.js`);
let client;

const answers = {
  /** Serves, and gives the address. */
  listen: () => contender.listen(),
  dial: async ({ address, ...details }) => {
    client = await contender.dial(address, details);
  },
  /** The controller of a fan-out: waits until so many agents have come, and calls them from now on. */
  gather: async ({ agents }) => {
    client = await contender.gather(agents);
  },
  run,
  /** User and system time of this process so far. */
  cpu: () => cpuMs(),
};

/** Keeps `inFlight` calls under way for `ms`, each awaited and checked by a loop of its own. */
async function run({ workload, inFlight, ms }) {
  const { call, holds } = workloads[workload];
  let over = false;
  let calls = 0;
  const loop = async (seed) => {
    for (let n = seed; !over; n++) {
      if (!holds(await call(client, n), n, client)) throw new Error(`Call ${n} of ${workload} came back wrong`);
      calls++;
    }
  };
  const cpu = cpuMs();
  const began = performance.now();
  setTimeout(() => {
    over = true;
  }, ms);
  await Promise.all(Array.from({ length: inFlight }, (_, index) => loop(index * 1001)));
  return { calls, ms: performance.now() - began, cpuMs: cpuMs() - cpu };
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...details } = JSON.parse(line);
  const answer = await Promise.resolve(details)
    .then(answers[what])
    .then(
      (value) => ({ value }),
      ({ message }) => ({ error: message }),
    );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
