import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { printable } from "../core/text.ts";
import { serve } from "../node.ts";
import type { Server } from "../server/server.ts";
import { commandLogger, say } from "./print.ts";
import { reportStats } from "./serve-stats.ts";
import { UsageError } from "./usage.ts";
import { wireOf, wireOption } from "./wires.ts";

interface ServeFlags {
  readonly listen: readonly string[];
  readonly wire: string;
  readonly verbose?: boolean;
  readonly stats?: boolean;
}

const EXAMPLES = `
Examples:
  convoke serve ./handlers.js --listen tcp://127.0.0.1:7000 --listen unix:/tmp/app.sock
  convoke serve ./handlers.js --listen stdio: --wire lsp

The module's default export, or its export "handlers", is an object of functions: each can be called by its name.
Ctrl-C lets running calls end, then exits; a second one exits at once.`;

/** Adds `convoke serve`. */
export function addServe(program: Command): void {
  program
    .command("serve")
    .summary("serve the handlers of a module")
    .description("Serves the functions of a JavaScript module at one or more addresses.")
    .argument("<module>", "path of the module")
    .requiredOption("--listen <address>", "where to listen; may be given again", collect, [])
    .addOption(wireOption())
    .option("--verbose", "print who comes and goes, on stderr")
    .option("--stats", "print on stderr what happens, a line a second, and a summary at the end")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { listen, wire, verbose = false, stats = false }: ServeFlags) => {
      if (listen.length === 0) throw new UsageError("Say where to listen, as in --listen tcp://127.0.0.1:7000");
      const spoken = wireOf(wire);
      const handlers = await handlersOf(path);
      // There is one connection on stdio; when it has ended nobody else can come.
      const isOnce = listen.every((address) => address === "stdio:");
      const server = await serve(listen, {
        wire: spoken,
        handlers,
        logger: commandLogger(verbose),
        onDisconnect: () => {
          if (isOnce) void server.close();
        },
      });
      // stdout may be the link itself.
      for (const address of server.addresses) say(`Listening on ${address}`);
      const summarize = stats ? reportStats(server, say) : undefined;
      await untilInterrupted(server);
      summarize?.();
    });
}

function collect(address: string, before: readonly string[]): string[] {
  return [...before, address];
}

async function handlersOf(path: string): Promise<object> {
  let loaded: { readonly default?: unknown; readonly handlers?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as typeof loaded;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`Cannot load ${JSON.stringify(path)}: ${printable(why, 1000)}`);
  }
  const handlers = loaded.handlers ?? loaded.default;
  if ((typeof handlers === "object" || typeof handlers === "function") && handlers !== null) return handlers;
  throw new UsageError(`Cannot serve ${JSON.stringify(path)}: it exports neither "handlers" nor a default object`);
}

/** Serves until Ctrl-C (or a termination signal), then drains. */
async function untilInterrupted(server: Server): Promise<void> {
  const onSignal = (): void => {
    process.once("SIGINT", () => process.exit(1));
    say("Draining; press Ctrl-C again to stop at once");
    void server.close();
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  await server.closed;
  process.exitCode = 0;
  process.removeAllListeners("SIGINT");
}
