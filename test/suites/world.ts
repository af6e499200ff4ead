import { Client, type ConnectOptions } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { RawConnection, Wire } from "../../src/core/wire.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { memoryChannels } from "../../src/transports/memory.ts";
import { Log } from "./engine.ts";
import { plainWire } from "./plain-wire.ts";

export interface WorldSetup {
  readonly wire?: Wire;
  /** The server's. */
  readonly handlers?: object;
  readonly server?: ServeOptions<never>;
  readonly client?: ConnectOptions<never>;
  /** Frames that a channel takes before it says "full". */
  readonly capacity?: number;
}

/** A server that can be switched off, and a client that dials it, in virtual time. */
export interface World {
  readonly clock: ManualClock;
  readonly server: Server;
  readonly client: Client;
  /** When it was dialled. */
  readonly dials: number[];
  /** Each call that reached a handler: method and params. */
  readonly ran: string[];
  /** The connections in the order in which they were made, both ends of each. */
  readonly links: (readonly [client: RawConnection, server: RawConnection])[];
  readonly log: Log;
  switchOff(): void;
  switchOn(): void;
  /** Breaks one connection, or all of them. */
  cut(index?: number): void;
  /** One more client of the same server. */
  connect(options?: ConnectOptions<never>): Promise<Client>;
}

export async function world({
  wire = plainWire(),
  handlers,
  server,
  client,
  capacity,
}: WorldSetup = {}): Promise<World> {
  const clock = new ManualClock();
  const log = new Log();
  const links: World["links"][number][] = [];
  const dials: number[] = [];
  const ran: string[] = [];
  let on = true;
  let accept: ((connection: RawConnection) => void) | undefined;
  const made = await Server.open(
    [
      async (accepted) => {
        accept = accepted;
        return {
          address: "test:",
          close: async () => {
            accept = undefined;
          },
        };
      },
    ],
    wire,
    {
      clock,
      logger: log,
      handlers: handlers ?? {},
      middleware: [
        (call, next) => {
          if (call.direction === "in") ran.push(`${call.method} ${JSON.stringify(call.params)}`);
          return next();
        },
      ],
      ...server,
    } as ServeOptions<never>,
  );
  const connect = (options: ConnectOptions<never> = {}): Promise<Client> =>
    Client.open(
      async () => {
        dials.push(clock.now);
        if (!on || accept === undefined) throw new RpcError("unavailable", "Nobody is there", { executed: "no" });
        const [near, far] = memoryChannels(capacity === undefined ? {} : { capacity });
        const link = [{ channel: near }, { channel: far, remoteAddress: `test:${links.length}` }] as const;
        links.push(link);
        accept(link[1]);
        return link[0];
      },
      wire,
      { clock, logger: log, random: () => 0.5, ...options },
    );
  return {
    clock,
    server: made,
    client: await connect(client),
    dials,
    ran,
    links,
    log,
    switchOff() {
      on = false;
    },
    switchOn() {
      on = true;
    },
    cut(index) {
      const error = new RpcError("unavailable", "The line was cut");
      const cut = index === undefined ? links : links.slice(index, index + 1);
      for (const [near] of cut) near.channel?.close({ message: error.message, error });
    },
    connect,
  };
}
