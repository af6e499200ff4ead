// A run's figures as Markdown.
import { readFileSync } from "node:fs";
import os from "node:os";
import { AGENT_PROCESSES } from "./fan-out.js";
import { goVersion } from "./go/build.js";
import { median } from "./median.js";
import { ratio } from "./targets.js";
import { CASES } from "./workloads.js";

const OURS = [
  "convoke-native",
  "convoke-jsonrpc",
  "convoke-gorpc",
  "convoke-grpc",
  "convoke-native-ws",
  "convoke-jsonrpc-ws",
];
const TITLES = { small: "small", order: "1 KiB", mixed: "mixed" };
const titleOf = ({ workload, inFlight, agents }) =>
  agents === undefined
    ? `${TITLES[workload]}, ${inFlight}`
    : `fan-out, ${agents}${inFlight > 1 ? ` x ${inFlight}` : ""}`;
const FLEET = "convoke-fleet";
const NONE = "–";

/** The whole of RESULTS.md: the figures of one run, and every target with all runs' judgements and its state. */
export async function report(figures, standings, { rounds, seconds }) {
  const cases = CASES.filter(({ key }) => [...figures.contenders.values()].some(({ samples }) => key in samples));
  const calls = cases.filter(({ agents }) => agents === undefined);
  const fanOuts = cases.filter(({ agents }) => agents !== undefined);
  const parts = ["# Convoke beside its peers", `${await machine()}\n${versions()}`];
  if (calls.length > 0) parts.push(...callParts(calls, figures, rounds, seconds));
  if (fanOuts.length > 0) parts.push(...fanOutParts(fanOuts, figures, rounds, seconds));
  if (figures.idText !== undefined) {
    parts.push("## JSON-RPC ids with their source text, beside JSON.parse alone", figures.idText.lines.join("\n"));
  }
  if (figures.gob !== undefined) {
    parts.push("## Decoding gob, beside a decoder that walks its types for every value", figures.gob.lines.join("\n"));
  }
  if (figures.poll !== undefined) {
    parts.push(
      "## Calls over plain requests, native wire, beside socket.io's long-polling",
      figures.poll.lines.join("\n"),
    );
  }
  parts.push("## Targets", targetLines(standings));
  return `${parts.join("\n\n")}\n`;
}

function callParts(keys, figures, rounds, seconds) {
  const parts = [
    `Calls over one connection of the loopback between two processes, each call awaited and its result checked. After 3 s of
warm-up every contender is measured in turn (rounds: ${rounds}, of ${seconds} s each); a figure is the median of its rounds, a ratio
the median of the rounds' ratios. The machine's speed drifts: trust the ratios, not the absolute numbers. \`small\` adds two numbers,
\`1 KiB\` echoes a nested order, \`mixed\` echoes 16 small values of different shapes, which has no meaning for contenders with
a schema; the number is how many calls are in flight. gorpc runs without its compression, like everyone else, and Go calls
Go but in the two pairs that name both ends.`,
    "## Calls per second, thousands",
    table(keys, figures, "rate", (rate) => (rate / 1000).toFixed(1)),
  ];
  for (const of of OURS.filter((name) => isIn(keys, figures.contenders.get(name)))) {
    parts.push(
      `## ${figures.contenders.get(of).label}: so many times the calls per second of`,
      ratios(keys, figures, of),
    );
  }
  parts.push(
    "## CPU seconds per million calls, both ends together",
    table(keys, figures, "cpu", (cpu) => cpu.toFixed(1)),
    "## Write system calls per call, both ends together",
    table(keys, figures, "writes", (writes) => (Number.isNaN(writes) ? NONE : writes.toFixed(3))),
  );
  const counted = keys.filter(({ key }) => [...figures.contenders.values()].some(({ bytes }) => key in bytes));
  if (counted.length > 0) {
    parts.push("## Bytes per call, towards the server + back, without the headers of TCP", bytes(counted, figures));
  }
  return parts;
}

function fanOutParts(keys, figures, rounds, seconds) {
  const parts = [
    "## One call to many agents: milliseconds each",
    `A controller in one process, its agents in ${AGENT_PROCESSES} more, one connection of the loopback each; a small request and a small
answer, which is checked. Rounds: ${rounds}, of ${seconds} s each, in turn. A call to all begins when the one before has ended; with
\`x 16\` so many are under way at a time, and what one of them takes is a part of the time of all.`,
    table(keys, figures, "rate", (rate) => milliseconds(1000 / rate)),
  ];
  if (isIn(keys, figures.contenders.get(FLEET))) {
    parts.push(
      `## ${figures.contenders.get(FLEET).label}: so many times the calls to all per second of`,
      ratios(keys, figures, FLEET),
    );
  }
  parts.push(
    "## CPU seconds per million agents' calls, all processes together",
    table(keys, figures, "cpu", (cpu) => cpu.toFixed(1)),
    "## Write system calls per agent's call, all processes together",
    table(keys, figures, "writes", (writes) => (Number.isNaN(writes) ? NONE : writes.toFixed(3))),
  );
  return parts;
}

const milliseconds = (ms) => (ms < 10 ? ms.toPrecision(3) : ms.toFixed(0));

/** Whether a contender was measured in one of these cases. */
const isIn = (cases, contender) => contender !== undefined && cases.some(({ key }) => key in contender.samples);

function table(cases, { contenders }, what, format) {
  return rows(cases, contenders, ({ samples }, { key }) =>
    key in samples ? format(median(samples[key].map((each) => each[what]))) : NONE,
  );
}

function ratios(cases, figures, of) {
  const others = new Map([...figures.contenders].filter(([name]) => name !== of));
  return rows(cases, others, (_, { key }, to) => ratio(figures, of, to, key, "rate")?.toFixed(2) ?? NONE);
}

function bytes(cases, { contenders }) {
  return rows(cases, contenders, (contender, { key }) => {
    const weighed = contender.bytes[key];
    return weighed === undefined ? NONE : `${weighed.up.toFixed(0)} + ${weighed.down.toFixed(0)}`;
  });
}

function rows(cases, contenders, cell) {
  const measured = [...contenders].filter(([, contender]) => isIn(cases, contender));
  const lines = measured.map(
    ([name, contender]) => `| ${[contender.label, ...cases.map((each) => cell(contender, each, name))].join(" | ")} |`,
  );
  const heading = `| | ${cases.map(titleOf).join(" | ")} |\n|---|${"---:|".repeat(cases.length)}`;
  return [heading, ...lines].join("\n");
}

function targetLines(standings) {
  const lines = standings.map(({ target, judgements, state }) => {
    const got = judgements.map((judged) => judged.got.toPrecision(3)).join(", ") || NONE;
    return `| ${wanted(target)} | ${got} | ${state} |`;
  });
  return ["| wanted | got | |", "|---|---|---|", ...lines].join("\n");
}

function wanted({ of, at, to, rate, cpu, writes, idText, gob }) {
  if (idText !== undefined) return `parsing with the ids' text: at most ${idText} x JSON.parse`;
  if (gob !== undefined) return `decoding gob, geometric mean: ${gob} x a decoder that walks its types`;
  const what = `${of}, ${titleOf(CASES.find(({ key }) => key === at))}`;
  if (rate !== undefined) return `${what}: ${rate} x ${to}`;
  if (cpu !== undefined) return `${what}: at most ${cpu} of the CPU of ${to}`;
  return `${what}: at most ${writes} write system calls per call`;
}

async function machine() {
  const cores = os.cpus();
  const system = `${os.type()} ${os.release()}`;
  return `${cores.length} x ${cores[0].model.trim()}, ${system}, Node ${process.version}, ${await goVersion()}.`;
}

/** The peers as they are pinned. */
function versions() {
  const { devDependencies } = JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8"));
  const [, gorpc] = /valyala\/gorpc (\S+)/.exec(readFileSync(new URL("./go/gorpc/go.mod", import.meta.url), "utf8"));
  const peers = Object.entries(devDependencies).filter(([name]) => name !== "convoke");
  return `${[...peers, ["valyala/gorpc", gorpc]].map((each) => each.join(" ")).join(", ")}.`;
}
