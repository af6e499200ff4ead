import type { Client } from "../../src/client/client.ts";
import { readSession, type Session, sessionText } from "../../src/core/session.ts";
import type { Member } from "../../src/fleet/member.ts";
import { type Arrival, PlayedAgent } from "./fleet-agent.ts";
import { FleetRule } from "./fleet-rule.ts";
import { CUT, type FleetStage, settle } from "./fleet-stage.ts";
import { answerOf, type Tally } from "./fleet-tally.ts";
import type { Random } from "./random.ts";

const NAMES = ["a", "b", "c", "d"] as const;
/** The name of the agents of this library, which dial again by themselves. */
const REAL = "r";
/** That of the controller and of the agents of this library. */
export const HEARTBEAT = { intervalMs: 40, timeoutMs: 40 } as const;

/** What holds for the fleet of one schedule. */
export interface Customs {
  /** The wire has a goodbye. */
  readonly saysGoodbye: boolean;
  /** The wire has pings. */
  readonly pings: boolean;
  /** Who has a name keeps it. */
  readonly keepsNames: boolean;
  readonly maxMembers: number;
  /** Agents of this library may come; they cost as much as many others. */
  readonly hasReal: boolean;
}

/** The agents of one schedule: those who are there, by the rule, and all who ever came. */
export class Crowd {
  readonly #stage: FleetStage;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #customs: Customs;
  readonly #rule: FleetRule;
  readonly #agents: PlayedAgent[] = [];
  readonly #clients: Client[] = [];
  /** When the clients began. */
  readonly #startedAt: number[] = [];
  /** Members whose calls may still be answered, whatever becomes of their names. */
  readonly #draining = new WeakSet<Member>();
  /** Behind them the handlers of the clients wait. */
  readonly #gates: (() => void)[] = [];

  constructor(stage: FleetStage, tally: Tally, random: Random, customs: Customs) {
    this.#stage = stage;
    this.#tally = tally;
    this.#random = random;
    this.#customs = customs;
    this.#rule = new FleetRule(customs.keepsNames, customs.maxMembers);
  }

  /** Most often one that is there. */
  any(): PlayedAgent | undefined {
    const present = this.#rule.agents;
    if (present.length > 0 && !this.#random.once(4)) return this.#random.pick(present);
    return this.#agents.length === 0 ? undefined : this.#random.pick(this.#agents);
  }

  /** Most often of one that is there. */
  anyName(): string {
    const there = this.#stage.fleet.list();
    if (there.length === 0 || this.#random.once(12)) return this.#random.pick(NAMES);
    return this.#random.pick(there).name;
  }

  // ---- who comes

  newArrival(): Arrival {
    const random = this.#random;
    const session: Session | undefined = random.once(4)
      ? undefined
      : { startedAt: random.below(5), word: random.pick(["x", "y"]), link: 1 + random.below(3) };
    return { name: random.pick(NAMES), zone: random.pick(["n", "s"]), session };
  }

  async join(arrival: Arrival): Promise<void> {
    await settle();
    const expected = this.#admits(arrival);
    const old = this.#stage.fleet.get(arrival.name);
    const agent = this.#arrive(arrival);
    await settle();
    const { greeting } = agent;
    const welcomed = greeting === "welcome";
    const { name, session } = arrival;
    const who = `${name}, ${session === undefined ? "without a session" : sessionText(session)},`;
    if (welcomed !== expected) this.#tally.fault(`${who} was ${welcomed ? "let in" : "refused"}`);
    if (!welcomed && greeting !== (this.#customs.saysGoodbye ? "goodbye" : undefined))
      this.#tally.fault(`${who} was refused with ${greeting}`);
    if (welcomed === agent.isClosed) this.#tally.fault(`${who} has ${welcomed ? "lost its" : "a"} link`);
    if (!welcomed) return;
    this.#rule.enter(agent);
    if (old !== undefined && old.pending > 0 && !this.#draining.has(old))
      this.#tally.fault(`${old.pending} calls to who had the name are pending`);
  }

  /** Somebody who came before comes over another link, which may be an older one. */
  async joinAgain(agent: PlayedAgent): Promise<void> {
    const { name, zone, session } = agent;
    if (session === undefined) return;
    const link = Math.max(1, session.link + this.#random.below(3) - 1);
    return this.join({ name, zone, session: { ...session, link } });
  }

  /** Two in one turn: both are welcomed before one of them is in, but who comes second is judged again. */
  async joinTogether(): Promise<void> {
    await settle();
    const pair = [this.newArrival(), this.newArrival()].map((arrival) => ({ arrival, welcome: this.#admits(arrival) }));
    for (const { arrival, welcome } of pair) {
      const agent = this.#arrive(arrival);
      if (welcome && this.#admits(arrival)) this.#rule.enter(agent);
    }
    await settle();
  }

  /** Who goes before it was let in is no member, and takes nobody's name. */
  async lookIn(): Promise<void> {
    await settle();
    const agent = this.#arrive(this.newArrival());
    if (this.#customs.saysGoodbye && this.#random.once(2)) agent.say({ kind: "goodbye", text: "bye" });
    else agent.halfClose();
    await settle();
  }

  /** An agent of this library. */
  async joinReal(): Promise<void> {
    const random = this.#random;
    if (!this.#customs.hasReal || this.#clients.length === 2) return;
    const startedAt = this.#clients.length === 0 ? 20 : random.pick([10, 30]);
    const client = await this.#stage.agent({
      name: REAL,
      startedAt,
      handlers: { x: ([token]: string[]) => this.#serve(token ?? "") },
      heartbeat: HEARTBEAT,
      redial: { baseMs: 5, maxMs: 20 },
      random: () => random.below(1000) / 1000,
    });
    this.#clients.push(client);
    this.#startedAt.push(startedAt);
    client.ready().catch(() => {});
    await settle();
  }

  // ---- who goes

  async leave(agent: PlayedAgent, how: "close" | "cut" | "half-close" | "goodbye"): Promise<void> {
    if (how === "close") agent.close();
    else if (how === "cut") agent.close(CUT);
    else if (how === "half-close") agent.halfClose();
    else if (this.#customs.saysGoodbye) agent.say({ kind: "goodbye", text: "bye" });
    else return;
    await settle();
    this.#rule.leave(agent);
  }

  async allLeave(how: "close" | "cut"): Promise<void> {
    for (const agent of this.#agents) agent.close(how === "cut" ? CUT : undefined);
    await settle();
    for (const agent of this.#agents) this.#rule.leave(agent);
  }

  /** The controller ends one member's link, in good order or at once. */
  drainOne(): void {
    const member = this.#stage.fleet.get(this.anyName());
    if (member === undefined) return;
    this.#draining.add(member);
    const agent = this.#rule.agents.find(({ name }) => name === member.name);
    void member.connection.close({ graceMs: this.#random.pick([0, 10]) }).then(() => agent && this.#rule.leave(agent));
  }

  /** An end that never answers loses its link: the only way to lose one that the schedule does not choose. */
  disconnected(address: string | undefined, message: string): void {
    if (!message.endsWith("is taken for stuck")) return;
    for (const agent of this.#agents) if (agent.address === address) this.#rule.leave(agent);
  }

  /** Time goes on when what was said until now has arrived; those that have been silent for too long are dead. */
  async pass(ms: number, pausedMs = 0): Promise<void> {
    const { clock } = this.#stage;
    await settle();
    clock.advance(ms, pausedMs);
    await settle();
    if (pausedMs > 0) for (const agent of this.#agents) agent.lastSaid += pausedMs;
    else if (this.#customs.pings) {
      const deadMs = HEARTBEAT.intervalMs + HEARTBEAT.timeoutMs;
      for (const agent of this.#rule.agents) if (clock.now - agent.lastSaid > deadMs) this.#rule.leave(agent);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close({ graceMs: 0 })));
  }

  // ---- what they do

  /** All who are there give a sign of life. */
  saySomething(): void {
    for (const agent of this.#rule.agents) agent.say({ kind: "pong" });
  }

  answerOne(): void {
    this.#gates.splice(0, 1)[0]?.();
    this.any()?.answer(1);
  }

  answerAll(): void {
    this.#openGates();
    for (const agent of this.#agents) agent.answer(100);
  }

  /** Looks at what arrived, also at those who are not there any more. */
  read(): void {
    for (const agent of this.#agents) agent.read();
  }

  /** Everything stands still: those who are there are those who ought to be. */
  check(): void {
    const listed = this.#stage.fleet
      .list()
      .map(({ name }) => name)
      .sort()
      .join();
    const present = [...this.#rule.names, ...(this.#isRealThere ? [REAL] : [])].sort().join();
    if (listed !== present) this.#tally.fault(`listed ${listed} where ${present} are present`);
    this.read();
  }

  /** Nobody cuts anything for a while: then a real agent has the name, and answers; the youngest one where names are taken over. */
  async calmDown(call: (name: string) => Promise<unknown>): Promise<void> {
    if (this.#clients.length === 0) return;
    this.#openGates();
    for (let each = 0; each < 12; each++) await this.pass(20);
    const member = this.#stage.fleet.get(REAL);
    if (member === undefined) {
      if (this.#rule.names.length < this.#customs.maxMembers) this.#tally.fault("no real agent is there in the end");
      return;
    }
    const startedAt = readSession(member.connection.hello?.session)?.startedAt;
    if (!this.#customs.keepsNames && startedAt !== Math.max(...this.#startedAt))
      this.#tally.fault("an older real agent is there in the end");
    const answer = call(REAL);
    await settle();
    this.#openGates();
    await settle();
    if ((await Promise.race([answer, settle()])) === undefined) this.#tally.fault("the real agent does not answer");
  }

  get #isRealThere(): boolean {
    return this.#stage.fleet.get(REAL) !== undefined;
  }

  #admits(arrival: Arrival): boolean {
    return this.#rule.admits(arrival, this.#isRealThere ? 1 : 0);
  }

  #arrive(arrival: Arrival): PlayedAgent {
    const agent = new PlayedAgent(this.#stage, this.#tally, arrival);
    this.#agents.push(agent);
    return agent;
  }

  /** A real agent answers at once, or when it is told to. */
  async #serve(token: string): Promise<string> {
    this.#tally.arrived(token, REAL);
    if (this.#random.once(2)) await new Promise<void>((resolve) => this.#gates.push(resolve));
    return answerOf(token, REAL);
  }

  #openGates(): void {
    for (const gate of this.#gates.splice(0)) gate();
  }
}
