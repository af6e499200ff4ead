import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Whether a program of this machine runs. If not, the tests are skipped with a line that says so; in CI they fail. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, ["--version"]);
    return true;
  } catch {
    const advice = `${program} is missing: install it to run the tests with it`;
    if (process.env["CI"] === "true") throw new Error(advice);
    console.warn(advice);
    return false;
  }
}
