import { RpcError } from "../../src/core/errors.ts";
import { turn } from "../suites/support.ts";
import { ourClient, ourServer, type Run, type Runs } from "./stage.ts";

/** An error as it stands on the wire. */
interface Written {
  readonly timestamp?: number;
  readonly trace?: string;
  readonly message?: string;
  readonly code?: string;
}

/** What is sent for what a handler throws, and what the log has. */
async function failed(compat: boolean, thrown: unknown): Promise<{ error: Written; logged: string }> {
  const { dial, handlers, log, close } = await ourServer({ compat });
  handlers.thrown = thrown;
  const hand = await dial();
  await hand.say("t-fail-request", "1");
  const { error = {} } = (hand.heard[0]?.payload ?? {}) as { readonly error?: Written };
  const lines = log.lines.filter(({ level }) => level === "error" || level === "warn");
  await close();
  return { error, logged: lines.map(({ message, cause }) => `${message} ${String(cause)}`).join("\n") };
}

const members: Run = async (compat) => {
  const { error } = await failed(compat, new RpcError("invalid_argument", "bad address"));
  const { dial, close } = await ourServer({ compat });
  const hand = await dial();
  await hand.say("t-add-request", "1", { a: 1, b: 2 });
  const isThere = Object.hasOwn(hand.heard[0]?.payload as object, "error");
  await close();
  return `has ${Object.keys(error).join(", ")}\nis ${isThere ? "there" : "not there"} when all is well`;
};

const ofRequest: Run = async (compat) => {
  const { error, logged } = await failed(compat, new RpcError("invalid_argument", "bad address"));
  return [
    `the caller gets: ${error.message}`,
    `trace: ${error.trace ?? "none"}`,
    `in the log: ${logged === "" ? "nothing" : logged}`,
  ].join("\n");
};

const notFound: Run = async (compat) => {
  const { error } = await failed(compat, new RpcError("not_found", "not found: tx 05"));
  return `${error.message}, ${error.code === undefined ? "without a code" : `with the code ${error.code}`}`;
};

const internal: Run = async (compat) => {
  const { error, logged } = await failed(compat, new Error("the disk is full"));
  const { message, trace = "" } = error;
  const isTold = logged.includes("the disk is full") && logged.includes(trace);
  return [
    `the caller gets: ${message}`,
    `trace: ${/^[0-9a-f]{16}$/.test(trace) ? "16 hexadecimal digits" : trace}`,
    `in the log: ${isTold ? "the cause, with the trace" : logged}`,
  ].join("\n");
};

const asText: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const call = client.call("add", {}).catch((thrown: unknown) => thrown);
  await turn();
  const error = { timestamp: 1_721_300_000, trace: "00ff", message: "internal error" };
  await server.say("t-add-response", "1", { error });
  const thrown = (await call) as RpcError;
  await close();
  const isWhole = thrown.trace === "00ff" && thrown.timestamp === 1_721_300_000_000 && thrown.code === "internal";
  return thrown.message === "internal error" && isWhole
    ? "message, and trace and timestamp as members"
    : String(thrown);
};

const silent: Run = async (compat) => {
  const { dial, close } = await ourServer({ compat });
  const hand = await dial();
  await hand.say("t-see-request", "1", { n: 1 });
  const answer = hand.heard[0];
  await close();
  return answer === undefined
    ? "its caller waits until its time is over"
    : `its caller gets ${JSON.stringify(answer.payload)}`;
};

/** Errors: rows 25 to 30. */
export const ERROR_RUNS: Runs = {
  25: members,
  26: ofRequest,
  27: notFound,
  28: internal,
  29: asText,
  30: silent,
};
