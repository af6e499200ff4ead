import type { TimeStats } from "../core/histogram.ts";
import { type Stats, statsBetween } from "../core/stats.ts";
import type { Server } from "../server/server.ts";

const EVERY_MS = 1000;

/**
 * Says a line a second about what a server did in it, while it did anything; the returned function stops that and says
 * what it did in all.
 */
export function reportStats(server: Server, say: (line: string) => void): () => void {
  const began = performance.now();
  let before = server.stats();
  let at = began;
  const timer = setInterval(() => {
    const after = server.stats();
    const now = performance.now();
    const since = statsBetween(before, after);
    if (happened(since)) say(statsLine(since, (now - at) / 1000));
    before = after;
    at = now;
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    for (const line of statsSummary(server.stats(), (performance.now() - began) / 1000)) say(line);
  };
}

/** What was done in so many seconds, as one line. */
export function statsLine(stats: Stats, seconds: number): string {
  const { requests, servedErrors, handlerTime, bytesRead, bytesWritten, running, connections } = stats;
  const perSecond = (count: number): string => String(Math.round(count / seconds));
  return [
    `${perSecond(requests)} calls/s`,
    `${perSecond(servedErrors)} errors/s`,
    `handlers p50 ${msText(handlerTime.p50Ms)} p99 ${msText(handlerTime.p99Ms)}`,
    `${perSecond(bytesRead)} B/s in`,
    `${perSecond(bytesWritten)} B/s out`,
    `${running} running`,
    `${connections} connections`,
  ].join(", ");
}

/** What was done in all. */
export function statsSummary(stats: Stats, seconds: number): string[] {
  const { requests, notificationsReceived, served, servedErrors, servedErrorsByCode, handlerTime } = stats;
  const codes = Object.entries(servedErrorsByCode).map(([code, times]) => `${code} ${times}`);
  const errors = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
  return [
    `In ${seconds.toFixed(1)} s: ${requests} calls, ${notificationsReceived} notifications, ${served} replies, ${servedErrors} errors${errors}`,
    `Handlers: ${timesText(handlerTime)}`,
    `Bytes: ${stats.bytesRead} in ${stats.reads} reads, ${stats.bytesWritten} in ${stats.writes} writes`,
    `Connections: ${stats.accepts} came, ${stats.handshakeErrors} were refused, ${stats.readErrors + stats.writeErrors} broke`,
  ];
}

/** Gauges that stand still are nothing that happens; handlers that run are. */
function happened({ requests, notificationsReceived, served, accepts, bytesRead, running }: Stats): boolean {
  return requests + notificationsReceived + served + accepts + bytesRead + running > 0;
}

function timesText({ averageMs, p50Ms, p90Ms, p99Ms, maxMs }: TimeStats): string {
  return `average ${msText(averageMs)}, p50 ${msText(p50Ms)}, p90 ${msText(p90Ms)}, p99 ${msText(p99Ms)}, max ${msText(maxMs)}`;
}

function msText(ms: number): string {
  return `${ms.toPrecision(3)} ms`;
}
