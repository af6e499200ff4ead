import { Client, type ConnectOptions } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Dialer, RawConnection, Wire } from "../../src/core/wire.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { memoryChannels } from "../../src/transports/memory.ts";
import { Log } from "./engine.ts";
import { plainWire } from "./plain-wire.ts";

/**
 * What a way to the server does with those who dial. `hangs`: nothing. `mute`: there is a connection, and nobody at its end.
 * `refused`: it says so.
 */
export type Door = "up" | "refused" | "hangs" | "mute";

export interface LadderSetup {
  readonly wire?: Wire;
  readonly doors: readonly Door[];
  readonly handlers?: object;
  readonly server?: ServeOptions<never>;
  /** Frames that a channel takes before it says "full". */
  readonly capacity?: number;
}

/** One server behind several doors, in virtual time; the doors are rungs named `a`, `b`, `c` … from the best. */
export interface LadderWorld {
  readonly clock: ManualClock;
  readonly server: Server;
  readonly log: Log;
  /** What each door does from now on. */
  readonly doors: Door[];
  /** Each dial: which door, and when. */
  readonly dials: string[];
  /** The connections of each door, both ends. */
  readonly links: { readonly door: string; readonly near: RawConnection; readonly far: RawConnection }[];
  connect(options?: ConnectOptions<never>): Promise<Client>;
  /** Breaks the connections of a door, or all of them. */
  cut(door?: string): void;
}

export async function ladderWorld({
  wire = plainWire(),
  doors: given,
  handlers = {},
  server,
  capacity,
}: LadderSetup): Promise<LadderWorld> {
  const clock = new ManualClock();
  const log = new Log();
  const doors = [...given];
  const dials: string[] = [];
  const links: LadderWorld["links"] = [];
  let accept: (connection: RawConnection) => void = () => {};
  const made = await Server.open(
    [
      async (accepted) => {
        accept = accepted;
        return { address: "test:", close: async () => {} };
      },
    ],
    wire,
    { clock, logger: new Log(), handlers, ...server } as ServeOptions<never>,
  );
  const dialerOf =
    (at: number): Dialer =>
    async (signal) => {
      const door = nameOf(at);
      dials.push(`${door}@${clock.now}`);
      const does = doors[at];
      if (does === "refused") throw new RpcError("unavailable", `Cannot connect to ${door}: refused`);
      if (does === "hangs") {
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
      }
      const [near, far] = memoryChannels(capacity === undefined ? {} : { capacity });
      const link = { door, near: { channel: near }, far: { channel: far, remoteAddress: door } };
      links.push(link);
      if (does === "up") accept(link.far);
      return link.near;
    };
  const rungs = doors.map((_, at) => ({ name: nameOf(at), dial: dialerOf(at) }));
  return {
    clock,
    server: made,
    log,
    doors,
    dials,
    links,
    connect: (options = {}) => Client.open(rungs, wire, { clock, logger: log, random: () => 0.5, ...options }),
    cut(door) {
      const error = new RpcError("unavailable", "The line was cut");
      for (const link of links) {
        if (door === undefined || link.door === door) link.near.channel?.close({ message: error.message, error });
      }
    },
  };
}

function nameOf(at: number): string {
  return String.fromCharCode(97 + at);
}
