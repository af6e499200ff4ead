import { CommandCodec } from "../codecs/command/codec.ts";
import { encodeCommand } from "../codecs/command/envelope.ts";
import { nowSeconds } from "../codecs/command/errors.ts";
import type { AnyCommands, CommandMethods } from "../codecs/command/methods.ts";
import type { CommandOptions } from "../codecs/command/options.ts";
import { CommandTable } from "../codecs/command/table.ts";
import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../core/channel.ts";
import { checkMs } from "../core/clock.ts";
import type { Wire } from "../core/wire.ts";
import { lengthPrefix } from "../framings/length-prefix.ts";

/** The code with which a server refuses a key (Hemi's `PublicKeyAuthError`, "invalid public key"): it will not want it later either. */
const REFUSED = 4100;

/** A wire that knows its methods: `CommandApi<typeof wire>` has their types. */
export interface CommandWire<Methods extends CommandMethods = CommandMethods> extends Wire {
  /** The table that it was given, and nothing where it was given none. */
  readonly methods: Methods;
}

/**
 * The wire of Hemi's `api/protocol`: commands as JSON, over WebSocket or anything else. `connect(url, { wire: command({
 * prefix: "tbcapi", methods }) })` calls a daemon, `serve(url, { wire, handlers })` is one. The method `balanceByAddress` is
 * `tbcapi-balance-by-address-request` and `…-response` there. docs/wires/command.md has what crosses. Throws `TypeError` for
 * a table with names that are missing or taken.
 */
export function command<const Methods extends CommandMethods = AnyCommands>(
  options: CommandOptions<Methods>,
): CommandWire<Methods> {
  const { compat = false, requestTimeoutMs = Number.POSITIVE_INFINITY, onUnclaimed } = options;
  const table = new CommandTable(options);
  checkMs("requestTimeoutMs", requestTimeoutMs);
  const dialect = {
    compat,
    onUnclaimed,
    requestTimeoutMs: requestTimeoutMs === Number.POSITIVE_INFINITY ? undefined : requestTimeoutMs,
  };
  const prefixed = lengthPrefix();
  const { ping } = table;
  const probe =
    ping && ((): Frame => encodeCommand({ command: ping.command, id: "ping", payload: { timestamp: nowSeconds() } }));
  return {
    name: "command",
    // Without a table there is nothing that it could lack.
    methods: options.methods ?? ({} as Methods),
    framing: (pipe, link) => {
      const channel = prefixed(pipe, link);
      return probe === undefined ? channel : new PingingChannel(channel, probe);
    },
    probe,
    ordered: false,
    codec: (link) => new CommandCodec(link, table, dialect),
    closed: (reason) =>
      reason.closeCode === REFUSED ? { ...reason, redialAfterMs: Number.POSITIVE_INFINITY } : reason,
  };
}

/**
 * A pipe has no ping below the wire as WebSocket has. Only ends of this library speak commands there, and they answer the
 * command `ping`: what comes of it is the sign of life.
 */
class PingingChannel implements Channel {
  readonly #channel: Channel;
  readonly #probe: () => Frame;

  constructor(channel: Channel, probe: () => Frame) {
    this.#channel = channel;
    this.#probe = probe;
  }

  open(sink: ChannelSink): void {
    this.#channel.open(sink);
  }

  send(frames: readonly Frame[]): Full {
    return this.#channel.send(frames);
  }

  ping(): void {
    void this.#channel.send([this.#probe()]);
  }

  close(reason?: CloseReason): void {
    this.#channel.close(reason);
  }
}
