/* docs/wires/coordinator.md: its vectors are encoded and decoded, and its tables are those of the code. */
import { readFileSync } from "node:fs";
import { DurationSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { coordinator } from "../src/coordinator.ts";
import type { Role } from "../src/core/channel.ts";
import type { Carries, CodecLink } from "../src/core/codec.ts";
import { GRPC_NUMBERS } from "../src/core/errors.ts";
import type { CallMessage, Message } from "../src/core/message.ts";
import type { Wire } from "../src/core/wire.ts";
import { gorpc } from "../src/gorpc.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { native } from "../src/wires/native.ts";
import { callOf, Ends, FakeLink } from "./codecs/ends.ts";
import { COORDINATOR_CASES } from "./coordinator-cases.ts";
import { type Block, blocksOf } from "./docs/page.ts";

const PAGE = "docs/wires/coordinator.md";
const file = new URL(`../${PAGE}`, import.meta.url);
const WIRE = coordinator({ methods: { upper: [StringValueSchema, StringValueSchema], collect: [DurationSchema] } });

interface Vector {
  readonly from: Role;
  readonly text: string;
  readonly message: Message;
  readonly bytes: readonly number[];
}

function vectorOf({ text }: Block): Vector {
  const lines = text.split("\n").map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) ?? []);
  const all = (name: string): string[] => lines.flatMap(([key, rest = ""]) => (key === name ? [rest] : []));
  const [message = ""] = all("message");
  return {
    from: all("from")[0] === "client" ? "client" : "server",
    text: message,
    // What stands on the page is an expression of the language.
    message: new Function(`return (${message});`)() as Message,
    bytes: all("bytes").flatMap(bytesOfText),
  };
}

/** Hexadecimal bytes, and between quotes the bytes of a text. */
function bytesOfText(text: string): number[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].flatMap(([, quoted, hex]) =>
    quoted === undefined ? [Number.parseInt(hex ?? "", 16)] : [...new TextEncoder().encode(quoted)],
  );
}

/** The rows of the page's table whose head begins so, without the head. */
function tableOf(head: string): string[][] {
  const lines = readFileSync(file, "utf8").split("\n");
  const from = lines.findIndex((line) => line.startsWith(head));
  const rest = lines.slice(from + 2);
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith("|")),
    )
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe(PAGE, () => {
  const vectors = blocksOf(file.pathname)
    .filter(({ language }) => language === "vector")
    .map(vectorOf);
  const ends = new Ends(WIRE.codec, { open: false });

  test("has a vector for each kind of message", () => {
    expect([...new Set(vectors.map(({ message }) => message.kind))].sort()).toEqual(
      ["call", "cancel", "error", "hello", "result"].sort(),
    );
  });

  // In the order of the page: hello first, and replies after their calls.
  const calls = new Map<unknown, CallMessage>();
  test.each(vectors.map((vector) => [vector.text, vector] as const))("%s", (_, { from, message, bytes }) => {
    if (message.kind === "call") calls.set(message.id, message);
    const given = "call" in message ? { ...message, call: calls.get(message.id) } : message;
    expect(
      ends
        .of(from)
        .encode([given as Message])
        .map((frame) => [...(frame as Uint8Array)]),
    ).toEqual([[...bytes]]);
    expect(ends.other(from).decode([Uint8Array.from(bytes)])).toEqual([message]);
  });

  test("has the numbers of the codes", () => {
    const rows = tableOf("| code |").map(([code = "", number]) => [code.replaceAll("`", ""), Number(number)]);
    expect(rows).toEqual([...GRPC_NUMBERS]);
  });

  test("has the behaviours of Aperture, and what is different here", () => {
    expect(tableOf("| # |")).toEqual(
      COORDINATOR_CASES.map(({ number, what, aperture, ours, reason }) => [
        String(number),
        what,
        aperture.replaceAll("\n", "; "),
        ours === undefined ? "the same" : `${ours.replaceAll("\n", "; ")}. ${reason}`,
      ]),
    );
  });

  test("says of each wire what its codec says of itself", () => {
    const wires = [native(), jsonrpc(), gorpc(), WIRE];
    expect(tableOf("| |")).toEqual(tableFor(wires.map(sayingsOf)));
    expect(sayingsOf(lsp())).toEqual(sayingsOf(jsonrpc()));
  });
});

/** What one wire can say, each in a word. */
type Sayings = Readonly<Record<string, string>>;

function tableFor(columns: readonly Sayings[]): string[][] {
  return Object.keys(columns[0] ?? {}).map((what) => [what, ...columns.map((column) => column[what] ?? "")]);
}

class MeetingLink extends FakeLink implements CodecLink {
  readonly meets: boolean;

  constructor(role: Role, meets: boolean) {
    super(role);
    this.meets = meets;
  }
}

/** What a link of the wire can say when its ends have met, or have not. */
function linkOf(wire: Wire, meets: boolean): { readonly carries: Carries; readonly labels: boolean } {
  const [client, server] = [wire.codec(new MeetingLink("client", meets)), wire.codec(new MeetingLink("server", meets))];
  const cannot = (): undefined => undefined;
  let labels = false;
  if (meets || client.carries.hello === "must") {
    const said = client.encode([{ kind: "hello", hello: { name: "a", labels: { zone: "x" } } }], cannot);
    for (const message of said.flatMap((frame) => server.decode(frame))) {
      labels ||= message.kind === "hello" && message.hello.labels !== undefined;
    }
    const answer = server.encode([{ kind: "welcome", hello: {} }], cannot);
    for (const frame of answer) client.decode(frame);
  }
  return { carries: client.carries, labels };
}

function sayingsOf(wire: Wire): Sayings {
  const [bare, met] = [linkOf(wire, false), linkOf(wire, true)];
  const when = (has: (link: typeof bare) => boolean): string => (has(bare) ? "yes" : has(met) ? "once met" : "no");
  const refuses = (role: Role, message: Message): boolean =>
    wire.codec(new FakeLink(role)).refuses?.(message as CallMessage) !== undefined;
  const isCalled = (role: Role): string => (refuses(role, callOf("upper", {})) ? "no" : "yes");
  const notifiers = (["client", "server"] as const).filter(
    (role) => !refuses(role, { kind: "notify", method: "upper", params: {}, meta: undefined }),
  );
  return {
    "the dialler says hello": met.carries.hello,
    "with labels": when(({ labels }) => labels),
    "hello is acknowledged": when(({ carries }) => carries.welcome),
    '"I close", "you were replaced"': when(({ carries }) => carries.goodbye),
    heartbeat: when(({ carries }) => carries.ping),
    "calls of the dialler": isCalled("client"),
    "calls of the accepter": isCalled("server"),
    notifications: notifiers.length === 2 ? "both" : notifiers[0] === "client" ? "dialler" : "no",
    "the time that is left": tellsTime(wire) ? "yes" : "no",
    cancel: when(({ carries }) => carries.cancel),
    "a cancelled call is answered": met.carries.answersCancelled ? "yes" : "no",
  };
}

function tellsTime(wire: Wire): boolean {
  const ends = new Ends(wire.codec);
  const role = wire.codec(new FakeLink("client")).refuses?.(callOf("upper", {})) === undefined ? "client" : "server";
  const [call] = ends.pass(role, [callOf("upper", wire.name === "gorpc" ? "" : {})]);
  return call?.kind === "call" && call.timeoutMs !== undefined;
}
