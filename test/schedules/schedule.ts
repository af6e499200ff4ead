import { Client } from "../../src/client/client.ts";
import { ManualClock } from "../../src/core/clock.ts";
import type { Caller } from "../../src/core/context.ts";
import { RpcError } from "../../src/core/errors.ts";
import { Slots } from "../../src/core/limits.ts";
import type { Peer } from "../../src/core/peer.ts";
import type { CallContext } from "../../src/index.ts";
import { Log, peerOn, watchedSignal } from "../suites/engine.ts";
import { plainWire } from "../suites/plain-wire.ts";
import { Link } from "./link.ts";
import { Random } from "./random.ts";

/** What one schedule did, and what was wrong with it. */
export interface Played {
  readonly seed: number;
  readonly trail: readonly string[];
  readonly faults: readonly string[];
  /** How its calls ended, for the test that all ways are taken. */
  readonly codes: readonly string[];
}

/** Plays the schedule of one seed against a peer, or for a quarter of the seeds against a client that redials. */
export async function play(seed: number): Promise<Played> {
  const schedule = new Schedule(seed);
  await schedule.run();
  return schedule;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Schedule implements Played {
  readonly seed: number;
  readonly trail: string[] = [];
  readonly faults: string[] = [];
  readonly codes: string[] = [];
  readonly arrived = new Map<unknown, number>();
  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #wire;
  readonly #hello: "never" | "must";
  readonly #limits;
  readonly #places: number;
  readonly #slots: Slots;
  readonly #links: Link[] = [];
  readonly #gates: (() => void)[] = [];
  readonly #aborts: (() => void)[] = [];
  readonly #listeners: (() => number)[] = [];
  readonly #drains: Promise<void>[] = [];
  #drained = 0;
  #flushDelayMs: number | undefined;
  #tokens = 0;
  #open = 0;
  #ran = 0;
  #ended = 0;
  #peer: Peer | undefined;
  #client: Client | undefined;

  constructor(seed: number) {
    this.seed = seed;
    const random = new Random(seed);
    this.#random = random;
    this.#hello = random.once(6) ? "must" : "never";
    this.#places = random.pick([1, 2, 100]);
    this.#slots = new Slots(this.#places);
    this.#limits = {
      maxPending: random.pick([1, 3, 100]),
      maxWaiting: random.pick([1, 5, 100]),
      maxRunning: random.pick([1, 2, 100]),
      maxQueuedBytes: random.pick([300, 2000, 1e6]),
    };
    this.#wire = plainWire({
      ordered: random.once(2),
      carries: {
        hello: this.#hello,
        welcome: this.#hello === "must",
        ping: random.once(4),
        cancel: !random.once(4),
        goodbye: random.once(3),
        answersCancelled: random.once(2),
      },
    });
  }

  async run(): Promise<void> {
    const unhandled = (reason: unknown): void => this.fault(`an unhandled rejection: ${String(reason)}`);
    process.on("unhandledRejection", unhandled);
    try {
      await this.#begin();
      for (let steps = 8 + this.#random.below(30); steps > 0; steps--) await this.#step();
      await this.#finish();
    } catch (thrown) {
      this.fault(`the schedule itself failed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  }

  fault(what: string): void {
    this.faults.push(what);
  }

  get #caller(): Caller {
    const caller = this.#client ?? this.#peer;
    if (caller === undefined) throw new Error("The schedule has no caller");
    return caller;
  }

  get #link(): Link {
    const last = this.#links.slice(-2);
    return this.#random.pick(last);
  }

  async #begin(): Promise<void> {
    const heartbeat = { intervalMs: 40, timeoutMs: 40 };
    const handlers = this.#handlers();
    if (!this.#random.once(4)) {
      const role = this.#hello === "must" || this.#random.once(2) ? "client" : "server";
      this.trail.push(`a peer as ${role}`);
      this.#flushDelayMs = this.#random.once(10) ? 3 : undefined;
      const setup = { handlers, heartbeat, flushDelayMs: this.#flushDelayMs, limits: this.#limits, slots: this.#slots };
      this.#peer = peerOn(this.#newLink().far, this.#wire, role, this.#clock, setup);
      return;
    }
    this.trail.push("a client");
    const dial = async (): Promise<{ channel: Link["far"] }> => {
      if (this.#links.length > 0 && this.#random.once(3)) throw new RpcError("unavailable", "nobody there");
      return { channel: this.#newLink(this.#links.length === 0).far };
    };
    const redial = this.#random.once(5) ? false : { baseMs: 5, maxMs: 20 };
    this.#client = await Client.open(dial, this.#wire, {
      clock: this.#clock,
      logger: new Log(),
      handlers,
      heartbeat,
      redial,
      concurrency: this.#places,
      handshakeTimeoutMs: 20,
      random: () => this.#random.below(1000) / 1000,
      connections: this.#random.pick([1, 1, 2]),
      ...this.#limits,
    });
  }

  #newLink(isFirst = false): Link {
    const link = new Link(this.#random, this, !isFirst);
    // A client must come up before there is anything to play with.
    if (isFirst && this.#hello === "must") link.say({ kind: "welcome", hello: {} });
    this.#links.push(link);
    return link;
  }

  /** What the engine serves. Each handler counts when it has really ended. */
  #handlers(): object {
    const ended = <Value>(value: Value): Value => {
      this.#ended++;
      return value;
    };
    const began = (): void => {
      this.#ran++;
    };
    const gate = (): Promise<void> => new Promise((resolve) => this.#gates.push(resolve));
    return {
      now: (params: unknown) => (began(), ended(params)),
      fail: () => {
        began();
        ended(0);
        throw new Error("on purpose");
      },
      later: async (params: unknown) => {
        began();
        await gate();
        return ended(params);
      },
      laterFail: async () => {
        began();
        await gate();
        ended(0);
        throw new RpcError("aborted", "on purpose");
      },
      big: () => (began(), ended("x".repeat(200))),
      bad: () => (began(), ended(1n)),
      untilCancelled: async (_: unknown, { signal }: CallContext) => {
        began();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        ended(0);
      },
      back: async (_: unknown, { peer }: CallContext) => {
        began();
        const code = await this.#call(peer);
        return ended(code);
      },
    };
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const action = random.pick(ACTIONS);
    this.trail.push(action);
    const link = this.#link;
    switch (action) {
      case "call":
        void this.#call(this.#caller);
        return;
      case "calls":
        for (let each = random.below(6); each >= 0; each--) void this.#call(this.#caller);
        return;
      case "notify":
        return this.#notify();
      case "batch":
        return this.#batch();
      case "abort":
        return this.#aborts.splice(random.below(this.#aborts.length), 1)[0]?.();
      case "answer":
        return link.answer();
      case "answer together":
        return link.answerTogether();
      case "answer again":
        return link.answerAgain();
      case "answer nothing":
        return link.answerNothing();
      case "ask":
        return link.say(this.#request(link));
      case "ask together":
        return link.say({ kind: "batch", messages: [this.#request(link), this.#request(link), this.#request(link)] });
      case "cancel":
        return link.cancel();
      case "rubbish":
        return link.rubbish();
      case "end a handler":
        return this.#gates.splice(random.below(this.#gates.length), 1)[0]?.();
      case "time":
        return this.#clock.advance(1 + random.below(20));
      case "pause":
        return this.#clock.advance(5000, 4900);
      case "turn":
        return turn();
      case "stop reading":
        return link.stopReading();
      case "read on":
        return link.readOn();
      case "goodbye":
        return this.#seldom(() =>
          link.say({ kind: "goodbye", text: "bye", ...(random.once(4) ? { redialAfterMs: 10 } : {}) }),
        );
      case "end":
        return this.#seldom(() => this.#end(link));
    }
  }

  #seldom(action: () => void): void {
    if (this.#random.once(2)) action();
  }

  #end(link: Link): void {
    const how = this.#random.pick(["half-close", "close", "break", "end", "drain"] as const);
    this.trail.push(how);
    switch (how) {
      case "half-close":
        return link.halfClose();
      case "close":
        return link.close();
      case "break":
        return link.break();
      case "end":
        return this.#peer?.end({ message: "by the schedule" });
      case "drain":
        if (this.#random.once(2)) this.#drain(this.#random.pick([0, 10, 1000]));
    }
  }

  #drain(graceMs: number): void {
    const closing = (this.#client ?? this.#peer)?.close({ graceMs });
    if (closing !== undefined) this.#drains.push(closing.then(() => void this.#drained++));
  }

  #request(link: Link): object {
    const method = this.#random.pick(METHODS);
    if (this.#random.once(5)) return { kind: "notify", method, params: "note" };
    return link.ask(method, `q${this.#tokens++}`, this.#random.once(4) ? this.#random.pick([1, 10, 500]) : undefined);
  }

  // ---- the engine's own requests, each with a token that nobody else has

  #options(): { timeoutMs?: number; signal?: AbortSignal; idempotent?: boolean } {
    const timeoutMs = this.#random.pick([undefined, 0, 5, 30, 200, Infinity]);
    const options = { idempotent: this.#random.once(3), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    if (!this.#random.once(3)) return options;
    const { controller, listeners } = watchedSignal();
    this.#listeners.push(listeners);
    if (this.#random.once(10)) controller.abort();
    else this.#aborts.push(() => controller.abort());
    return { ...options, signal: controller.signal };
  }

  async #call(caller: Caller): Promise<string> {
    const token = `t${this.#tokens++}`;
    const options = this.#options();
    this.#open++;
    try {
      const value = await caller.call("x", this.#random.once(20) ? this.#unsendable(token) : token, options);
      this.#settled(token, { ok: true, value }, options.idempotent);
    } catch (thrown) {
      this.#settled(token, { ok: false, error: thrown }, options.idempotent);
    }
    return token;
  }

  #unsendable(token: string): object {
    return {
      token,
      toJSON: () => {
        throw new Error("cannot be encoded");
      },
    };
  }

  #notify(): void {
    const token = `t${this.#tokens++}`;
    this.#open++;
    this.#caller.notify("x", token).then(
      () => void this.#open--,
      () => void this.#open--,
    );
    // Nobody looks at most notifications: a failure must not be an unhandled rejection.
    void this.#caller.notify("x", `t${this.#tokens++}`);
  }

  #batch(): void {
    const options = this.#options();
    const members = Array.from({ length: 1 + this.#random.below(4) }, () => ({
      token: `t${this.#tokens++}`,
      notify: this.#random.once(4),
    }));
    this.#open += members.length;
    const batch = this.#caller.batch(
      members.map(({ token, notify }) => ["x", token, { notify }]),
      options,
    );
    void batch.then((outcomes) => {
      if (outcomes.length !== members.length) this.fault("a batch with too many or too few outcomes");
      members.forEach(({ token, notify }, index) => {
        const outcome = outcomes[index];
        if (notify) this.#open--;
        else if (outcome !== undefined) this.#settled(token, outcome, options.idempotent);
      });
    });
  }

  #settled(
    token: string,
    outcome: { ok: true; value: unknown } | { ok: false; error: unknown },
    idempotent = false,
  ): void {
    this.#open--;
    const arrived = this.arrived.get(token) ?? 0;
    if (arrived > 1 && !idempotent) this.fault(`${token} was sent ${arrived} times`);
    if (outcome.ok) {
      this.codes.push("ok");
      if (outcome.value !== `r:${token}`) this.fault(`${token} settled with ${String(outcome.value)}`);
      return;
    }
    const { error } = outcome;
    if (!RpcError.is(error)) return this.fault(`${token} settled with ${String(error)}`);
    this.codes.push(`${error.code}/${error.executed ?? "-"}`);
    if (error.remote && error.message !== `e:${token}`) this.fault(`${token} settled with ${error.message}`);
    if (error.executed === "no" && arrived > 0)
      this.fault(`${token} arrived, and is said not to have run: ${error.message}`);
    if (!error.remote && error.executed === undefined)
      this.fault(`${token} does not say whether it ran: ${error.message}`);
  }

  // ---- the end

  async #finish(): Promise<void> {
    for (const link of this.#links) link.readOn();
    await this.#endHandlers();
    if (this.#flushDelayMs === undefined) this.#checkAnswers();
    const last = this.#random.below(3);
    this.trail.push(`the end, ${["by the link", "by a drain", "at once"][last]}`);
    if (last === 0) for (const link of this.#links) this.#random.once(2) ? link.close() : link.halfClose();
    if (last === 1) this.#drain(20);
    await turn();
    this.#clock.advance(25);
    await turn();
    if (this.#client === undefined) this.#peer?.end();
    else await this.#client.close({ graceMs: 0 });
    await this.#endHandlers();
    await turn();
    this.#check();
  }

  async #endHandlers(): Promise<void> {
    await turn();
    while (this.#gates.length > 0) {
      for (const gate of this.#gates.splice(0)) gate();
      await turn();
    }
  }

  /** While the link is whole and nothing runs any more, whatever was asked has been answered. */
  #checkAnswers(): void {
    const peer = this.#peer;
    const [link] = this.#links;
    if (peer === undefined || link === undefined || !link.isWhole || !peer.isOpen || !peer.isReading) return;
    if (peer.runningCount > 0 || peer.waitingCount > 0) return;
    for (const [id, { answers, mayVanish }] of link.asked) {
      if (answers === 0 && !mayVanish) this.fault(`id ${id} was never answered`);
    }
  }

  #check(): void {
    const zero = (what: string, count: number | undefined): void => {
      if (count !== 0 && count !== undefined) this.fault(`${count} ${what}`);
    };
    zero("requests never settled", this.#open);
    zero("calls are pending", (this.#client ?? this.#peer)?.pendingCount);
    zero("handlers run", this.#peer?.runningCount);
    zero("requests wait", this.#peer?.waitingCount);
    zero("handlers never ended", this.#ran - this.#ended);
    zero("listeners are left on the clock", this.#clock.listeners);
    zero(
      "listeners are left on signals",
      this.#listeners.reduce((sum, listeners) => sum + listeners(), 0),
    );
    zero("closes never resolved", this.#drains.length - this.#drained);
    if (this.#client === undefined) zero("places were not given back", this.#places - this.#freePlaces());
  }

  #freePlaces(): number {
    let free = 0;
    while (this.#slots.take()) free++;
    return free;
  }
}

const METHODS = [
  "now",
  "fail",
  "later",
  "later",
  "laterFail",
  "big",
  "big",
  "bad",
  "untilCancelled",
  "back",
  "nope",
  "__proto__",
];

/** What may happen next; what stands here more often happens more often. */
const ACTIONS = [
  "call",
  "call",
  "call",
  "calls",
  "calls",
  "notify",
  "batch",
  "batch",
  "abort",
  "abort",
  "answer",
  "answer",
  "answer",
  "answer",
  "answer together",
  "answer again",
  "answer nothing",
  "ask",
  "ask",
  "ask",
  "ask together",
  "cancel",
  "rubbish",
  "end a handler",
  "end a handler",
  "time",
  "time",
  "pause",
  "turn",
  "turn",
  "turn",
  "turn",
  "turn",
  "turn",
  "stop reading",
  "read on",
  "goodbye",
  "end",
] as const;
