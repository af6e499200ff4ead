/** A collection that frees less than this found nothing more. */
const SETTLED_BYTES = 64 << 10;
/** What has only just ended, such as a write, is held for some turns of the event loop more. */
const PAUSE_MS = 50;

/** Bytes of the heap that are held when nothing is under way. */
export async function heldBytes() {
  for (let held = Number.POSITIVE_INFINITY; ; ) {
    globalThis.gc();
    const { heapUsed } = process.memoryUsage();
    if (heapUsed > held - SETTLED_BYTES) return heapUsed;
    held = heapUsed;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
