// npm run bench: Convoke beside its peers, in ratios. `npm run bench -- <flags>`:
//   --rounds <n>         interleaved rounds; the median counts (5)
//   --seconds <s>        length of one measurement (1.5)
//   --only <names>       these contenders (contenders/), by comma
//   --workloads <names>  these of small, order, mixed, fan-out, id-text, gob, poll, by comma
//   --write              write what is printed into RESULTS.md too
//   --check              up to three whole runs of what the targets read; exit 1 unless all of them hold (see targets.js)
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CONTENDERS, load } from "./contenders.js";
import { fanOutRun, whyNot } from "./fan-out.js";
import { gobCost } from "./gob.js";
import { idTextCost } from "./id-text.js";
import { pollCost } from "./poll.js";
import { report } from "./report.js";
import { wholeRun } from "./run.js";
import { isRead, judge, TARGETS, verdict } from "./targets.js";
import { CASES, workloads } from "./workloads.js";

const RUNS = 3;
const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1.5" },
    only: { type: "string", default: CONTENDERS.join() },
    workloads: { type: "string", default: [...Object.keys(workloads), "id-text", "gob", "poll"].join() },
    write: { type: "boolean" },
    check: { type: "boolean" },
  },
});
const asked = flags.workloads.split(",");
const rounds = Number(flags.rounds);
const ms = Number(flags.seconds) * 1000;

/** Why a contender cannot run here. */
const missing = new Map();
const contenders = [];
for (const name of flags.only.split(",")) {
  if (!CONTENDERS.includes(name)) throw new RangeError(`No contender "${name}"; there are ${CONTENDERS.join(", ")}`);
  try {
    contenders.push(await load(name));
  } catch ({ message }) {
    missing.set(name, message);
    console.error(`Skipped ${name}: ${message}`);
  }
}

/** Why a case cannot be measured here, by its key. */
const impossible = new Map();
for (const each of CASES.filter(({ workload }) => asked.includes(workload))) {
  const why = whyNot(each);
  if (why === undefined) continue;
  impossible.set(each.key, why);
  console.error(`Skipped ${each.key}: ${why}`);
}

const casesOf = ({ name, does }) =>
  CASES.filter(
    ({ key, workload }) =>
      asked.includes(workload) && does(workload) && !impossible.has(key) && (flags.check !== true || isRead(name, key)),
  );

async function run() {
  const idText = asked.includes("id-text") ? idTextCost() : undefined;
  const gob = asked.includes("gob") ? gobCost() : undefined;
  const countBytes = flags.check !== true;
  const called = await wholeRun(contenders, casesOf, { rounds, ms, countBytes });
  const fannedOut = await fanOutRun(contenders, casesOf, { rounds, ms });
  // No target reads it.
  const poll = asked.includes("poll") && flags.check !== true ? await pollCost() : undefined;
  return { idText, gob, poll, contenders: new Map([...called, ...fannedOut]) };
}

/** What the runs so far say of a target: its verdict, or why it has none. */
function stateOf({ of, to, at }, judgements) {
  if (missing.has(of) || missing.has(to) || impossible.has(at)) return "not yet";
  if (judgements.length === 0) return "left out";
  if (flags.check === true) return verdict(judgements);
  return judgements[0].score >= 1 ? "reached" : "missed";
}

const runs = [];
/** Every target with what the runs so far say of it. */
const standings = () =>
  TARGETS.map((target) => {
    const judgements = runs.map((figures) => judge(figures, target)).filter((judged) => judged !== undefined);
    return { target, judgements, state: stateOf(target, judgements) };
  });
const some = (state) => standings().some((each) => each.state === state);
do {
  runs.push(await run());
  if (flags.check) console.error(`Run ${runs.length} of at most ${RUNS} done`);
  // One target that is missed for good fails the check, whatever the others do.
} while (flags.check && runs.length < RUNS && some("open") && !some("missed"));

const page = await report(runs.at(-1), standings(), { rounds, seconds: flags.seconds });
console.log(page);
if (flags.write) writeFileSync(new URL("./RESULTS.md", import.meta.url), page);
const failed = standings().filter(({ state }) => state === "missed" || state === "not yet").length;
if (flags.check && failed > 0) {
  console.error(`${failed} of ${TARGETS.length} targets do not hold`);
  process.exitCode = 1;
}
