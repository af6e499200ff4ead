import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import type { RpcError } from "../core/errors.ts";
import { type TimeStats, timeBetween } from "../core/histogram.ts";
import { printable } from "../core/text.ts";
import { type BenchReport, printTable, reportOf } from "./bench-report.ts";
import { withDialOptions } from "./dial-flags.ts";
import { dial, type LinkFlags, withLinkOptions } from "./link.ts";
import { LiveLine } from "./live-line.ts";
import { Load } from "./load.ts";
import { printError, printValue, say } from "./print.ts";
import { ABOUT_PARAMS, type Request, requestsOf } from "./requests.ts";
import { isStdio, shownAddress } from "./schemes.ts";
import { countOption, numberOption, UsageError } from "./usage.ts";

interface BenchFlags extends LinkFlags {
  readonly inFlight: number;
  readonly seconds: number;
  readonly connections: number;
  readonly warmUp: number;
  readonly json?: boolean;
}

const SECONDS_AT_MOST = 86_400;

const EXAMPLES = `
Examples:
  convoke bench tcp://127.0.0.1:7000 math.add '{"a":1,"b":2}'
  convoke bench /tmp/app.sock greet '{"name":"Ann"}' --wire native --in-flight 256 --connections 2
  convoke bench 127.0.0.1:7000 math.add '{"a":1,"b":2}' --seconds 30 --json

${ABOUT_PARAMS}
Over http:// each call is a POST, and a connection of this end keeps up to as many sockets as calls are under way.
Rate and times are those of results; percentiles are at most 6 % off. Bytes and writes are those of this end.
Ctrl-C ends the run early and prints what there is; what is still under way at the end is not counted.
Exit status: 0 some call gave a result, 1 none did or there is no link, 2 the command line is wrong.`;

/** Adds `convoke bench`. */
export function addBench(program: Command): void {
  const command = withLinkOptions(program.command("bench"))
    .summary("measure how fast a method answers")
    .description("Keeps a number of calls of one method under way for some seconds, and prints how fast they were.")
    .argument("<address>", "where the server is: a URL, host:port, or a path")
    .argument("<method>", "the method to call")
    .argument("[params]", "its params")
    .addOption(count("--in-flight <n>", "calls under way at any time").default(64))
    .addOption(duration("--seconds <s>", "how long to measure", 0.1).default(5))
    .addOption(count("--connections <n>", "connections that share the calls").default(1))
    .addOption(duration("--warm-up <s>", "how long to call before measuring", 0).default(1))
    .option("--json", "print one JSON object instead of a table")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, method: string, params: string | undefined, flags: BenchFlags) => {
      const [request] = await requestsOf([method, params ?? ""], { isStdinTaken: isStdio(address) });
      if (request === undefined) throw new UsageError("Say which method to call");
      const report = await run(address, request, flags);
      if (flags.json) printValue(report, false);
      else printTable(report);
      process.exitCode = report.results > 0 ? 0 : 1;
    });
  withDialOptions(command);
}

function count(flags: string, description: string): Option {
  const [name = flags] = flags.split(" ");
  return new Option(flags, description).argParser(countOption(name));
}

function duration(flags: string, description: string, least: number): Option {
  const [name = flags] = flags.split(" ");
  const parse = numberOption(name, least);
  return new Option(flags, description).argParser((text) => {
    const value = parse(text);
    if (value <= SECONDS_AT_MOST) return value;
    throw new UsageError(`${name} must be a number of at most ${SECONDS_AT_MOST}, not ${JSON.stringify(text)}`);
  });
}

/** Makes the links, measures, and closes them. Rejects with an `RpcError` when the links do not come about. */
async function run(address: string, request: Request, flags: BenchFlags): Promise<BenchReport> {
  const clients = await linked(address, flags);
  const { wire, inFlight, connections } = flags;
  const live = new LiveLine(process.stderr);
  const ended = new AbortController();
  process.once("SIGINT", () => ended.abort());
  void Promise.race(clients.map(({ closed }) => closed)).then(({ message }) => {
    if (ended.signal.aborted) return;
    ended.abort();
    live.clear();
    say(`The link has ended: ${printable(message)}`);
  });
  const onFirstFailure = (error: RpcError): void => {
    live.clear();
    printError(error, false, false);
  };
  try {
    const load = new Load(clients, { request, inFlight, onFirstFailure });
    live.show("warming up");
    await pause(flags.warmUp * 1000, ended.signal);
    const seconds = await measure(load, flags.seconds, live, ended.signal);
    const measured = { seconds, ...load.counts(), perCall: load.perCall(), oldestMs: load.stop() };
    // From here on the links end because they are closed.
    ended.abort();
    live.clear();
    return reportOf({ address: shownAddress(address), method: request.method, wire, inFlight, connections }, measured);
  } finally {
    await closed(clients);
  }
}

/** Counts for so many seconds, or until `signal` fires, and says each second how it goes. Returns the seconds that it took. */
async function measure(load: Load, seconds: number, live: LiveLine, signal: AbortSignal): Promise<number> {
  load.reset();
  const began = performance.now();
  let from = began;
  let before = load.counts();
  for (let tick = 1; tick <= Math.ceil(seconds) && !signal.aborted; tick++) {
    await pause(began + Math.min(tick, seconds) * 1000 - performance.now(), signal);
    const now = performance.now();
    const counts = load.counts();
    const last = timeBetween(before.times, counts.times);
    live.show(liveText(Math.round((now - began) / 1000), (now - from) / 1000, last, counts.failures));
    from = now;
    before = counts;
  }
  return (from - began) / 1000;
}

/** One client for each connection: which of them failed, and why, then needs no guessing. */
async function linked(address: string, flags: BenchFlags): Promise<Client[]> {
  const dials = Array.from({ length: flags.connections }, () =>
    dial(address, flags, {}, { maxRequests: flags.inFlight }),
  );
  const outcomes = await Promise.allSettled(dials);
  const clients = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return clients;
  await closed(clients);
  throw failed.reason;
}

async function closed(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close({ graceMs: 0 })));
}

/** Resolves after a time, or as soon as the run has ended. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {});
}

/** What the live line says: the rate and p99 of the last second, and all errors so far. */
function liveText(at: number, seconds: number, { count, p99Ms }: TimeStats, failures: number): string {
  const p99 = count === 0 ? "-" : p99Ms.toFixed(3);
  return `${at} s  ${Math.round(count / seconds)} calls/s  p99 ${p99} ms  ${failures} errors`;
}
