import type { Channel, Frame, Full } from "../../src/core/channel.ts";
import { RpcError } from "../../src/core/errors.ts";
import type { Id, Message, RequestMessage } from "../../src/core/message.ts";
import { type MemoryEnd, memoryChannels } from "../../src/transports/memory.ts";
import type { Random } from "./random.ts";

/** What one schedule finds wrong. */
export interface Ledger {
  /** How often each request of the engine has arrived here, by its token. */
  readonly arrived: Map<unknown, number>;
  fault(what: string): void;
}

/** A call of the engine's that arrived here. */
interface Owed {
  readonly id: Id;
  readonly token: unknown;
}

/** A request that was sent to the engine. */
interface Asked {
  answers: number;
  /** The engine may leave it unanswered. */
  mayVanish: boolean;
}

const IDS: readonly Id[] = [0, "", "null", -1, 1.5];

/** The other side of one link of the engine, played by a schedule: it answers what it likes, when it likes, or twice. */
export class Link {
  /** The engine's end. */
  readonly far: Channel & MemoryEnd;
  readonly owed: Owed[] = [];
  readonly answered: Owed[] = [];
  readonly asked = new Map<Id, Asked>();
  /** Until one side ended, or closed. */
  isWhole = true;
  readonly #near: Channel & MemoryEnd;
  readonly #random: Random;
  readonly #ledger: Ledger;
  readonly #saysWelcome: boolean;
  #nextId = 1;
  #pause: { readonly full: Promise<void>; resume(): void } | undefined;

  constructor(random: Random, ledger: Ledger, saysWelcome: boolean) {
    this.#random = random;
    this.#ledger = ledger;
    this.#saysWelcome = saysWelcome;
    [this.#near, this.far] = memoryChannels({ capacity: random.pick([1, 2, 5, Infinity, Infinity]) });
    this.#near.open({
      frames: (frames) => this.#read(frames),
      skipped: () => {},
      ended: () => this.#whole(false),
      closed: () => this.#whole(false),
    });
  }

  say(...messages: readonly object[]): void {
    void this.#near.send(messages.map((message) => JSON.stringify(message)));
  }

  rubbish(): void {
    void this.#near.send([this.#random.pick(["", "{", "\u0000", "[1,2"])]);
  }

  /** Sends a request; most ids are new, and each is used once. */
  ask(method: string, params: unknown, timeoutMs: number | undefined): object {
    const odd = this.#random.once(8) ? this.#random.pick(IDS) : undefined;
    const id = odd === undefined || this.asked.has(odd) ? this.#nextId++ : odd;
    this.asked.set(id, { answers: 0, mayVanish: timeoutMs !== undefined });
    return { kind: "call", id, method, params, timeoutMs };
  }

  cancel(): void {
    const ids = [...this.asked.keys(), "unknown"];
    const id = this.#random.pick(ids);
    const asked = this.asked.get(id);
    if (asked !== undefined) asked.mayVanish = true;
    this.say({ kind: "cancel", id });
  }

  /** Answers one call of the engine's, which settles with its own token and nothing else. */
  answer(): void {
    if (this.owed.length === 0) return;
    const [owed] = this.owed.splice(this.#random.below(this.owed.length), 1);
    if (owed === undefined) return;
    this.answered.push(owed);
    this.say(this.#reply(owed));
  }

  answerTogether(): void {
    const replies = this.owed.splice(0).map((owed) => {
      this.answered.push(owed);
      return this.#reply(owed);
    });
    if (replies.length > 0) this.say({ kind: "batch", messages: replies });
  }

  /** Answers a call for the second time, with something else. */
  answerAgain(): void {
    if (this.answered.length === 0) return;
    this.say({ kind: "result", id: this.#random.pick(this.answered).id, value: "again" });
  }

  /** Answers what was never asked. */
  answerNothing(): void {
    const id = this.#random.pick([null, "1", "stranger", 1e9, -5]);
    this.say(
      id === null
        ? { kind: "error", id, error: { code: "internal", message: "?" } }
        : { kind: "result", id, value: "stray" },
    );
  }

  stopReading(): void {
    if (this.#pause !== undefined) return;
    let resume: () => void = () => {};
    const full = new Promise<void>((resolve) => {
      resume = resolve;
    });
    this.#pause = { full, resume };
  }

  readOn(): void {
    this.#pause?.resume();
    this.#pause = undefined;
  }

  halfClose(): void {
    this.#whole(false);
    this.#near.end();
  }

  close(): void {
    this.#whole(false);
    this.#near.close({ message: "closed by the schedule" });
  }

  break(): void {
    this.#whole(false);
    this.#near.close({ message: "cut", error: new RpcError("data_loss", "cut") });
  }

  #whole(isWhole: boolean): void {
    this.isWhole = isWhole;
  }

  #reply({ id, token }: Owed): object {
    if (!this.#random.once(3)) return { kind: "result", id, value: `r:${String(token)}` };
    return { kind: "error", id, error: { code: "aborted", message: `e:${String(token)}` } };
  }

  #read(frames: readonly Frame[]): Full {
    for (const frame of frames) this.#take(JSON.parse(String(frame)) as Message);
    return this.#pause?.full;
  }

  #take(message: Message): void {
    switch (message.kind) {
      case "batch":
        for (const member of message.messages) this.#take(member);
        return;
      case "call":
        this.owed.push({ id: message.id, token: message.params });
        return this.#arrived(message);
      case "notify":
        return this.#arrived(message);
      case "result":
      case "error":
        return this.#answered(message.id);
      case "hello":
        if (this.#saysWelcome && !this.#random.once(12)) this.say({ kind: "welcome", hello: {} });
        return;
      case "ping":
        if (!this.#random.once(4)) this.say({ kind: "pong" });
        return;
    }
  }

  #arrived({ params }: RequestMessage): void {
    this.#ledger.arrived.set(params, (this.#ledger.arrived.get(params) ?? 0) + 1);
  }

  #answered(id: Id | null): void {
    if (id === null) return;
    const asked = this.asked.get(id);
    if (asked === undefined) return this.#ledger.fault(`an answer to id ${id}, which was never asked`);
    if (++asked.answers > 1) this.#ledger.fault(`a second answer to id ${id}`);
  }
}
