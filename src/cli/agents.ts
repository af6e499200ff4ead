import { once } from "node:events";
import type { Command } from "commander";
import type { Client } from "../client/client.ts";
import { RpcError } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import type { MemberInfo } from "../fleet/member.ts";
import type { FleetEvent } from "../fleet/watching.ts";
import { matcherOf } from "../fleet/where.ts";
import { eventText, tableOf } from "./agents-table.ts";
import { withDialOptions } from "./dial-flags.ts";
import { changeOf, fleetError, membersOf } from "./fleet-replies.ts";
import { type Labels, whereOption } from "./labels.ts";
import { dial, type LinkFlags, withLinkOptions } from "./link.ts";
import { printValue, say } from "./print.ts";
import { isHttp } from "./schemes.ts";
import { UsageError } from "./usage.ts";

interface AgentsFlags extends LinkFlags {
  readonly where?: Labels;
  readonly json?: boolean;
  readonly watch?: boolean;
}

const EXAMPLES = `
Examples:
  convoke agents tcp://127.0.0.1:7000
  convoke agents 127.0.0.1:7000 --where zone=a --json | jq -r .name
  convoke agents /tmp/fleet.sock --watch

UP is how long an agent has been there, SEEN how long ago something came from it, RUNNING its own calls to the controller,
PENDING calls to it. --json prints an object for each agent and, with --watch, one with "kind" for each event:
"joined", "left" or "replaced" (its name belongs to another link now).
Exit status: 0 printed, 1 there is no fleet that this end may see, or the link was lost, 2 the command line is wrong,
130 Ctrl-C before there was an answer.`;

/** Adds `convoke agents`. */
export function addAgents(program: Command): void {
  const command = withLinkOptions(program.command("agents"))
    .summary("print the agents of a controller")
    .description("Prints the agents that a controller has: a server that was started with --fleet.")
    .argument("<address>", "where the controller is: a URL, host:port, or a path")
    .addOption(whereOption())
    .option("--json", "print one JSON value a line instead of a table")
    .option("--watch", "then print who comes and goes, a line each, until Ctrl-C")
    .addHelpText("after", EXAMPLES)
    .action(async (address: string, flags: AgentsFlags) => {
      if (flags.watch && isHttp(address)) {
        throw new UsageError("--watch needs a link that stays, and http:// has none: use ws://, or leave it out");
      }
      const report = new Report(flags);
      const client = await dial(address, flags, { handlers: { fleet: { changed: report.changed } } });
      try {
        if (flags.watch) await watch(client, report);
        else report.list(membersOf(await client.call("fleet.list", { ...(flags.where && { where: flags.where }) })));
      } catch (thrown) {
        throw fleetError(thrown);
      } finally {
        await client.close({ graceMs: 0 });
      }
    });
  withDialOptions(command);
}

/** Rejects when the controller tells no more. */
async function watch(client: Client, report: Report): Promise<void> {
  const members = membersOf(await client.call("fleet.watch"));
  const interrupted = once(process, "SIGINT");
  report.list(members);
  const lost = client.closed.then(({ message }) => {
    throw new RpcError("unavailable", `The link has ended: ${printable(message)}`);
  });
  await Promise.race([interrupted, report.ended, lost]);
}

/** What is printed of a fleet: who is there, then who comes and goes. */
class Report {
  /** Rejects when the controller tells no more. */
  readonly ended: Promise<never>;
  readonly #isJson: boolean;
  readonly #matches: (member: MemberInfo) => boolean;
  /** Those that have been printed and have not left. */
  readonly #known = new Set<string>();
  /** Events that came before the list; `undefined` since it was printed. */
  #early: FleetEvent[] | undefined = [];
  #end: (error: RpcError) => void = () => {};

  constructor({ where, json = false }: AgentsFlags) {
    this.#isJson = json;
    this.#matches = matcherOf(where);
    this.ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.ended.catch(() => {});
  }

  list(all: readonly MemberInfo[]): void {
    const members = all.filter(this.#matches);
    for (const member of members) {
      this.#known.add(member.name);
      if (this.#isJson) printValue(member, false);
    }
    if (!this.#isJson) for (const line of tableOf(members, Date.now())) process.stdout.write(`${line}\n`);
    if (members.length === 0) say("No agents");
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#print(event);
  }

  /** Gets what `fleet.changed` says. */
  readonly changed = (params: unknown): void => {
    const change = changeOf(params);
    if (change === undefined) return;
    if (!("kind" in change)) this.#end(new RpcError("resource_exhausted", printable(change.message)));
    else if (this.#early === undefined) this.#print(change);
    else this.#early.push(change);
  };

  #print(event: FleetEvent): void {
    const { kind, info } = event;
    // A name that went to an end with other labels is news to whoever has seen it.
    if (!this.#matches(info) && !this.#known.has(info.name)) return;
    if (kind === "left") this.#known.delete(info.name);
    else this.#known.add(info.name);
    if (this.#isJson) printValue(event, false);
    else process.stdout.write(`${eventText(event, new Date())}\n`);
  }
}
