import { RpcError } from "../../src/core/errors.ts";
import type { CallMessage, Id, Message } from "../../src/core/message.ts";
import { isOlder, isSameEnd, type Session, sessionText } from "../../src/core/session.ts";
import { textOf } from "../../src/core/text.ts";
import type { FanOut } from "../../src/fleet/fan-out.ts";
import type { Watching } from "../../src/fleet/watching.ts";
import { watchedSignal } from "../suites/engine.ts";
import { type FleetWorld, fleetWorld, type HandAgent } from "../suites/fleet-world.ts";
import { turn } from "../suites/support.ts";
import { Random } from "./random.ts";
import type { Played } from "./schedule.ts";

const NAMES = ["a", "b", "c", "d"] as const;
const ACTIONS = [
  ...["join", "join", "join", "join again", "leave", "goodbye", "stall"],
  ...["call", "call", "calls", "call nobody", "notify", "call all", "call all", "abort", "leave the loop"],
  ...["answer", "answer", "answer", "answer all", "answer again", "refuse", "time", "turn", "turn"],
] as const;

/** Plays the schedule of one seed: agents come and go under few names, and a controller calls them. */
export async function playFleet(seed: number): Promise<Played> {
  const schedule = new FleetSchedule(seed);
  await schedule.run();
  return schedule;
}

/** One agent's link, and what was asked over it. */
interface Agent {
  readonly name: string;
  readonly session: Session | undefined;
  readonly hand: HandAgent;
  /** Calls that were not answered. */
  readonly open: CallMessage[];
  /** The id of the last one that was. */
  answered: Id;
  /** Frames that were looked at. */
  read: number;
}

class FleetSchedule implements Played {
  readonly seed: number;
  readonly trail: string[] = [];
  readonly faults: string[] = [];
  readonly codes: string[] = [];
  readonly #random: Random;
  readonly #duplicates: "replace" | "reject" | undefined;
  readonly #agents: Agent[] = [];
  /** Who has each name, by the rule. */
  readonly #present = new Map<string, Agent>();
  /** Who has each name, by the events. */
  readonly #told = new Set<string>();
  readonly #aborts: (() => void)[] = [];
  readonly #listeners: (() => number)[] = [];
  readonly #leaves: (() => void)[] = [];
  /** How often each call arrived: by its token and the place of the agent. */
  readonly #arrived = new Map<string, number>();
  #tokens = 0;
  #open = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.#random = new Random(seed);
    this.#duplicates = this.#random.pick(["replace", "reject", undefined]);
  }

  async run(): Promise<void> {
    const duplicates = this.#duplicates;
    const it = await fleetWorld({ fleet: { duplicates, timeoutMs: 30 }, server: { maxPending: 2 } });
    const stop = new AbortController();
    const watched = this.#watch(it.fleet.watch({ signal: stop.signal }));
    for (let steps = 20 + this.#random.below(40); steps > 0; steps--) {
      await this.#step(it);
      if (this.#random.once(3)) await this.#check(it);
    }
    await this.#check(it);
    await it.close();
    await turn();
    it.clock.advance(60);
    await turn();
    stop.abort();
    await watched;
    const zero = (what: string, count: number): void => void (count !== 0 && this.faults.push(`${count} ${what}`));
    zero("calls never settled", this.#open);
    zero("members are left", it.fleet.size);
    zero("members are left by the events", this.#told.size);
    zero("listeners are left on the clock", it.clock.listeners);
    for (const listeners of this.#listeners) zero("listeners are left on a signal", listeners());
  }

  async #step(it: FleetWorld): Promise<void> {
    const random = this.#random;
    const action = random.pick(ACTIONS);
    this.trail.push(action);
    const agent = this.#agents.length === 0 ? undefined : random.pick(this.#agents);
    switch (action) {
      case "join":
        return this.#join(it, random.pick(NAMES), this.#newSession());
      case "join again": {
        const session = agent?.session;
        if (agent === undefined || session === undefined) return;
        const link = Math.max(1, session.link + random.below(3) - 1);
        return this.#join(it, agent.name, { ...session, link });
      }
      case "leave":
        return agent && this.#leave(agent, () => agent.hand.channel.close(random.once(2) ? undefined : BROKEN));
      case "goodbye":
        return agent && this.#leave(agent, () => agent.hand.say({ kind: "goodbye", text: "bye" }));
      case "stall":
        return random.once(2) ? agent?.hand.stall() : undefined;
      case "call":
        return this.#call(it, random.pick(NAMES));
      case "calls": {
        const name = random.pick(NAMES);
        for (let each = 0; each < 5; each++) this.#call(it, name);
        return;
      }
      case "call nobody":
        return this.#call(it, "nobody");
      case "notify":
        return void it.fleet.notify(random.pick(NAMES), "note");
      case "call all":
        return this.#callAll(it);
      case "abort":
        return this.#aborts.splice(random.below(this.#aborts.length), 1)[0]?.();
      case "leave the loop":
        return this.#leaves.splice(random.below(this.#leaves.length), 1)[0]?.();
      case "answer":
        return agent && this.#answer(agent, 1);
      case "answer all":
        for (const each of this.#agents) this.#answer(each, 100);
        return;
      case "answer again":
        return agent?.hand.say({ kind: "result", id: agent.answered, value: "stray" });
      case "refuse":
        return agent && this.#refuse(agent);
      case "time":
        return it.clock.advance(1 + random.below(20));
      case "turn":
        return turn(1);
    }
  }

  // ---- who is there

  #newSession(): Session | undefined {
    const random = this.#random;
    if (random.once(4)) return undefined;
    return { startedAt: random.below(5), word: random.pick(["x", "y"]), link: 1 + random.below(3) };
  }

  async #join(it: FleetWorld, name: string, session: Session | undefined): Promise<void> {
    const expected = this.#verdict(name, session);
    const hand = await it.hand({ name, ...(session && { session: sessionText(session) }) }, 2);
    const agent: Agent = { name, session, hand, open: [], answered: 0, read: 0 };
    this.#agents.push(agent);
    const [first] = hand.got;
    const welcomed = first?.kind === "welcome";
    if (welcomed !== expected) this.faults.push(`${name} ${describe(session)} was ${welcomed ? "let in" : "refused"}`);
    if (!welcomed && first?.kind !== "goodbye") this.faults.push(`${name} was refused without a word`);
    if (welcomed) this.#present.set(name, agent);
  }

  /** The rule, told once more. */
  #verdict(name: string, session: Session | undefined): boolean {
    const old = this.#present.get(name);
    if (old === undefined) return true;
    if (session !== undefined && old.session !== undefined) {
      if (isOlder(session, old.session)) return false;
      if (isSameEnd(session, old.session)) return true;
    }
    return this.#duplicates !== "reject";
  }

  async #leave(agent: Agent, go: () => void): Promise<void> {
    go();
    await turn();
    if (this.#present.get(agent.name) === agent) this.#present.delete(agent.name);
  }

  async #watch(events: Watching): Promise<void> {
    for await (const { kind, member } of events) {
      const known = this.#told.has(member);
      if (known !== (kind !== "joined")) this.faults.push(`${member} has ${kind}, and was ${known ? "" : "not "}there`);
      if (kind === "left") this.#told.delete(member);
      else this.#told.add(member);
    }
  }

  async #check(it: FleetWorld): Promise<void> {
    await turn();
    const listed = it.fleet
      .list()
      .map(({ name }) => name)
      .sort()
      .join();
    const present = [...this.#present.keys()].sort().join();
    const told = [...this.#told].sort().join();
    if (listed !== present) this.faults.push(`listed ${listed} where ${present} are present`);
    if (listed !== told) this.faults.push(`listed ${listed} where events tell of ${told}`);
    for (const agent of this.#agents) this.#read(agent);
  }

  // ---- what is asked of them

  #options(): { timeoutMs?: number; signal?: AbortSignal } {
    const random = this.#random;
    const timeoutMs = random.pick([undefined, 0, 5, 200, Infinity]);
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    if (!random.once(3)) return options;
    const { controller, listeners } = watchedSignal();
    this.#listeners.push(listeners);
    if (random.once(8)) controller.abort();
    else this.#aborts.push(() => controller.abort());
    return { ...options, signal: controller.signal };
  }

  #call(it: FleetWorld, name: string): void {
    const token = `t${this.#tokens++}`;
    const isThere = it.fleet.get(name) !== undefined;
    this.#open++;
    it.fleet.call(name, "x", [token], this.#options()).then(
      (value) => this.#settled(token, name, value),
      (thrown: unknown) => {
        if (!isThere && (thrown as RpcError).code !== "not_found") this.faults.push(`${token} found ${name}`);
        this.#failed(token, name, thrown);
      },
    );
  }

  #callAll(it: FleetWorld): void {
    const random = this.#random;
    const token = `t${this.#tokens++}`;
    const first = random.once(3) ? 1 + random.below(2) : undefined;
    const concurrency = random.once(3) ? 1 + random.below(2) : undefined;
    const present = it.fleet.list().map(({ name }) => name);
    this.#open += present.length + 1;
    const all = it.fleet.callAll("x", [token], { ...this.#options(), first, concurrency });
    if (all.members.join() !== present.join()) this.faults.push(`${token} calls ${all.members.join()}`);
    void this.#follow(all, token, first);
    void all.then((outcomes) => {
      const members = outcomes.map(({ member }) => member).sort();
      if (members.join() !== [...present].sort().join()) this.faults.push(`${token} has outcomes of ${members.join()}`);
      for (const outcome of outcomes) {
        if (outcome.ok) this.#settled(token, outcome.member, outcome.value);
        else this.#failed(token, outcome.member, outcome.error);
      }
    });
  }

  /** Reads the outcomes as they come, and now and then leaves the loop. */
  async #follow(all: FanOut, token: string, first = Infinity): Promise<void> {
    let isLeft = false;
    this.#leaves.push(() => {
      isLeft = true;
    });
    let successes = 0;
    for await (const outcome of all) {
      if (outcome.ok && ++successes > first) this.faults.push(`${token} went on after ${first} successes`);
      if (isLeft) break;
    }
    this.#open--;
  }

  #settled(token: string, name: string, value: unknown): void {
    this.codes.push("ok");
    this.#open--;
    if (value !== `r:${token}@${name}`) this.faults.push(`${token} of ${name} settled with ${String(value)}`);
  }

  #failed(token: string, name: string, thrown: unknown): void {
    this.#open--;
    if (!RpcError.is(thrown)) return void this.faults.push(`${token} settled with ${String(thrown)}`);
    this.codes.push(`${thrown.code}/${thrown.executed ?? "-"}`);
    for (const agent of this.#agents) this.#read(agent);
    const arrived = this.#arrived.get(`${token}@${name}`) ?? 0;
    if (thrown.executed === "no" && arrived > 0) this.faults.push(`${token} arrived, and is said not to have run`);
    if (!thrown.remote && thrown.executed === undefined) this.faults.push(`${token} does not say whether it ran`);
  }

  // ---- what they do

  #read(agent: Agent): void {
    const { frames } = agent.hand;
    for (; agent.read < frames.length; agent.read++) {
      const message = JSON.parse(textOf(frames[agent.read] ?? "")) as Message;
      if (message.kind === "cancel") {
        const at = agent.open.findIndex(({ id }) => id === message.id);
        if (at >= 0) agent.open.splice(at, 1);
      }
      if (message.kind !== "call") continue;
      const key = `${tokenOf(message)}@${agent.name}`;
      const times = (this.#arrived.get(key) ?? 0) + 1;
      this.#arrived.set(key, times);
      if (times > 1) this.faults.push(`${key} arrived ${times} times`);
      agent.open.push(message);
    }
  }

  #answer(agent: Agent, most: number): void {
    this.#read(agent);
    for (const call of agent.open.splice(0, most)) {
      agent.answered = call.id;
      agent.hand.say({ kind: "result", id: call.id, value: `r:${tokenOf(call)}@${agent.name}` });
    }
  }

  #refuse(agent: Agent): void {
    this.#read(agent);
    const call = agent.open.shift();
    if (call === undefined) return;
    agent.hand.say({ kind: "error", id: call.id, error: { code: "aborted", message: "on purpose" } });
  }
}

const BROKEN = { message: "broken", error: new RpcError("unavailable", "broken") };

function tokenOf({ params }: CallMessage): string {
  return (params as readonly string[])[0] ?? "";
}

function describe(session: Session | undefined): string {
  return session === undefined ? "without a session" : sessionText(session);
}
