import type { Command } from "commander";
import type { Client } from "../client/client.ts";
import { RpcError } from "../core/errors.ts";
import { withDialOptions } from "./dial-flags.ts";
import { dial, type LinkFlags, withLinkOptions } from "./link.ts";
import { printValue } from "./print.ts";

/** The methods that describe a server, the fuller one first. */
const METHODS = ["rpc.discover", "rpc.serverInfo"];

const EXAMPLES = `
Examples:
  convoke describe tcp://127.0.0.1:7000
  convoke describe http://127.0.0.1:8000/rpc
  convoke describe 'exec:node server.js' --wire lsp

Prints the OpenRPC document of rpc.discover; from a server without it the answer of rpc.serverInfo.
Exit status: 0 printed, 1 the server says neither or cannot be reached, 2 the command line is wrong.`;

/** Adds `convoke describe`. */
export function addDescribe(program: Command): void {
  const command = withLinkOptions(program.command("describe"))
    .summary("print what a server says about its methods")
    .description("Asks a JSON-RPC server what can be called there.")
    .argument("<address>", "where the server is: a URL, host:port, or a path")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, flags: LinkFlags) => {
      const client = await dial(address, flags);
      try {
        printValue(await description(client), true);
      } finally {
        await client.close();
      }
    });
  withDialOptions(command);
}

async function description(client: Client): Promise<unknown> {
  for (const method of METHODS) {
    try {
      return await client.call(method);
    } catch (thrown) {
      if (!(RpcError.is(thrown) && thrown.code === "unimplemented")) throw thrown;
    }
  }
  throw new RpcError("unimplemented", `The server does not describe itself: it has neither ${METHODS.join(" nor ")}`);
}
