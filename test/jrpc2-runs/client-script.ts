import { Client } from "../../src/client/client.ts";
import type { BatchMember, BatchOutcome } from "../../src/core/context.ts";
import type { RpcError } from "../../src/core/errors.ts";
import { textOf } from "../../src/core/text.ts";
import { memoryChannels } from "../../src/transports/memory.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { turn } from "../suites/support.ts";
import { type Run, Stage } from "./stage.ts";

/**
 * Runs a script against a client: lines are records that its server says, or `call name params` (`call@100`: with a time),
 * `note name params`, `batch [...]`, `abort name`, `aborted name` (a call whose signal has fired before), `close`,
 * `server ends`, and `+100`. The outcome is what the client says, and how its calls end.
 */
export function client(handlers: (stage: Stage) => object = () => ({})): Run {
  return async ({ input, under }) => {
    const stage = new Stage();
    const [near, far] = memoryChannels();
    far.open({
      frames: (frames) => frames.forEach((frame) => stage.log(textOf(frame))),
      skipped: () => {},
      ended: () => {},
      closed: () => {},
    });
    const dialled = await Client.open(async () => ({ channel: near }), jsonrpc(under), {
      clock: stage.clock,
      redial: false,
      logger: false,
      handlers: handlers(stage),
      onState: (state) => void (state === "stopped" && stage.log("stopped")),
    });
    const caller = new Calls(stage, dialled);
    for (const line of input.split("\n")) {
      if (line === "close") {
        await dialled.close();
        stage.log("closed");
      } else if (line === "server ends") far.end();
      else if (!caller.takes(line) && !(await stage.passes(line))) void far.send([line]);
      await turn();
    }
    const { outcome } = stage;
    await dialled.close({ graceMs: 0 });
    return outcome;
  };
}

/** What a script's user does with a client; a call is known by the name of its method. */
class Calls {
  readonly #stage: Stage;
  readonly #client: Client;
  readonly #signals = new Map<string, AbortController>();

  constructor(stage: Stage, dialled: Client) {
    this.#stage = stage;
    this.#client = dialled;
  }

  /** Does what the line says; says whether it was something to do. */
  takes(line: string): boolean {
    const [, verb, timeoutMs, name = "", json] =
      /^(call|note|aborted|abort|batch)(?:@(\d+))? ?(\w*) ?(.*)$/.exec(line) ?? [];
    const params: unknown = json === undefined || json === "" ? undefined : JSON.parse(json);
    switch (verb) {
      case "call":
      case "aborted":
        this.#call(name, params, timeoutMs, verb === "aborted");
        return true;
      case "note":
        void this.#client.notify(name, params);
        return true;
      case "abort":
        this.#signals.get(name)?.abort();
        return true;
      case "batch":
        this.#batch(params as BatchMember[]);
        return true;
      default:
        return false;
    }
  }

  #call(name: string, params: unknown, timeoutMs: string | undefined, isAborted: boolean): void {
    const controller = new AbortController();
    this.#signals.set(name, controller);
    if (isAborted) controller.abort();
    const { signal } = controller;
    const options = timeoutMs === undefined ? { signal } : { signal, timeoutMs: Number(timeoutMs) };
    void this.#client.call(name, params, options).then(
      (value) => this.#stage.log(`${name} = ${value === undefined ? "(empty)" : JSON.stringify(value)}`),
      (error: RpcError) => this.#stage.log(`${name} ! ${endOf(error)}`),
    );
  }

  #batch(members: readonly BatchMember[]): void {
    void this.#client.batch(members).then(
      (outcomes) => this.#stage.log(`batch = ${outcomes.map(outcomeText).join(", ")}`),
      (error: RpcError) => this.#stage.log(`batch ! ${endOf(error)}`),
    );
  }
}

/** The end of a call: what the language makes an error of its own has no text, as in jrpc2, and what did not leave says so. */
function endOf({ code, wireCode, message, executed }: RpcError): string {
  if (executed === "no" && wireCode === undefined) return "not sent";
  if (code === "cancelled" || code === "deadline_exceeded" || wireCode === undefined) return code;
  return `${wireCode} ${message}`;
}

function outcomeText(outcome: BatchOutcome): string {
  return outcome.ok ? JSON.stringify(outcome.value) : `${outcome.error.wireCode} ${outcome.error.message}`;
}
