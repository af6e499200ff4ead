import { expect, test } from "vitest";
import { after, ManualClock } from "../src/core/clock.ts";
import type { CallContext } from "../src/core/context.ts";
import { Slots } from "../src/core/limits.ts";
import { textOf } from "../src/core/text.ts";
import type { JsonRpcWireOptions } from "../src/wires/jsonrpc.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { JRPC2_RULES } from "./jrpc2-cases.ts";
import { jrpc2Service } from "./jrpc2-service.ts";
import { Hand, type HandSetup, pass } from "./suites/engine.ts";
import { turn } from "./suites/support.ts";

/** A server with the probe service, and the other side of its link in the hand of the test. */
class Probe {
  readonly clock = new ManualClock();
  readonly hand: Hand;
  constructor(options: JsonRpcWireOptions = {}, setup: HandSetup = {}) {
    const { clock } = this;
    const sleep = (ms: number) => new Promise<void>((resolve) => void after(clock, ms, () => resolve()));
    this.hand = new Hand({ wire: jsonrpc(options), clock, handlers: jrpc2Service(sleep), ...setup });
  }
  get got(): string[] {
    return this.hand.frames.map((frame) => textOf(frame));
  }
  async say(...frames: string[]): Promise<void> {
    void this.hand.channel.send(frames);
    await turn();
  }
}

const req = (id: number | undefined, method: string, params?: string): string =>
  `{"jsonrpc":"2.0",${id === undefined ? "" : `"id":${id},`}"method":"${method}"${params === undefined ? "" : `,"params":${params}`}}`;
const ok = (id: number, value: string): string => `{"jsonrpc":"2.0","id":${id},"result":${value}}`;
const verbatim = { errors: "verbatim" } as const;

/** What shows a case; those without one here are shown by a neighbour's. */
const RUNS: Readonly<Record<string, () => Promise<void>>> = {
  "105: a handler may push by default": async () => {
    const probe = new Probe();
    await probe.say(req(1, "Notify"));
    expect(probe.got).toEqual(['{"jsonrpc":"2.0","method":"note","params":[1]}', ok(1, "null")]);
  },
  "106, 151, 152, 153: a handler may call back by default, with ids of its own": async () => {
    const probe = new Probe();
    await probe.say(req(1, "CB"));
    expect(probe.got).toEqual(['{"jsonrpc":"2.0","id":1,"method":"cb","params":{"q":2}}']);
    await probe.say(ok(1, '{"ok":1}'));
    expect(probe.got[1]).toBe(ok(1, '{"ok":1}'));
  },
  "121, 126, 127: members run together and are answered in one array, in their order": async () => {
    const probe = new Probe();
    await probe.say(`[${req(1, "Sleep", "[100]")},${req(2, "Sleep", "[50]")}]`, `[${req(3, "X")}]`);
    expect(probe.got).toEqual([`[${ok(3, '"OK"')}]`]);
    await pass(probe.clock, 150);
    expect(probe.got[1]).toBe(`[${ok(1, "100")},${ok(2, "50")}]`);
  },
  "128: calls may be answered out of order": async () => {
    const probe = new Probe();
    await probe.say(req(1, "Sleep", "[100]"), req(2, "X"));
    await pass(probe.clock, 150);
    expect(probe.got).toEqual([ok(2, '"OK"'), ok(1, "100")]);
  },
  "129: nothing starts before earlier notifications have ended": async () => {
    const probe = new Probe();
    await probe.say(req(undefined, "Sleep", "[150]"), req(1, "X"));
    expect(probe.got).toEqual([]);
    await pass(probe.clock, 200);
    expect(probe.got).toEqual([ok(1, '"OK"')]);
  },
  "130: with one place, calls run one after another": async () => {
    const probe = new Probe({}, { slots: new Slots(1) });
    await probe.say(req(1, "Sleep", "[100]"), req(2, "Sleep", "[100]"));
    await pass(probe.clock, 150);
    expect(probe.got).toEqual([ok(1, "100")]);
    await pass(probe.clock, 100);
    expect(probe.got).toEqual([ok(1, "100"), ok(2, "100")]);
  },
  "132: the id of a running call is refused, and the call goes on": async () => {
    const probe = new Probe();
    await probe.say(req(1, "Sleep", "[100]"), req(1, "X"));
    expect(probe.got[0]).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"duplicate request ID","data":"1"}}',
    );
    await pass(probe.clock, 150);
    expect(probe.got[1]).toBe(ok(1, "100"));
  },
  "133: an id is free again after method not found": async () => {
    const probe = new Probe();
    await probe.say(req(1, "Nope"), req(1, "X"));
    expect(probe.got[1]).toBe(ok(1, '"OK"'));
  },
  "134: a call is cancelled by its id": async () => {
    const wait = (_: unknown, { signal }: CallContext) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const probe = new Probe({}, { handlers: { wait } });
    await probe.say(req(1, "wait"));
    probe.hand.peer.cancelIncoming("1");
    await turn();
    expect(probe.got).toEqual([expect.stringContaining('"code":-32097')]);
  },
  "135: closing answers nothing that runs": async () => {
    const probe = new Probe();
    await probe.say(req(1, "Sleep", "[100]"));
    await probe.hand.peer.close({ graceMs: 0 });
    expect(probe.got).toEqual([]);
  },
  "154, 156: a callback takes any version, and its second reply is answered under verbatim": async () => {
    const probe = new Probe(verbatim);
    await probe.say(req(7, "CB"));
    await probe.say('{"jsonrpc":"9","id":1,"result":5}', ok(1, "6"));
    expect(probe.got.slice(1).sort()).toEqual(
      [ok(7, "5"), '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"empty method name"}}'].sort(),
    );
  },
  "155: a reply in an array with a call completes the callback": async () => {
    const probe = new Probe();
    await probe.say(req(7, "CB"));
    await probe.say(`[${ok(1, "5")},${req(8, "X")}]`);
    expect(probe.got.slice(1).sort()).toEqual([`[${ok(8, '"OK"')}]`, ok(7, "5")].sort());
  },
  "159: replies to callbacks pass the barrier": async () => {
    const probe = new Probe();
    await probe.say(req(undefined, "CB"), req(1, "X"));
    expect(probe.got.length).toBe(1);
    await probe.say(ok(1, "5"));
    expect(probe.got[1]).toBe(ok(1, '"OK"'));
  },
};

test.each(Object.keys(RUNS))("%s", async (name) => RUNS[name]?.());

test("a request with an error member that is none is told so, as jrpc2 does", async () => {
  for (const error of ['{"code":"x"}', '{"code":1.5}', '{"code":99999999999}', '{"message":5}']) {
    const probe = new Probe();
    await probe.say(`{"jsonrpc":"2.0","id":1,"method":"X","error":${error}}`);
    expect(probe.got).toEqual(['{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"invalid error value"}}']);
  }
});

test("the rules have one row each, and every engine row is run", () => {
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
  const listed = JRPC2_RULES.map(({ number }) => number).sort((a, b) => a - b);
  expect(listed).toEqual([...numbers(107, 188), ...numbers(216, 233)]);
  const run = Object.keys(RUNS).flatMap((name) => name.split(":")[0]?.split(", ").map(Number));
  for (const rule of JRPC2_RULES) {
    if (rule.match === "different") expect(rule.reason).toBeDefined();
    if (rule.run === "engine") expect(run).toContain(rule.number);
  }
});
