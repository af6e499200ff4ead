import { isDeepStrictEqual } from "node:util";
import { ManualClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import { array, int, map, slice, string, struct, typeOf } from "../../src/gob/type.ts";
import { gorpc } from "../../src/gorpc.ts";
import { Log, never, pass } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { Foreign, OURS } from "./foreign.ts";
import { echo, flagOf, Loop, type Runs, work } from "./stage.ts";

const Counts = map(string, int);
const Triple = array(3, int);
/** Only the client describes it. */
const Unheard = struct("main.Unheard", { A: int });

/** What arrives of what is empty, and what becomes of values that are described here, there, or nowhere. */
async function emptyValues(): Promise<string> {
  const loop = new Loop();
  const got: unknown[] = [];
  const keep = (value: unknown): void => void got.push(value);
  await loop.serve({ wire: gorpc({ types: [Counts, Triple] }), handlers: { keep } });
  const client = await loop.connect({ wire: gorpc({ types: [Counts, Triple, Unheard] }) });
  const arrives = async (value: unknown, want: unknown): Promise<string> => {
    await client.call("keep", value);
    return isDeepStrictEqual(plain(got.at(-1)), want) ? "arrives" : "changed";
  };
  const undescribed = client.call("keep", new Map([["a", 1]])).catch((thrown: RpcError) => thrown.message);
  const neighbour = flagOf(client.call("keep", 1));
  const isTold = String(await undescribed).includes("write gob.map(gob.string, gob.int).of(map)");
  const alone = (await neighbour) === "ok" ? "alone" : "not alone";
  const lines = [
    `[]int{}: ${await arrives(slice(int).of([]), [])} as an empty array`,
    `an empty map, when it was described: ${await arrives(Counts.of(new Map()), new Map())}`,
    `an array of zeros, when it was described: ${await arrives(Triple.of([0, 0, 0]), [0, 0, 0])}`,
    `of a type that only its sender describes: ${await arrives(Unheard.of({ A: 7 }), { A: 7 })}`,
    `a map that nobody describes: fails ${alone}, and is ${isTold ? "told what to write" : await undescribed}`,
  ];
  await loop.close();
  return lines.join("\n");
}

/** A struct without the type that it remembers. */
function plain(value: unknown): unknown {
  return typeOf(value) === undefined ? value : { ...(value as object) };
}

/** A foreign client says an id again: while its call runs, and when it has ended. */
async function sameIds(): Promise<string> {
  const clock = new ManualClock();
  const loop = new Loop();
  await loop.serve({ ...OURS, clock, handlers: { slow: (params: unknown) => work(clock, 10).then(() => params) } });
  const foreign = await Foreign.client(loop);
  foreign.say("00");
  foreign.request(1, ".slow", "first");
  foreign.request(1, ".slow", "second");
  await pass(clock, 20, 5);
  foreign.request(1, ".slow", "third");
  await pass(clock, 20, 5);
  const outcomes = foreign.replies.map(({ id, value, inner, outer }) => `${id} ${String(value ?? inner)}${outer}`);
  await loop.close();
  const want = ["1 The id of a call that still runs", "1 first", "1 third"];
  if (!isDeepStrictEqual(outcomes, want)) return outcomes.join("; ");
  return ["the first: served", "the second, while that runs: Server, with its text", "after it has ended: served"].join(
    "\n",
  );
}

/** Sends to a function that answers, to one that fails, to one that never ends, and to one that there is not. */
async function sends(): Promise<string> {
  const loop = new Loop();
  const ran: unknown[] = [];
  const fail = (): never => {
    throw new RpcError("unknown", "failed");
  };
  const note = (params: unknown): unknown => (ran.push(params), params);
  const server = await loop.serve({ ...OURS, handlers: { note, fail, never } });
  const client = await loop.connect(OURS);
  for (const method of ["note", "fail", "never", "unknown", "Svc.Unknown"]) await client.notify(method, "x");
  await turn();
  const { bytesWritten, notificationsReceived } = server.stats();
  await loop.close();
  const isQuiet = bytesWritten === 0 && notificationsReceived === 5 && ran.length === 1;
  return isQuiet ? "no reply bytes: its message id is 0" : `${bytesWritten} bytes, ${notificationsReceived} sends`;
}

/** A handler throws what nobody expected. */
async function panic(): Promise<string> {
  const loop = new Loop();
  const logger = new Log();
  const boom = (): never => {
    throw new TypeError("secret of line 7");
  };
  await loop.serve({ ...OURS, logger, handlers: { boom, echo } });
  const client = await loop.connect(OURS);
  const flag = await flagOf(client.call("boom"));
  const error = (await client.call("boom").catch((thrown: unknown) => thrown)) as RpcError;
  const trace = /^Internal error, trace ([0-9a-f]{16})$/.exec(error.message)?.[1];
  const line = logger.lines.find(({ message }) => trace !== undefined && message.includes(trace));
  const logged = line?.cause instanceof TypeError ? "with the trace of the entry in the server's log" : error.message;
  const next = await flagOf(client.call("echo", 1));
  const lives = next === "ok" && client.stats().dials === 1 ? "lives on" : "has gone";
  await loop.close();
  return `${flag}, ${logged}; the connection ${lives}`;
}

/** Nobody says the first byte; a neighbour did. */
async function noFirstByte(): Promise<string> {
  const loop = new Loop();
  const clock = new ManualClock();
  const logger = new Log();
  const server = await loop.serve({ ...OURS, clock, logger, handlers: { echo } });
  const silent = await Foreign.client(loop);
  const client = await loop.connect({ ...OURS, clock });
  await turn();
  await pass(clock, 9999, 1000);
  const before = silent.heard.reason === undefined && server.connections.length === 2;
  await pass(clock, 1);
  const logged = logger.of("warn").filter((message) => message.includes("The first byte did not come"));
  const closed = silent.heard.reason !== undefined && server.connections.length === 1;
  const neighbour = await flagOf(client.call("echo", 1));
  await loop.close();
  if (!before || neighbour !== "ok") return `closed too early: ${!before}, its neighbour: ${neighbour}`;
  return `the server ${logged.length === 1 ? "logs it" : "is silent"} and ${closed ? "closes" : "keeps"} the connection`;
}

/** Values, ids, sends and handlers on gorpc's own wire: rows 4, 8, 13, 26, 27. */
export const WIRE_RUNS: Runs = {
  4: emptyValues,
  8: sameIds,
  13: sends,
  26: noFirstByte,
  27: panic,
};
