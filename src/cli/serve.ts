import { type Command, Option } from "commander";
import { serve } from "../node.ts";
import { ABOUT_MODULE, handlersOf } from "./handlers-of.ts";
import { ABOUT_GET, type ListenFlags, listenOption, listenOptionsOf, withListenOptions } from "./listen-flags.ts";
import { type FleetFlags, fleetOf, OPERATORS, sayChanges, withService } from "./operators.ts";
import { commandLogger, say } from "./print.ts";
import { runServer } from "./run-server.ts";
import { hasWires, isHttp, isStdio, shownAddress } from "./schemes.ts";
import type { TlsEnd, TlsFlags } from "./tls-flags.ts";
import { UsageError } from "./usage.ts";
import { fleetWireOf, spokenOf, wireOf, wiresOption } from "./wires.ts";

interface ServeFlags extends FleetFlags, ListenFlags, TlsFlags {
  readonly wire?: readonly string[];
  readonly fleet?: boolean;
  readonly verbose?: boolean;
  readonly stats?: boolean;
}

const END: TlsEnd = { role: "server", prefix: "--" };

const EXAMPLES = `
Examples:
  convoke serve ./handlers.js --listen tcp://127.0.0.1:7000 --listen unix:/tmp/app.sock
  convoke serve ./handlers.js --listen http://127.0.0.1:8000/rpc --listen ws://127.0.0.1:8000/ws --get typed
  convoke serve ./handlers.js --listen https://0.0.0.0:8443 --cert server.crt --key server.key --allow-host api.example.org
  convoke serve ./handlers.js --listen stdio: --wire lsp
  convoke serve ./handlers.js --listen tcp://127.0.0.1:7000 --wire native --wire jsonrpc --wire lsp
  convoke serve --fleet --listen tcp://0.0.0.0:7000 --verbose

${ABOUT_MODULE}

http:// carries JSON-RPC: a POST is a call, a batch or a notification, and a GET that accepts text/event-stream stays and
brings what the server says by itself. ws:// carries any wire. Both answer only under names of this machine, and let in
only pages of their own origin, unless --allow-host and --allow-origin say more. Those with the same host and port share it.
${ABOUT_GET}

With --fleet the clients that say a name are agents (convoke agent), and operators list, watch and call them at the same
addresses (convoke agents, convoke call --agent, convoke call --all). An operator can do whatever the agents can do. By
default only programs of this machine are operators: those that come from loopback, over a Unix socket or over stdio. A
proxy or a tunnel that ends on this machine counts as one, and so does a page of --allow-origin in a browser of it. No agent
is an operator over its own link. Agents need a link that stays, and so not http://, where operators can call.`;

/** Adds `convoke serve`. */
export function addServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("serve the handlers of a module")
    .description("Serves the functions of a JavaScript module at one or more addresses.")
    .argument("[module]", "path of the module; may be left out with --fleet")
    .addOption(listenOption())
    .addOption(wiresOption())
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
      const { wire, fleet: hasFleet = false, verbose = false, stats = false } = flags;
      checkFlags(path, flags);
      const { listen, ...places } = listenOptionsOf(flags, flags, END);
      const spoken = spokenOf(wire, hasFleet ? fleetWireOf : wireOf);
      const handlers = path === undefined ? {} : await handlersOf(path);
      const { fleet, service } = hasFleet ? fleetOf(flags) : {};
      if (fleet !== undefined && verbose) void sayChanges(fleet, say);
      // There is one connection on stdio; when it has ended nobody else can come.
      const isOnce = listen.every(isStdio);
      const server = await serve(listen, {
        ...places,
        ...spoken,
        handlers: service === undefined ? handlers : withService(handlers, service),
        fleet,
        logger: commandLogger(verbose),
        onDisconnect: () => {
          if (isOnce) void server.close();
        },
      });
      await runServer(server, { stats });
      // Timers of the module must not keep it.
      process.exit(0);
    });
  withListenOptions(command, END);
}

function checkFlags(path: string | undefined, flags: ServeFlags): void {
  const { listen = [], wire = [], fleet = false, operators, duplicates } = flags;
  if (path === undefined && !fleet) throw new UsageError("Say which module to serve, or add --fleet to take in agents");
  const misplaced = operators !== undefined ? "--operators" : duplicates !== undefined ? "--duplicates" : undefined;
  if (misplaced !== undefined && !fleet) throw new UsageError(`${misplaced} belongs to a fleet: add --fleet`);
  const single = wire.length > 1 ? listen.find((address) => !hasWires(address)) : undefined;
  if (single !== undefined) {
    throw new UsageError(`Only tcp://, tls:// and unix: take more than one --wire, not ${shownAddress(single)}`);
  }
  if (fleet && listen.length > 0 && listen.every(isHttp)) {
    throw new UsageError(
      "No agent can be called over http://: add an address for agents, as in --listen ws://127.0.0.1:7000",
    );
  }
}
