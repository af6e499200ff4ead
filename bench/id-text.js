// What it costs to keep the source text of ids: JSON.parse with and without it, on ordinary messages.
// It is part of `npm run bench`. Alone: `npm run build`, then `node bench/id-text.js`; with `--check` it exits 1 above the
// bound.
import { fileURLToPath } from "node:url";
import { idOf, memberText, oddIds } from "../dist/codecs/jsonrpc/id-text.js";
import { median } from "./median.js";

const ROUNDS = 41;
const ROUND_MS = 12;
/** Issue 3: ids with their text cost at most this, beside JSON.parse alone. */
export const BOUND = 1.2;

const order = {
  customer: { id: 7, name: "Ann Example", email: "ann@example.org" },
  lines: Array.from({ length: 12 }, (_, at) => ({
    sku: `A-${at}`,
    title: 'a thing "quoted" here',
    count: at,
    price: 9.5,
  })),
};
const uuid = "6f1c2d9e-77aa-4c1b-9d0e-5a4b3c2d1e0f";
/** Each row is one exchange: a call and its reply. */
const exchanges = [
  ["small", { method: "math.add", params: { a: 1, b: 2 } }, { result: { sum: 3 } }, 4711],
  ["small, text ids", { method: "math.add", params: { a: 1, b: 2 } }, { result: { sum: 3 } }, uuid],
  ["1 KiB", { method: "order.place", params: order }, { result: order }, 4711],
  ["mixed", { method: "order.place", params: order }, { result: null }, 4711],
];

const hasOddId = oddIds(["id"]);
let sink = 0;

function alone(text) {
  const message = JSON.parse(text);
  sink += message.id === null ? 1 : 0;
}

function withIdText(text) {
  const message = JSON.parse(text);
  const source = hasOddId(text) ? memberText(text, "id") : undefined;
  sink += idOf(message.id, source) === null ? 1 : 0;
}

function nanosPerExchange(parse, call, reply) {
  const began = performance.now();
  const until = began + ROUND_MS;
  let exchanged = 0;
  let now = began;
  while (now < until) {
    for (let each = 0; each < 100; each++) {
      parse(call);
      parse(reply);
    }
    exchanged += 100;
    now = performance.now();
  }
  return ((now - began) * 1e6) / exchanged;
}

/** Measures and gives the table's `lines` and the `worst` ratio of its rows. */
export function idTextCost() {
  const lines = ["| exchange | bytes | JSON.parse, ns | with id text, ns | ratio |", "|---|---:|---:|---:|---:|"];
  let worst = 0;
  for (const [name, request, answer, id] of exchanges) {
    const call = JSON.stringify({ jsonrpc: "2.0", id, ...request });
    const reply = JSON.stringify({ jsonrpc: "2.0", id, ...answer });
    const plain = [];
    const kept = [];
    const ratios = [];
    for (let round = -5; round < ROUNDS; round++) {
      const first = nanosPerExchange(alone, call, reply);
      const second = nanosPerExchange(withIdText, call, reply);
      if (round < 0) continue;
      plain.push(first);
      kept.push(second);
      ratios.push(second / first);
    }
    const ratio = median(ratios);
    worst = Math.max(worst, ratio);
    const nanos = [median(plain), median(kept)].map((each) => each.toFixed(0));
    lines.push(`| ${[name, call.length + reply.length, ...nanos, ratio.toFixed(2)].join(" | ")} |`);
  }
  // Never true: it keeps what was parsed alive for the compiler.
  if (sink < 0) lines.push(String(sink));
  return { lines, worst };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { lines, worst } = idTextCost();
  console.log(lines.join("\n"));
  if (process.argv.includes("--check") && worst > BOUND) {
    console.error(`Ids with their text cost ${worst.toFixed(2)} times JSON.parse, more than ${BOUND}`);
    process.exitCode = 1;
  }
}
