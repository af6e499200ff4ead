import { checkMs } from "../core/clock.ts";
import type { Hello } from "../core/message.ts";

/** How a fleet takes its members in, and calls them. Every option may be left out. */
export interface FleetOptions {
  /** Default time of a call to a member. Default 5000; Infinity: no limit. */
  readonly timeoutMs?: number | undefined;
  /**
   * What happens when a name is taken already. `replace`: the newer end gets it, and the older one is told to stay away.
   * `reject`: the end that has it keeps it. Either way the same end gets its name again over a new link, and an older
   * session never takes it from a newer one. Default: `replace` where the old end can be told, else `reject`.
   */
  readonly duplicates?: "replace" | "reject" | undefined;
  /** A hello without a name is refused, or the client is served like one of a server without a fleet. Default `reject`. */
  readonly nameless?: "reject" | "serve" | undefined;
  /**
   * The only name that an authenticated end may have; `undefined`: any; a throw refuses it. Default: an identity that is a
   * text, the common name of a certificate's subject, or the `name` of any other identity. Where there is none, or a
   * certificate has several, the end is refused with `permission_denied`. An end without an identity is not asked about.
   */
  readonly nameOf?: ((identity: unknown, hello: Hello) => string | undefined) | undefined;
  /** How long an end that was replaced or refused stays away, at least; up to a third more is added by chance. Default 30 000. */
  readonly stayAwayMs?: number | undefined;
  /** Default 65 536. */
  readonly maxMembers?: number | undefined;
  /** Labels of one member. Default 64. */
  readonly maxLabels?: number | undefined;
  /** Chance; tests give their own. A number from 0 to 1. */
  readonly random?: (() => number) | undefined;
}

/** The options of one fleet, checked and filled in. */
export interface FleetRules {
  readonly timeoutMs: number;
  readonly duplicates: "replace" | "reject" | undefined;
  readonly nameless: "reject" | "serve";
  readonly nameOf: FleetOptions["nameOf"];
  readonly stayAwayMs: number;
  readonly maxMembers: number;
  readonly maxLabels: number;
  readonly random: () => number;
}

/** Throws `TypeError` or `RangeError` for a wrong value. */
export function rulesOf(options: FleetOptions): FleetRules {
  const { duplicates, nameless = "reject", nameOf, random = Math.random } = options;
  if (duplicates !== undefined && duplicates !== "replace" && duplicates !== "reject") {
    throw new TypeError(`duplicates must be "replace" or "reject", not ${JSON.stringify(duplicates)}`);
  }
  if (nameless !== "reject" && nameless !== "serve") {
    throw new TypeError(`nameless must be "reject" or "serve", not ${JSON.stringify(nameless)}`);
  }
  return {
    timeoutMs: checkMs("timeoutMs", options.timeoutMs ?? 5000),
    duplicates,
    nameless,
    nameOf,
    stayAwayMs: checkMs("stayAwayMs", options.stayAwayMs ?? 30_000),
    maxMembers: checkCount("maxMembers", options.maxMembers ?? 65_536),
    maxLabels: checkCount("maxLabels", options.maxLabels ?? 64),
    random,
  };
}

/** Checks a number of things that a user gave, and returns it. Throws `RangeError` for one that is none. */
export function checkCount(name: string, count: number): number {
  if (typeof count === "number" && count >= 1) return count;
  throw new RangeError(`${name} must be a number of at least 1, not ${String(count)}`);
}
