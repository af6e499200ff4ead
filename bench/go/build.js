import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Builds the Go program of the module `go/<name>` and gives its path. Rejects when Go is missing. */
export async function goProgram(name) {
  const path = fileURLToPath(new URL(`./.bin/${name}`, import.meta.url));
  const cwd = fileURLToPath(new URL(`./${name}`, import.meta.url));
  await run("go", ["build", "-o", path, "."], { cwd }).catch((error) => {
    if (error.code === "ENOENT") throw new Error("Go is missing: install Go 1.25 or newer from go.dev/dl");
    throw error;
  });
  return path;
}

/** Such as `go1.26.0`. */
export async function goVersion() {
  const { stdout } = await run("go", ["env", "GOVERSION"]).catch(() => ({ stdout: "no Go" }));
  return stdout.trim();
}
