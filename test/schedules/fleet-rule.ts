import type { Session } from "../../src/core/session.ts";
import type { Arrival, PlayedAgent } from "./fleet-agent.ts";

/** Who has each name, told once more: the rule against which the fleet is held. */
export class FleetRule {
  readonly #keepsNames: boolean;
  readonly #maxMembers: number;
  readonly #present = new Map<string, PlayedAgent>();

  constructor(keepsNames: boolean, maxMembers: number) {
    this.#keepsNames = keepsNames;
    this.#maxMembers = maxMembers;
  }

  get agents(): PlayedAgent[] {
    return [...this.#present.values()];
  }

  get names(): string[] {
    return [...this.#present.keys()];
  }

  /** Whether it may come in; `others`: how many members there are that the rule knows nothing of. */
  admits({ name, session }: Arrival, others: number): boolean {
    const old = this.#present.get(name);
    if (old === undefined) return this.#present.size + others < this.#maxMembers;
    if (session !== undefined && old.session !== undefined) {
      if (isOlder(session, old.session)) return false;
      if (isSameEnd(session, old.session)) return true;
    }
    return !this.#keepsNames;
  }

  enter(agent: PlayedAgent): void {
    this.#present.set(agent.name, agent);
  }

  /** It is no member any more, if it was one. */
  leave(agent: PlayedAgent): void {
    if (this.#present.get(agent.name) === agent) this.#present.delete(agent.name);
  }
}

/** The order of sessions as it ought to be, without a line of the engine's. */
function isOlder(one: Session, other: Session): boolean {
  return keyOf(one) < keyOf(other);
}

function isSameEnd(one: Session, other: Session): boolean {
  return keyOf({ ...one, link: 0 }) === keyOf({ ...other, link: 0 });
}

/** The numbers of a schedule have one digit. */
function keyOf({ startedAt, word, link }: Session): string {
  return `${startedAt}${word}${link}`;
}
