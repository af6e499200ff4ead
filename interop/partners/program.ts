import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** One line that a program printed. */
export type Line = Readonly<Record<string, unknown>>;

/**
 * A program that prints a line of JSON for each thing that happens, may be told things in lines of JSON, and ends when
 * its standard input ends. Whoever starts it closes it.
 */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;
  /** What was printed and not taken. */
  #lines: Line[] = [];
  #waiting: (() => void)[] = [];

  constructor(path: string, args: readonly string[]) {
    this.#child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#exited = once(this.#child, "exit");
    // One that was killed is written to in vain.
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.pipe(process.stderr, { end: false });
    createInterface(this.#child.stdout).on("line", (text) => {
      this.#lines.push(JSON.parse(text) as Line);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Takes the first line that has these fields, printed or still to come; the test's own time bounds the wait. */
  async next(fields: Line): Promise<Line> {
    for (;;) {
      const at = this.#lines.findIndex((line) => has(line, fields));
      const [line] = at === -1 ? [] : this.#lines.splice(at, 1);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Takes all the lines with these fields that were printed until now. */
  take(fields: Line): Line[] {
    const taken = this.#lines.filter((line) => has(line, fields));
    this.#lines = this.#lines.filter((line) => !has(line, fields));
    return taken;
  }

  /** Writes a line. */
  tell(line: Line): void {
    this.#child.stdin.write(`${JSON.stringify(line)}\n`);
  }

  /** Sends a signal: SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Lets it end; may be called twice. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.#exited;
    clearTimeout(late);
  }
}

const has = (line: Line, fields: Line): boolean =>
  Object.entries(fields).every(([name, value]) => line[name] === value);
