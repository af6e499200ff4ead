import { Client, type ConnectOptions } from "../../src/client/client.ts";
import {
  type Command,
  type CommandOptions,
  type CommandWire,
  command,
  decodeCommand,
  encodeCommand,
  notification,
  request,
} from "../../src/command.ts";
import type { Channel, CloseReason } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { CallContext } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Dialer, Listen, RawConnection } from "../../src/core/wire.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { memoryChannels } from "../../src/transports/memory.ts";
import { Log } from "../suites/engine.ts";
import { type Deferred, deferred, turn } from "../suites/support.ts";

/** Plays one row of the table, with `compat` or without, and gives what happened in the words of its outcome. */
export type Run = (compat: boolean) => Promise<string>;

/** The runs of one area, by the numbers of their rows. */
export type Runs = Readonly<Record<number, Run>>;

/** What both ends of the runs speak of. */
const METHODS = {
  add: request<{ a: number; b: number }, { sum: number }>(),
  see: request(),
  gate: request(),
  fail: request(),
  jobStatus: request({ reply: "t-job-update-notification" }),
  jobUpdate: notification(),
  tx: notification(),
} as const;

export type StageOptions = Pick<CommandOptions, "compat" | "onUnclaimed" | "requestTimeoutMs">;

/** The wire of the runs. */
export function wireOf(options: StageOptions = {}): CommandWire {
  return command({ prefix: "t", methods: METHODS, ...options });
}

/** The handlers of the runs. `gate` waits until it is let go, `see` keeps what it got. */
export class Handlers {
  readonly seen: unknown[] = [];
  readonly pushes: { readonly params: unknown; readonly id: string | undefined }[] = [];
  readonly reasons: string[] = [];
  readonly gates: Deferred<void>[] = [];
  /** What `fail` throws. */
  thrown: unknown = new Error("the disk is full");

  /** The table of them. */
  get table(): object {
    return {
      add: ({ a, b }: { readonly a: number; readonly b: number }) => ({ sum: a + b }),
      see: (params: unknown) => void this.seen.push(params),
      gate: async (params: unknown, { signal }: CallContext) => {
        const gate = deferred();
        this.gates.push(gate);
        signal.addEventListener("abort", () => gate.resolve());
        await gate.promise;
        if (!signal.aborted) return params;
        this.reasons.push((signal.reason as RpcError).code);
        throw signal.reason;
      },
      fail: () => {
        throw this.thrown;
      },
      tx: (params: unknown, { meta }: CallContext) => void this.pushes.push({ params, id: meta?.["id"] }),
      jobUpdate: (params: unknown, { meta }: CallContext) => void this.pushes.push({ params, id: meta?.["id"] }),
    };
  }
}

/** An end whose every frame is the test's. */
export class Hand {
  /** What it was told, as text. */
  readonly frames: string[] = [];
  /** Why the other end closed. */
  reason: CloseReason | undefined;
  readonly #channel: Channel;
  readonly #other: Channel;

  /** `other` is the end of the library. */
  constructor(channel: Channel, other: Channel) {
    this.#channel = channel;
    this.#other = other;
    channel.open({
      frames: (frames) => {
        for (const frame of frames) this.frames.push(String(frame));
      },
      skipped: () => {},
      ended: () => {},
      closed: (reason) => {
        this.reason = reason;
      },
    });
  }

  /** What it was told, but for the first ping. */
  get heard(): Command[] {
    return this.frames
      .map((frame) => decodeCommand(frame))
      .filter(({ command, id }) => command !== "t-ping-request" || id !== "0");
  }

  /** Says frames as they are, and lets the other end act on them. */
  async write(...frames: readonly string[]): Promise<void> {
    void this.#channel.send(frames);
    await turn();
  }

  /** Says one command. */
  say(name: string, id = "", payload?: unknown): Promise<void> {
    return this.write(encodeCommand({ command: name, id, payload }));
  }

  /** What the answer to a frame is: a code, `OK`, or that there is none. */
  async answerTo(frame: string): Promise<string> {
    const before = this.heard.length;
    await this.write(frame);
    const answer = this.heard[before];
    if (answer === undefined) return "not answered";
    const { error } = answer.payload as { readonly error?: { readonly code?: string; readonly message: string } };
    return error === undefined ? "OK" : (error.code ?? error.message);
  }

  /** Whether the link takes requests. */
  async goesOn(): Promise<string> {
    if (this.reason !== undefined) return "the link ends";
    const answer = await this.answerTo(
      encodeCommand({ command: "t-add-request", id: "last", payload: { a: 1, b: 2 } }),
    );
    return answer === "OK" ? "the link goes on" : "the link hangs";
  }

  /** The connection is lost, as the library's transport tells it. */
  async cut(): Promise<void> {
    this.#other.close({ message: "lost", error: new RpcError("unavailable", "lost") });
    await turn();
  }
}

/** A server of ours, in memory and in virtual time. */
export interface ServerStage {
  readonly clock: ManualClock;
  readonly server: Server;
  readonly handlers: Handlers;
  readonly log: Log;
  /** A client by hand. */
  dial(): Promise<Hand>;
  close(): Promise<void>;
}

export async function ourServer(options: StageOptions = {}, more: ServeOptions<never> = {}): Promise<ServerStage> {
  const clock = new ManualClock();
  const log = new Log();
  const handlers = new Handlers();
  let accept: (connection: RawConnection) => void = () => {};
  const listen: Listen = async (accepted) => {
    accept = accepted;
    return { address: "test:", close: async () => {} };
  };
  const server = await Server.open([listen], wireOf(options), {
    clock,
    handlers: handlers.table,
    logger: log,
    ...more,
  });
  return {
    clock,
    server,
    handlers,
    log,
    dial: async () => {
      const [near, far] = memoryChannels();
      accept({ channel: far });
      const hand = new Hand(near, far);
      await turn();
      return hand;
    },
    close: () => server.close({ graceMs: 0 }),
  };
}

/** A client of ours, in memory and in virtual time. */
export interface ClientStage {
  readonly clock: ManualClock;
  readonly client: Client;
  readonly handlers: Handlers;
  /** The servers by hand that it reached, one for each time that it dialled. */
  readonly servers: readonly Hand[];
  /** The first of them. */
  readonly server: Hand;
  readonly unclaimed: Command[];
  close(): Promise<void>;
}

export async function ourClient(
  options: StageOptions = {},
  more: ConnectOptions<never> = {},
  greet: (server: Hand) => Promise<void> = (server) => server.say("t-ping-request", "0", { timestamp: 1 }),
): Promise<ClientStage> {
  const clock = new ManualClock();
  const handlers = new Handlers();
  const servers: Hand[] = [];
  const unclaimed: Command[] = [];
  const dial: Dialer = async () => {
    const [near, far] = memoryChannels();
    const server = new Hand(far, near);
    servers.push(server);
    void greet(server);
    return { channel: near };
  };
  const wire = wireOf({ onUnclaimed: (it) => void unclaimed.push(it), ...options });
  const client = await Client.open(dial, wire, {
    clock,
    handlers: handlers.table,
    logger: false,
    random: () => 0.5,
    ...more,
  });
  await turn();
  return {
    clock,
    client,
    handlers,
    servers,
    server: servers[0] as Hand,
    unclaimed,
    close: () => client.close({ graceMs: 0 }),
  };
}

/** A call that was made, and how it ended so far. */
export interface Watched {
  outcome: string;
  readonly promise: Promise<void>;
}

/** Watches a call: `open`, `OK <json>`, or the code of its error and whether it may have run. */
export function watched(call: Promise<unknown>): Watched {
  const it: { outcome: string; promise: Promise<void> } = { outcome: "open", promise: Promise.resolve() };
  it.promise = call.then(
    (value) => {
      it.outcome = `OK ${JSON.stringify(value)}`;
    },
    (thrown: unknown) => {
      it.outcome = RpcError.is(thrown) ? `${thrown.code}, executed ${thrown.executed ?? "?"}` : String(thrown);
    },
  );
  return it;
}
