import { expect, test } from "vitest";
import { codeOf, pair } from "../../test/suites/engine.ts";
import { RpcError } from "./errors.ts";
import { prometheusText } from "./prometheus.ts";
import type { Stats } from "./stats.ts";

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  /** By the name of the sample: a histogram has three. */
  readonly samples: Map<string, Sample[]>;
}

/**
 * Parses the text format 0.0.4 and refuses whatever is unusual: a family needs HELP and TYPE in that order, once, before
 * its samples, which stand together; names, labels, escapes and numbers are checked; no sample stands twice; counters
 * end in `_total` and are not negative; buckets of a histogram rise up to `+Inf`, which is its count.
 */
function parsed(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  let help: string | undefined;
  let current: [string, Family] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what, name = "", rest = ""] = comment;
      if (families.has(name)) throw new Error(`${name} stands twice`);
      if (what === "HELP") {
        if (help !== undefined || !/^(?:[^\\]|\\\\|\\n)*$/.test(rest)) throw new Error(`wrong HELP: ${line}`);
        help = name;
        continue;
      }
      if (help !== name) throw new Error(`TYPE without its HELP: ${line}`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`no such type: ${line}`);
      help = undefined;
      current = [name, { type: rest, samples: new Map() }];
      families.set(...current);
      continue;
    }
    if (current === undefined || help !== undefined) throw new Error(`a sample without its family: ${line}`);
    addSample(...current, line);
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function addSample(name: string, { type, samples }: Family, line: string): void {
  const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  const found = new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(${label}(?:,${label})*)\\})? (\\S+)$`).exec(line);
  if (found === null) throw new Error(`no sample: ${line}`);
  const [, sampleName = "", inside = "", number = ""] = found;
  const allowed = type === "histogram" ? ["_bucket", "_sum", "_count"].map((end) => name + end) : [name];
  if (!allowed.includes(sampleName)) throw new Error(`it does not belong to ${name}: ${line}`);
  if (!/^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/.test(number)) throw new Error(`no number: ${line}`);
  const labels: Record<string, string> = {};
  for (const [, key = "", value = ""] of inside.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/g)) {
    if (key in labels) throw new Error(`the label ${key} stands twice: ${line}`);
    labels[key] = value.replace(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
  }
  const same = samples.get(sampleName) ?? [];
  const [before] = [...samples.keys()].slice(-1);
  if (same.length > 0 && before !== sampleName) throw new Error(`samples of ${sampleName} do not stand together`);
  if (same.some((each) => JSON.stringify(each.labels) === JSON.stringify(labels))) throw new Error(`twice: ${line}`);
  samples.set(sampleName, [...same, { labels, value: Number(number.replace("Inf", "Infinity")) }]);
}

function checkFamily(name: string, { type, samples }: Family): void {
  const all = [...samples.values()].flat();
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`${name} does not end in _total`);
  if (type !== "gauge" && all.some(({ value }) => !(value >= 0))) throw new Error(`${name} is below 0`);
  if (type !== "histogram") return;
  const buckets = samples.get(`${name}_bucket`) ?? [];
  const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("+Inf", "Infinity")));
  const counts = buckets.map(({ value }) => value);
  const rises = (list: readonly number[], by: (a: number, b: number) => boolean): boolean =>
    list.every((each, at) => at === 0 || by(list[at - 1] ?? Number.NaN, each));
  if (!rises(bounds, (a, b) => a < b) || bounds.at(-1) !== Infinity) throw new Error(`${name}: bounds ${bounds}`);
  if (!rises(counts, (a, b) => a <= b)) throw new Error(`${name}: buckets are not cumulative`);
  const [count] = samples.get(`${name}_count`) ?? [];
  if (count === undefined || count.value !== counts.at(-1)) throw new Error(`${name}: the count is not that of +Inf`);
  if (samples.get(`${name}_sum`)?.length !== 1) throw new Error(`${name} has no sum`);
}

/** What a server says after a few calls. */
async function someStats(): Promise<Stats> {
  const deny = () => {
    throw new RpcError("permission_denied", "no");
  };
  const { client, server, clock } = pair({ server: { handlers: { work: () => void clock.advance(20), deny } } });
  await client.call("work");
  await codeOf(client.call("deny"));
  await codeOf(client.call("nope"));
  return server.stats();
}

test("a strict parser reads it, and finds the numbers", async () => {
  const stats = await someStats();
  const labels = { service: 'a "quoted" \\ path\nand a line', zone: "ü" };
  const families = parsed(prometheusText(stats, { prefix: "my_app", labels }));
  const samplesOf = (name: string): unknown => families.get(name)?.samples.get(name);
  expect(samplesOf("my_app_requests_total")).toEqual([{ labels, value: 3 }]);
  expect(samplesOf("my_app_connections")).toEqual([{ labels, value: 1 }]);
  expect(samplesOf("my_app_served_errors_total")).toEqual([
    { labels: { ...labels, code: "permission_denied" }, value: 1 },
    { labels: { ...labels, code: "unimplemented" }, value: 1 },
  ]);
  const time = families.get("my_app_handler_seconds")?.samples;
  const upTo = (le: string): unknown =>
    time?.get("my_app_handler_seconds_bucket")?.find(({ labels }) => labels["le"] === le);
  expect([upTo("0.01"), upTo("0.05"), upTo("+Inf")]).toMatchObject([{ value: 2 }, { value: 3 }, { value: 3 }]);
  expect(time?.get("my_app_handler_seconds_sum")).toEqual([{ labels, value: 0.02 }]);
});

test("every number of the stats is shown", async () => {
  const stats = await someStats();
  const names = [...parsed(prometheusText(stats)).keys()];
  // Three of them are sums of others, by code.
  expect(names).toHaveLength(Object.keys(stats).length - 3);
  expect(names.every((name) => name.startsWith("convoke_"))).toBe(true);
});

test("names that Prometheus does not allow are refused, and so are those of its own labels", async () => {
  const stats = await someStats();
  for (const prefix of ["", "1st", "a-b", "a b"]) expect(() => prometheusText(stats, { prefix })).toThrow(TypeError);
  for (const name of ["", "a-b", "__name", "le", "code", "1"]) {
    expect(() => prometheusText(stats, { labels: { [name]: "x" } })).toThrow(/cannot be the name of a label/);
  }
});

test("the parser refuses what is not the format", () => {
  const head = "# HELP a_total A.\n# TYPE a_total counter\n";
  expect(parsed(`${head}a_total{x="1"} 1\n`).size).toBe(1);
  for (const wrong of [
    "a_total 1\n",
    `${head}a_total 1`,
    `${head}a_total one\n`,
    `${head}a_total -1\n`,
    `${head}a_total 1\na_total 1\n`,
    `${head}a_total{x="1",} 1\n`,
    `${head}a_total{x="a"b"} 1\n`,
    `${head}a_total{x="\\t"} 1\n`,
    `${head}a_total{x="1",x="2"} 1\n`,
    `${head}b_total 1\n`,
    `${head}${head}`,
    "# TYPE a_total counter\n",
    "# HELP a A.\n# TYPE a counter\na 1\n",
    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  ]) {
    expect(() => parsed(wrong), wrong).toThrow();
  }
});
