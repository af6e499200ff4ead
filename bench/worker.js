// One end of one contender in a process of its own; the bench tells it what to do.
const contender = await import(`./contenders/${process.argv[2]}.js`);

const asked = {
  listen: () => contender.listen(),
  dial: async ({ address }) => {
    add = await contender.dial(address);
  },
  run: ({ inFlight, ms }) => run(inFlight, ms),
  cpu: () => cpuMs(),
};

let add;

process.on("message", async ({ id, what, ...details }) => {
  process.send({ id, value: await asked[what](details) });
});
process.on("disconnect", () => process.exit());

/** Keeps `inFlight` calls under way for `ms`, each awaited and checked by a loop of its own. */
async function run(inFlight, ms) {
  const until = performance.now() + ms;
  const began = performance.now();
  const cpu = cpuMs();
  let calls = 0;
  const loop = async (seed) => {
    for (let n = seed; performance.now() < until; n++) {
      const sum = await add(n, 1);
      if (sum !== n + 1) throw new Error(`${n} + 1 is not ${sum}`);
      calls++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => loop(index * 1000)));
  return { calls, ms: performance.now() - began, cpuMs: cpuMs() - cpu };
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
