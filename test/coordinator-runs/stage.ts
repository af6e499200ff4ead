import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, anyPack, DurationSchema, EmptySchema, StringValueSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Client, type ConnectOptions } from "../../src/client/client.ts";
import {
  type ClientToServer,
  ClientToServerSchema,
  type Request,
  type Response,
  type ResponseSchema,
  type ServerToClient,
  ServerToClientSchema,
} from "../../src/codecs/coordinator/generated/aperture/rpc/v1/rpc_pb.ts";
import type { CoordinatorMethods } from "../../src/codecs/coordinator/methods.ts";
import { coordinator } from "../../src/coordinator.ts";
import type { Channel, CloseReason, Full } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { type Code, GRPC_NUMBERS, RpcError } from "../../src/core/errors.ts";
import type { Dialer, Listen, RawConnection } from "../../src/core/wire.ts";
import { Fleet } from "../../src/fleet/fleet.ts";
import type { FleetOptions } from "../../src/fleet/options.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { type MemoryEnd, memoryChannels } from "../../src/transports/memory.ts";
import { Log } from "../suites/engine.ts";
import { turn } from "../suites/support.ts";

/** Plays one row of the table, and gives what happened in the words of its outcome. */
export type Run = () => Promise<string>;

/** The runs of one area, by the numbers of their rows. */
export type Runs = Readonly<Record<number, Run>>;

/** What both ends of the runs speak of. */
export const METHODS = {
  upper: [StringValueSchema, StringValueSchema],
  wait: [DurationSchema, StringValueSchema],
  same: [ValueSchema, ValueSchema],
  other: [EmptySchema, EmptySchema],
} as const satisfies CoordinatorMethods;

export const WIRE = coordinator({ methods: METHODS });

/** gRPC's names of the codes. */
export function grpcName(code: Code): string {
  if (code === "cancelled") return "Canceled";
  return code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** How a call ended: `OK`, or the code of its error. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "OK";
  } catch (thrown) {
    return RpcError.is(thrown) ? grpcName(thrown.code) : String(thrown);
  }
}

type FromAgent = NonNullable<MessageInitShape<typeof ClientToServerSchema>["msg"]>;
type FromController = NonNullable<MessageInitShape<typeof ServerToClientSchema>["command"]>;
type Result = NonNullable<MessageInitShape<typeof ResponseSchema>["result"]>;

interface RequestPart {
  readonly timeout?: { readonly seconds: bigint } | undefined;
  readonly payload?: Pick<Any, "typeUrl" | "value"> | undefined;
}

/** What an agent sends. */
export function fromAgent(msg: FromAgent): Uint8Array {
  return toBinary(ClientToServerSchema, create(ClientToServerSchema, { msg }));
}

/** What a controller sends. */
export function fromController(command: FromController): Uint8Array {
  return toBinary(ServerToClientSchema, create(ServerToClientSchema, { command }));
}

/** A text as a payload. */
export function packed(value: string): Any {
  return anyPack(StringValueSchema, create(StringValueSchema, { value }));
}

/** The result that a text is. */
export function text(value: string): Result {
  return { case: "payload", value: packed(value).value };
}

/** The result that an error is; the code is gRPC's number. */
export function failure(code: number, message: string): Result {
  return { case: "error", value: { code, message } };
}

/** An end whose every message is the test's. */
class Hand<Heard> {
  /** What it was told. */
  readonly heard: Heard[] = [];
  /** Why the other end closed. */
  reason: CloseReason | undefined;
  readonly #channel: Channel & MemoryEnd;
  readonly #other: Channel;
  #full: Promise<void> | undefined;
  #readOn: () => void = () => {};

  /** `other` is the end of the library. */
  constructor(channel: Channel & MemoryEnd, other: Channel, read: (frame: Uint8Array) => Heard) {
    this.#channel = channel;
    this.#other = other;
    channel.open({
      frames: (frames): Full => {
        for (const frame of frames) this.heard.push(read(frame as Uint8Array));
        return this.#full;
      },
      skipped: () => {},
      ended: () => {},
      closed: (reason) => {
        this.reason = reason;
      },
    });
  }

  /** Says bytes, and lets the other end act on them. */
  async say(...frames: readonly Uint8Array[]): Promise<void> {
    void this.#channel.send(frames);
    await turn();
  }

  /** Takes one delivery more, and then none until `readOn`. */
  stall(): void {
    this.#full = new Promise((resolve) => {
      this.#readOn = resolve;
    });
  }

  async readOn(): Promise<void> {
    this.#full = undefined;
    this.#readOn();
    await turn();
  }

  /** The connection is lost, as the library's transport tells it. */
  async cut(): Promise<void> {
    this.#other.close({ message: "lost", error: new RpcError("unavailable", "lost") });
    await turn();
  }

  /** It ends in good order. */
  async end(): Promise<void> {
    this.#channel.close();
    await turn();
  }
}

/** An agent that is played by hand. */
export class HandAgent extends Hand<ServerToClient["command"]> {
  constructor(channel: Channel & MemoryEnd, other: Channel) {
    super(channel, other, (frame) => fromBinary(ServerToClientSchema, frame).command);
  }

  hello(name: string, nextId = 0n): Promise<void> {
    return this.say(fromAgent({ case: "hello", value: { name, nextId } }));
  }

  answer(id: bigint, result: Result = text("")): Promise<void> {
    return this.say(fromAgent({ case: "response", value: { id, result } }));
  }

  /** The requests that it heard. */
  get requests(): Request[] {
    return this.heard.flatMap((command) => (command.case === "request" ? [command.value] : []));
  }

  /** The ids of what it heard: `41, cancel 41`. */
  get ids(): string {
    return this.heard
      .map((command) => (command.case === "request" ? command.value.id : `cancel ${command.value}`))
      .join(", ");
  }
}

/** A controller that is played by hand. */
export class HandController extends Hand<ClientToServer["msg"]> {
  constructor(channel: Channel & MemoryEnd, other: Channel) {
    super(channel, other, (frame) => fromBinary(ClientToServerSchema, frame).msg);
  }

  /** Sends a request of `upper` that has 5 s, but for what `more` says. */
  request(id: bigint, more: RequestPart = {}): Promise<void> {
    const value = { id, timeout: { seconds: 5n }, payload: packed("x"), ...more };
    return this.say(fromController({ case: "request", value }));
  }

  cancel(id: bigint): Promise<void> {
    return this.say(fromController({ case: "cancelId", value: id }));
  }

  /** The responses that it heard. */
  get responses(): Response[] {
    return this.heard.flatMap((msg) => (msg.case === "response" ? [msg.value] : []));
  }

  /** Each of them, in short: `0 OK`. */
  get answers(): string {
    return this.responses.map(({ id, result }) => `${id} ${codeOfResult(result)}`).join(", ");
  }
}

/** gRPC's name of the code of a response. */
function codeOfResult(result: Response["result"]): string {
  if (result.case !== "error") return "OK";
  for (const [code, number] of GRPC_NUMBERS) if (number === result.value.code) return grpcName(code);
  return String(result.value.code);
}

/** A controller of ours, in memory and in virtual time. */
export interface ControllerStage {
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  readonly server: Server;
  /** A connection to it that has said nothing yet. */
  dial(more?: { readonly identity?: unknown; readonly capacity?: number }): Promise<HandAgent>;
  /** An agent that has said hello. */
  hand(name: string, nextId?: bigint): Promise<HandAgent>;
  close(): Promise<void>;
}

export async function ourController(
  options: FleetOptions = {},
  more: ServeOptions<never> = {},
): Promise<ControllerStage> {
  const clock = new ManualClock();
  const fleet = new Fleet(options);
  let accept: (connection: RawConnection) => void = () => {};
  const listen: Listen = async (accepted) => {
    accept = accepted;
    return { address: "test:", close: async () => {} };
  };
  const server = await Server.open([listen], WIRE, { clock, fleet, logger: false, ...more });
  const dial: ControllerStage["dial"] = async ({ identity, capacity = Number.POSITIVE_INFINITY } = {}) => {
    const [near, far] = memoryChannels({ capacity });
    accept({ channel: far, remoteAddress: "test:agent", ...(identity !== undefined && { identity }) });
    await turn();
    return new HandAgent(near, far);
  };
  return {
    clock,
    fleet,
    server,
    dial,
    async hand(name, nextId) {
      const agent = await dial();
      await agent.hello(name, nextId);
      return agent;
    },
    close: () => server.close({ graceMs: 0 }),
  };
}

/** An agent of ours, in memory and in virtual time. */
export interface AgentStage {
  readonly clock: ManualClock;
  readonly client: Client;
  readonly log: Log;
  /** The controllers that it reached, one for each time that it dialled. */
  readonly controllers: readonly HandController[];
  /** The first of them. */
  readonly controller: HandController;
  /** When it dialled. */
  readonly dials: readonly number[];
  close(): Promise<void>;
}

export async function ourAgent(
  handlers: object,
  options: ConnectOptions<never> = {},
  more: { readonly isThere?: () => boolean } = {},
): Promise<AgentStage> {
  const clock = new ManualClock();
  const log = new Log();
  const controllers: HandController[] = [];
  const dials: number[] = [];
  const dial: Dialer = async () => {
    dials.push(clock.now);
    if (more.isThere?.() === false) throw new RpcError("unavailable", "Nobody is there", { executed: "no" });
    const [near, far] = memoryChannels();
    controllers.push(new HandController(far, near));
    return { channel: near };
  };
  const client = await Client.open(dial, WIRE, { clock, name: "agent", handlers, logger: log, ...options });
  await turn();
  return {
    clock,
    client,
    log,
    controllers,
    controller: controllers[0] as HandController,
    dials,
    close: () => client.close({ graceMs: 0 }),
  };
}
