import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import { connect, type NodeConnectOptions } from "../node.ts";
import { commandLogger } from "./print.ts";
import { numberOption } from "./usage.ts";
import { wireOf, wireOption } from "./wires.ts";

/** What every command that dials can be told. */
export interface LinkFlags {
  readonly wire: string;
  readonly timeoutMs: number;
  readonly verbose?: boolean;
}

/** Adds the options of a command that dials. */
export function withLinkOptions(command: Command): Command {
  return command
    .addOption(wireOption())
    .addOption(
      new Option("--timeout-ms <n>", "how long to wait for the link and for each reply")
        .argParser(numberOption("--timeout-ms", 1))
        .default(60_000),
    )
    .option("--verbose", "print what happens to the link, on stderr");
}

/** Dials once. Rejects with an `RpcError` when no link comes about. */
export function dial(
  address: string,
  { wire, timeoutMs, verbose = false }: LinkFlags,
  options: NodeConnectOptions = {},
): Promise<Client> {
  return connect(address, {
    wire: wireOf(wire),
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    handshakeTimeoutMs: timeoutMs,
    redial: false,
    logger: commandLogger(verbose),
    ...options,
  });
}
