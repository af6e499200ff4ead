import type { Client } from "../../src/client/client.ts";
import { lookup } from "../../src/core/handlers.ts";
import { gorpc } from "../../src/gorpc.ts";
import { signed, text } from "../gob/bytes.ts";
import { holds, holdsStruct, ID, structType, structValue } from "../gob/definitions.ts";
import { Log } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";
import { Foreign, foreignServer, OURS } from "./foreign.ts";
import { allOf, flagOf, Loop, type Runs } from "./stage.ts";

async function unknownIds(): Promise<string> {
  const loop = new Loop();
  const servers = await foreignServer(loop);
  const client = await loop.connect(OURS);
  const call = client.call("Echo", 1);
  await turn();
  for (const id of [0, 99, 2 ** 53]) servers[0]?.reply(id, "stray");
  servers[0]?.reply(1, "own");
  const flag = await flagOf(call);
  const { strays, dials } = client.stats();
  await loop.close();
  return `counted: ${strays}, the call that waits: ${flag}, ${dials} connection`;
}

/** The same numbers for the same seed (mulberry32). */
function randomBytes(seed: number, length: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) & 0xff;
  });
}

const SEEDS = 100;
const RANDOM_BYTES = 64 << 10;

/** Half of the seeds are read as they are, and half through inflate. */
async function randomToServer(): Promise<boolean> {
  const loop = new Loop();
  const ran: unknown[] = [];
  const server = await loop.serve({ ...OURS, handlers: { echo: (params: unknown) => (ran.push(params), params) } });
  const neighbour = await loop.connect(OURS);
  let isSound = true;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const foreign = await Foreign.client(loop);
    const call = neighbour.call("echo", seed);
    foreign.say(Uint8Array.of(seed % 2));
    foreign.say(randomBytes(seed, RANDOM_BYTES));
    isSound &&= (await call) === seed;
    foreign.end();
    await foreign.heard.untilClosed();
  }
  await turn();
  isSound &&= server.connections.length === 1 && ran.length === SEEDS && neighbour.stats().dials === 1;
  await loop.close();
  return isSound;
}

async function randomToClient(): Promise<boolean> {
  const loop = new Loop();
  const servers = await foreignServer(loop);
  const flags: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const client: Client = await loop.connect({ wire: gorpc({ compress: seed % 2 === 1 }), redial: false });
    const call = flagOf(client.call("echo", seed));
    const server = servers[seed - 1];
    server?.say(randomBytes(seed, RANDOM_BYTES));
    server?.end();
    flags.push(await call);
    await client.closed;
  }
  await loop.close();
  return allOf(flags) === "Connection";
}

async function randomBytesToEither(): Promise<string> {
  const [atServer, atClient] = [await randomToServer(), await randomToClient()];
  return atServer && atClient
    ? "that connection is dropped, nothing else is harmed"
    : `the server: ${atServer}, the client: ${atClient}`;
}

const REQUEST = structType(65, "wireRequest", [
  ["ID", ID.uint],
  ["Request", ID.interface],
]);
const requestOf = (id: number, value: string): string => structValue(65, `010${id}01${value}00`);
const HI = holds("string", ID.string, text("hi"));

/** Requests that Go's server cannot read, and what follows them on the same connection. */
const UNREADABLE: readonly (readonly [what: string, hex: string])[] = [
  [
    "a type of an unknown name",
    REQUEST + structType(66, "Unknown", [["A", ID.int]]) + requestOf(1, holdsStruct("main.Unknown", 66, "010e00")),
  ],
  ["an int8 out of range", REQUEST + requestOf(1, holds("int8", ID.int, signed(300)))],
  ["a type that does not fit its name", REQUEST + requestOf(1, holds("int", ID.string, text("x")))],
  ["the id of a type below 64", REQUEST + structType(20, "Low", [["A", ID.int]])],
  ["a type defined twice", REQUEST + REQUEST],
  ["a message of 8 GiB", `${REQUEST}fb0200000000`],
  [
    "a field of the wrong type",
    structType(65, "wireRequest", [["ID", ID.string]]) + structValue(65, `01${text("x")}00`),
  ],
  ["no field in common", structType(65, "other", [["X", ID.int]]) + structValue(65, "010200")],
];

async function unreadable(): Promise<string> {
  const lines: string[] = [];
  const loop = new Loop();
  const logger = new Log();
  const got: unknown[] = [];
  const keep = (params: unknown): number => got.push(JSON.stringify(params));
  await loop.serve({ ...OURS, logger, handlers: lookup(() => keep) });
  const neighbour = await loop.connect(OURS);
  for (const [what, hex] of UNREADABLE) {
    const before = logger.of("warn").length;
    got.length = 0;
    const foreign = await Foreign.client(loop);
    foreign.say(`00${hex}`);
    foreign.say(requestOf(2, HI));
    await turn();
    const outcome = foreign.heard.reason === undefined ? goesOn(foreign, got) : "closes the connection";
    const logs = logger.of("warn").length > before ? "logs it and " : "";
    lines.push(`${what}: the server ${logs}${outcome}`);
    foreign.close();
    if ((await flagOf(neighbour.call("", "hi"))) !== "ok") lines.push("its neighbour failed");
  }
  await loop.close();
  return lines.join("\n");
}

function goesOn({ replies }: Foreign, got: readonly unknown[]): string {
  const [first, second] = replies;
  if (second?.id !== 2 || second.outer !== "" || got.at(-1) !== '"hi"') return "says something else";
  if (first?.outer === "" && got[0] === '{"A":7}') return "reads it by its definition";
  return first?.outer === "" ? `reads ${String(got[0])}` : "refuses that call alone";
}

/** What nobody asked for, and what cannot be read: rows 21 to 23. */
export const DAMAGE_RUNS: Runs = {
  21: unknownIds,
  22: randomBytesToEither,
  23: unreadable,
};
