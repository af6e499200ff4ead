import { Client, type ConnectOptions } from "../../src/client/client.ts";
import type { Channel } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { RawConnection, Wire } from "../../src/core/wire.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { type MemoryEnd, memoryChannels } from "../../src/transports/memory.ts";

/** A link that is cut: nothing that is on its way arrives. */
export const CUT = { message: "cut", error: new RpcError("unavailable", "cut") };

/**
 * Lets everything run that can run before time goes on: in memory nothing waits for more than microtasks, and these come
 * before the next tick. A turn of the event loop would cost eight times as much.
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** A controller without a network, in virtual time; as little as a schedule can do with. */
export interface FleetStage {
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  readonly server: Server;
  /** A new connection: the agent's end of it. `capacity`: frames that may lie unread. */
  dial(capacity?: number): Channel & MemoryEnd;
  /** What the controller knows the newest connection by. */
  readonly lastAddress: string;
  /** An agent of this library; it dials when it is asked to be ready. */
  agent(options: ConnectOptions<never>): Promise<Client>;
  /** Cuts the links of all agents of this library. */
  cut(): void;
}

export async function fleetStage(wire: Wire, fleet: FleetOptions, server: ServeOptions<never>): Promise<FleetStage> {
  const clock = new ManualClock();
  const made = new Fleet(fleet);
  const links: Channel[] = [];
  let dialled = 0;
  let lastAddress = "";
  let accept: (connection: RawConnection) => void = () => {};
  const listen = async (accepted: typeof accept): Promise<{ address: string; close(): Promise<void> }> => {
    accept = accepted;
    return { address: "stage:", close: async () => {} };
  };
  const controller = await Server.open([listen], wire, { clock, logger: false, fleet: made, ...server });
  const dial = (capacity?: number): Channel & MemoryEnd => {
    const [near, far] = memoryChannels(capacity === undefined ? {} : { capacity });
    lastAddress = `stage:${++dialled}`;
    accept({ channel: far, remoteAddress: lastAddress });
    return near;
  };
  return {
    clock,
    fleet: made,
    server: controller,
    dial,
    get lastAddress() {
      return lastAddress;
    },
    agent(options) {
      const connect = async (): Promise<RawConnection> => {
        const channel = dial();
        links.push(channel);
        return { channel };
      };
      return Client.open(connect, wire, { clock, logger: false, lazy: true, ...options });
    },
    cut() {
      for (const link of links.splice(0)) link.close(CUT);
    },
  };
}
