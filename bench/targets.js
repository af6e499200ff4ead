// What must hold: the figures of issues 3 to 7.
import { NODE_PEERS } from "./contenders.js";
import { BOUND as GOB_BOUND } from "./gob.js";
import { BOUND as ID_TEXT_BOUND } from "./id-text.js";
import { median } from "./median.js";

/** A figure may fall this far in one run of three, and no further. */
export const FLOOR = 0.85;

/** No Node peer may be faster with the order; for vscode-jsonrpc there is a figure of its own. */
const OTHERS = NODE_PEERS.filter((name) => name !== "vscode-jsonrpc");

/**
 * `of` is held against `to` in the case `at`. One of these says what is wanted: `rate`, at least so many times its calls
 * per second; `cpu`, at most this part of its CPU time per call; `writes`, at most so many write system calls per call
 * (both ends, beside nobody); `idText`, at most so many times JSON.parse (see id-text.js); `gob`, at least so many times
 * as fast as a decoder that walks its types (see gob.js).
 */
export const TARGETS = [
  { of: "convoke-native", at: "small@64", to: "vscode-jsonrpc", rate: 20 },
  { of: "convoke-native", at: "small@64", to: "gorpc-raw", rate: 2.5 },
  { of: "convoke-native", at: "small@64", to: "gorpc-dispatcher", rate: 4 },
  { of: "convoke-native", at: "small@64", to: "grpc-bidi", rate: 8 },
  { of: "convoke-native", at: "small@64", to: "rpc-websockets", rate: 4 },
  { of: "convoke-native", at: "small@1000", to: "vscode-jsonrpc", rate: 30 },
  { of: "convoke-native", at: "small@1000", to: "gorpc-raw", rate: 3.5 },
  { of: "convoke-jsonrpc", at: "small@64", to: "vscode-jsonrpc", rate: 10 },
  { of: "convoke-jsonrpc", at: "small@64", to: "gorpc-raw", rate: 1.1 },
  { of: "convoke-native", at: "small@1", to: "gorpc-raw", rate: 0.95 },
  { of: "convoke-native", at: "order@64", to: "vscode-jsonrpc", rate: 3.5 },
  ...OTHERS.map((to) => ({ of: "convoke-native", at: "order@64", to, rate: 1 })),
  { of: "convoke-native", at: "mixed@64", to: "vscode-jsonrpc", rate: 14 },
  { of: "convoke-native", at: "small@64", to: "vscode-jsonrpc", cpu: 1 / 20 },
  { of: "convoke-native", at: "small@64", to: "gorpc-raw", cpu: 1 / 2 },
  { of: "convoke-native", at: "small@64", writes: 0.1 },
  { of: "convoke-gorpc", at: "small@64", to: "gorpc-dispatcher", rate: 1 },
  { of: "convoke-grpc", at: "small@64", to: "grpc-unary", rate: 35 },
  { of: "convoke-grpc", at: "small@64", to: "grpc-bidi", rate: 4 },
  { of: "convoke-native-ws", at: "small@64", to: "rpc-websockets", rate: 3 },
  { of: "convoke-native-ws", at: "small@64", to: "birpc", rate: 4 },
  { of: "convoke-native-ws", at: "small@64", to: "capnweb", rate: 8 },
  { of: "convoke-jsonrpc-ws", at: "small@64", to: "rpc-websockets", rate: 1.3 },
  // Issue 6 wants this of one call to all at a time, where bare sockets are about twice as fast as socket.io and we 1.3 times.
  { of: "convoke-fleet", at: "fan-out@1000x16", to: "socket.io", rate: 3 },
  // At most twice the time.
  { of: "convoke-fleet", at: "fan-out@10000", to: "bare-sockets", rate: 1 / 2 },
  { of: "id-text", idText: ID_TEXT_BOUND },
  { of: "gob", gob: GOB_BOUND },
];

/** Whether some target reads this case of this contender. */
export const isRead = (name, key) => TARGETS.some(({ of, to, at }) => at === key && (of === name || to === name));

/**
 * One contender's figure as a part of another's in the same run: the median of the rounds' own ratios, which a machine
 * that slows down over the minutes does not bend. `undefined` when one of them was not measured.
 */
export function ratio(figures, of, to, at, what) {
  const ours = figures.contenders.get(of)?.samples[at];
  const theirs = figures.contenders.get(to)?.samples[at];
  if (ours === undefined || theirs === undefined) return undefined;
  return median(ours.map((sample, round) => sample[what] / theirs[round][what]));
}

/** What one run says of a target: what it `got`, and its `score`, 1 or more when reached; `undefined` if not measured. */
export function judge(figures, target) {
  const { of, to, at, rate, cpu, writes, idText, gob } = target;
  if (rate !== undefined) return scored(ratio(figures, of, to, at, "rate"), (got) => got / rate);
  if (cpu !== undefined) return scored(ratio(figures, of, to, at, "cpu"), (got) => cpu / got);
  if (idText !== undefined) return scored(figures.idText?.worst, (got) => idText / got);
  if (gob !== undefined) return scored(figures.gob?.mean, (got) => got / gob);
  const counted = figures.contenders.get(of)?.samples[at]?.map((sample) => sample.writes);
  const got = counted === undefined ? undefined : median(counted);
  return scored(Number.isNaN(got) ? undefined : got, (each) => writes / each);
}

const scored = (got, score) => (got === undefined ? undefined : { got, score: score(got) });

/**
 * Whether a target holds after these runs' judgements: "holds" when two of them reached it and none fell below the
 * floor, "missed" when that cannot come true any more in three runs, "open" before that.
 */
export function verdict(judgements) {
  const reached = judgements.filter(({ score }) => score >= 1).length;
  if (judgements.some(({ score }) => score < FLOOR) || judgements.length - reached >= 2) return "missed";
  return reached >= 2 ? "holds" : "open";
}
