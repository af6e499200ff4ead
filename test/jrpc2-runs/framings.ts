import type { Framing } from "../../src/core/channel.ts";
import { RpcError } from "../../src/core/errors.ts";
import { bytesOf, textOf } from "../../src/core/text.ts";
import { header, lsp, strictHeader } from "../../src/framings/header.ts";
import { line } from "../../src/framings/line.ts";
import { rawJson } from "../../src/framings/raw-json.ts";
import { memoryChannels, memoryPipes } from "../../src/transports/memory.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { codeOf, pair } from "../suites/engine.ts";
import { HandPipe, linkOf } from "../suites/framing-suite.ts";
import { Recorder, turn } from "../suites/support.ts";
import { type Run, type Runs, statusOf } from "./stage.ts";

/** The framings by the names that the table has for them: `header:TYPE` and `strict:TYPE` as jcall writes them. */
function framingOf(name: string): Framing {
  const [, kind, type = ""] = /^(\w+)(?::(.*))?$/.exec(name) ?? [];
  switch (kind) {
    case "line":
      return line();
    case "raw":
      return rawJson();
    case "lsp":
      return lsp();
    case "header":
      return header(type);
    case "strict":
      return strictHeader(type);
    default:
      throw new RangeError(`There is no framing ${name}`);
  }
}

/** Each line is `FRAMING write "record"` or `FRAMING read "bytes"`; the outcome has one line for each. */
const script: Run = async ({ input }) =>
  input
    .split("\n")
    .map((each) => {
      const [, name = "", verb, json = ""] = /^(\S+) (write|read) (".*")$/.exec(each) ?? [];
      const text = JSON.parse(json) as string;
      return verb === "write" ? written(framingOf(name), text) : read(framingOf(name), text);
    })
    .join("\n");

function written(framing: Framing, record: string): string {
  const pipe = new HandPipe();
  void framing(pipe, linkOf()).send([record]);
  if (pipe.reason === undefined) return JSON.stringify(pipe.text);
  return pipe.written.length === 0 ? "! nothing written" : "! something written";
}

function read(framing: Framing, bytes: string): string {
  const pipe = new HandPipe();
  const told: string[] = [];
  framing(pipe, linkOf()).open({
    frames: (frames) => void told.push(...frames.map((frame) => JSON.stringify(textOf(frame)))),
    skipped: () => void told.push("skipped"),
    ended: () => void told.push("end"),
    closed: ({ message }) => void told.push(`! ${originalText(message)}`),
  });
  void pipe.bring(bytesOf(bytes));
  pipe.sink?.ended();
  return told.join(" ");
}

/** The original's words for what broke a stream: they are local, and ours say more. */
function originalText(message: string): string {
  if (/stream ended inside/.test(message)) return "unexpected EOF";
  if (message.startsWith("Cannot read JSON")) return "syntax";
  const why = message.replace("Cannot read a header block: ", "");
  return why.replace(/^(invalid content-length|invalid header line) .*$/, "$1");
}

/** JSON values with blanks in them, empty records and large ones, both ways over every framing. */
async function bothWays(): Promise<string> {
  const records = ['{"a":1}', '[ 1, "a b" ]', "", "17", `"${"x".repeat(230_000)}"`];
  const told: string[] = [];
  for (const name of ["line", "raw", "lsp", "header", "header:text/plain", "strict:text/plain", "memory"]) {
    const pipes = memoryPipes();
    const channels = memoryChannels();
    const ends = [0, 1].map((at) => {
      const end = name === "memory" ? channels[at] : pipes[at] && framingOf(name)(pipes[at], linkOf());
      if (end === undefined) throw new RangeError("There are two ends");
      return { end, sink: new Recorder().open(end) };
    });
    for (const { end } of ends) void end.send(records);
    await turn();
    const isSame = ends.every(({ sink }) => sink.frameList.map(textOf).join("|") === records.join("|"));
    told.push(`${name}: ${isSame ? "the same" : "not the same"}`);
  }
  return told.join("\n");
}

/** Ends of a link in memory, after one of them has closed. */
async function direct(): Promise<string> {
  const { client, server } = pair({ wire: jsonrpc() });
  client.end();
  const sent = await codeOf(client.call("late"));
  const received = await server.closed;
  const isRefused = sent === "unavailable/no" && (await client.notify("late").catch(RpcError.is)) === true;
  return `send ${isRefused ? "fails" : "works"}\nreceive: ${statusOf(received) === "Closed" ? "end" : "error"}`;
}

/** Framings: cases 177, 178 and 180 to 188. */
export const FRAMING_RUNS: Runs = {
  177: script,
  178: script,
  180: script,
  181: script,
  182: script,
  183: script,
  184: script,
  185: script,
  186: script,
  187: bothWays,
  188: direct,
};
