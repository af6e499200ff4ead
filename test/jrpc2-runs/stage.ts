import { expect } from "vitest";
import type { CloseReason } from "../../src/core/channel.ts";
import { after, ManualClock } from "../../src/core/clock.ts";
import type { Jrpc2Case } from "../jrpc2-cases.ts";
import { pass } from "../suites/engine.ts";

/** Plays one row of the table, and gives what happened in the words of its output. */
export type Run = (row: Jrpc2Case) => Promise<string>;

/** The runs of one area, by the numbers of their rows. */
export type Runs = Readonly<Record<number, Run>>;

/** Compares what happened with what the row says that jrpc2 does, or that we do instead. */
export function expectOutcome(row: Jrpc2Case, got: string | undefined): void {
  if (row.match === "different") {
    expect(got).toBe(row.ours);
    expect(got).not.toBe(row.output);
  } else if (row.match === "same" || got === undefined || row.output === undefined) {
    expect(got).toBe(row.output);
  } else {
    const wanted = row.output.split("\n").map((line) => parsed(line, row.anyData === true));
    expect(got.split("\n").map((line) => parsed(line, false))).toEqual(wanted);
  }
}

/** A line as JSON where it is some; `anyData`: whatever text stands in `error.data`. */
function parsed(line: string, anyData: boolean): unknown {
  if (!/^[[{]/.test(line)) return line;
  const value = JSON.parse(line) as { error?: { data?: unknown } };
  if (anyData && typeof value.error?.data === "string") value.error.data = expect.any(String) as string;
  return value;
}

/** The time of one script, and what has happened in it. Handlers get it to write down what they do. */
export class Stage {
  readonly clock = new ManualClock();
  readonly #lines: string[] = [];

  log(line: string): void {
    this.#lines.push(line);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void after(this.clock, ms, () => resolve()));
  }

  /** Moves time where the line is `+100` or the like; says whether it was. */
  async passes(line: string): Promise<boolean> {
    if (!/^\+\d+$/.test(line)) return false;
    this.log(line);
    await pass(this.clock, Number(line));
    return true;
  }

  /** Everything that happened, without what differs from run to run: traces, bytes counted, and points in time, of which each gets a number. */
  get outcome(): string {
    const times: string[] = [];
    return this.#lines
      .join("\n")
      .replace(/"[0-9a-f]{16}"/g, '"<trace>"')
      .replace(/"(bytes_\w+)":\d+/g, '"$1":"<bytes>"')
      .replace(/"\d{4}-\d\d-\d\dT[^"]*Z"/g, (time) => {
        if (!times.includes(time)) times.push(time);
        return `"<time ${times.indexOf(time) + 1}>"`;
      });
  }
}

/** How a link ended, in the words of jrpc2's server status. */
export function statusOf({ error, message }: CloseReason): string {
  if (error !== undefined) return "Err";
  return /^(?:Closed by the other side|The other side has ended)/.test(message) ? "Closed" : "Stopped";
}
