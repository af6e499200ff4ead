import type { Command } from "./envelope.ts";
import type { CommandMethods } from "./methods.ts";

/** The options of a wire of commands. */
export interface CommandOptions<Methods extends CommandMethods = CommandMethods> {
  /** What the names of all commands begin with: `tbcapi` in `tbcapi-ping-request`. Not needed where the table has every name. */
  readonly prefix?: string | undefined;
  /** The commands by the names of their methods. Default: any name, with the prefix before it and the usual suffixes. */
  readonly methods?: Methods | undefined;
  /**
   * Does as the original where one of its ends may need it: errors have no members of ours, a reply is known by its id alone,
   * the members of a header may be in capital letters, and an accepting end ends the link at a command that it cannot take.
   * Default false.
   */
  readonly compat?: boolean | undefined;
  /** How long this end gives itself to answer a request, because the wire does not say how long the caller waits. Default: no limit. */
  readonly requestTimeoutMs?: number | undefined;
  /** Gets what came and is nobody's: late replies, replies to nothing, commands that are not in the table. Called a little later. */
  readonly onUnclaimed?: ((unclaimed: Command) => void) | undefined;
}

/** The options as the codecs of a wire share them. */
export interface Dialect extends Pick<CommandOptions, "onUnclaimed"> {
  readonly compat: boolean;
  readonly requestTimeoutMs: number | undefined;
}
