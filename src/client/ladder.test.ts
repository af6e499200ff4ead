import { describe, expect, test } from "vitest";
import { pass } from "../../test/suites/engine.ts";
import { turn } from "../../test/suites/support.ts";
import { ManualClock } from "../core/clock.ts";
import { RpcError } from "../core/errors.ts";
import { HandshakeFailure } from "../core/establish.ts";
import { type Attempt, Ladder, type LadderTimes } from "./ladder.ts";

type Behaviour = "up" | "refused" | "hangs" | Error;

/** A ladder whose rungs do what the test says, in virtual time. */
class Stage {
  readonly clock = new ManualClock();
  readonly ladder: Ladder;
  /** What each rung does. */
  readonly rungs: Behaviour[];
  /** Which rungs were tried, and when. */
  readonly tried: string[] = [];
  readonly never = new AbortController();
  readonly attempt: Attempt<string> = ({ name = "" }, { signal, dialMs }) => {
    this.tried.push(`${name}@${this.clock.now}`);
    const does = this.rungs[Number(name)] ?? "refused";
    if (does === "up") return Promise.resolve(name);
    if (does !== "hangs") return Promise.reject(does === "refused" ? refused(name) : does);
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("given up")));
      // What the client does for the last rung.
      if (dialMs < Number.POSITIVE_INFINITY)
        this.clock.onTick((now) => now >= dialMs && reject(new RpcError("deadline_exceeded", "too late")));
    });
  };

  constructor(rungs: Behaviour[], times: Partial<LadderTimes> = {}, random: () => number = () => 0.5) {
    this.rungs = rungs;
    const dial = () => Promise.reject(new Error("not dialled here"));
    this.ladder = new Ladder(
      rungs.map((_, index) => ({ name: String(index), dial })),
      times,
      this.clock,
      random,
    );
  }

  climb(totalMs = 20_000): Promise<string> {
    return this.ladder.climb(this.attempt, totalMs, this.never.signal).then(({ link }) => link);
  }

  better(than: number): Promise<string | undefined> {
    return this.ladder.better(than, this.attempt, this.never.signal).then((found) => found?.link);
  }

  /** The attempts since the last question. */
  taken(): string[] {
    return this.tried.splice(0);
  }
}

function refused(name: string): RpcError {
  return new RpcError("unavailable", `Cannot connect to ${name}://x: connection refused`, { executed: "no" });
}

function refusal(redialAfterMs: number): HandshakeFailure {
  const error = new RpcError("unavailable", "stay away", { executed: "no" });
  return new HandshakeFailure(error, { message: "stay away", redialAfterMs });
}

describe("a climb", () => {
  test("takes the first rung that works", async () => {
    const it = new Stage(["up", "up"]);
    expect(await it.climb()).toBe("0");
    expect([it.taken(), it.ladder.address]).toEqual([["0@0"], "0"]);
  });

  test("goes past rungs that are refused, and gives one that hangs its time and no more", async () => {
    const it = new Stage(["refused", "hangs", "up"]);
    const climbing = it.climb();
    await turn();
    await pass(it.clock, 5000, 1000);
    expect(await climbing).toBe("2");
    expect([it.taken(), it.ladder.address]).toEqual([["0@0", "1@0", "2@5000"], "2"]);
  });

  test("shares a short time between the rungs, and the last one has all that is left", async () => {
    const it = new Stage(["hangs", "hangs", "hangs"]);
    const climbing = it.climb(6000).catch(({ message }: Error) => message);
    await pass(it.clock, 6000, 500);
    expect(await climbing).toBe(
      "None of the 3 addresses can be reached: 0 (no link within 2000 ms), 1 (no link within 2000 ms), 2 (too late)",
    );
    expect(it.taken()).toEqual(["0@0", "1@2000", "2@4000"]);
  });

  test("that fails says why for each rung, shortly, in one error", async () => {
    const it = new Stage(["refused", new Error(`\u0007${"x".repeat(1000)}`)]);
    const failed = (await it.climb().catch((error: unknown) => error)) as RpcError;
    expect(failed).toMatchObject({ code: "unavailable", executed: "no" });
    expect(failed.message).toMatch(
      /^None of the 2 addresses can be reached: 0 \(connection refused\), 1 \(\\u0007x+…\)$/,
    );
    expect(failed.message.length).toBeLessThan(250);
  });

  test("with one rung fails with that rung's own error", async () => {
    await expect(new Stage(["refused"]).climb()).rejects.toThrow("Cannot connect to 0://x: connection refused");
  });

  test.each<[string, Error]>([
    ["never wants this end again", refusal(Number.POSITIVE_INFINITY)],
    ["wants this end later", refusal(30_000)],
    ["does not know this end", new RpcError("unauthenticated", "who are you")],
    ["is used in a way that cannot be", new TypeError("carries JSON-RPC only")],
  ])("ends with the error of an end that %s: no other rung is tried", async (_, error) => {
    const it = new Stage([error, "up"]);
    await expect(it.climb()).rejects.toBe(error);
    expect(it.taken()).toEqual(["0@0"]);
  });

  test("ends when its signal fires, and leaves nothing behind", async () => {
    const it = new Stage(["hangs", "up"]);
    const climbing = it.climb().catch(({ message }: Error) => message);
    await turn();
    it.never.abort(new Error("closed"));
    expect([await climbing, it.taken(), it.clock.listeners]).toEqual(["closed", ["0@0"], 0]);
  });
});

describe("its memory", () => {
  test("a climb begins at the rung that worked, goes down from there, and to the better ones last", async () => {
    const it = new Stage(["refused", "up", "refused"]);
    await it.climb();
    it.taken();
    expect([await it.climb(), it.taken()]).toEqual(["1", ["1@0"]]);
    it.rungs.splice(0, 3, "refused", "refused", "refused");
    await expect(it.climb()).rejects.toThrow("None of");
    expect(it.taken()).toEqual(["1@0", "2@0", "0@0"]);
    it.rungs[2] = "up";
    expect([await it.climb(), it.ladder.address, it.taken()]).toEqual(["2", "2", ["1@0", "2@0"]]);
  });

  test("a climb begins at the best one when it is time for that", async () => {
    const it = new Stage(["refused", "up"]);
    await it.climb();
    it.clock.advance(59_999);
    it.taken();
    await it.climb();
    it.clock.advance(1);
    await it.climb();
    expect(it.taken()).toEqual(["1@59999", "0@60000", "1@60000"]);
    expect(it.ladder.betterInMs).toBe(120_000);
  });

  test("better ones are left alone for a minute, then for twice as long each time, at most ten", async () => {
    const it = new Stage(["refused", "up"]);
    await it.climb();
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      waits.push(it.ladder.betterInMs);
      it.clock.advance(it.ladder.betterInMs);
      expect(await it.better(1)).toBeUndefined();
    }
    expect(waits).toEqual([60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  });

  test("give or take a fifth, by chance", async () => {
    for (const [chance, wait] of [
      [0, 48_000],
      [1, 72_000],
    ] as const) {
      const it = new Stage(["refused", "up"], {}, () => chance);
      await it.climb();
      expect(it.ladder.betterInMs).toBeCloseTo(wait);
    }
  });

  test("links that look at the same time count as one look", async () => {
    const it = new Stage(["refused", "up"]);
    await it.climb();
    it.clock.advance(60_000);
    await Promise.all([it.better(1), it.better(1), it.better(1)]);
    expect(it.ladder.betterInMs).toBe(120_000);
  });

  test("a better one that lasted is worth an early look again, one that did not is not", async () => {
    const it = new Stage(["refused", "up"]);
    const comeAndGo = async (livedMs: number): Promise<number> => {
      it.clock.advance(it.ladder.betterInMs);
      it.rungs[0] = "up";
      expect(await it.better(1)).toBe("0");
      it.clock.advance(livedMs);
      it.rungs[0] = "refused";
      expect(await it.climb()).toBe("1");
      return it.ladder.betterInMs;
    };
    await it.climb();
    expect(await comeAndGo(1000)).toBe(120_000);
    expect(await comeAndGo(1000)).toBe(240_000);
    expect(await comeAndGo(3_600_000)).toBe(60_000);
  });

  test("of several better ones the best that works is taken; the time stays for those above it", async () => {
    const it = new Stage(["refused", "refused", "up"]);
    await it.climb();
    it.clock.advance(60_000);
    it.rungs[1] = "up";
    it.taken();
    expect([await it.better(2), it.taken(), it.ladder.address]).toEqual(["1", ["0@60000", "1@60000"], "1"]);
    expect(it.ladder.betterInMs).toBe(120_000);
  });

  test("a better one that hangs is given up after its time, and an end that refuses is asked no further", async () => {
    const it = new Stage(["hangs", "refused", "up"]);
    const climbing = it.climb();
    await pass(it.clock, 5000, 1000);
    await climbing;
    it.clock.advance(60_000);
    const looking = it.better(2);
    await pass(it.clock, 5000, 1000);
    expect(await looking).toBeUndefined();
    it.taken();
    it.rungs[0] = refusal(1000);
    expect([await it.better(2), it.taken()]).toEqual([undefined, ["0@70000"]]);
  });

  test("a rung that takes links and does not keep them is left after three", async () => {
    const it = new Stage(["up", "up"]);
    for (let link = 0; link < 3; link++) {
      expect(await it.climb()).toBe("0");
      it.ladder.lived(50);
    }
    expect([await it.climb(), it.ladder.betterInMs]).toEqual(["1", 60_000]);
    it.ladder.lived(20_000);
    expect(await it.climb()).toBe("1");
  });
});

test.each<[Partial<LadderTimes>, string]>([
  [{ rungTimeoutMs: 0 }, "ladder needs"],
  [{ retryBetterMs: 0 }, "ladder needs"],
  [{ retryBetterMs: 10, maxRetryBetterMs: 5 }, "ladder needs"],
  [{ rungTimeoutMs: Number.NaN }, "rungTimeoutMs must be"],
])("times that are none are refused: %j", (times, message) => {
  expect(() => new Stage(["up"], times)).toThrow(message);
});

test("a ladder without a rung is a TypeError", () => {
  expect(() => new Stage([])).toThrow(TypeError);
});
