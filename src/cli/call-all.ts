import { RpcError } from "../core/errors.ts";
import { fleetError, membersOf, outcomeOf, outcomesOf } from "./fleet-replies.ts";
import type { Labels } from "./labels.ts";
import { dial, type LinkFlags } from "./link.ts";
import { LiveLine } from "./live-line.ts";
import { Outcomes } from "./outcomes.ts";
import { printError, say } from "./print.ts";
import type { Request } from "./requests.ts";

/** Whom to call, and how. */
export interface CallAllFlags extends LinkFlags {
  readonly where?: Labels;
  readonly first?: number;
  readonly concurrency?: number;
  readonly json?: boolean;
  readonly timing?: boolean;
}

/** What the controller needs beyond the time of an agent to say that it was over: its answer says more than ours. */
export const GRACE_MS = 2000;
/** The longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** The longest time that an operator may ask for. */
export function agentTime(timeoutMs: number): number {
  return Math.min(timeoutMs, LONGEST_MS - GRACE_MS);
}

/**
 * Has a controller call a method of all its agents, and prints the outcomes as they come. Returns whether all went well.
 * Rejects with an `RpcError` when no link comes about.
 */
export async function callAll(address: string, { method, params }: Request, flags: CallAllFlags): Promise<boolean> {
  const { where, first, concurrency, json = false, timing = false } = flags;
  const began = performance.now();
  const timeoutMs = agentTime(flags.timeoutMs);
  const live = new LiveLine(process.stderr);
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  const outcomes = new Outcomes({ json, first, out, err: say, live });
  const silence = new Silence(timeoutMs + GRACE_MS);
  const onOutcome = (told: { readonly outcome?: unknown } | null | undefined): void => {
    silence.broken();
    const outcome = outcomeOf(told?.outcome);
    if (outcome !== undefined) outcomes.take(outcome);
  };
  const client = await dial(address, flags, { handlers: { fleet: { outcome: onOutcome } } });
  const interrupt = (): void => silence.end(new RpcError("cancelled", "Interrupted"));
  process.once("SIGINT", interrupt);
  try {
    if (live.isShown) {
      const { signal } = silence;
      outcomes.expect(membersOf(await client.call("fleet.list", { ...(where && { where }) }, { signal })).length);
    }
    silence.broken();
    const asked = {
      method,
      timeoutMs,
      progress: "outcome",
      ...(params !== undefined && { params }),
      ...(where && { where }),
      ...(first !== undefined && { first }),
      ...(concurrency !== undefined && { concurrency }),
    };
    const reply = await client.call("fleet.callAll", asked, { timeoutMs: Infinity, signal: silence.signal });
    // Those that were not told, because the link was full.
    for (const outcome of outcomesOf(reply)) outcomes.take(outcome);
    outcomes.end();
  } catch (thrown) {
    outcomes.end();
    printError(silence.reason ?? fleetError(thrown), false, false);
    return false;
  } finally {
    silence.over();
    process.off("SIGINT", interrupt);
    await client.close({ graceMs: 0 });
  }
  if (outcomes.count === 0)
    say(`Nobody was called: ${where === undefined ? "there is no agent" : "no agent has these labels"}`);
  if (timing) say(`total: ${(performance.now() - began).toFixed(1)} ms`);
  return outcomes.isGood;
}

/**
 * Ends a call to all when nothing comes for so long. Each agent's call ends in its time, and then the next one begins:
 * there is no bound for all of them together.
 */
class Silence {
  readonly #ms: number;
  readonly #ended = new AbortController();
  #reason: RpcError | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Why it has ended; `undefined` as long as it has not. */
  get reason(): RpcError | undefined {
    return this.#reason;
  }

  /** Something came. */
  broken(): void {
    clearTimeout(this.#timer);
    const why = `The controller said nothing for ${this.#ms} ms`;
    this.#timer = setTimeout(() => this.end(new RpcError("deadline_exceeded", why)), this.#ms);
  }

  end(reason: RpcError): void {
    this.#reason ??= reason;
    this.#ended.abort(reason);
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}
