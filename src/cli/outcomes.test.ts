import { describe, expect, test } from "vitest";
import type { OutcomeReply } from "./fleet-replies.ts";
import { LiveLine } from "./live-line.ts";
import { Outcomes, type OutcomesSetup } from "./outcomes.ts";

/** Both streams as one terminal shows them. */
function printed(setup: Partial<OutcomesSetup> = {}, isTTY = false): { outcomes: Outcomes; all: string[] } {
  const all: string[] = [];
  const live = new LiveLine({ isTTY, write: (text: string) => all.push(text) });
  const outcomes = new Outcomes({
    json: false,
    first: undefined,
    out: (line) => all.push(`out ${line}`),
    err: (line) => all.push(`err ${line}`),
    live,
    ...setup,
  });
  return { outcomes, all };
}

const ok = (member: string, value: unknown = 1): OutcomeReply => ({ member, ok: true, value });
const nothing: OutcomeReply = { member: "c", ok: true, value: undefined };
const failed = (member: string, code: "internal" | "cancelled" = "internal"): OutcomeReply => ({
  member,
  ok: false,
  error: { code, message: "why\n", wireCode: -32603 },
});

describe("outcomes of a call to all", () => {
  test("are one line each: results on stdout, errors on stderr, what agents say escaped", () => {
    const { outcomes, all } = printed();
    for (const each of [ok("a\u001b", { text: "x\ny\u009b2J" }), failed("b"), nothing]) outcomes.take(each);
    outcomes.end();
    expect(all).toEqual([
      'out a\\u001b\t{"text":"x\\ny\\u009b2J"}',
      "err b\tinternal (-32603): why\\u000a",
      "out c\tnull",
    ]);
    expect(outcomes.isGood).toBe(false);
  });

  test("are objects on stdout with json, given up or not", () => {
    const { outcomes, all } = printed({ json: true, first: 1 });
    for (const each of [ok("a"), failed("b", "cancelled")]) outcomes.take(each);
    outcomes.end();
    expect(all).toEqual([
      'out {"member":"a","ok":true,"value":1}',
      'out {"member":"b","ok":false,"error":{"code":"cancelled","message":"why\\n","wireCode":-32603}}',
    ]);
  });

  test("are printed once for each agent, told and listed or only listed", () => {
    const { outcomes, all } = printed();
    for (const each of [ok("a"), ok("a"), ok("b")]) outcomes.take(each);
    expect(all).toEqual(["out a\t1", "out b\t1"]);
    expect([outcomes.count, outcomes.isGood]).toEqual([2, true]);
  });

  test("are good when as many have succeeded as were wanted, whoever failed before; the others were given up", () => {
    const { outcomes, all } = printed({ first: 1 });
    for (const each of [failed("a"), ok("b"), failed("c", "cancelled"), failed("d", "cancelled")]) outcomes.take(each);
    outcomes.end();
    expect(all).toEqual(["err a\tinternal (-32603): why\\u000a", "out b\t1", "err Enough have answered: gave up 2"]);
    expect(outcomes.isGood).toBe(true);
  });

  test("a cancelled call is a failure as long as not enough have succeeded", () => {
    const { outcomes, all } = printed({ first: 2 });
    for (const each of [ok("a"), failed("b", "cancelled")]) outcomes.take(each);
    expect(all).toHaveLength(2);
    expect(outcomes.isGood).toBe(false);
  });

  test("nobody is nothing good", () => {
    expect(printed().outcomes.isGood).toBe(false);
  });

  test("a terminal shows how many there are, and in the end how it went", () => {
    const { outcomes, all } = printed({}, true);
    outcomes.expect(3);
    outcomes.take(ok("a"));
    outcomes.take(failed("b"));
    outcomes.end();
    expect(all).toEqual([
      "\r0/3",
      "\r   ",
      "\r",
      "out a\t1",
      "\r1/3",
      "\r   ",
      "\r",
      "err b\tinternal (-32603): why\\u000a",
      "\r2/3, 1 failed",
      "\r             ",
      "\r",
      "err 2/3, 1 failed",
    ]);
  });

  test("the count goes on when agents have come since they were counted", () => {
    const { outcomes, all } = printed({}, true);
    outcomes.expect(1);
    for (const each of [ok("a"), ok("b")]) outcomes.take(each);
    expect(all.at(-1)).toBe("\r2/2");
  });
});
