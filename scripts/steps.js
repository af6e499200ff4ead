// Runs the steps of the check one after another: a line for each, and what a failed one printed.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs `{ name, command, args }` steps and returns how many passed and failed. A step that failed does not stop the others.
 */
export function runSteps(steps) {
  let failed = 0;
  for (const { name, command, args } of steps) {
    const began = performance.now();
    const run = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
    const ok = run.status === 0;
    if (!ok) failed++;
    console.log(`${ok ? "ok    " : "FAILED"} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    if (!ok) console.log(`${run.stdout ?? ""}${run.stderr ?? ""}${run.error ?? ""}`);
  }
  return { passed: steps.length - failed, failed };
}
