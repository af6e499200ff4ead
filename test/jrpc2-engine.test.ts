import { describe, expect, test } from "vitest";
import { JRPC2_CASES, JRPC2_RULES, type Jrpc2Case, type Jrpc2Reason } from "./jrpc2-cases.ts";
import { CLIENT_RUNS } from "./jrpc2-runs/client.ts";
import { FRAMING_RUNS } from "./jrpc2-runs/framings.ts";
import { HANDLER_RUNS } from "./jrpc2-runs/handlers.ts";
import { HTTP_RUNS } from "./jrpc2-runs/http.ts";
import { LINK_RUNS } from "./jrpc2-runs/links.ts";
import { SERVER_RUNS } from "./jrpc2-runs/server.ts";
import { server } from "./jrpc2-runs/server-script.ts";
import { expectOutcome, type Runs } from "./jrpc2-runs/stage.ts";

const AREAS: readonly Runs[] = [SERVER_RUNS, CLIENT_RUNS, FRAMING_RUNS, HANDLER_RUNS, LINK_RUNS, HTTP_RUNS];
const RUN_NUMBERS = AREAS.flatMap((runs) => Object.keys(runs).map(Number));
/** Single records that need a whole server, and every behaviour. */
const ROWS: readonly Jrpc2Case[] = [...JRPC2_CASES.filter(({ engine }) => engine === true), ...JRPC2_RULES];

/** What may differ, and nothing else (issue 3). */
const ALLOWED: ReadonlyMap<Jrpc2Reason, readonly number[]> = new Map<Jrpc2Reason, readonly number[]>([
  [
    "a defect of jrpc2",
    [
      ...[133, 178],
      ...[140, 168], // Panics: JavaScript has exceptions, and one that nobody expected is an error like any other.
      136, // Half-close.
    ],
  ],
  ["a Go artefact", [44, 45, 50, 51, 53, 54, 62, 70, 72, 75, 79, 110, 118, 219, 220, 221, 222]],
  [
    "a rule of the engine",
    [
      ...[105, 106, 150, 160, 167, 171, 173, 174, 184],
      96, // What server info holds, as 150.
      138, // Close is graceful and ends: it waits for no peer.
      139, // `close()` ends ownership: a closed server serves no more, its links come and go before.
      148, // A lookup stands at the top: a name of its own in the list, `Z.*`, needs a table that it is part of.
      181, // One bad message never harms another: a value that is broken inside is answered, its neighbours are served.
      186, // A link that cannot be read ends with its error, and the LSP says that utf8 is to be taken for utf-8.
      195, // `context.id` is the id that the caller wrote, here as on every link: each request is one of its own.
      198, // Who waits no longer has its handlers told, whatever the wire (issue 7).
      204, // Only JSON is taken for a body: a page could send a form from anywhere (issue 7).
      225, // A call whose link was lost is `unavailable`, as 173.
      228, // An RpcError prints as every error of the language does: its name, then its message.
      231, // A reply has an id, its request's or null (JSON-RPC 2.0, section 5): there is no reply by itself.
    ],
  ],
]);

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe("the behaviours of jrpc2", () => {
  test.each(ROWS.map((row) => [row.number, row.what ?? row.input, row] as const))("%i: %s", async (number, _, row) => {
    const run = AREAS.find((runs) => number in runs)?.[number];
    if (run === undefined) throw new TypeError("Nothing runs this row");
    expectOutcome(row, await run(row));
  });
});

describe("the single records of jrpc2 through a whole server", () => {
  const script = server();
  const records = JRPC2_CASES.filter(({ engine }) => engine === undefined);
  test.each(records)("$number: $input", async (row) => {
    const [answer, ...more] = (await script({ ...row, input: `${row.input}\n+100` }))
      .split("\n")
      .filter((line) => line !== "+100");
    expect(more).toEqual([]);
    expectOutcome(row, answer);
  });
});

describe("the table", () => {
  const all: readonly Jrpc2Case[] = [...JRPC2_CASES, ...JRPC2_RULES];

  test("has one row for each number", () => {
    expect(all.map(({ number }) => number)).toEqual(numbers(1, 233));
  });

  test("has one run for each row that is more than a record, and no run without a row", () => {
    expect(RUN_NUMBERS.sort((one, other) => one - other)).toEqual(ROWS.map(({ number }) => number));
  });

  test("differs for the reasons that are allowed, and says what is answered instead", () => {
    for (const { number, match, reason, output, ours } of all) {
      if (reason !== undefined) expect(ALLOWED.get(reason)).toContain(number);
      expect(ours !== undefined).toBe(match === "different");
      if (match !== "different") continue;
      expect(reason).toBeDefined();
      expect(ours).not.toBe(output);
    }
  });

  test("lists no reason that no row has", () => {
    const same = [72, 75, 79, 105, 106, 160, 219, 220, 222]; // Allowed to differ, and the same all the same.
    for (const [reason, allowed] of ALLOWED) {
      const given = all.filter((row) => row.reason === reason).map(({ number }) => number);
      expect([...given].sort()).toEqual(allowed.filter((number) => !same.includes(number)).sort());
    }
  });
});

// Over TCP the end of the stream comes before the close. In memory, and where a link breaks, only the close comes.
test("136: notifications that came before the whole link was closed still run, in order", async () => {
  const row = JRPC2_RULES.find(({ number }) => number === 136);
  if (row === undefined) throw new TypeError("There is no row 136");
  const run = SERVER_RUNS[136];
  const told = await run?.({ ...row, input: row.input.replace("peer ends", "peer closes") });
  expect(told?.split("\n").filter((line) => line.endsWith(" ran"))).toEqual(["1 ran", "2 ran", "4 ran"]);
});

test("a request with an error member that is none is told so, as jrpc2 does", async () => {
  const told = '{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"invalid error value"}}';
  for (const error of ['{"code":"x"}', '{"code":1.5}', '{"code":99999999999}', '{"message":5}']) {
    const input = `{"jsonrpc":"2.0","id":1,"method":"X","error":${error}}`;
    expect(await server()({ number: 91, input, output: told, match: "same" })).toBe(told);
  }
});
