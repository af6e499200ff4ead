import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One end of a load test in a process of its own, told over IPC what to do (see answering.js). Whoever starts it kills it. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /** `flags` are Node's own. */
  constructor(program: URL, flags: readonly string[] = []) {
    this.#child = fork(fileURLToPath(program), { execArgv: ["--expose-gc", ...flags] });
    this.#ended = once(this.#child, "exit").then(([code, signal]) => {
      throw new Error(`The process of ${program.pathname} ended: ${String(code ?? signal)}`);
    });
    this.#ended.catch(() => {});
  }

  /** Asks one thing and resolves with the answer; one question at a time. Rejects when that fails, or the process ends. */
  async ask<Answer>(what: string, details: object = {}): Promise<Answer> {
    this.#child.send({ what, ...details });
    const [answer] = (await Promise.race([once(this.#child, "message"), this.#ended])) as [
      { readonly value: Answer; readonly error?: string },
    ];
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  /** Stops it in the middle of whatever it does: from now on it reads nothing. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on where it was stopped. */
  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended.catch(() => {});
  }
}
