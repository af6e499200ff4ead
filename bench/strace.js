// Write system calls per call, counted by strace at both ends: `node bench/strace.js [contender]` after `npm run build`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "./contenders.js";
import { startEnd } from "./end.js";
import { order } from "./workloads.js";

const STRACE = "strace";
const MS = 8000;
const SYSTEM_CALLS = "write,writev,pwrite64,sendto,sendmsg";

if (spawnSync(STRACE, ["-V"]).error !== undefined) throw new Error("There is no strace here: apt-get install strace");
const contender = await load(process.argv[2] ?? "convoke-native");
const folder = mkdtempSync(join(tmpdir(), "convoke-strace-"));
const traced = (role) => {
  const options = ["-c", "-f", "-o", join(folder, role), "-e", `trace=${SYSTEM_CALLS}`];
  const programs = { [role]: [STRACE, ...options, ...contender.programs[role]] };
  return startEnd({ ...contender, programs }, role);
};
/** The sum line of the summary, which strace writes when the end has ended: `100.00  seconds  usecs/call  calls  [errors] total`. */
const countOf = (end) =>
  Number(/^100\.00\s+\S+\s+\S+\s+(\d+).*total$/m.exec(readFileSync(join(folder, end), "utf8"))[1]);

const server = traced("server");
const client = traced("client");
let calls = 0;
try {
  await client.ask("dial", { address: await server.ask("listen"), order });
  calls = (await client.ask("run", { workload: "small", inFlight: 64, ms: MS })).calls;
} finally {
  await Promise.all([client.stop(), server.stop()]);
}
const [up, down] = [countOf("client"), countOf("server")];
rmSync(folder, { recursive: true });
const each = (writes) => (writes / calls).toFixed(4);
console.log(
  `${contender.label}, small@64, ${calls} calls under strace: ${each(up + down)} write system calls per call`,
);
console.log(`(the client ${each(up)}, the server ${each(down)}; the start of both is counted too)`);
