import type { CallAllFlags } from "./call-all.ts";
import { addressesOf } from "./dial-flags.ts";
import { isHttp } from "./schemes.ts";
import { UsageError } from "./usage.ts";

/** What `convoke call` can be told. */
export interface CallFlags extends CallAllFlags {
  readonly notify?: boolean;
  readonly batch?: boolean;
  readonly sameMethod?: boolean;
  readonly repeat?: number;
  readonly indent?: boolean;
  readonly errors?: boolean;
  readonly wait?: boolean;
  readonly agent?: string;
  readonly all?: boolean;
}

/** Throws `UsageError` for flags that have no meaning together: to pass over them would be to do something else. */
export function checkFlags(address: string, flags: CallFlags, requests: number): void {
  const given = (names: readonly (keyof CallFlags)[]): string | undefined => {
    const name = names.find((each) => flags[each] !== undefined);
    return name && `--${name.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  };
  if (flags.all === undefined) {
    const misplaced = given(["where", "first", "concurrency", "json"]);
    if (misplaced !== undefined) throw new UsageError(`${misplaced} belongs to a call to all agents: add --all`);
    if (flags.agent !== undefined && flags.notify) {
      throw new UsageError(
        "An agent is called through its controller, which passes no notifications on: leave out --notify",
      );
    }
    return;
  }
  if (flags.agent !== undefined) throw new UsageError("Say --agent to call one agent, or --all to call all of them");
  const misplaced = given(["notify", "batch", "sameMethod", "repeat", "indent", "wait"]);
  if (misplaced !== undefined) throw new UsageError(`--all makes one call to each agent: leave out ${misplaced}`);
  if (flags.errors)
    throw new UsageError("--all prints errors as JSON objects with --json: use that in place of --errors");
  if (requests > 1) throw new UsageError("--all calls one method: give a method and its params, nothing more");
  if (flags.concurrency !== undefined && addressesOf(address, flags).some(isHttp)) {
    // They would come all at once, after a time that nobody can tell.
    throw new UsageError("--concurrency needs a link that stays, and http:// has none: leave it out, or use ws://");
  }
}
