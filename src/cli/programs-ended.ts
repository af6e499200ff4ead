import { setTimeout as sleep } from "node:timers/promises";

/** An `exec:` program whose link was closed has got SIGKILL by then. */
const AT_MOST_MS = 5000;
const ASK_AGAIN_MS = 10;

/** Resolves when the programs that this process has started have ended: they may clean up at the end of their input. Takes 5 s at most. */
export async function programsEnded(): Promise<void> {
  const latest = performance.now() + AT_MOST_MS;
  while (process.getActiveResourcesInfo().includes("ProcessWrap") && performance.now() < latest) {
    await sleep(ASK_AGAIN_MS);
  }
}
