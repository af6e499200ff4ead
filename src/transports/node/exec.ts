import { type ChildProcessByStdio, spawn } from "node:child_process";
import fs from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { CloseReason } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { RawConnection } from "../../core/wire.ts";
import { givenUp } from "./socket.ts";
import { StreamPipe } from "./stream-pipe.ts";
import { cannotConnect, codeOf, explain } from "./system-error.ts";

/** What a timer can wait: beyond it, Node fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Elsewhere than on Windows a program gets a process group of its own. */
const HAS_GROUPS = process.platform !== "win32";

/** What to start, and how to end it. */
export interface ExecTarget extends ExecOptions {
  /** A program in PATH, or a path. No shell reads it. */
  readonly command: string;
  readonly args?: readonly string[];
}

/** Where and with what a program runs, and how it is ended. */
export interface ExecOptions {
  /** Its working directory; default: ours. */
  readonly cwd?: string;
  /** Variables on top of our environment; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long it may run after its input has ended until SIGTERM, and after that until SIGKILL; default 2000. */
  readonly killAfterMs?: number;
  /** Where its standard error goes: to ours (default), nowhere, or piece by piece to a function. */
  readonly stderr?: "inherit" | "ignore" | ((piece: Uint8Array) => void);
}

type Child = ChildProcessByStdio<Writable, Readable, Readable | null>;

/**
 * Starts a program and talks over its standard input and output; its standard error goes where `stderr` says. Each dial starts a
 * new one. The link is over when the program exits and all of its output was delivered, and is never dialled
 * again.
 *
 * `close` ends its input, waits `killAfterMs`, sends SIGTERM, waits as long again and sends SIGKILL; with an error it
 * sends SIGTERM at once. When this process exits first, the program sees its input end and gets SIGTERM.
 *
 * Except on Windows the program leads a process group and a session of its own: these signals go to what it has started,
 * too, Ctrl-C in our terminal does not reach it, and it cannot ask there for a password. A signal that ends this process
 * lets it do nothing more, and the program only sees its input end: whoever wants it ended listens for SIGINT, SIGTERM and
 * SIGHUP and calls `process.exit`, as the `convoke` command does.
 */
export function execDialer(target: ExecTarget): (signal: AbortSignal) => Promise<RawConnection> {
  const { command, killAfterMs = 2000, stderr = "inherit" } = target;
  if (typeof command !== "string" || command === "") throw new TypeError("command must name a program");
  if (stderr !== "inherit" && stderr !== "ignore" && typeof stderr !== "function") {
    throw new TypeError(`stderr must be "inherit", "ignore" or a function, not ${String(stderr)}`);
  }
  if (!(killAfterMs >= 0 && killAfterMs <= MAX_TIMER_MS)) {
    throw new RangeError(`killAfterMs must be from 0 to ${MAX_TIMER_MS}, not ${String(killAfterMs)}`);
  }
  return async (signal) => {
    if (signal.aborted) throw givenUp(nameOf(command), signal);
    return connectionOf(await start(target, signal), command, killAfterMs);
  };
}

function start({ command, args = [], cwd, env, stderr = "inherit" }: ExecTarget, signal: AbortSignal): Promise<Child> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(startError(command, cwd, error));
    let child: Child;
    try {
      child = spawn(command, args, {
        stdio: ["pipe", "pipe", typeof stderr === "function" ? "pipe" : stderr],
        windowsHide: true,
        detached: HAS_GROUPS,
        ...(cwd !== undefined && { cwd }),
        ...(env !== undefined && { env: { ...process.env, ...env } }),
      }) as Child;
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof stderr === "function") child.stderr?.on("data", stderr);
    const onAbort = (): void => {
      signalAll(child, "SIGKILL");
      reject(givenUp(nameOf(command), signal));
    };
    signal.addEventListener("abort", onAbort);
    // It stays for good: a signal that cannot be sent is an `error` too.
    child.on("error", (error) => {
      signal.removeEventListener("abort", onAbort);
      fail(error);
    });
    child.once("spawn", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(child);
    });
  });
}

function connectionOf(child: Child, command: string, killAfterMs: number): RawConnection {
  const ending = new Ending(child, killAfterMs);
  const pipe = new StreamPipe({
    input: child.stdout,
    output: child.stdin,
    end: (atOnce) => ending.begin(atOnce),
    endsAsOne: true,
  });
  // It reads no more, so it is no peer any more; how it exits says why.
  child.stdin.on("error", () => ending.begin(false));
  child.once("exit", () => {
    ending.exited();
    // A child of its own may hold its output open.
    pipe.afterInput(() => child.stdout.destroy());
  });
  // `exit` may come before the last of the output, `close` comes after it.
  child.once("close", (code, signal) => pipe.finished(exitReason(command, code, signal)));
  return { pipe, remoteAddress: `exec:${command} (pid ${child.pid})`, once: true };
}

/** Ends one child and what it has started, step by step, and with this process at the latest. */
class Ending {
  readonly #child: Child;
  readonly #killAfterMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** `undefined` when there is nothing left to end. */
  #next: "SIGTERM" | "SIGKILL" | undefined = "SIGTERM";

  constructor(child: Child, killAfterMs: number) {
    this.#child = child;
    this.#killAfterMs = killAfterMs;
    listenForExit(1);
    process.on("exit", this.#kill);
  }

  /** Ends the child's input and starts the wait; `atOnce` skips the first wait. */
  begin(atOnce: boolean): void {
    this.#child.stdin.end();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (atOnce && this.#next === "SIGTERM") this.#kill();
    else this.#timer ??= setTimeout(this.#kill, this.#killAfterMs);
  }

  /** Called once, when the child is gone. */
  exited(): void {
    // SIGTERM may have ended a wrapper at once, while what it had started still cleans up.
    if (this.#next === "SIGKILL" && signalAll(this.#child, 0)) return;
    this.#over();
  }

  #over(): void {
    if (this.#next === undefined) return;
    this.#next = undefined;
    clearTimeout(this.#timer);
    process.off("exit", this.#kill);
    listenForExit(-1);
  }

  readonly #kill = (): void => {
    if (this.#next === undefined) return;
    clearTimeout(this.#timer);
    signalAll(this.#child, this.#next);
    if (this.#next === "SIGKILL") return this.#over();
    this.#next = "SIGKILL";
    this.#timer = setTimeout(this.#kill, this.#killAfterMs);
  };
}

/** Signals a program and all of its group, also when it is gone itself. Gives whether anybody was there; 0 only asks that. */
function signalAll(child: Child, signal: NodeJS.Signals | 0): boolean {
  if (!HAS_GROUPS || child.pid === undefined) return child.kill(signal);
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/** Makes room for one listener more or less: one for each child is what we want, no leak for Node to warn of. */
function listenForExit(change: 1 | -1): void {
  const max = process.getMaxListeners();
  // 0 means that there is no bound.
  if (max > 0) process.setMaxListeners(max + change);
}

function exitReason(command: string, code: number | null, signal: NodeJS.Signals | null): CloseReason {
  const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
  const message = `${nameOf(command)} ${how}`;
  if (code === 0) return { message };
  return { message, error: new RpcError("unavailable", message) };
}

function startError(command: string, cwd: string | undefined, error: unknown): RpcError {
  return cannotConnect(`Cannot start ${nameOf(command)}: ${whyNoStart(cwd, error)}`, error);
}

function whyNoStart(cwd: string | undefined, error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT":
      // The system reports a missing directory as a missing program.
      if (cwd !== undefined && !fs.existsSync(cwd)) return `its working directory "${printable(cwd)}" does not exist`;
      return "there is no such program. Is it installed, and is its directory in PATH?";
    case "EACCES":
      return "permission denied. Is it a file that may be executed?";
    default:
      return explain(error);
  }
}

function nameOf(command: string): string {
  return `"${printable(command)}"`;
}
