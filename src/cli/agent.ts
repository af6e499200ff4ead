import { type Command, Option } from "commander";
import type { Connection } from "../core/context.ts";
import type { Logger } from "../core/logger.ts";
import { printable } from "../core/text.ts";
import { connect } from "../node.ts";
import { ABOUT_MODULE, handlersOf } from "./handlers-of.ts";
import { type Labels, labelsOption } from "./labels.ts";
import { commandLogger, say } from "./print.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { UsageError } from "./usage.ts";
import { fleetWireOf, wireOption } from "./wires.ts";

interface AgentFlags {
  readonly wire: string;
  readonly name: string;
  readonly label?: Labels;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  convoke agent tcp://127.0.0.1:7000 ./handlers.js --name ann
  convoke agent unix:/tmp/fleet.sock ./handlers.js --name "$(hostname)" --label zone=a --label os=linux --wire native

${ABOUT_MODULE}
The agent dials until somebody answers, and again whenever its link is lost.
Exit status: 0 after Ctrl-C, 1 the controller wants it never again, 2 the command line is wrong.`;

/** Adds `convoke agent`. */
export function addAgent(program: Command): void {
  program
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
    .option("--verbose", "print everything that happens to the link")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, path: string, { wire, name, label, verbose = false }: AgentFlags) => {
      if (name === "") throw new UsageError("--name must not be empty: the agent is called by it");
      const spoken = fleetWireOf(wire);
      const client = await connect(address, {
        wire: spoken,
        handlers: await handlersOf(path),
        name,
        labels: label,
        // Somebody who dials lazily goes on after a first attempt that failed.
        lazy: true,
        // There is no second link on stdio.
        ...(address.startsWith("stdio:") && { redial: false as const }),
        logger: agentLogger(verbose),
        onConnect: (link) => say(metText(link, address, name)),
      });
      client.ready().catch(() => {});
      const isInterrupted = await untilInterrupted(client.closed, () => client.close());
      if (!isInterrupted) say(`The agent has ended: ${printable((await client.closed).message)}`);
      // Timers of the module must not keep it.
      process.exit(isInterrupted ? 0 : 1);
    });
}

/** Whether the other end has taken it in: a fleet's welcome names its session, or where its calls begin. */
function metText({ hello }: Connection, address: string, name: string): string {
  const there = printable(address);
  if (hello?.session !== undefined || hello?.nextId !== undefined) return `Joined ${there} as "${printable(name)}"`;
  return `Connected to ${there}, which takes in no agents: is it served with --fleet?`;
}

/** An agent runs unattended: how its link goes is all that it has to say. */
function agentLogger(verbose: boolean): Logger {
  const logger = commandLogger(verbose);
  return { ...logger, info: logger.warn };
}
