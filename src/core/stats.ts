import type { Code } from "./errors.ts";
import { type TimeStats, timeBetween } from "./histogram.ts";
import type { Message } from "./message.ts";

/** How often each code occurred; one that did not occur is absent. */
export type CodeCounts = Readonly<Partial<Record<Code, number>>>;

/**
 * What a link, a client or a server has done: a frozen snapshot. A client or server has the sum of its links, ended ones
 * included. What counts grows until `resetStats()`; the gauges say how it is now.
 */
export interface Stats extends Counts, Attempts, Gauges {
  /** Errors that came back. */
  readonly errors: number;
  /** Calls of this end that failed without a reply: timed out, cancelled, lost with their link, refused by a bound. */
  readonly failures: number;
  /** Errors that this end answered; those of notifications, which are answered to nobody, count as well. */
  readonly servedErrors: number;
  readonly errorsByCode: CodeCounts;
  readonly failuresByCode: CodeCounts;
  readonly servedErrorsByCode: CodeCounts;
  /** How long this end's calls took, from the call to its settlement. On a link: those of all links of its client or server. */
  readonly callTime: TimeStats;
  /**
   * How long the handlers of this end took. Those that return at once are timed together, as many as ran between two
   * readings of the clock, and each counts with their mean. On a link: those of all links of its client or server.
   */
  readonly handlerTime: TimeStats;
  /** Links that are up; on a link 1, and 0 when it has ended. A gauge. */
  readonly connections: number;
}

/** What a link counts. */
export interface Counts {
  /** Calls that this end was asked to make, sent or not. A call that moved to another link counts at both, once in the sum. */
  readonly calls: number;
  /** Results that came back. */
  readonly results: number;
  /** Calls of this end whose time was over. */
  readonly timeouts: number;
  /** Notifications that this end sent. */
  readonly notificationsSent: number;
  /** Calls that came, members of batches included. */
  readonly requests: number;
  /** Notifications that came, members of batches included. */
  readonly notificationsReceived: number;
  /** Replies that this end gave, errors and members of batches included. */
  readonly served: number;
  /** Requests of the other side that were no requests. */
  readonly invalid: number;
  /** Replies to nothing: late ones, doubles, inventions. */
  readonly strays: number;
  /** Messages given to the codec (a batch is one), and how many flushes that took. */
  readonly sent: number;
  readonly flushes: number;
  /** Bytes on the wire, after compression; what TLS adds is not in them. On a channel that frames by itself: of the frames. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Chunks that came; each is about one system call, as is each write. On a channel: lists of frames. */
  readonly reads: number;
  readonly writes: number;
  /** Links that ended because reading failed: the connection broke, or what came could not be read. */
  readonly readErrors: number;
  /** Links that ended because writing failed, or because the other side did not read. */
  readonly writeErrors: number;
}

/** What a client or a server counts of how links come about; 0 on a link. */
export interface Attempts {
  /** How often a client dialled, and how often no connection came of it. */
  readonly dials: number;
  readonly dialErrors: number;
  /** Those of the dials that replaced a link which had ended, or an attempt which had failed. */
  readonly redials: number;
  /** Connections that came to a server. */
  readonly accepts: number;
  /** Connections, dialled or accepted, of which no link came: refused, not proven, not in time. */
  readonly handshakeErrors: number;
}

/** How it is now; `resetStats()` leaves these alone. */
export interface Gauges {
  /** Calls of this end that wait to be sent or for a reply. */
  readonly pending: number;
  /** Handlers that run; one that returns at once never counts. */
  readonly running: number;
  /** Requests of the other side that wait for a place to run. */
  readonly waiting: number;
  /** Messages of this end that wait to be sent. */
  readonly queued: number;
  /** Their bytes, estimated; 0 while the other side reads as fast as this end writes. */
  readonly queuedBytes: number;
}

/** Averages over all calls of a link, those that it made and those that came. All are 0 where there were none. */
export interface PerCall {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly reads: number;
  readonly writes: number;
}

/** The counters while they count. The maps are made when the first error comes: most links have none. */
export interface Counters extends Mutable<Counts> {
  errorsByCode: CodeCounter | undefined;
  failuresByCode: CodeCounter | undefined;
  servedErrorsByCode: CodeCounter | undefined;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type CodeCounter = Mutable<CodeCounts>;
type CodeMap = "errorsByCode" | "failuresByCode" | "servedErrorsByCode";

const CODE_MAPS: readonly CodeMap[] = ["errorsByCode", "failuresByCode", "servedErrorsByCode"];
/** What a sum of nothing is. */
export const NO_GAUGES: Gauges = { pending: 0, running: 0, waiting: 0, queued: 0, queuedBytes: 0 };

/** The attempts while they count. */
export type AttemptCounters = Mutable<Attempts>;

/** One literal: an object that is spread from others takes a kilobyte, and each `++` on it a search. */
export function newCounters(): Counters {
  return {
    calls: 0,
    results: 0,
    timeouts: 0,
    notificationsSent: 0,
    requests: 0,
    notificationsReceived: 0,
    served: 0,
    invalid: 0,
    strays: 0,
    sent: 0,
    flushes: 0,
    bytesRead: 0,
    bytesWritten: 0,
    reads: 0,
    writes: 0,
    readErrors: 0,
    writeErrors: 0,
    errorsByCode: undefined,
    failuresByCode: undefined,
    servedErrorsByCode: undefined,
  };
}

export function newAttempts(): AttemptCounters {
  return { dials: 0, dialErrors: 0, redials: 0, accepts: 0, handshakeErrors: 0 };
}

/** Counts a reply that this end gives; a batch counts each of its members. */
export function countServed(counters: Counters, reply: Message): void {
  if (reply.kind === "batch") return reply.messages.forEach((member) => countServed(counters, member));
  counters.served++;
  if (reply.kind === "error") countCode(counters, "servedErrorsByCode", reply.error.code);
}

/** Counts one error under its code. */
export function countCode(counters: Counters, map: CodeMap, code: Code, times = 1): void {
  counters[map] ??= {};
  const counts = counters[map];
  counts[code] = (counts[code] ?? 0) + times;
}

/** Adds what `from` counted. */
export function addCounters(into: Counters, from: Counters): void {
  for (const name of COUNT_NAMES) into[name] += from[name];
  for (const map of CODE_MAPS) {
    for (const [code, times] of codesOf(from[map])) countCode(into, map, code, times);
  }
}

/** Sets all counters to 0. */
export function resetCounters(counters: Counters): void {
  Object.assign(counters, newCounters());
}

/** Sums the gauges of several links. */
export function sumGauges(links: Iterable<{ gauges(): Gauges }>): Gauges {
  const sum: Mutable<Gauges> = { ...NO_GAUGES };
  for (const link of links) {
    const gauges = link.gauges();
    for (const name of GAUGE_NAMES) sum[name] += gauges[name];
  }
  return sum;
}

/** Everything that a snapshot is made of, beside the counters. */
export type Rest = Gauges & Attempts & Pick<Stats, "callTime" | "handlerTime" | "connections">;

/** Makes a snapshot. */
export function statsOf(counters: Counters, rest: Rest): Stats {
  const codes = {
    errorsByCode: Object.freeze({ ...counters.errorsByCode }),
    failuresByCode: Object.freeze({ ...counters.failuresByCode }),
    servedErrorsByCode: Object.freeze({ ...counters.servedErrorsByCode }),
  };
  return Object.freeze({ ...counters, ...rest, ...codes, ...totalsOf(codes) });
}

/** What happened from one snapshot to a later one of the same end, with the gauges of the later one. */
export function statsBetween(before: Stats, after: Stats): Stats {
  const counts: Partial<Mutable<Counts>> = {};
  for (const name of COUNT_NAMES) counts[name] = after[name] - before[name];
  const attempts = newAttempts();
  for (const name of ATTEMPT_NAMES) attempts[name] = after[name] - before[name];
  const codes = {
    errorsByCode: codesBetween(before.errorsByCode, after.errorsByCode),
    failuresByCode: codesBetween(before.failuresByCode, after.failuresByCode),
    servedErrorsByCode: codesBetween(before.servedErrorsByCode, after.servedErrorsByCode),
  };
  const callTime = timeBetween(before.callTime, after.callTime);
  const handlerTime = timeBetween(before.handlerTime, after.handlerTime);
  return Object.freeze({ ...after, ...counts, ...attempts, ...codes, ...totalsOf(codes), callTime, handlerTime });
}

/** What a call cost on average; batching shows as fewer than one read or write. */
export function perCall({ calls, requests, bytesRead, bytesWritten, reads, writes }: Stats): PerCall {
  const all = Math.max(1, calls + requests);
  return calls + requests === 0
    ? { bytesRead: 0, bytesWritten: 0, reads: 0, writes: 0 }
    : { bytesRead: bytesRead / all, bytesWritten: bytesWritten / all, reads: reads / all, writes: writes / all };
}

const COUNT_NAMES = Object.entries(newCounters()).flatMap(([name, value]) =>
  value === 0 ? [name as keyof Counts] : [],
);
const ATTEMPT_NAMES = Object.keys(newAttempts()) as readonly (keyof Attempts)[];
const GAUGE_NAMES = Object.keys(NO_GAUGES) as readonly (keyof Gauges)[];

function totalsOf(codes: Readonly<Record<CodeMap, CodeCounts>>): Pick<Stats, "errors" | "failures" | "servedErrors"> {
  const total = (counts: CodeCounts): number => codesOf(counts).reduce((sum, [, times]) => sum + times, 0);
  return {
    errors: total(codes.errorsByCode),
    failures: total(codes.failuresByCode),
    servedErrors: total(codes.servedErrorsByCode),
  };
}

function codesBetween(before: CodeCounts, after: CodeCounts): CodeCounts {
  const counts: CodeCounter = {};
  for (const [code, times] of codesOf(after)) {
    const more = times - (before[code] ?? 0);
    if (more !== 0) counts[code] = more;
  }
  return Object.freeze(counts);
}

function codesOf(counts: CodeCounts | undefined): [Code, number][] {
  return Object.entries(counts ?? {}) as [Code, number][];
}
