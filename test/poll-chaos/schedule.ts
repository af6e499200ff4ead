import type { Channel, ChannelSink, CloseReason, Frame, Full } from "../../src/core/channel.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { RpcError } from "../../src/core/errors.ts";
import { limitsOf } from "../../src/core/limits.ts";
import { loggerOf } from "../../src/core/logger.ts";
import { textOf } from "../../src/core/text.ts";
import type { LinkTerms, RawConnection } from "../../src/core/wire.ts";
import { pollDialer } from "../../src/http/poll/dialer.ts";
import { PollServer } from "../../src/http/poll/poll-server.ts";
import { settle } from "../schedules/fleet-stage.ts";
import { Random } from "../schedules/random.ts";
import { plainWire } from "../suites/plain-wire.ts";
import { CALM, ChaosProxy, type Weather } from "./proxy.ts";

/** What one schedule found, and how it went. */
export interface Played {
  readonly faults: readonly string[];
  readonly trail: readonly string[];
  /** How its link ended. */
  readonly end: string;
  /** What the network did. */
  readonly did: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly frames: number;
}

const STEPS = 30;
/** A frame above this is skipped, and counts as such. */
const MAX_FRAME_BYTES = 200_000;
/** No link lives longer than this when the network is well again. */
const PATIENCE_MS = 200_000;

/** One end of the link: what it sent, what it got, and what it was told at last. */
class End implements ChannelSink {
  readonly sent: string[] = [];
  readonly got: string[] = [];
  reason: CloseReason | undefined;
  deliveredAfterEnd = false;
  deliveredWhileFull = false;
  /** It was told that the way is full. */
  isFull = false;
  readonly #name: string;
  readonly #random: Random;
  channel: Channel | undefined;
  #resume: (() => void) | undefined;
  #pauses = false;

  constructor(name: string, random: Random) {
    this.#name = name;
    this.#random = random;
  }

  open(channel: Channel): void {
    this.channel = channel;
    channel.open(this);
  }

  frames(frames: readonly Frame[]): Full {
    if (this.reason !== undefined) this.deliveredAfterEnd = true;
    if (this.#resume !== undefined) this.deliveredWhileFull = true;
    for (const frame of frames) this.got.push(contentOf(frame));
    if (!this.#pauses) return;
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  skipped(head: Uint8Array): void {
    this.got.push(`skipped ${head[0]}`);
  }

  ended(): void {
    this.deliveredAfterEnd = true;
  }

  closed(reason: CloseReason): void {
    if (this.reason !== undefined) this.deliveredAfterEnd = true;
    this.reason = reason;
  }

  say(count: number, isLarge: boolean): void {
    const frames: Frame[] = [];
    for (let each = 0; each < count; each++) {
      const content = `${this.#name}${this.sent.length}`;
      const text = isLarge ? content.padEnd(this.#random.pick([70_000, 130_000, MAX_FRAME_BYTES]), ".") : content;
      if (isLarge && this.#random.once(4)) {
        const bytes = new Uint8Array(MAX_FRAME_BYTES + 1).fill(this.sent.length % 256);
        frames.push(bytes);
        this.sent.push(`skipped ${bytes[0]}`);
        continue;
      }
      frames.push(this.#random.once(3) ? new TextEncoder().encode(text) : text);
      this.sent.push(`${content} ${text.length}`);
    }
    const full = this.channel?.send(frames);
    if (full === undefined) return;
    this.isFull = true;
    void full.then(() => {
      this.isFull = false;
    });
  }

  pause(): void {
    this.#pauses = true;
  }

  resume(): void {
    this.#pauses = false;
    this.#resume?.();
    this.#resume = undefined;
  }
}

function contentOf(frame: Frame): string {
  const text = textOf(frame);
  return `${text.replace(/\.+$/, "")} ${text.length}`;
}

function weatherOf(random: Random): Weather {
  const bad = random.pick([0, 5, 15, 30]);
  const some = (): number => random.below(bad + 1);
  return {
    ...{ loses: some(), forgets: some(), repeats: some(), cuts: some(), lies: some() },
    maxDelayMs: random.pick([1, 20, 100, 400]),
  };
}

/** Plays one schedule: a link, a network, what both ends say, and how one of them closes. */
export async function play(seed: number): Promise<Played> {
  const random = new Random(seed);
  const clock = new ManualClock();
  const trail: string[] = [];
  const faults: string[] = [];
  const mode = random.pick(["poll", "poll", "beat"] as const);
  const isLarge = random.once(25);
  trail.push(mode, ...(isLarge ? ["large"] : []));
  const terms: LinkTerms = {
    wire: plainWire(),
    limits: limitsOf({ maxFrameBytes: MAX_FRAME_BYTES }),
    heartbeat: { intervalMs: 15_000, timeoutMs: 15_000 },
    handshakeTimeoutMs: 15_000,
    clock,
    logger: loggerOf(false),
  };
  const maxHeldBytes = random.pick([1, 1000, 512 << 10]);
  const server = new PollServer({ maxHoldMs: random.pick([0, 50, 2000, 25_000]), idleMs: 60_000, maxHeldBytes });
  let accepted: RawConnection | undefined;
  const listener = await server.listen((raw) => {
    accepted = raw;
  }, terms);
  const proxy = new ChaosProxy(server, clock, random);
  const dial = pollDialer(
    {
      url: `${mode}+http://localhost/`,
      ...(mode === "beat" && { intervalMs: random.pick([20, 300, 2000]) }),
      holdMs: random.pick([0, 300, 25_000]),
      timeoutMs: random.pick([500, 3000]),
      resumeMs: random.pick([10_000, 30_000]),
      maxRetryMs: random.pick([200, 5000]),
      maxHeldBytes,
      random: () => random.below(1000) / 1000,
    },
    () => proxy,
  );
  const dialled = dial(new AbortController().signal, terms);
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  let raw: RawConnection | undefined;
  void dialled.then((made) => {
    raw = made;
  });
  for (let each = 0; each < 20 && raw === undefined; each++) await advance(5);
  const [near, far] = [new End("c", random), new End("s", random)];
  if (raw?.channel === undefined || accepted?.channel === undefined) throw new Error("There is no link");
  near.open(raw.channel);
  far.open(accepted.channel);
  await settle();
  proxy.weather = weatherOf(random);
  trail.push(JSON.stringify(proxy.weather));
  const ends = [near, far];

  for (let step = 0; step < STEPS; step++) {
    const end = random.pick(ends);
    const who = end === near ? "client" : "server";
    switch (random.below(12)) {
      case 0:
        trail.push(`${who} pauses`);
        end.pause();
        break;
      case 1:
      case 2:
        trail.push(`${who} resumes`);
        end.resume();
        break;
      case 3:
        end.channel?.ping?.();
        break;
      case 4: {
        if (!random.once(4)) break;
        // At most in one schedule of a few so long that the link is lost.
        const ms = random.once(6) ? 100_000 : random.below(4000);
        trail.push(`down for ${ms}`);
        proxy.isDown = true;
        for (let passed = 0; passed < ms; passed += 50 + ms / 200) await advance(50 + ms / 200);
        proxy.isDown = false;
        break;
      }
      default: {
        const count = 1 + random.below(isLarge ? 3 : random.pick([3, 3, 50]));
        if (!end.isFull || random.once(3)) {
          trail.push(`${who} says ${count}`);
          end.say(count, isLarge && random.once(2));
        }
      }
    }
    await advance(1 + random.below(random.pick([5, 40, 40, 400])));
  }

  const closer = random.pick(ends);
  const isBreak = random.once(6);
  for (const end of ends) end.resume();
  // Most often everything arrives first: an end that closes wants nothing of the other.
  const isPatient = !random.once(4);
  if (isPatient && random.once(3)) proxy.weather = CALM;
  const hasAll = (): boolean => near.got.length === far.sent.length && far.got.length === near.sent.length;
  const isOver = (): boolean => near.reason !== undefined && far.reason !== undefined;
  const wait = async (done: () => boolean): Promise<void> => {
    for (let passed = 0, gap = 10; passed < PATIENCE_MS && !done() && !isOver(); passed += gap) {
      await advance(gap);
      gap = Math.min(500, gap * 1.05);
    }
  };
  if (isPatient) await wait(hasAll);
  const wasWhole = near.reason === undefined && far.reason === undefined;
  const message = "that was all";
  const error = new RpcError("aborted", message);
  trail.push(`${closer === near ? "client" : "server"} ${isBreak ? "breaks" : "closes"}`);
  closer.channel?.close({ message, closeCode: 4711, ...(isBreak && { error }) });
  if (!wasWhole || random.once(2)) proxy.weather = CALM;
  await wait(isOver);
  // What was on its way, and what lingers.
  proxy.weather = CALM;
  for (let each = 0; each < 60 && (clock.listeners > 0 || server.links > 0); each++) await advance(1000);

  const check = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault);
  };
  const other = closer === near ? far : near;
  const clean = closer.reason?.error === undefined && other.reason?.error === undefined && other.reason !== undefined;
  for (const [from, to, name] of [
    [near, far, "up"],
    [far, near, "down"],
  ] as const) {
    const at = to.got.findIndex((content, each) => content !== from.sent[each]);
    check(at < 0, `${name}: frame ${at} is ${to.got[at]} and not ${from.sent[at]}`);
    const mustHaveAll = (isPatient && wasWhole) || (clean && from === closer && other.reason?.closeCode === 4711);
    check(
      !mustHaveAll || to.got.length === from.sent.length,
      `${name}: ${to.got.length} of ${from.sent.length} frames`,
    );
    check(!to.deliveredAfterEnd, `${name}: something came after the end`);
    check(!to.deliveredWhileFull, `${name}: something came while the sink was full`);
    check(to.reason?.error?.code !== "data_loss", `${name}: ${to.reason?.message}`);
    check(to.reason !== undefined, `${name}: nobody was told the end`);
  }
  if (wasWhole) check(closer.reason?.message === message, `the closer was told ${closer.reason?.message}`);
  if (other.reason?.closeCode === 4711 && isBreak) {
    check(other.reason.error?.code === "aborted", `the other side was told ${other.reason.error?.code}`);
  }
  check(server.links === 0, `${server.links} links are left`);
  check(clock.listeners === 0, `${clock.listeners} listeners of the clock are left`);
  check(proxy.isClosed, "the client keeps its connections");
  await listener.close();
  const told = other.reason?.closeCode === 4711 ? "told" : (other.reason?.error?.code ?? "untold");
  const end = !wasWhole ? "lost" : `${closer === near ? "client" : "server"} ${isBreak ? "broke" : "closed"}, ${told}`;
  return {
    ...{ faults, trail, end, did: proxy.did, requests: proxy.requests },
    frames: near.got.length + far.got.length,
  };
}
