import { constants } from "node:os";

/**
 * Ends the process with the status that a shell gives a program that was ended by a signal, 128 and its number, unless the
 * command listens for that signal itself. Unlike the system's own way this ends the programs that it has started, too.
 */
export function endOnSignal(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
    });
  }
}
