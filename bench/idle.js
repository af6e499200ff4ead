// What idle TCP clients cost a server on the native wire: `node bench/idle.js` after `npm run build`. Flags:
//   --clients <n>  how many (10 000)
//   --seconds <s>  how long the heartbeats are watched (30, which is two of them)
//   --check        exit 1 unless each costs at most 8 KiB and the heartbeats at most 5 % of a core
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LIMITS = { bytes: 8 << 10, core: 0.05 };
const CLIENT_PROCESSES = 2;
/**
 * Clients that connect before the others, and are not counted: the first ones pay for the code that is compiled for
 * them, and for V8's young generation, which grows to its full size once and is then used by all in turn.
 */
const FIRST = 1000;
/** Descriptors that a process needs beside its connections. */
const SPARE = 200;

const { values: flags } = parseArgs({
  options: {
    clients: { type: "string", default: "10000" },
    seconds: { type: "string", default: "30" },
    check: { type: "boolean" },
  },
});

const children = [];

/** A process that answers questions, see idle-end.js. */
function start() {
  const child = fork(fileURLToPath(new URL("./idle-end.js", import.meta.url)), { execArgv: ["--expose-gc"] });
  children.push(child);
  const failed = once(child, "exit").then(([code, signal]) => {
    throw new Error(`An end ended by itself (${code ?? signal})`);
  });
  failed.catch(() => {});
  return async (what, details = {}) => {
    child.send({ what, ...details });
    const [{ value, error }] = await Promise.race([once(child, "message"), failed]);
    if (error !== undefined) throw new Error(error);
    return value;
  };
}

/** Opens `count` connections with this heartbeat, and gives what one holds on the server and what they cost in a second. */
async function measure(count, intervalMs, ms) {
  const server = start();
  const clients = Array.from({ length: CLIENT_PROCESSES }, start);
  const heartbeat = { intervalMs, timeoutMs: 15_000 };
  const address = await server("listen", { heartbeat });
  await clients[0]("connect", { address, heartbeat, count: FIRST });
  const before = await server("memory");
  await Promise.all(clients.map((ask) => ask("connect", { address, heartbeat, count: count / clients.length })));
  const after = await server("memory");
  const { cpuMs, connections } = await server("watch", { ms });
  if (connections !== count + FIRST) throw new Error(`Only ${connections} of ${count + FIRST} connections lived`);
  for (const child of children.splice(0)) child.kill("SIGKILL");
  const each = (name) => (after[name] - before[name]) / count;
  return { rss: each("rss"), heap: each("heapUsed"), external: each("external"), core: cpuMs / ms };
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const percent = (part) => `${(part * 100).toFixed(1)} %`;

const { soft } = process.report.getReport().userLimits.open_files;
const open = soft === "unlimited" ? Infinity : Number(soft);
const wanted = Number(flags.clients);
const count = Math.min(wanted, open - FIRST - SPARE);
if (count < wanted) console.error(`Only ${count} clients: a process may open ${open} files here (ulimit -n)`);
try {
  const ms = Number(flags.seconds) * 1000;
  const usual = await measure(count, 15_000, ms);
  const often = await measure(count, 1000, ms / 3);
  console.log(`| ${count} idle clients | measured | at most |`);
  console.log("|---|---:|---:|");
  console.log(`| resident on the server, each | ${kib(usual.rss)} | ${kib(LIMITS.bytes)} |`);
  console.log(`| of it on the heap | ${kib(usual.heap)} | |`);
  console.log(`| one core, heartbeats each 15 s | ${percent(usual.core)} | ${percent(LIMITS.core)} |`);
  console.log(`| one core, heartbeats each second | ${percent(often.core)} | |`);
  if (flags.check && !(usual.rss <= LIMITS.bytes && usual.core <= LIMITS.core)) process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
}
