import type { TimeStats } from "./histogram.ts";
import type { CodeCounts, Stats } from "./stats.ts";

/** How the text is written. */
export interface PrometheusOptions {
  /** What each metric's name begins with. Default "convoke". */
  readonly prefix?: string | undefined;
  /** Stand on every sample, as in `{ service: "math" }`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

type Labels = Readonly<Record<string, string>>;

/** Upper ends of the buckets that are shown, in milliseconds; those behind them are 0.3 % off at most. */
const BOUNDS_MS = [0.01, 0.1, 0.5, 1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 100_000];
const TOLERANCE = 1.005;
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/** `le` is the bound of a bucket; names that begin with two underscores are Prometheus's own. */
const LABEL = /^(?!__|le$|code$)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Names of metrics, the member of `Stats` that each shows, and what it is. */
const COUNTERS: readonly (readonly [name: string, member: NumberOf, help: string])[] = [
  ["calls", "calls", "Calls that this end was asked to make."],
  ["results", "results", "Results that came back."],
  ["timeouts", "timeouts", "Calls of this end whose time was over."],
  ["notifications_sent", "notificationsSent", "Notifications that this end sent."],
  ["requests", "requests", "Calls that came."],
  ["notifications_received", "notificationsReceived", "Notifications that came."],
  ["served", "served", "Replies that this end gave, errors included."],
  ["invalid", "invalid", "Requests of the other side that were no requests."],
  ["strays", "strays", "Replies to nothing that came."],
  ["messages_sent", "sent", "Messages given to the codec."],
  ["flushes", "flushes", "Flushes of messages."],
  ["read_bytes", "bytesRead", "Bytes read."],
  ["written_bytes", "bytesWritten", "Bytes written."],
  ["reads", "reads", "Chunks read."],
  ["writes", "writes", "Chunks written."],
  ["read_errors", "readErrors", "Links that ended because reading failed."],
  ["write_errors", "writeErrors", "Links that ended because writing failed."],
  ["dials", "dials", "Connections that were dialled."],
  ["dial_errors", "dialErrors", "Dials that gave no connection."],
  ["redials", "redials", "Dials that replaced a link or a failed attempt."],
  ["accepts", "accepts", "Connections that came."],
  ["handshake_errors", "handshakeErrors", "Connections of which no link came."],
];

const CODES: readonly (readonly [name: string, member: CodesOf, help: string])[] = [
  ["errors", "errorsByCode", "Errors that came back, by code."],
  ["failures", "failuresByCode", "Calls of this end that failed without a reply, by code."],
  ["served_errors", "servedErrorsByCode", "Errors that this end answered, by code."],
];

const GAUGES: readonly (readonly [name: string, member: NumberOf, help: string])[] = [
  ["connections", "connections", "Links that are up."],
  ["pending", "pending", "Calls of this end that wait to be sent or for a reply."],
  ["running", "running", "Handlers that run."],
  ["waiting", "waiting", "Requests that wait for a place to run."],
  ["queued_messages", "queued", "Messages that wait to be sent."],
  ["queued_bytes", "queuedBytes", "Estimated bytes of the messages that wait."],
];

const TIMES: readonly (readonly [name: string, member: "callTime" | "handlerTime", help: string])[] = [
  ["call_seconds", "callTime", "How long the calls of this end took."],
  ["handler_seconds", "handlerTime", "How long the handlers of this end took."],
];

type NumberOf = { [Name in keyof Stats]: Stats[Name] extends number ? Name : never }[keyof Stats];
type CodesOf = { [Name in keyof Stats]: Stats[Name] extends CodeCounts ? Name : never }[keyof Stats];

/**
 * Writes a snapshot in Prometheus's text format 0.0.4 (`Content-Type: text/plain; version=0.0.4`), times in seconds as
 * histograms. Throws `TypeError` for a prefix or a label whose name Prometheus does not allow, or which the metrics have
 * themselves (`code`, `le`).
 */
export function prometheusText(stats: Stats, { prefix = "convoke", labels = {} }: PrometheusOptions = {}): string {
  if (!NAME.test(prefix)) throw new TypeError(`${JSON.stringify(prefix)} cannot begin the name of a metric`);
  for (const name of Object.keys(labels)) {
    if (!LABEL.test(name)) throw new TypeError(`${JSON.stringify(name)} cannot be the name of a label`);
  }
  const family = (name: string, type: string, help: string, samples: readonly string[]): string =>
    [`# HELP ${prefix}_${name} ${help}`, `# TYPE ${prefix}_${name} ${type}`, ...samples].join("\n");
  const sample = (name: string, value: number, more: Labels = {}): string =>
    `${prefix}_${name}${labelText({ ...labels, ...more })} ${value}`;
  const families = [
    ...COUNTERS.map(([name, member, help]) => {
      return family(`${name}_total`, "counter", help, [sample(`${name}_total`, stats[member])]);
    }),
    ...CODES.map(([name, member, help]) => {
      const samples = Object.entries(stats[member]).map(([code, times]) => sample(`${name}_total`, times, { code }));
      return family(`${name}_total`, "counter", help, samples);
    }),
    ...GAUGES.map(([name, member, help]) => family(name, "gauge", help, [sample(name, stats[member])])),
    ...TIMES.map(([name, member, help]) => family(name, "histogram", help, histogram(name, stats[member], sample))),
  ];
  return `${families.join("\n")}\n`;
}

function histogram(
  name: string,
  time: TimeStats,
  sample: (name: string, value: number, more?: Labels) => string,
): string[] {
  const upTo = (ms: number): number =>
    time.buckets.reduce((sum, { upToMs, count }) => (upToMs <= ms * TOLERANCE ? sum + count : sum), 0);
  return [
    ...BOUNDS_MS.map((ms) => sample(`${name}_bucket`, upTo(ms), { le: String(ms / 1000) })),
    sample(`${name}_bucket`, time.count, { le: "+Inf" }),
    sample(`${name}_sum`, time.totalMs / 1000),
    sample(`${name}_count`, time.count),
  ];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** The three characters that a label's value may not have as they are. */
function escaped(value: string): string {
  return value.toWellFormed().replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
