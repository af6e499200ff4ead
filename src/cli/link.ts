import { type Command, Option } from "commander";
import type { Client } from "../client/client.ts";
import { connect, type NodeConnectOptions } from "../node.ts";
import { addressesOf, type DialFlags, dialOptionsOf, type HttpWishes } from "./dial-flags.ts";
import { commandLogger } from "./print.ts";
import { numberOption } from "./usage.ts";
import { wireOf, wireOption } from "./wires.ts";

/** What every command that dials can be told. */
export interface LinkFlags extends DialFlags {
  readonly wire: string;
  readonly timeoutMs: number;
  readonly verbose?: boolean;
}

/** Adds the options of a command that dials, beside those of `withDialOptions`. */
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

/** What a client is made with. Throws `UsageError` for flags that do not fit the address. */
export function linkOptionsOf(address: string, flags: LinkFlags, wishes?: HttpWishes): NodeConnectOptions {
  const { wire, timeoutMs, verbose = false } = flags;
  return {
    wire: wireOf(wire),
    timeoutMs,
    connectTimeoutMs: timeoutMs,
    handshakeTimeoutMs: timeoutMs,
    logger: commandLogger(verbose),
    ...dialOptionsOf(address, flags, wishes),
  };
}

/** Dials once. Rejects with an `RpcError` when no link comes about. */
export function dial(
  address: string,
  flags: LinkFlags,
  options: NodeConnectOptions = {},
  wishes?: HttpWishes,
): Promise<Client> {
  return connect(addressesOf(address, flags), { ...linkOptionsOf(address, flags, wishes), redial: false, ...options });
}
