// npm run bench: calls per second over one TCP connection between two processes, beside a peer in the same run.
//   --rounds <n>    interleaved rounds, the median counts (5)
//   --seconds <s>   length of one measurement (1.5)
//   --check         exit 1 when a target is missed
import { fork } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const CONTENDERS = ["convoke-jsonrpc", "convoke-lsp", "vscode-jsonrpc"];
const REFERENCE = "vscode-jsonrpc";
const IN_FLIGHT = [1, 64, 1000];
const WARM_UP_MS = 3000;
/** Calls per second at so many in flight, as a multiple of the reference. */
const TARGETS = [{ contender: "convoke-jsonrpc", inFlight: 64, ratio: 8 }];

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1.5" },
    check: { type: "boolean" },
  },
});

/** A process that answers what it is asked. */
function worker(contender) {
  const child = fork(fileURLToPath(new URL("./worker.js", import.meta.url)), [contender], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const waiting = new Map();
  let lastId = 0;
  child.on("message", ({ id, value }) => {
    waiting.get(id)?.resolve(value);
    waiting.delete(id);
  });
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${contender} ended`));
  });
  return {
    ask: (what, details = {}) =>
      new Promise((resolve, reject) => {
        waiting.set(++lastId, { resolve, reject });
        child.send({ id: lastId, what, ...details });
      }),
    stop: () => child.disconnect(),
  };
}

async function startPair(contender) {
  const { label } = await import(`./contenders/${contender}.js`);
  const server = worker(contender);
  const client = worker(contender);
  await client.ask("dial", { address: await server.ask("listen") });
  const rates = new Map(IN_FLIGHT.map((inFlight) => [inFlight, []]));
  const cpu = new Map(IN_FLIGHT.map((inFlight) => [inFlight, []]));
  return { contender, label, server, client, rates, cpu };
}

async function measure({ server, client, rates, cpu }, inFlight, ms) {
  const before = await server.ask("cpu");
  const { calls, ms: took, cpuMs } = await client.ask("run", { inFlight, ms });
  const serverMs = (await server.ask("cpu")) - before;
  rates.get(inFlight).push((calls * 1000) / took);
  cpu.get(inFlight).push((cpuMs + serverMs) / calls);
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const pairs = [];
for (const contender of CONTENDERS) pairs.push(await startPair(contender));
for (const pair of pairs)
  for (const inFlight of [64, 1000, 1]) await pair.client.ask("run", { inFlight, ms: WARM_UP_MS / 2 });
for (let round = 0; round < Number(flags.rounds); round++) {
  for (const inFlight of IN_FLIGHT) {
    for (const pair of pairs) await measure(pair, inFlight, Number(flags.seconds) * 1000);
  }
}
for (const pair of pairs) {
  pair.client.stop();
  pair.server.stop();
}

const reference = pairs.find(({ contender }) => contender === REFERENCE);
const ratio = (pair, inFlight) => median(pair.rates.get(inFlight)) / median(reference.rates.get(inFlight));
const thousands = (rate) => (rate / 1000).toFixed(1);
console.log(
  `\nCalls per second over one TCP connection, two processes, medians of ${flags.rounds} interleaved rounds of ${flags.seconds} s.`,
);
console.log(
  `Node ${process.version}, ${cpus().length} x ${cpus()[0].model.trim()}. The ratio is to ${REFERENCE} in the same run.\n`,
);
console.log(`| peer | ${IN_FLIGHT.map((n) => `${n} in flight, k/s | ratio`).join(" | ")} | CPU µs per call at 64 |`);
console.log(`|---|${IN_FLIGHT.map(() => "---:|---:|").join("")}---:|`);
for (const pair of pairs) {
  const cells = IN_FLIGHT.map((n) => `${thousands(median(pair.rates.get(n)))} | ${ratio(pair, n).toFixed(1)}`);
  console.log(`| ${pair.label} | ${cells.join(" | ")} | ${(median(pair.cpu.get(64)) * 1000).toFixed(1)} |`);
}
console.log("");
let missed = 0;
for (const { contender, inFlight, ratio: wanted } of TARGETS) {
  const pair = pairs.find((each) => each.contender === contender);
  const got = ratio(pair, inFlight);
  const holds = got >= wanted;
  if (!holds) missed++;
  console.log(
    `${holds ? "holds " : "MISSED"} ${pair.label} at ${inFlight} in flight: ${got.toFixed(1)} x ${REFERENCE}, target ${wanted} x`,
  );
}
process.exit(flags.check && missed > 0 ? 1 : 0);
