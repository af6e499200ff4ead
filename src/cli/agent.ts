import { type Command, Option } from "commander";
import type { Connection } from "../core/context.ts";
import type { Logger } from "../core/logger.ts";
import { printable } from "../core/text.ts";
import { connect } from "../node.ts";
import { addressesOf, type DialFlags, dialOptionsOf, fallbackOption, withDialOptions } from "./dial-flags.ts";
import { ABOUT_MODULE, handlersOf } from "./handlers-of.ts";
import { type Labels, labelsOption } from "./labels.ts";
import { commandLogger, say } from "./print.ts";
import { programsEnded } from "./programs-ended.ts";
import { isHttp, isOnce, shownAddress } from "./schemes.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { UsageError } from "./usage.ts";
import { fleetWireOf, wireOption } from "./wires.ts";

interface AgentFlags extends DialFlags {
  readonly wire: string;
  readonly name: string;
  readonly label?: Labels;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  convoke agent tcp://127.0.0.1:7000 ./handlers.js --name ann
  convoke agent wss://fleet.example.org/agents ./handlers.js --name ann --header @token.txt
  convoke agent grpcs://fleet.example.org:7100 ./handlers.js --name ann --fallback wss://fleet.example.org/agents
  convoke agent unix:/tmp/fleet.sock ./handlers.js --name "$(hostname)" --label zone=a --label os=linux --wire native

${ABOUT_MODULE}
The agent dials until somebody answers, and again whenever its link is lost. With --fallback it takes the first address that
answers, and moves to a better one when that answers again.
Exit status: 0 after Ctrl-C, 1 the controller wants it never again, 2 the command line is wrong.`;

/** Adds `convoke agent`. */
export function addAgent(program: Command): void {
  const command = program
    .command("agent")
    .summary("serve the handlers of a module to a controller")
    .description("Dials a controller (a server with --fleet) and serves it the functions of a JavaScript module.")
    .argument("<address>", "where the controller is: a URL, host:port, or a path")
    .argument("<module>", "path of the module")
    .addOption(
      new Option("--name <name>", "the name that it is called by; one agent has it at a time").makeOptionMandatory(),
    )
    .addOption(labelsOption("--label <k=v>", "a label that agents are chosen by; may be given again"))
    .addOption(wireOption())
    .addOption(fallbackOption())
    .option("--verbose", "print everything that happens to the link")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, path: string, flags: AgentFlags) => {
      const { wire, name, label, fallback, verbose = false } = flags;
      if (name === "") throw new UsageError("--name must not be empty: the agent is called by it");
      const addresses = addressesOf(address, flags);
      if (addresses.some(isHttp)) {
        throw new UsageError(
          "An agent cannot be called over http://: dial its controller over ws:// or another address",
        );
      }
      const spoken = fleetWireOf(wire);
      const client = await connect(addresses, {
        wire: spoken,
        handlers: await handlersOf(path),
        name,
        labels: label,
        // Somebody who dials lazily goes on after a first attempt that failed.
        lazy: true,
        // There is no second link on stdio.
        ...(addresses.every(isOnce) && { redial: false as const }),
        logger: agentLogger(verbose),
        ...dialOptionsOf(address, flags),
        // Which of several addresses it is shows when the link is up.
        onConnect: (link) => void setImmediate(() => say(metText(link, (fallback && client.address) ?? address, name))),
      });
      client.ready().catch(() => {});
      const isInterrupted = await untilInterrupted(client.closed, () => client.close());
      if (!isInterrupted) say(`The agent has ended: ${printable((await client.closed).message)}`);
      if (addresses.some(isOnce)) await programsEnded();
      // Timers of the module must not keep it.
      process.exit(isInterrupted ? 0 : 1);
    });
  withDialOptions(command);
}

/** Whether the other end has taken it in: a fleet's welcome names its session, or where its calls begin. */
function metText({ hello }: Connection, address: string, name: string): string {
  const there = printable(shownAddress(address));
  if (hello?.session !== undefined || hello?.nextId !== undefined) return `Joined ${there} as "${printable(name)}"`;
  return `Connected to ${there}, which takes in no agents: is it served with --fleet?`;
}

/** An agent runs unattended: how its link goes is all that it has to say. */
function agentLogger(verbose: boolean): Logger {
  const logger = commandLogger(verbose);
  return { ...logger, info: logger.warn };
}
