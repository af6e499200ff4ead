import { setImmediate as nextTurn } from "node:timers/promises";
import type { Client } from "../client/client.ts";
import { type Code, RpcError } from "../core/errors.ts";
import { Histogram, type TimeStats } from "../core/histogram.ts";
import type { CodeCounts, PerCall } from "../core/stats.ts";
import type { Request } from "./requests.ts";

/** How a load is made. */
export interface LoadOptions {
  readonly request: Request;
  /** Calls under way at any time. */
  readonly inFlight: number;
  /** Called with the error of the first call that fails, and never again. */
  readonly onFirstFailure: (error: RpcError) => void;
}

/** What a load has done since the counting began. */
export interface LoadCounts {
  /** How long the calls took that gave a result. */
  readonly times: TimeStats;
  /** Calls that failed, by code. */
  readonly errors: CodeCounts;
  readonly failures: number;
}

/** Calls one method again and again: each of its slots awaits its call and makes the next one. */
export class Load {
  readonly #clients: readonly Client[];
  readonly #options: LoadOptions;
  readonly #times = new Histogram();
  readonly #errors = new Map<Code, number>();
  #failures = 0;
  #hasFailed = false;
  #isStopped = false;
  /** When the call of each slot began; Infinity when it makes none any more. */
  readonly #began: Float64Array;

  /** Starts at once; the slots are spread evenly. The clients are the caller's, who closes them after `stop`. */
  constructor(clients: readonly Client[], options: LoadOptions) {
    this.#clients = clients;
    this.#options = options;
    this.#began = new Float64Array(options.inFlight);
    for (let slot = 0; slot < options.inFlight; slot++) {
      const client = clients[slot % clients.length];
      if (client !== undefined) void this.#run(slot, client);
    }
  }

  /** Counts from zero, also in the clients. */
  reset(): void {
    this.#times.reset();
    this.#errors.clear();
    this.#failures = 0;
    for (const client of this.#clients) client.resetStats();
  }

  counts(): LoadCounts {
    return { times: this.#times.snapshot(), errors: Object.fromEntries(this.#errors), failures: this.#failures };
  }

  /** What each call cost on the wire, on average over those made since the counting began. */
  perCall(): PerCall {
    const each = this.#clients.map((client) => client.stats());
    const sum = (name: keyof PerCall | "calls"): number => each.reduce((total, stats) => total + stats[name], 0);
    const calls = Math.max(1, sum("calls"));
    return {
      bytesRead: sum("bytesRead") / calls,
      bytesWritten: sum("bytesWritten") / calls,
      reads: sum("reads") / calls,
      writes: sum("writes") / calls,
    };
  }

  /**
   * Makes no more calls; those that are under way are not counted. Returns for how many milliseconds the oldest of them
   * has waited; `undefined` when there is none.
   */
  stop(): number | undefined {
    this.#isStopped = true;
    const oldest = this.#began.reduce((first, began) => Math.min(first, began), Number.POSITIVE_INFINITY);
    return oldest === Number.POSITIVE_INFINITY ? undefined : performance.now() - oldest;
  }

  async #run(slot: number, client: Client): Promise<void> {
    const { method, params } = this.#options.request;
    while (!this.#isStopped && client.state === "open") {
      const began = performance.now();
      this.#began[slot] = began;
      try {
        await client.call(method, params);
        if (!this.#isStopped) this.#times.record(performance.now() - began, 1);
      } catch (thrown) {
        if (this.#isStopped) return;
        const error = RpcError.from(thrown);
        this.#failed(error);
        // A call that fails in this process may take no turn of the event loop: a loop of such calls would hold it for ever.
        if (!error.remote) await nextTurn();
      }
    }
    this.#began[slot] = Number.POSITIVE_INFINITY;
  }

  #failed(error: RpcError): void {
    this.#failures++;
    this.#errors.set(error.code, (this.#errors.get(error.code) ?? 0) + 1);
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onFirstFailure(error);
  }
}
