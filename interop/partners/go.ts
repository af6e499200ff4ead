import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether there is a Go here. Without one the tests are skipped with a line that says so; in CI they fail. */
export async function hasGo(): Promise<boolean> {
  try {
    await run("go", ["version"]);
    return true;
  } catch {
    const advice = "Go is missing: install Go 1.25 or newer from go.dev/dl to run the tests with Go programs";
    if (process.env["CI"] === "true") throw new Error(advice);
    console.warn(advice);
    return false;
  }
}

/** The programs of one Go module, built into a directory of their own; the caller closes it. */
export interface GoPrograms {
  /** Runs one to its end and gives the JSON that it printed. Rejects when it fails. */
  run(program: string, args: readonly string[]): Promise<unknown>;
  /** Starts a server and gives the `host:port` that it printed. It runs until `close`. */
  serve(program: string, args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/** Builds every program of the module in `go/<name>`. */
export async function buildGo(name: string): Promise<GoPrograms> {
  const directory = await mkdtemp(join(tmpdir(), "convoke-go-"));
  await run("go", ["build", "-o", directory, "./..."], {
    cwd: fileURLToPath(new URL(`../go/${name}`, import.meta.url)),
  });
  const servers: ChildProcess[] = [];
  return {
    async run(program, args) {
      const { stdout } = await run(join(directory, program), args, { maxBuffer: 1 << 26 });
      return JSON.parse(stdout) as unknown;
    },
    async serve(program, args) {
      const child = spawn(join(directory, program), args, { stdio: ["pipe", "pipe", "inherit"] });
      servers.push(child);
      const [line] = (await once(createInterface(child.stdout), "line")) as [string];
      return (JSON.parse(line) as { address: string }).address;
    },
    async close() {
      for (const child of servers) {
        // Its standard input is its life; the kill is for one that hangs.
        child.stdin?.end();
        const late = setTimeout(() => child.kill("SIGKILL"), 5000);
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        clearTimeout(late);
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
