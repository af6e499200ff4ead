/** What one link has done since it opened. Counters only grow. */
export interface PeerStats {
  /** Calls that this end was asked to make, sent or not. */
  readonly calls: number;
  /** Results that came back. */
  readonly results: number;
  /** Errors that came back. */
  readonly errors: number;
  /** Calls of this end whose time was over. */
  readonly timeouts: number;
  /** Replies that this end gave, errors included. */
  readonly served: number;
  /** Requests of the other side that were no requests. */
  readonly invalid: number;
  /** Replies to nothing: late ones, doubles, inventions. */
  readonly strays: number;
  /** Messages given to the codec, and how many flushes that took. */
  readonly sent: number;
  readonly flushes: number;
}

/** The counters while they count. */
export type PeerCounters = { -readonly [Name in keyof PeerStats]: number };

export function newCounters(): PeerCounters {
  return { calls: 0, results: 0, errors: 0, timeouts: 0, served: 0, invalid: 0, strays: 0, sent: 0, flushes: 0 };
}
