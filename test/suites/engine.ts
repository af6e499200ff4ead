import type { Channel, CloseReason, Frame, Role } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { dispatcherOf } from "../../src/core/handlers.ts";
import { DEFAULT_LIMITS, type Limits, Slots } from "../../src/core/limits.ts";
import { DEFAULT_HEARTBEAT } from "../../src/core/liveness.ts";
import type { Logger } from "../../src/core/logger.ts";
import type { Message } from "../../src/core/message.ts";
import { withMiddleware } from "../../src/core/middleware.ts";
import { Peer, type PeerOptions } from "../../src/core/peer.ts";
import { textOf } from "../../src/core/text.ts";
import type { Wire } from "../../src/core/wire.ts";
import { type MemoryEnd, memoryChannels } from "../../src/transports/memory.ts";
import { plainWire } from "./plain-wire.ts";
import { turn } from "./support.ts";

/** Keeps what an engine says, instead of printing it. */
export class Log implements Logger {
  readonly lines: { readonly level: string; readonly message: string; readonly cause: unknown }[] = [];
  debug(message: string, cause?: unknown): void {
    this.lines.push({ level: "debug", message, cause });
  }
  info(message: string, cause?: unknown): void {
    this.lines.push({ level: "info", message, cause });
  }
  warn(message: string, cause?: unknown): void {
    this.lines.push({ level: "warn", message, cause });
  }
  error(message: string, cause?: unknown): void {
    this.lines.push({ level: "error", message, cause });
  }
  of(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }
}

/** How one end of a test is made; what is left out is the default. */
export interface Setup extends Partial<Omit<PeerOptions, "limits" | "role" | "clock">> {
  readonly handlers?: object;
  readonly limits?: Partial<Limits>;
}

/** One peer on a channel, serving at once. */
export function peerOn(channel: Channel, wire: Wire, role: Role, clock: ManualClock, setup: Setup = {}): Peer {
  const { handlers = {}, middleware = [], ...options } = setup;
  const peer = new Peer(channel, wire, {
    logger: new Log(),
    slots: new Slots(8192),
    heartbeat: DEFAULT_HEARTBEAT,
    ...options,
    role,
    clock,
    middleware,
    limits: { ...DEFAULT_LIMITS, ...setup.limits },
  });
  peer.serve(withMiddleware(dispatcherOf(handlers), middleware));
  return peer;
}

export interface PairSetup {
  readonly wire?: Wire;
  readonly client?: Setup;
  readonly server?: Setup;
  /** Frames that the channel takes before it says "full". */
  readonly capacity?: number;
  readonly clock?: ManualClock;
}

export interface Pair {
  readonly client: Peer;
  readonly server: Peer;
  readonly clock: ManualClock;
  readonly ends: readonly [Channel & MemoryEnd, Channel & MemoryEnd];
}

/** Two peers over a channel in memory. */
export function pair({
  wire = plainWire(),
  client,
  server,
  capacity,
  clock = new ManualClock(),
}: PairSetup = {}): Pair {
  const ends = memoryChannels(capacity === undefined ? {} : { capacity });
  return {
    clock,
    ends,
    server: peerOn(ends[1], wire, "server", clock, server),
    client: peerOn(ends[0], wire, "client", clock, client),
  };
}

export interface HandSetup extends Setup {
  readonly wire?: Wire;
  readonly role?: Role;
  readonly capacity?: number;
  readonly clock?: ManualClock;
}

/** The other side of a peer, played by a test: it says messages of the plain wire, and keeps what it is told. */
export class Hand {
  readonly peer: Peer;
  readonly clock: ManualClock;
  readonly channel: Channel & MemoryEnd;
  readonly end: Channel & MemoryEnd;
  readonly frames: Frame[] = [];
  reason: CloseReason | undefined;
  readonly #stop: { promise: Promise<void> | undefined; go: () => void } = { promise: undefined, go: () => {} };

  constructor({ wire = plainWire(), role = "server", capacity, clock = new ManualClock(), ...setup }: HandSetup = {}) {
    this.clock = clock;
    [this.channel, this.end] = memoryChannels(capacity === undefined ? {} : { capacity });
    this.channel.open({
      frames: (frames) => {
        this.frames.push(...frames);
        return this.#stop.promise;
      },
      skipped: () => {},
      ended: () => {},
      closed: (reason) => {
        this.reason = reason;
      },
    });
    this.peer = peerOn(this.end, wire, role, clock, setup);
  }

  /** What the peer has said, decoded. */
  get got(): Message[] {
    return this.frames.map((frame) => JSON.parse(textOf(frame)) as Message);
  }

  /** Sends messages in one write and lets the peer act on them. */
  async say(...messages: readonly object[]): Promise<void> {
    void this.channel.send(messages.map((message) => JSON.stringify(message)));
    await turn();
  }

  stopReading(): void {
    this.#stop.promise ??= new Promise((resolve) => {
      this.#stop.go = resolve;
    });
  }

  readOn(): void {
    this.#stop.go();
    this.#stop.promise = undefined;
  }
}

/** A call as it stands on the plain wire. */
export function call(id: number | string, method: string, params?: unknown, timeoutMs?: number): object {
  return { kind: "call", id, method, params, timeoutMs };
}

export function note(method: string, params?: unknown): object {
  return { kind: "notify", method, params };
}

export function result(id: number | string, value?: unknown): object {
  return { kind: "result", id, value };
}

/** How a promise ended, in short: `ok`, or the error's code and what it says about execution. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "ok";
  } catch (thrown) {
    const { code, executed } = thrown as { code?: string; executed?: string };
    return `${code ?? String(thrown)}/${executed ?? "-"}`;
  }
}

/** Moves time in small steps and lets everything run in between. */
export async function pass(clock: ManualClock, ms: number, step = 50): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await turn(2);
  }
}

/** A promise that never settles: a handler that never ends. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** Counts the abort listeners that somebody leaves on a signal. */
export function watchedSignal(): { readonly controller: AbortController; listeners(): number } {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<AbortSignal["addEventListener"]>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<AbortSignal["removeEventListener"]>) => {
    count--;
    remove(...args);
  };
  return { controller, listeners: () => count };
}
