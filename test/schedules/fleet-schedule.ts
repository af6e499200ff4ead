import type { CallContext } from "../../src/core/context.ts";
import { plainWire } from "../suites/plain-wire.ts";
import { FleetCaller } from "./fleet-caller.ts";
import { Crowd, HEARTBEAT } from "./fleet-crowd.ts";
import { Follower, Sleeper } from "./fleet-follower.ts";
import { type FleetStage, fleetStage, settle } from "./fleet-stage.ts";
import { Tally } from "./fleet-tally.ts";
import { Random } from "./random.ts";
import type { Played } from "./schedule.ts";

/** Plays the schedule of one seed: agents come and go under few names, and a controller calls them. */
export async function playFleet(seed: number): Promise<Played> {
  const random = new Random(seed);
  const tally = new Tally();
  const trail: string[] = [];
  const unhandled = (reason: unknown): void => tally.fault(`an unhandled rejection: ${String(reason)}`);
  process.on("unhandledRejection", unhandled);
  try {
    const schedule = await FleetSchedule.begin({ random, tally, trail });
    await schedule.run();
  } catch (thrown) {
    tally.fault(`the schedule itself failed: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
  } finally {
    process.off("unhandledRejection", unhandled);
  }
  return { seed, trail, faults: tally.faults, codes: tally.codes };
}

/** How one schedule goes, and what came of it. */
interface Course {
  readonly random: Random;
  readonly tally: Tally;
  readonly trail: string[];
}

class FleetSchedule {
  readonly #stage: FleetStage;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #trail: string[];
  readonly #crowd: Crowd;
  readonly #caller: FleetCaller;
  /** Sees all events. */
  readonly #witness: Follower;
  readonly #followers: Follower[] = [];
  readonly #sleepers: Sleeper[] = [];

  private constructor(crowd: Crowd, caller: FleetCaller, stage: FleetStage, { random, tally, trail }: Course) {
    this.#stage = stage;
    this.#random = random;
    this.#tally = tally;
    this.#trail = trail;
    this.#crowd = crowd;
    this.#caller = caller;
    this.#witness = new Follower(stage.fleet, tally);
  }

  static async begin(course: Course): Promise<FleetSchedule> {
    const { random, tally } = course;
    const saysGoodbye = !random.once(4);
    const pings = random.once(2);
    const duplicates = random.pick(["replace", "reject", undefined] as const);
    const maxMembers = random.pick([2, 100, 100, 100]);
    let crowd: Crowd | undefined;
    let caller: FleetCaller | undefined;
    const stage = await fleetStage(
      plainWire({ carries: { hello: "must", welcome: true, ping: pings, goodbye: saysGoodbye } }),
      { duplicates, maxMembers, timeoutMs: 30, stayAwayMs: 30, random: () => random.below(1000) / 1000 },
      {
        maxPending: 2,
        heartbeat: HEARTBEAT,
        // An agent has the controller call a member.
        handlers: { relay: (member: unknown, { signal }: CallContext) => caller?.call(String(member), { signal }) },
        onDisconnect: ({ remoteAddress }, { message }) => crowd?.disconnected(remoteAddress, message),
      },
    );
    const keepsNames = (duplicates ?? (saysGoodbye ? "replace" : "reject")) === "reject";
    crowd = new Crowd(stage, tally, random, { saysGoodbye, pings, keepsNames, maxMembers, hasReal: random.once(3) });
    caller = new FleetCaller(stage, tally, random);
    return new FleetSchedule(crowd, caller, stage, course);
  }

  async run(): Promise<void> {
    for (let first = this.#random.below(3); first > 0; first--) await this.#crowd.join(this.#crowd.newArrival());
    for (let steps = 12 + this.#random.below(24); steps > 0; steps--) {
      await this.#step();
      if (this.#random.once(4)) await this.#check();
    }
    await this.#end();
  }

  async #step(): Promise<void> {
    const [random, crowd, caller] = [this.#random, this.#crowd, this.#caller];
    const action = random.pick(ACTIONS);
    this.#trail.push(action);
    switch (action) {
      case "join":
        return crowd.join(crowd.newArrival());
      case "join again": {
        const agent = crowd.any();
        return agent && crowd.joinAgain(agent);
      }
      case "join together":
        return crowd.joinTogether();
      case "look in":
        return crowd.lookIn();
      case "a real one":
        return crowd.joinReal();
      case "cut the real ones":
        return this.#stage.cut();
      case "close":
      case "cut":
      case "half-close":
      case "goodbye": {
        const agent = crowd.any();
        return agent && crowd.leave(agent, action);
      }
      case "stall":
        return random.once(2) ? crowd.any()?.stall() : undefined;
      case "drain one":
        return crowd.drainOne();
      case "call":
        return void caller.call(crowd.anyName());
      case "calls": {
        const name = crowd.anyName();
        for (let each = this.#stage.fleet.get(name) === undefined ? 1 : 5; each > 0; each--) void caller.call(name);
        return;
      }
      case "call who was there":
        await settle();
        return caller.callKept();
      case "batch":
        return caller.batch(crowd.anyName());
      case "notify":
        return void this.#stage.fleet.notify(crowd.anyName(), "note");
      case "call all":
        return caller.callAll();
      case "abort":
        return caller.abort();
      case "leave the loop":
        return caller.leaveLoop();
      case "ask":
        return crowd.any()?.ask(crowd.anyName());
      case "give up what was asked":
        return crowd.any()?.giveUp();
      case "answer":
        return crowd.answerOne();
      case "answer all":
        return crowd.answerAll();
      case "answer again":
        return crowd.any()?.answerAgain();
      case "refuse":
        return crowd.any()?.refuse();
      case "say something":
        return crowd.saySomething();
      case "watch":
        return this.#watch();
      case "watch no more":
        return this.#followers.shift()?.stop(random.pick(["signal", "return"]));
      case "time":
        return crowd.pass(1 + random.below(20));
      case "pause":
        return crowd.pass(5000, 4980);
      case "turn":
        return settle();
    }
  }

  async #watch(): Promise<void> {
    await settle();
    const { fleet } = this.#stage;
    if (this.#random.once(2)) this.#followers.push(new Follower(fleet, this.#tally));
    else this.#sleepers.push(new Sleeper(fleet, 1 + this.#random.below(4), this.#witness.seen));
  }

  async #check(): Promise<void> {
    await settle();
    this.#crowd.check();
    this.#caller.check();
    for (const follower of [this.#witness, ...this.#followers]) follower.check();
  }

  async #end(): Promise<void> {
    const [stage, crowd] = [this.#stage, this.#crowd];
    await this.#check();
    if (this.#random.once(2)) await crowd.calmDown((name) => this.#caller.call(name, {}));
    const how = this.#random.pick(["at once", "by a drain", "everybody leaves", "everybody is cut"] as const);
    this.#trail.push(`the end, ${how}`);
    if (how === "by a drain") {
      const drained = stage.server.close({ graceMs: 20 });
      await settle();
      crowd.answerAll();
      await crowd.pass(25);
      await drained;
    } else if (how !== "at once") {
      await crowd.allLeave(how === "everybody is cut" ? "cut" : "close");
      await this.#check();
    }
    await crowd.close();
    await stage.server.close({ graceMs: 0 });
    await settle();
    crowd.answerAll();
    stage.clock.advance(60);
    await settle();
    await this.#checkNothingIsLeft();
  }

  async #checkNothingIsLeft(): Promise<void> {
    const [stage, tally] = [this.#stage, this.#tally];
    this.#crowd.read();
    for (const sleeper of this.#sleepers) {
      const fault = await sleeper.wake(this.#witness.seen);
      if (fault !== undefined) tally.fault(fault);
    }
    for (const follower of [this.#witness, ...this.#followers]) {
      follower.check();
      follower.stop("signal");
    }
    await settle();
    tally.zero("calls never settled", tally.open);
    tally.zero("members are left", stage.fleet.size);
    tally.zero("links are left", stage.server.connections.length);
    tally.zero("listeners are left on the clock", stage.clock.listeners);
    tally.zero("listeners are left on signals", this.#caller.listeners);
  }
}

/** What may happen next; what stands here more often happens more often. */
const ACTIONS = [
  ...["join", "join", "join", "join", "join again", "join together", "look in", "a real one", "cut the real ones"],
  ...["close", "cut", "half-close", "goodbye", "stall", "drain one"],
  ...[
    "call",
    "call",
    "call",
    "calls",
    "call who was there",
    "batch",
    "notify",
    "call all",
    "call all",
    "call all",
    "abort",
    "abort",
  ],
  ...["leave the loop", "ask", "give up what was asked", "watch", "watch no more"],
  ...["answer", "answer", "answer", "answer all", "answer all", "answer again", "refuse", "say something"],
  ...["time", "time", "pause", "turn", "turn"],
] as const;
