import type { RpcError } from "../../src/core/errors.ts";
import { Decoder } from "../../src/gob/decoder.ts";
import { any, int, int8, map, slice, string } from "../../src/gob/type.ts";
import { text, unsigned } from "../gob/bytes.ts";
import { structValue } from "../gob/definitions.ts";
import { Pair, Rec, type RecValue, TYPES, wireRequest } from "../gob/described.ts";
import { Log } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { Foreign, foreignServer, OURS } from "./foreign.ts";
import { allOf, flagOf, Loop, type Runs } from "./stage.ts";

/** It holds itself. */
function ring(): RecValue {
  const one = Rec.of({ A: 1, Next: null });
  one.Next = one;
  return one;
}

/** What cannot be encoded, and where in it. */
const UNFIT: readonly (readonly [value: unknown, path: string])[] = [
  [() => 1, ": a function"],
  [{ A: 1 }, ": an object does not tell its type"],
  [[], ": an empty array does not tell its type"],
  [new Map([["a", 1]]), ": a Map does not tell its type"],
  [Pair.of({ A: "x" as never, B: 1 }), ".A: expected"],
  [slice(Pair).of([{ A: 1, B: 2 }, null as never]), "[1]: expected"],
  [map(string, slice(int)).of(new Map([["k", [1, 2.5]]])), "[k][1]: expected"],
  [slice(any).of([1, {}]), "[1]: an object"],
  [int8.of(300), ": 300 does not fit int8"],
  [ring(), ".Next.Next"],
];

/** Each value goes out between two good ones, of a type that the stream has not defined before. */
async function unfitRequests(): Promise<string> {
  const loop = new Loop();
  const servers = await foreignServer(loop);
  const client = await loop.connect(OURS);
  const call = client.call("Echo", 1);
  await turn();
  const [server] = servers;
  if (server === undefined) return "nobody dialled";
  const before = server.hex;
  const errors = await Promise.all(
    UNFIT.map(([value]) => client.call("Echo", value).catch((thrown: RpcError) => thrown)),
  );
  const notes = await Promise.all(UNFIT.map(([value]) => flagOf(client.notify("Echo", value))));
  await turn();
  const next = client.call("Echo", Pair.of({ A: 1, B: 2 }));
  const isSilent = server.hex === before;
  await turn();
  // The types of what failed are still undefined: the next value defines its own, and is read.
  const read = new Decoder({ types: TYPES }).push(server.heard.bytes.subarray(1), wireRequest);
  const written = isSilent && read.length === 2 ? "nothing is written" : "something is written";
  server.reply(1, 1);
  server.reply(2 + UNFIT.length, 2);
  const told = errors.every(
    (error, at) =>
      (error as RpcError).code === "invalid_argument" && (error as RpcError).message.includes(UNFIT[at]?.[1] ?? "?"),
  );
  const lines = [
    `the call: ${told && allOf(notes) === "invalid_argument" ? "invalid_argument, with the path to what is wrong" : errors.join("\n")}`,
    `on the wire: ${written}`,
    `outstanding, and the next: ${await flagOf(call)}, ${await flagOf(next)}, ${client.stats().dials} connection`,
  ];
  await loop.close();
  return lines.join("\n");
}

async function unfitResponses(): Promise<string> {
  const loop = new Loop();
  const logger = new Log();
  const give = (at: number): unknown => (at < 0 ? Pair.of({ A: at, B: 0 }) : UNFIT[at]?.[0]);
  await loop.serve({ ...OURS, logger, handlers: { give } });
  const foreign = await Foreign.client(loop);
  foreign.say("00");
  foreign.request(1, ".give", -1);
  for (const at of UNFIT.keys()) foreign.request(2 + at, ".give", at);
  foreign.request(100, ".give", -1);
  await turn();
  const { replies } = foreign;
  const failed = replies.slice(1, -1);
  const told = failed.every(
    ({ id, outer }, at) =>
      id === 2 + at && outer.startsWith("The reply cannot be sent: ") && outer.includes(UNFIT[at]?.[1] ?? "?"),
  );
  // Of a reply that failed there is its error, and no type that only it would have needed.
  const bare = failed.reduce((bytes, { id, outer }) => bytes + replyBytes(id, outer), 0);
  const good = await alone();
  const lines = [
    `the call: ${told && failed.length === UNFIT.length ? "Server, with the path to what is wrong" : JSON.stringify(replies)}`,
    `on the wire: ${foreign.heard.length === bare + good ? "its error alone" : `${foreign.heard.length} bytes, not ${bare} and ${good}`}`,
    `the others: ${allOf([replies[0], replies.at(-1)].map((reply) => (reply?.outer === "" ? "ok" : "failed")))}`,
    `the server: ${logger.of("warn").length === UNFIT.length ? "logs it" : "logs something else"}`,
  ];
  await loop.close();
  return lines.join("\n");

  /** How many bytes the good replies take without the others. */
  async function alone(): Promise<number> {
    const other = new Loop();
    await other.serve({ ...OURS, handlers: { give } });
    const end = await Foreign.client(other);
    end.say("00");
    for (const id of [1, 100]) end.request(id, ".give", -1);
    await turn();
    await other.close();
    return end.heard.length;
  }
}

/** The bytes of a message with an outer error (rules 14 and 19). */
function replyBytes(id: number, error: string): number {
  return structValue(65, `01${unsigned(id)}02${text(error)}00`).length / 2;
}

/** What cannot be encoded: rows 19 and 20. */
export const UNFIT_RUNS: Runs = {
  19: unfitRequests,
  20: unfitResponses,
};
