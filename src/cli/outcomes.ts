import { printable } from "../core/text.ts";
import type { OutcomeReply } from "./fleet-replies.ts";
import type { LiveLine } from "./live-line.ts";
import { errorText, jsonText } from "./print.ts";

/** How outcomes are printed. */
export interface OutcomesSetup {
  /** Everything to `out`, one JSON object a line. */
  readonly json: boolean;
  /** So many successes are enough; the others are given up then. */
  readonly first: number | undefined;
  /** Takes a line for stdout, and one for stderr. */
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Where the progress is shown. */
  readonly live: LiveLine;
}

/** Prints the outcomes of a call to all, one a line, each agent's once. */
export class Outcomes {
  readonly #setup: OutcomesSetup;
  readonly #seen = new Set<string>();
  #total: number | undefined = undefined;
  #ok = 0;
  #givenUp = 0;

  constructor(setup: OutcomesSetup) {
    this.#setup = setup;
  }

  /** How many outcomes there were. */
  get count(): number {
    return this.#seen.size;
  }

  /** Whether everybody answered, or as many as were wanted. */
  get isGood(): boolean {
    return this.count > 0 && (this.#failed === 0 || this.#isEnough);
  }

  /** So many outcomes will come, or about as many: agents come and go. */
  expect(total: number): void {
    this.#total = total;
    this.#progress();
  }

  take(outcome: OutcomeReply): void {
    const { member } = outcome;
    if (this.#seen.has(member)) return;
    const isGivenUp = this.#isEnough && !outcome.ok && outcome.error.code === "cancelled";
    this.#seen.add(member);
    if (outcome.ok) this.#ok++;
    if (isGivenUp) this.#givenUp++;
    this.#print(outcome, isGivenUp);
    this.#progress();
  }

  /** The last outcome was printed, or there will be no more of them: leaves the progress as it is. */
  end(): void {
    const { live, err, json } = this.#setup;
    live.clear();
    if (live.isShown) err(this.#summary());
    else if (this.#givenUp > 0 && !json) err(`Enough have answered: gave up ${this.#givenUp}`);
  }

  get #isEnough(): boolean {
    const { first } = this.#setup;
    return first !== undefined && this.#ok >= first;
  }

  get #failed(): number {
    return this.count - this.#ok - this.#givenUp;
  }

  #print(outcome: OutcomeReply, isGivenUp: boolean): void {
    const { json, out, err, live } = this.#setup;
    live.clear();
    const name = printable(outcome.member);
    if (json) out(jsonText(outcome));
    else if (outcome.ok) out(`${name}\t${jsonText(outcome.value)}`);
    else if (!isGivenUp) err(`${name}\t${errorText(outcome.error)}`);
  }

  #progress(): void {
    this.#setup.live.show(this.#summary());
  }

  #summary(): string {
    const of = this.#total === undefined ? "" : `/${Math.max(this.#total, this.count)}`;
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} failed`;
    const givenUp = this.#givenUp === 0 ? "" : `, ${this.#givenUp} given up`;
    return `${this.count}${of}${failed}${givenUp}`;
  }
}
