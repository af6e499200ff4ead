import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The command of this build. */
export const COMMAND: string = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
/** A module of handlers. */
export const HANDLERS: string = fileURLToPath(new URL("../fixtures/handlers.js", import.meta.url));

/** How a command ended. */
export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function convoke(...args: string[]): Promise<Run> {
  return new Program(args).ended;
}

/** A command that runs. Whoever starts it has it end: by itself, by `interrupt`, or at once by `await using`. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  /** Resolves when it has ended and everything that it printed has come. */
  readonly ended: Promise<Run>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [COMMAND, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    this.child.stdout?.on("data", (bytes: Buffer) => (this.stdout += bytes.toString()));
    this.child.stderr?.on("data", (bytes: Buffer) => (this.stderr += bytes.toString()));
    this.ended = once(this.child, "close").then(([status]) => {
      return { status: status as number | null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Waits until all that it printed on a stream fits, and gives what was found. */
  async prints(stream: "stdout" | "stderr", wanted: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = wanted.exec(this[stream]);
      if (found !== null) return found;
      const over = this.ended.then(() => "over" as const);
      const more = once(this.child[stream] as NodeJS.EventEmitter, "data").then(() => "more" as const);
      if ((await Promise.race([more, over])) === "over" && !wanted.test(this[stream])) {
        throw new Error(`The command ended without ${String(wanted)} on its ${stream}:\n${this[stream]}`);
      }
    }
  }

  /** Where a server listens: its first address, or its first one that begins so. */
  async listens(scheme = "\\w+"): Promise<string> {
    return (await this.prints("stderr", new RegExp(`^Listening on (${scheme}:.*)\\n`, "m")))[1] ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** Presses Ctrl-C once and waits for the end. */
  interrupt(): Promise<Run> {
    this.child.kill("SIGINT");
    return this.ended;
  }
}
