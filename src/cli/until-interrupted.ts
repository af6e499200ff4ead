import { say } from "./print.ts";

/** The longest time that a timer takes. */
const LONG_MS = 2 ** 31 - 1;

/**
 * Waits until `ended` resolves. Ctrl-C and a termination signal call `close`, which drains and is awaited too; a second
 * Ctrl-C exits at once with 1. Gives whether it was a signal that ended it.
 */
export async function untilInterrupted(ended: Promise<unknown>, close: () => Promise<void>): Promise<boolean> {
  let draining: Promise<void> | undefined;
  const onSignal = (): void => {
    process.once("SIGINT", () => process.exit(1));
    say("Draining; press Ctrl-C again to stop at once");
    draining = close();
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  // Between two links nothing else keeps the process alive.
  const awake = setInterval(() => {}, LONG_MS);
  await ended;
  await draining;
  clearInterval(awake);
  return draining !== undefined;
}
