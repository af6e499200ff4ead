import { say } from "./print.ts";

/**
 * Waits until `ended` resolves. Ctrl-C, a termination signal and a terminal that is closed call `close`, which drains and is
 * awaited too; a second Ctrl-C exits at once with 1. Gives whether it was a signal that ended it.
 */
export async function untilInterrupted(ended: Promise<unknown>, close: () => Promise<void>): Promise<boolean> {
  let draining: Promise<void> | undefined;
  const onSignal = (): void => {
    if (draining !== undefined) return;
    process.once("SIGINT", () => process.exit(1));
    say("Draining; press Ctrl-C again to stop at once");
    draining = close();
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  // A terminal that is closed says so twice: its shell does, and the system.
  process.on("SIGHUP", onSignal);
  await ended;
  await draining;
  return draining !== undefined;
}
