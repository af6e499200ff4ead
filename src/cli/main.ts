#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { RpcError } from "../core/errors.ts";
import { addAgent } from "./agent.ts";
import { addAgents } from "./agents.ts";
import { addBench } from "./bench.ts";
import { addBridge } from "./bridge.ts";
import { endOnBrokenPipe } from "./broken-pipe.ts";
import { addCall } from "./call.ts";
import { addDescribe } from "./describe.ts";
import { endOnSignal } from "./end-on-signal.ts";
import { printError, say } from "./print.ts";
import { addServe } from "./serve.ts";
import { UsageError } from "./usage.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs the command line and sets the exit status: 0 ok, 1 a call failed, 2 bad usage. */
async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const program = new Command("convoke")
    .description("Remote calls in both directions, over any wire.")
    .version(version)
    .showHelpAfterError("Add --help to see how it is used.")
    .exitOverride();
  addCall(program);
  addServe(program);
  addAgent(program);
  addAgents(program);
  addDescribe(program);
  addBridge(program);
  addBench(program);
  try {
    await program.parseAsync();
  } catch (thrown) {
    process.exitCode = report(thrown);
  }
}

/** Says what went wrong and returns the exit status. */
function report(thrown: unknown): number {
  // Commander has already printed its own errors and helps.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
  if (thrown instanceof UsageError || thrown instanceof TypeError || thrown instanceof RangeError) {
    say(`error: ${thrown.message}\nAdd --help to see how it is used.`);
    return EXIT_USAGE;
  }
  printError(RpcError.from(thrown), false, false);
  return EXIT_FAILED;
}

endOnBrokenPipe();
endOnSignal();
await main();
