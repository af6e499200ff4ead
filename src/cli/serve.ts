import { type Command, Option } from "commander";
import { serve } from "../node.ts";
import { ABOUT_MODULE, handlersOf } from "./handlers-of.ts";
import { type FleetFlags, fleetOf, OPERATORS, sayChanges, withService } from "./operators.ts";
import { commandLogger, say } from "./print.ts";
import { reportStats } from "./serve-stats.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { UsageError } from "./usage.ts";
import { fleetWireOf, wireOf, wireOption } from "./wires.ts";

interface ServeFlags extends FleetFlags {
  readonly listen?: readonly string[];
  readonly wire: string;
  readonly fleet?: boolean;
  readonly verbose?: boolean;
  readonly stats?: boolean;
}

const EXAMPLES = `
Examples:
  convoke serve ./handlers.js --listen tcp://127.0.0.1:7000 --listen unix:/tmp/app.sock
  convoke serve ./handlers.js --listen stdio: --wire lsp
  convoke serve --fleet --listen tcp://0.0.0.0:7000 --verbose

${ABOUT_MODULE}

With --fleet the clients that say a name are agents (convoke agent), and operators list, watch and call them at the same
addresses (convoke agents, convoke call --agent, convoke call --all). An operator can do whatever the agents can do. By
default only programs of this machine are operators: those that come from loopback, over a Unix socket or over stdio. A
proxy or a tunnel that ends on this machine counts as one. No agent is an operator over its own link.`;

/** Adds `convoke serve`. */
export function addServe(program: Command): void {
  program
    .command("serve")
    .summary("serve the handlers of a module")
    .description("Serves the functions of a JavaScript module at one or more addresses.")
    .argument("[module]", "path of the module; may be left out with --fleet")
    .option("--listen <address>", "where to listen; may be given again", collect)
    .addOption(wireOption())
    .option("--verbose", "print who comes and goes, on stderr")
    .option("--stats", "print on stderr what happens, a line a second, and a summary at the end")
    .optionsGroup("Agents:")
    .option("--fleet", "take in agents, and serve those who operate them")
    .addOption(new Option("--operators <who>", "who may operate the agents (default: local)").choices(OPERATORS))
    .addOption(
      new Option(
        "--duplicates <rule>",
        "an agent whose name is taken replaces the older one, or is rejected (default: replace, where that one can be told)",
      ).choices(["replace", "reject"]),
    )
    .addHelpText("after", EXAMPLES)
    .action(async (path: string | undefined, flags: ServeFlags) => {
      const { listen = [], wire, fleet: hasFleet = false, verbose = false, stats = false } = flags;
      checkFlags(path, flags);
      const spoken = hasFleet ? fleetWireOf(wire) : wireOf(wire);
      const handlers = path === undefined ? {} : await handlersOf(path);
      const { fleet, service } = hasFleet ? fleetOf(flags) : {};
      if (fleet !== undefined && verbose) void sayChanges(fleet, say);
      // There is one connection on stdio; when it has ended nobody else can come.
      const isOnce = listen.every((address) => address === "stdio:");
      const server = await serve(listen, {
        wire: spoken,
        handlers: service === undefined ? handlers : withService(handlers, service),
        fleet,
        logger: commandLogger(verbose),
        onDisconnect: () => {
          if (isOnce) void server.close();
        },
      });
      // Before anybody is told that it listens: who was told may press Ctrl-C.
      const ended = untilInterrupted(server.closed, () => server.close());
      // stdout may be the link itself.
      for (const address of server.addresses) say(`Listening on ${address}`);
      const summarize = stats ? reportStats(server, say) : undefined;
      await ended;
      summarize?.();
      // Timers of the module must not keep it.
      process.exit(0);
    });
}

function checkFlags(path: string | undefined, { listen = [], fleet = false, operators, duplicates }: ServeFlags): void {
  if (path === undefined && !fleet) throw new UsageError("Say which module to serve, or add --fleet to take in agents");
  if (listen.length === 0) throw new UsageError("Say where to listen, as in --listen tcp://127.0.0.1:7000");
  const misplaced = operators !== undefined ? "--operators" : duplicates !== undefined ? "--duplicates" : undefined;
  if (misplaced !== undefined && !fleet) throw new UsageError(`${misplaced} belongs to a fleet: add --fleet`);
}

function collect(address: string, before: readonly string[] = []): string[] {
  return [...before, address];
}
