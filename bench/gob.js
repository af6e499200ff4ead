// Convoke's gob decoder beside one that walks its types for every value (walking-gob.js), with values as gorpc sends them.
// Alone: `npm run build`, then `node bench/gob.js`; with `--check` it exits 1 unless it is BOUND times as fast on average.
// The mean is geometric, over all rows: how far a single row is from it depends on the machine. The table shows them all.
import { deepStrictEqual } from "node:assert";
import { fileURLToPath } from "node:url";
import * as gob from "../dist/gob.js";
import { median } from "./median.js";
import { WalkingDecoder } from "./walking-gob.js";

const ROUNDS = 41;
const ROUND_MS = 12;
/** On average Convoke's decoder is at least as many times as fast. */
export const BOUND = 3;

const Pair = gob.struct("main.Pair", { A: gob.int, B: gob.int }, { pointer: true });
const dispatcherRequest = gob.struct(
  "gorpc.dispatcherRequest",
  { Request: gob.any, Name: gob.string },
  { pointer: true },
);
const wireRequest = gob.struct("gorpc.wireRequest", { ID: gob.uint64, Request: gob.any });
const Point = gob.struct("main.Point", { X: gob.float64, Y: gob.float64, Label: gob.string, Seen: gob.int });
const Order = gob.struct("main.Order", {
  ID: gob.int64,
  Customer: gob.string,
  Paid: gob.bool,
  Count: gob.int,
  Price: gob.float64,
  Flags: gob.uint8,
  Tags: gob.slice(gob.string),
  Key: gob.bytes,
  At: gob.time,
  Place: Point,
  Weights: gob.array(3, gob.float32),
  Note: gob.pointer(gob.string),
});

/** A row is what is decoded, its type and a value. */
const rows = [
  [
    "dispatcher request with a Pair",
    wireRequest,
    { ID: 4711n, Request: dispatcherRequest.of({ Request: Pair.of({ A: 2, B: 3 }), Name: ".Add" }) },
  ],
  [
    "struct of 12 mixed fields",
    Order,
    {
      ...{ ID: 4711n, Customer: "Ann Example", Paid: true, Count: 12, Price: 9.5, Flags: 3, Tags: ["new", "large"] },
      ...{ Key: Uint8Array.of(1, 2, 3, 4), At: new Date(1_600_000_000_000), Weights: [1, 0.5, 0.25] },
      ...{ Place: { X: 1.5, Y: -2.25, Label: "here", Seen: 300 }, Note: "a note" },
    },
  ],
  [
    "slice of 50 structs",
    gob.slice(Point),
    Array.from({ length: 50 }, (_, at) => ({ X: at / 2, Y: at / 3, Label: `point ${at}`, Seen: at * 7 })),
  ],
  [
    "map[string]int of 20",
    gob.map(gob.string, gob.int),
    new Map(Array.from({ length: 20 }, (_, at) => [`key ${at}`, at * 100])),
  ],
];

let sink = 0;

/** What each decoder makes of the message, once it has the definitions: a function that decodes it once more. */
function ready(decoder, definitions, message, type) {
  for (const definition of definitions) decoder.message(definition, type);
  return () => {
    const decoded = decoder.message(message, type);
    sink += decoded === undefined ? 1 : 0;
    return decoded.value;
  };
}

function messagesIn(bytes) {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const isLong = bytes[at] >= 128;
    const end = isLong ? at + 257 - bytes[at] : at + 1;
    let count = isLong ? 0 : bytes[at];
    if (isLong) for (const byte of bytes.subarray(at + 1, end)) count = count * 256 + byte;
    messages.push(bytes.slice(at, end + count));
    at = end + count;
  }
  return messages;
}

function nanosPerMessage(decode) {
  const began = performance.now();
  const until = began + ROUND_MS;
  let decoded = 0;
  let now = began;
  while (now < until) {
    for (let each = 0; each < 20; each++) decode();
    decoded += 20;
    now = performance.now();
  }
  return ((now - began) * 1e6) / decoded;
}

/** Measures and gives the table's `lines` and the geometric `mean` of its ratios. */
export function gobCost() {
  const lines = ["| value | bytes | walking, ns | Convoke, ns | ratio |", "|---|---:|---:|---:|---:|"];
  const options = { types: [Pair, dispatcherRequest] };
  const measured = rows.map(([name, type, value]) => {
    const messages = messagesIn(new gob.Encoder().encode(type, value));
    const message = messages.pop();
    const walk = ready(new WalkingDecoder(options), messages, message, type);
    const decode = ready(new gob.Decoder(options), messages, message, type);
    deepStrictEqual(decode(), walk());
    return { name, bytes: message.length, walk, decode, walking: [], compiled: [], ratios: [] };
  });
  for (let round = -5; round < ROUNDS; round++) {
    for (const { walk, decode, walking, compiled, ratios } of measured) {
      const slow = nanosPerMessage(walk);
      const fast = nanosPerMessage(decode);
      if (round < 0) continue;
      walking.push(slow);
      compiled.push(fast);
      ratios.push(slow / fast);
    }
  }
  let logs = 0;
  for (const { name, bytes, walking, compiled, ratios } of measured) {
    const ratio = median(ratios);
    logs += Math.log(ratio);
    const nanos = [median(walking), median(compiled)].map((each) => each.toFixed(0));
    lines.push(`| ${[name, bytes, ...nanos, ratio.toFixed(1)].join(" | ")} |`);
  }
  // Never true: it keeps what was decoded alive for the compiler.
  if (sink < 0) lines.push(String(sink));
  return { lines, mean: Math.exp(logs / measured.length) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { lines, mean } = gobCost();
  console.log(lines.join("\n"));
  console.log(`\nOn average (geometric) ${mean.toFixed(1)} times as fast.`);
  if (process.argv.includes("--check") && mean < BOUND) {
    console.error(`Convoke's gob decoder is ${mean.toFixed(2)} times as fast as one that walks, less than ${BOUND}`);
    process.exitCode = 1;
  }
}
