import { Client, type ConnectOptions } from "../../src/client/client.ts";
import type { Channel, CloseReason, Frame, Full } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { Hello, Message } from "../../src/core/message.ts";
import { textOf } from "../../src/core/text.ts";
import type { RawConnection, Wire } from "../../src/core/wire.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { type MemoryEnd, memoryChannels } from "../../src/transports/memory.ts";
import { Log } from "./engine.ts";
import { plainWire } from "./plain-wire.ts";
import { turn } from "./support.ts";

/** The plain wire with everything that a fleet can use. */
export const FLEET_WIRE: Wire = plainWire({
  carries: { hello: "must", welcome: true, ping: true, goodbye: true },
});

export interface FleetWorldSetup {
  readonly wire?: Wire;
  readonly fleet?: FleetOptions;
  readonly server?: ServeOptions<never>;
}

/** A controller and its agents, in memory and in virtual time. */
export interface FleetWorld {
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  readonly server: Server;
  readonly log: Log;
  /** The agents' ends of all connections, in the order in which they were made. */
  readonly links: Channel[];
  /** An agent of this library. */
  agent(options: ConnectOptions<never>): Promise<Client>;
  /** An agent that is played by hand on the plain wire. */
  hand(hello: Hello, capacity?: number): Promise<HandAgent>;
  close(): Promise<void>;
}

export async function fleetWorld({ wire = FLEET_WIRE, fleet, server }: FleetWorldSetup = {}): Promise<FleetWorld> {
  const clock = new ManualClock();
  const log = new Log();
  const made = new Fleet({ random: () => 0.5, ...fleet });
  const links: Channel[] = [];
  const clients: Client[] = [];
  let accept: (connection: RawConnection) => void = () => {};
  const controller = await Server.open(
    [
      async (accepted) => {
        accept = accepted;
        return { address: "test:", close: async () => {} };
      },
    ],
    wire,
    { clock, logger: log, fleet: made, ...server },
  );
  const dial = (capacity?: number): Channel & MemoryEnd => {
    const [near, far] = memoryChannels(capacity === undefined ? {} : { capacity });
    links.push(near);
    accept({ channel: far, remoteAddress: `test:${links.length}` });
    return near;
  };
  return {
    clock,
    fleet: made,
    server: controller,
    log,
    links,
    async agent(options) {
      const silent = { clock, logger: new Log(), random: () => 0.5 };
      const client = await Client.open(async () => ({ channel: dial() }), wire, { ...silent, ...options });
      clients.push(client);
      await turn();
      return client;
    },
    async hand(hello, capacity) {
      const agent = new HandAgent(dial(capacity));
      agent.say({ kind: "hello", hello });
      await turn();
      return agent;
    },
    async close() {
      await Promise.all(clients.map((client) => client.close({ graceMs: 0 })));
      await controller.close({ graceMs: 0 });
    },
  };
}

/** An agent whose every message is the test's. */
export class HandAgent {
  readonly channel: Channel & MemoryEnd;
  readonly frames: Frame[] = [];
  reason: CloseReason | undefined;
  #stop: Promise<void> | undefined;

  constructor(channel: Channel & MemoryEnd) {
    this.channel = channel;
    channel.open({
      frames: (frames): Full => {
        this.frames.push(...frames);
        return this.#stop;
      },
      skipped: () => {},
      ended: () => {},
      closed: (reason) => {
        this.reason = reason;
      },
    });
  }

  /** What it was told. */
  get got(): Message[] {
    return this.frames.map((frame) => JSON.parse(textOf(frame)) as Message);
  }

  say(...messages: readonly object[]): void {
    void this.channel.send(messages.map((message) => JSON.stringify(message)));
  }

  /** Takes one more delivery, and then no more for ever. */
  stall(): void {
    this.#stop = new Promise(() => {});
  }
}
