import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RpcError } from "../../src/core/errors.ts";
import type { CallAllOptions } from "../../src/fleet/call-all.ts";
import type { FanOut } from "../../src/fleet/fan-out.ts";
import type { Member, MemberInfo } from "../../src/fleet/member.ts";
import { watchedSignal } from "../suites/engine.ts";
import type { FleetStage } from "./fleet-stage.ts";
import type { Tally } from "./fleet-tally.ts";
import type { Random } from "./random.ts";

/** Calls to one member that have not settled: made for certain, and made if their turn has come. */
interface Owed {
  certain: number;
  perhaps: number;
}

/** A loop over the outcomes of a call to all. */
interface Loop {
  readonly token: string;
  readonly concurrency: number;
  outcomes: number;
  /** Whoever reads it leaves at the next outcome. */
  isLeft: boolean;
  /** It has ended, and all of its calls have. */
  isOver: boolean;
  isSettled: boolean;
}

/** What the controller of a schedule asks of its members, each call with a token that no other has. */
export class FleetCaller {
  readonly #stage: FleetStage;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #owed = new WeakMap<Member, Owed>();
  /** What calls to all may ask of an end, over whichever link it has when its turn comes. */
  readonly #owedToEnds = new Map<string, Owed>();
  readonly #aborts: (() => void)[] = [];
  readonly #listeners: (() => number)[] = [];
  readonly #loops: Loop[] = [];
  readonly #kept: Member[] = [];

  constructor(stage: FleetStage, tally: Tally, random: Random) {
    this.#stage = stage;
    this.#tally = tally;
    this.#random = random;
  }

  /** Gives up one call, or several that share a signal. */
  abort(): void {
    this.#aborts.splice(this.#random.below(this.#aborts.length), 1)[0]?.();
  }

  leaveLoop(): void {
    if (this.#loops.length > 0) this.#random.pick(this.#loops).isLeft = true;
  }

  /** Listeners that were left on signals. */
  get listeners(): number {
    return this.#listeners.reduce((sum, listeners) => sum + listeners(), 0);
  }

  /** Resolves with the member's answer, or with nothing. */
  call(name: string, options: { signal?: AbortSignal } = this.#options()): Promise<unknown> {
    const token = this.#tally.newToken();
    const member = this.#stage.fleet.get(name);
    const owed = this.#owedTo(member);
    if (member !== undefined) this.#kept.push(member);
    this.#tally.open++;
    owed.certain++;
    return this.#stage.fleet.call(name, "x", [token], options).then(
      (value) => {
        owed.certain--;
        this.#tally.succeeded(token, name, value);
        return value;
      },
      (thrown: { code?: unknown }) => {
        owed.certain--;
        if (member === undefined && thrown.code !== "not_found") this.#tally.fault(`${token} found ${name}`);
        this.#tally.failed(token, name, thrown);
      },
    );
  }

  /** Somebody kept a member instead of its name: one that was replaced or has left can be called no more. */
  callKept(): void {
    if (this.#kept.length === 0) return;
    const member = this.#random.pick(this.#kept);
    if (this.#stage.fleet.get(member.name) === member) return void this.call(member.name);
    const token = this.#tally.newToken();
    this.#tally.open++;
    member.call("x", [token]).then(
      (value) => this.#tally.fault(`${token} was answered by who is there no more: ${value}`),
      (thrown: RpcError) => {
        this.#tally.failed(token, member.name, thrown);
        if (thrown.code !== "unavailable" || thrown.executed !== "no")
          this.#tally.fault(`${token} to who is there no more is ${thrown.code}/${thrown.executed}`);
      },
    );
  }

  batch(name: string): void {
    const member = this.#stage.fleet.get(name);
    if (member === undefined) return;
    const owed = this.#owedTo(member);
    const tokens = Array.from({ length: 1 + this.#random.below(2) }, () => this.#tally.newToken());
    this.#tally.open += tokens.length;
    // Some may settle before the others.
    owed.perhaps += tokens.length;
    const calls = tokens.map((token) => ["x", [token]] as const);
    void member.batch(calls, this.#options()).then((outcomes) => {
      owed.perhaps -= tokens.length;
      if (outcomes.length !== tokens.length) this.#tally.fault("a batch with too many or too few outcomes");
      outcomes.forEach((outcome, at) => {
        if (outcome.ok) this.#tally.succeeded(tokens[at] ?? "", member.name, outcome.value);
        else this.#tally.failed(tokens[at] ?? "", member.name, outcome.error);
      });
    });
  }

  callAll(): void {
    const random = this.#random;
    const token = this.#tally.newToken();
    const first = random.once(3) ? 1 + random.below(2) : undefined;
    const concurrency = random.once(3) ? 1 + random.below(2) : Infinity;
    const zone = random.pick(["n", "s"]);
    const where = random.pick<CallAllOptions["where"]>([
      undefined,
      undefined,
      { zone },
      ({ labels }) => labels["zone"] === zone,
    ]);
    const meant = this.#stage.fleet.list().filter(({ labels }) => where === undefined || labels["zone"] === zone);
    const owed = meant.map(({ name }) => this.#owedToEnd(this.#stage.fleet.get(name)));
    for (const each of owed) each.perhaps++;
    this.#tally.open += meant.length + 2;
    // Whoever has results checked learns of them a moment later, so that two may come together where one is enough.
    const result = random.once(3) ? anything : undefined;
    const options = { ...this.#options(), first, concurrency, where };
    const { fleet } = this.#stage;
    const all =
      result === undefined ? fleet.callAll("x", [token], options) : fleet.callAll("x", [token], { ...options, result });
    if (all.members.join() !== meant.map(({ name }) => name).join()) this.#tally.fault(`${token} calls ${all.members}`);
    const loop = { token, concurrency, outcomes: 0, isLeft: false, isOver: false, isSettled: false };
    this.#loops.push(loop);
    void this.#follow(all, loop, first);
    void all.then((outcomes) => {
      loop.isSettled = true;
      this.#tally.open--;
      for (const each of owed) each.perhaps--;
      const members = outcomes.map(({ member }) => member).sort();
      if (members.join() !== namesOf(meant)) this.#tally.fault(`${token} has outcomes of ${members.join()}`);
      for (const outcome of outcomes) {
        if (outcome.ok) this.#tally.succeeded(token, outcome.member, outcome.value);
        else this.#tally.failed(token, outcome.member, outcome.error);
      }
    });
  }

  /** While everything stands still: as many calls are under way as ought to be. */
  check(): void {
    for (const { name, pending } of this.#stage.fleet.list()) {
      const member = this.#stage.fleet.get(name);
      const [owed, ofEnd] = [this.#owedTo(member), this.#owedToEnd(member)];
      const { certain } = owed;
      const perhaps = owed.perhaps + (ofEnd === owed ? 0 : ofEnd.perhaps);
      if (pending < certain || pending > certain + perhaps)
        this.#tally.fault(`${pending} calls to ${name} are pending of ${certain} and ${perhaps}`);
    }
    for (const { token, concurrency, outcomes, isLeft, isOver, isSettled } of this.#loops) {
      const begun = this.#tally.arrivalsOf(token);
      if (!isLeft && begun > concurrency + outcomes) this.#tally.fault(`${token} runs ${begun - outcomes} times`);
      if (isOver && !isSettled) this.#tally.fault(`${token} goes on where nobody listens`);
    }
  }

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

  #owedTo(member: Member | undefined): Owed {
    const owed = (member && this.#owed.get(member)) ?? { certain: 0, perhaps: 0 };
    if (member !== undefined) this.#owed.set(member, owed);
    return owed;
  }

  #owedToEnd(member: Member | undefined): Owed {
    const session = member?.connection.hello?.session;
    if (member === undefined || session === undefined) return this.#owedTo(member);
    const end = `${member.name} ${session.replace(/\d+$/, "")}`;
    const owed = this.#owedToEnds.get(end) ?? { certain: 0, perhaps: 0 };
    this.#owedToEnds.set(end, owed);
    return owed;
  }

  /** Reads the outcomes as they come, and now and then leaves the loop. */
  async #follow(all: FanOut, loop: Loop, first = Infinity): Promise<void> {
    let successes = 0;
    for await (const outcome of all) {
      loop.outcomes++;
      if (outcome.ok && ++successes > first) this.#tally.fault(`${loop.token} went on after ${first} successes`);
      if (loop.isLeft) break;
    }
    loop.isOver = true;
    this.#tally.open--;
  }
}

/** A schema of all values. */
const anything: StandardSchemaV1 = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

function namesOf(members: readonly MemberInfo[]): string {
  return members
    .map(({ name }) => name)
    .sort()
    .join();
}
