import { RpcError } from "../../src/core/errors.ts";

/** What became of every call of one schedule, and all that was wrong with it. A call is known by its token and its member. */
export class Tally {
  readonly faults: string[] = [];
  /** How calls ended. */
  readonly codes: string[] = [];
  /** Calls, and lists of outcomes, that have not settled. */
  open = 0;
  /** How often each call arrived. */
  readonly #arrived = new Map<string, number>();
  /** Calls that arrived, by their token alone. */
  readonly #byToken = new Map<string, number>();
  /** Calls that are said not to have run. */
  readonly #never = new Set<string>();
  #tokens = 0;

  newToken(): string {
    return `t${this.#tokens++}`;
  }

  fault(what: string): void {
    this.faults.push(what);
  }

  zero(what: string, count: number): void {
    if (count !== 0) this.fault(`${count} ${what}`);
  }

  arrived(token: string, member: string): void {
    const call = `${token}@${member}`;
    const times = (this.#arrived.get(call) ?? 0) + 1;
    this.#arrived.set(call, times);
    this.#byToken.set(token, this.arrivalsOf(token) + 1);
    if (times > 1) this.fault(`${call} arrived ${times} times`);
    if (this.#never.has(call)) this.fault(`${call} arrived when it was said not to have run`);
  }

  /** How many members a call to all has reached. */
  arrivalsOf(token: string): number {
    return this.#byToken.get(token) ?? 0;
  }

  succeeded(token: string, member: string, value: unknown): void {
    this.open--;
    this.codes.push("ok");
    if (value !== answerOf(token, member)) this.fault(`${token} of ${member} settled with ${String(value)}`);
  }

  failed(token: string, member: string, thrown: unknown): void {
    this.open--;
    if (!RpcError.is(thrown)) return this.fault(`${token} settled with ${String(thrown)}`);
    const { code, executed, remote, message } = thrown;
    this.codes.push(`${code}/${executed ?? "-"}`);
    if (!remote && executed === undefined) this.fault(`${token} does not say whether it ran: ${message}`);
    if (executed !== "no") return;
    const call = `${token}@${member}`;
    this.#never.add(call);
    if (this.#arrived.has(call)) this.fault(`${call} arrived, and is said not to have run: ${message}`);
  }
}

/** The only right answer of one member to one call. */
export function answerOf(token: string, member: string): string {
  return `r:${token}@${member}`;
}
