// What idle clients cost a server: `node bench/idle.js` after `npm run build`. Flags:
//   --transport <t>  tcp or ws (tcp)
//   --wire <w>       native or jsonrpc (native)
//   --clients <n>    how many (10 000)
//   --seconds <s>    how long the heartbeats are watched (30, which is two of them)
//   --check          exit 1 unless each costs at most 8 KiB over TCP and the heartbeats at most 5 % of a core, or at most
//                    12 KiB over WebSocket
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What each kind of client may cost; of the heartbeats' time only TCP's is a target. */
const LIMITS = { tcp: { bytes: 8 << 10, core: 0.05 }, ws: { bytes: 12 << 10, core: Infinity } };
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
    transport: { type: "string", default: "tcp" },
    wire: { type: "string", default: "native" },
    clients: { type: "string", default: "10000" },
    seconds: { type: "string", default: "30" },
    check: { type: "boolean" },
  },
});
const { transport, wire } = flags;
const most = LIMITS[transport];
if (most === undefined) throw new RangeError(`No transport "${transport}"; there are tcp and ws`);

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
  const address = await server("listen", { transport, wire, heartbeat });
  const connect = (ask, some) => ask("connect", { address, wire, heartbeat, count: some });
  await connect(clients[0], FIRST);
  const before = await server("memory");
  await Promise.all(clients.map((ask) => connect(ask, count / clients.length)));
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
  // The wire's own affair: over WebSocket it is the same, and 10 000 handshakes beside it are too much for two cores.
  const often = transport === "tcp" ? await measure(count, 1000, ms / 3) : undefined;
  console.log(`| ${count} idle clients, ${wire} over ${transport} | measured | at most |`);
  console.log("|---|---:|---:|");
  console.log(`| resident on the server, each | ${kib(usual.rss)} | ${kib(most.bytes)} |`);
  console.log(`| of it on the heap | ${kib(usual.heap)} | |`);
  console.log(
    `| one core, heartbeats each 15 s | ${percent(usual.core)} | ${most.core === Infinity ? "" : percent(most.core)} |`,
  );
  if (often !== undefined) console.log(`| one core, heartbeats each second | ${percent(often.core)} | |`);
  if (flags.check && !(usual.rss <= most.bytes && usual.core <= most.core)) process.exitCode = 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
}
