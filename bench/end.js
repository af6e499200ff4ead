// The two ends of a contender are processes, told by lines of JSON what to do.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const ANSWER_MS = 30_000;
const EXIT_MS = 5000;

/** Starts the `client` or the `server` of a contender. The caller stops it. */
export function startEnd({ label, programs }, role) {
  const [command, ...args] = programs[role];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const exited = once(child, "exit");
  const ended = exited.then(([code, signal]) => {
    throw new Error(`The ${role} of ${label} ended by itself (${code ?? signal})`);
  });
  ended.catch(() => {});
  return {
    /** Asks one thing (see worker.js) and resolves with the value; rejects when the end fails, ends or says nothing. */
    async ask(what, details = {}) {
      const signal = AbortSignal.timeout(ANSWER_MS + (details.ms ?? 0));
      child.stdin.write(`${JSON.stringify({ what, ...details })}\n`);
      const [line] = await Promise.race([once(lines, "line", { signal }), ended]);
      const { value, error } = JSON.parse(line);
      if (error !== undefined) throw new Error(`${label}: ${error}`);
      return value;
    },
    /** Write system calls so far; NaN where the system does not count them. */
    writes: () => writesOf(child.pid),
    /** Its standard input is its life; the kill is for one that hangs. */
    async stop() {
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), EXIT_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

function writesOf(pid) {
  try {
    return Number(/^syscw: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))[1]);
  } catch {
    return Number.NaN;
  }
}
