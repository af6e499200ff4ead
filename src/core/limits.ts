/** Bounds of one link. Each is a number that a user can set; past each one there is a clear error, never growth. */
export interface Limits {
  /** Calls that wait to be sent. At the bound the oldest unsent one fails. Ten times as many may be owed before the link is stuck. */
  readonly maxPending: number;
  /** Requests that wait for a slot or for the order. Here reading pauses; one chunk further on requests are refused. */
  readonly maxWaiting: number;
  /** Handlers of one link that run at once. */
  readonly maxRunning: number;
  /** Bytes of one frame, in both directions. */
  readonly maxFrameBytes: number;
  /** Nesting of what the other side sends. */
  readonly maxDepth: number;
  /**
   * Estimated bytes of messages that wait because the other side does not read; by default at least `maxFrameBytes`. Beyond it
   * requests of this end are refused and no handler starts. What handlers that run already reply waits, too, up to 16 times
   * as much; beyond that an error takes its place. At twice as much the link ends if the channel has not emptied for 5 s.
   */
  readonly maxQueuedBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxPending: 32_768,
  maxWaiting: 4096,
  maxRunning: 8192,
  maxFrameBytes: 4 << 20,
  maxDepth: 128,
  maxQueuedBytes: 4 << 20,
};

/** Picks the limits out of a user's options and fills in the defaults. Throws `RangeError` for a value that is no bound. */
export function limitsOf(options: { readonly [Name in keyof Limits]?: number | undefined }): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    const value = options[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !(value >= 1))
      throw new RangeError(`${name} must be a number of at least 1, not ${String(value)}`);
    limits[name] = value;
  }
  // One frame must have room.
  if (options.maxQueuedBytes === undefined)
    limits.maxQueuedBytes = Math.max(limits.maxQueuedBytes, limits.maxFrameBytes);
  return limits;
}

/** The handlers' places of one server, shared by its peers; who waits is served in turn. */
export class Slots {
  readonly #count: number;
  #taken = 0;
  #waking = false;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    if (typeof count !== "number" || !(count >= 1)) {
      throw new RangeError(`concurrency must be a number of at least 1, not ${String(count)}`);
    }
    this.#count = count;
  }

  /** Places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  take(): boolean {
    if (this.#taken + 1 > this.#count) return false;
    this.#taken++;
    return true;
  }

  release(): void {
    this.#taken--;
    if (this.#waiting.size > 0 && !this.#waking) this.#wake();
  }

  /** Calls `start` once when a place is free; a second wait with the same function changes nothing. */
  wait(start: () => void): void {
    this.#waiting.add(start);
  }

  /** Forgets a wait: its link has ended. */
  leave(start: () => void): void {
    this.#waiting.delete(start);
  }

  /** A loop, not a recursion: a handler that ends at once gives its place back while we are still in here. */
  #wake(): void {
    this.#waking = true;
    for (const start of this.#waiting) {
      if (this.#taken + 1 > this.#count) break;
      this.#waiting.delete(start);
      start();
    }
    this.#waking = false;
  }
}
