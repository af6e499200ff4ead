import { z } from "zod";
import { RpcError } from "../../src/core/errors.ts";
import { method } from "../../src/core/method.ts";
import { fromHex, toHex } from "../gob/bytes.ts";
import { CONNECTIONS } from "../gob/captures.ts";
import { turn } from "../suites/support.ts";
import { Foreign, foreignServer, OURS, type Reply } from "./foreign.ts";
import { echo, flagOfError, Loop, type Runs } from "./stage.ts";

/** What our server answers to bytes that a client of gorpc sent, step by step of one captured connection. */
async function answersTo(titles: readonly string[], handlers: object): Promise<Foreign> {
  const [, dispatcher] = CONNECTIONS;
  const loop = new Loop();
  await loop.serve({ ...OURS, handlers });
  const foreign = await Foreign.client(loop);
  foreign.say("00");
  // The first one brings the definitions.
  for (const title of ['func Echo("hi")', ...titles]) {
    const session = dispatcher?.sessions.find((each) => each.title === title);
    if (session === undefined) throw new TypeError(`No capture is called ${title}`);
    foreign.say(session.client);
  }
  await turn();
  await loop.close();
  return foreign;
}

/** What our client makes of a call to our server. */
async function callOf(name: string, params: unknown, handlers: object): Promise<{ flag: string; text: string }> {
  const loop = new Loop();
  await loop.serve({ ...OURS, handlers });
  const client = await loop.connect(OURS);
  const outcome = await client.call(name, params).then(
    (value) => ({ flag: "ok", text: String(value) }),
    (thrown: RpcError) => ({ flag: flagOfError(thrown), text: thrown.message }),
  );
  await loop.close();
  return outcome;
}

const said = ({ inner, outer, value }: Reply | undefined = { id: 0, value: "nothing", inner: "", outer: "" }): string =>
  inner || outer || `it gets ${String(value)}`;

async function wrongArgument(): Promise<string> {
  const checked = method({ params: z.string() }, (text) => text);
  const { replies } = await answersTo(["func Echo(5) wrong arg type"], { Echo: echo });
  const { flag, text } = await callOf("Echo", 5, { Echo: checked });
  return [
    `to a function that says what it takes: ${flag}, ${text}`,
    `to any other: ${replies[1]?.value === 5 ? "it gets what came" : said(replies[1])}`,
  ].join("\n");
}

async function unknownNames(): Promise<string> {
  const loop = new Loop();
  await loop.serve({ ...OURS, handlers: { Echo: echo } });
  const client = await loop.connect(OURS);
  const ours = await Promise.all(
    ["Unknown", "Nope.Get", "Echo.Echo"].map((name) => client.call(name, 1).catch((thrown: RpcError) => thrown)),
  );
  const foreign = await Foreign.client(loop);
  foreign.say("00");
  for (const [at, name] of ["Echo", "", "."].entries()) foreign.request(at + 1, name);
  await turn();
  const texts = [...ours.map((error) => (error as RpcError).message), ...foreign.replies.map(({ inner }) => inner)];
  const flags = ours.map((error) => `${flagOfError(error)} ${(error as RpcError).code}`);
  await loop.close();
  const want = [
    ...["unknown method [.Unknown]", "unknown method [Nope.Get]", "unknown method [Echo.Echo]"],
    ...['"Echo" is no name of a method', '"" is no name of a method', '"." is no name of a method'],
  ];
  const isSound =
    want.every((start, at) => texts[at]?.startsWith(start)) &&
    texts.length === want.length &&
    new Set(flags).size === 1;
  return isSound ? `${flagOfError(ours[0])}, with a text for each` : [...flags, ...texts].join("; ");
}

async function ignoredArgument(): Promise<string> {
  const Nop = (): void => {};
  const { replies } = await answersTo(['func Nop("ignored")'], { Echo: echo, Nop });
  return replies[1]?.value === null && said(replies[1]) === "it gets null" ? "ignored" : said(replies[1]);
}

/** Also on the wire the reply is the one of Go's server, but for the id. */
async function ownError(): Promise<string> {
  const Fail = (): never => {
    throw new RpcError("not_found", "failed", { data: { secret: 1 } });
  };
  const foreign = await answersTo(["func Fail(nil)"], { Echo: echo, Fail });
  const captured = CONNECTIONS[1]?.sessions.find(({ title }) => title === "func Fail(nil)")?.server ?? "?";
  const { flag, text } = await callOf("Fail", undefined, { Fail });
  if (!foreign.hex.endsWith(captured)) return `other bytes: ${toHex(fromHex(foreign.hex))}`;
  return `${flag}, ${text === "failed" ? "with its text alone" : text}`;
}

async function plainRequest(): Promise<string> {
  const title = "raw c.Call(string) to dispatcher";
  const { replies, heard } = await answersTo([title, 'func Echo("hi") again'], { Echo: echo });
  const { flag, text } = await callOf("", "raw", { Echo: echo });
  const isTold =
    text.includes("call one of the server's methods by its name") && replies.some(({ outer }) => outer === text);
  const lives = heard.reason?.error === undefined && replies.some(({ id, value }) => id === 2 && value === "hi");
  return `${flag}, ${isTold ? "with a text that says what to call" : text}; the connection ${lives ? "lives on" : "has gone"}`;
}

class Service {
  #count = 0;
  Get(): number {
    return this.#next() + this._next();
  }
  _next(): number {
    return ++this.#count;
  }
  #next(): number {
    return ++this.#count;
  }
}

async function privateMethods(): Promise<string> {
  const handlers = { Svc: new Service() };
  const open = await callOf("Svc.Get", undefined, handlers);
  const closed = await Promise.all(
    ["_next", "#next", "constructor", "toString", "__proto__", "hasOwnProperty"].map((name) =>
      callOf(`Svc.${name}`, undefined, handlers),
    ),
  );
  const isClosed = closed.every(({ flag, text }) => flag === "Server" && text.startsWith("unknown method [Svc."));
  return open.flag === "ok" && isClosed ? "not callable" : JSON.stringify([open, closed]);
}

/** A server with one handler for all, which is called as if it were a dispatcher. */
async function otherReply(): Promise<string> {
  const loop = new Loop();
  const servers = await foreignServer(loop);
  const client = await loop.connect(OURS);
  const calls = ["Echo", "Echo", ""].map((name) => client.call(name, 1).catch((thrown: RpcError) => thrown));
  await turn();
  for (const [at, value] of ["text", null, "raw"].entries()) servers[0]?.reply(at + 1, value, "raw");
  const [first, second, raw] = await Promise.all(calls);
  await loop.close();
  const texts = [first, second].map((error) => (error as RpcError).message);
  const isTold = texts.every((text) => text.includes('call the server\'s one handler with the method ""'));
  if (flagOfError(first) !== flagOfError(second) || raw !== "raw") return `${texts.join("; ")}; ${String(raw)}`;
  return `${flagOfError(first)}, ${isTold ? "with a text that says what to call instead" : texts.join("; ")}`;
}

/** The dispatcher's names, arguments and errors: rows 39 to 45. */
export const DISPATCHER_RUNS: Runs = {
  39: wrongArgument,
  40: unknownNames,
  41: ignoredArgument,
  42: ownError,
  43: plainRequest,
  44: privateMethods,
  45: otherReply,
};
