import type { CallContext } from "../core/context.ts";
import { dispatcherOf, lookup, Registry } from "../core/handlers.ts";
import { printable } from "../core/text.ts";
import { Fleet } from "../fleet/fleet.ts";
import { type FleetMethods, fleetService } from "../fleet/service.ts";
import { memberText } from "./agents-table.ts";

/** Who may list, watch and call the agents. */
export const OPERATORS = ["local", "anyone", "none"] as const;
export type Operators = (typeof OPERATORS)[number];

/** How a fleet is served by the command line. */
export interface FleetFlags {
  readonly operators?: Operators;
  readonly duplicates?: "replace" | "reject";
}

/** Makes the fleet of a server, and its methods for the operators that may use them. */
export function fleetOf({ operators = "local", duplicates }: FleetFlags): { fleet: Fleet; service: FleetMethods } {
  const fleet = new Fleet({ duplicates, nameless: "serve" });
  const service = fleetService(fleet, { authorise: (_, context) => isOperator(operators, context) });
  return { fleet, service };
}

/**
 * Whether a caller may operate the fleet. An agent never may, over the link by which it is one.
 *
 * A web page can make a browser write to a port of this machine, but not without lines of HTTP before what it wants to
 * say: a link over which anything came that was no request is nobody's whom we know to be local.
 */
export function isOperator(
  operators: Operators,
  { connection, remoteAddress }: Pick<CallContext, "connection" | "remoteAddress">,
): boolean {
  if (operators === "none" || connection.hello?.name !== undefined) return false;
  return operators === "anyone" || (isLocal(remoteAddress) && connection.stats().invalid === 0);
}

/** Whether an address is one of this machine: loopback, a Unix socket, or the process that started this one. */
function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(127\.\d+\.\d+\.\d+:\d+$|\[::1\]:\d+$|unix:|stdio:$)/.test(address);
}

/** The handlers of a module with those for operators beside them. Throws `TypeError` when a name is taken. */
export function withService(handlers: object, { fleet }: FleetMethods): object {
  if (typeof handlers !== "function") return beside(handlers, fleet);
  return (connection: unknown): object => beside((handlers as (connection: unknown) => object)(connection), fleet);
}

function beside(handlers: object, fleet: FleetMethods["fleet"]): object {
  const own = dispatcherOf(handlers);
  const both = new Registry({ fleet });
  // What cannot be listed is looked up.
  if (own.names === undefined) return lookup((method) => both.find(method) ?? own.find(method));
  for (const name of own.names()) {
    const handler = own.find(name);
    if (handler !== undefined) both.register(name, handler);
  }
  return both;
}

/** Says who comes and goes, for as long as the process runs. */
export async function sayChanges(fleet: Fleet, say: (line: string) => void): Promise<void> {
  const events = fleet.watch({ maxBehind: Number.POSITIVE_INFINITY });
  for await (const { kind, info, reason } of events) {
    say(kind === "left" ? `Left: ${printable(info.name)}: ${reason ?? ""}` : `${VERBS[kind]}: ${memberText(info)}`);
  }
}

const VERBS = { joined: "Joined", replaced: "Replaced" } as const;
