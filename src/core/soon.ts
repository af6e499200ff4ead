const NOW: Promise<void> = Promise.resolve();

/**
 * Runs an action at the end of this turn, as `queueMicrotask` does, for those who do it with every message: Node makes an
 * object for each task of that one, which costs more than a small flush. The action must not throw.
 */
export function soon(action: () => void): void {
  void NOW.then(action);
}
