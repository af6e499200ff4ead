/* docs/wires/command.md: its vectors are encoded and decoded, and its tables are those of the code. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { command, notification, request } from "../src/command.ts";
import type { Role } from "../src/core/channel.ts";
import type { CallMessage, Message } from "../src/core/message.ts";
import { callOf, Ends, FakeLink } from "./codecs/ends.ts";
import { COMMAND_CASES } from "./command-cases.ts";
import { type Block, blocksOf } from "./docs/page.ts";

const PAGE = "docs/wires/command.md";
const file = new URL(`../${PAGE}`, import.meta.url);
/** The time at which its frames were written. */
const NOW = 1_721_300_000_000;
const METHODS = {
  balanceByAddress: request(),
  "balance-by-hash": request(),
  tx: notification(),
  jobStatus: request({ reply: "tbcapi-job-update-notification" }),
  jobUpdate: notification(),
};
const WIRE = command({ prefix: "tbcapi", methods: METHODS });

interface Vector {
  readonly from: Role;
  readonly text: string;
  readonly message: Message;
  readonly frame: string;
}

function vectorOf({ text }: Block): Vector {
  const lines = new Map(text.split("\n").map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) as [string, string]));
  const message = lines.get("message") ?? "";
  return {
    from: lines.get("from") === "client" ? "client" : "server",
    text: message,
    // What stands on the page is an expression of the language.
    message: new Function(`return (${message});`)() as Message,
    frame: lines.get("frame") ?? "",
  };
}

/** The rows of the page's table whose head begins so, without the head. */
function tableOf(head: string): string[][] {
  const lines = readFileSync(file, "utf8").split("\n");
  const rest = lines.slice(lines.findIndex((line) => line.startsWith(head)) + 2);
  const rows = rest.slice(
    0,
    rest.findIndex((line) => !line.startsWith("|")),
  );
  return rows.map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What the other end makes of a message that was sent. */
function arrived(message: Message): Message {
  switch (message.kind) {
    case "call":
      return { ...message, id: String(message.id) };
    case "pong":
      return { ...message, token: undefined };
    default:
      return message;
  }
}

beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW }));
afterAll(() => void vi.useRealTimers());

describe(PAGE, () => {
  const vectors = blocksOf(file.pathname)
    .filter(({ language }) => language === "vector")
    .map(vectorOf);

  test("has a vector for each kind of message", () => {
    expect([...new Set(vectors.map(({ message }) => message.kind))].sort()).toEqual(
      ["call", "error", "notify", "pong", "result", "welcome"].sort(),
    );
  });

  // Replies come after their calls.
  const calls = new Map<unknown, CallMessage>();
  test.each(vectors.map((vector) => [vector.text, vector] as const))("%s", (_, { from, message, frame }) => {
    const ends = new Ends(WIRE.codec, { open: message.kind !== "welcome" });
    if (message.kind === "call") calls.set(message.id, message);
    for (const call of calls.values()) ends.other(from).link.calls.set(call.id, call);
    const given = "call" in message ? { ...message, call: calls.get(message.id) } : message;
    expect(ends.of(from).encode([given as Message])).toEqual([frame]);
    expect(ends.other(from).decode([frame])).toEqual([arrived(message)]);
  });

  test("has the names of the commands", () => {
    const rows = tableOf("| entry of").map((row) => row.map((cell) => cell.replaceAll("`", "")));
    expect(rows).toHaveLength(5);
    for (const [entry = "", name, reply] of rows) {
      const method = /^"?([\w-]+)"?:/.exec(entry)?.[1] ?? "";
      const { codec } = method.includes("-") ? command({ prefix: "tbcapi", methods: { [method]: request() } }) : WIRE;
      const ends = new Ends(codec);
      const said: Message = reply === "" ? { kind: "notify", method, params: {}, meta: undefined } : callOf(method, {});
      expect(ends.client.encode([said])[0]).toContain(`"command":"${name}"`);
      if (said.kind !== "call") continue;
      expect(ends.server.encode([{ kind: "result", id: 1, value: {}, call: said }])[0]).toContain(
        `"command":"${reply}"`,
      );
    }
  });

  test("has the codes of errors that have none", () => {
    const rows = tableOf("| an error |").map(([, code]) => code?.replaceAll("`", ""));
    const codeOf = (error: object): unknown => {
      const { client } = new Ends(WIRE.codec);
      client.encode([callOf("balanceByAddress", {})]);
      const header = { command: "tbcapi-balance-by-address-response", id: "1" };
      const [reply] = client.decode([JSON.stringify({ header, payload: { error } })]);
      return reply?.kind === "error" ? reply.error.code : undefined;
    };
    expect(rows).toEqual([
      codeOf({ message: "x", trace: "00" }),
      codeOf({ message: "not found: tx 05" }),
      codeOf({ message: "x" }),
    ]);
  });

  test("has the behaviours of Hemi, what is different here, and what compat changes", () => {
    const cell = (text: string): string => text.replaceAll("\n", "; ");
    expect(tableOf("| # |")).toEqual(
      COMMAND_CASES.map(({ number, what, hemi, ours, reason, compat }) => [
        String(number),
        what,
        cell(hemi),
        ours === undefined ? "the same" : `${cell(ours)}. ${reason}`,
        compat === undefined ? "" : compat === hemi ? "as Hemi" : cell(compat),
      ]),
    );
  });

  test("says of the wire what its codec says of itself", () => {
    const yes = (is: boolean): string => (is ? "yes" : "no");
    const [client, server] = [WIRE.codec(new FakeLink("client")), WIRE.codec(new FakeLink("server"))];
    const { carries } = client;
    const note: Message = { kind: "notify", method: "tx", params: {}, meta: undefined };
    const notifiers = [client, server].filter((codec) => codec.refuses?.(note) === undefined);
    const [call] = new Ends(WIRE.codec).pass("client", [callOf("balanceByAddress", {})]);
    expect(tableOf("| | command |")).toEqual([
      ["the dialler says hello", carries.hello],
      ["with labels", yes(carries.hello !== "never")],
      ['"I close", "you were replaced"', yes(carries.goodbye)],
      ["heartbeat", yes(carries.ping)],
      ["calls of the dialler", yes(client.refuses?.(callOf("balanceByAddress", {})) === undefined)],
      ["calls of the accepter", yes(server.refuses?.(callOf("balanceByAddress", {})) === undefined)],
      ["notifications", notifiers.length === 2 ? "both" : "no"],
      ["the time that is left", yes(call?.kind === "call" && call.timeoutMs !== undefined)],
      ["cancel", yes(carries.cancel)],
      ["a cancelled call is answered", yes(carries.answersCancelled)],
    ]);
  });
});
