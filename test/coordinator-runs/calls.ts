import { RpcError } from "../../src/core/errors.ts";
import type { Outcome } from "../../src/fleet/fan-out.ts";
import { pass } from "../suites/engine.ts";
import { turn, until } from "../suites/support.ts";
import { codeOf, failure, grpcName, type HandAgent, ourController, type Run, type Runs, text } from "./stage.ts";

const BROKEN = { case: "payload", value: Uint8Array.of(0x0a, 1, 0xff) } as const;

function inShort(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "no outcome";
  return outcome.ok ? "OK" : grpcName(outcome.error.code);
}

const nobody: Run = async () => {
  const { clock, fleet, close } = await ourController();
  const code = await codeOf(fleet.call("nobody", "upper"));
  await close();
  return `${code}${clock.now === 0 ? " at once" : ""}`;
};

const noAnswer: Run = async () => {
  const { clock, fleet, hand, close } = await ourController();
  await hand("a");
  const ending = async (call: Promise<unknown>): Promise<string> => {
    const began = clock.now;
    let endedAt: number | undefined;
    const code = codeOf(call).finally(() => {
      endedAt = clock.now;
    });
    for (await turn(); endedAt === undefined && clock.now < began + 60_000; await turn(1)) clock.advance(1);
    // A deadline is at most a tick or two late.
    return `${await code} after ${Math.floor(((endedAt ?? 0) - began) / 50) * 50} ms`;
  };
  const lines = [await ending(fleet.call("a", "upper"))];
  lines.push(`with a time of its own: ${await ending(fleet.call("a", "upper", {}, { timeoutMs: 100 }))}`);
  const abort = new AbortController();
  const cancelled = ending(fleet.call("a", "upper", {}, { signal: abort.signal }));
  abort.abort();
  lines.push(`with a signal: ${await cancelled}`);
  await close();
  return lines.join("\n");
};

const timeLeft: Run = async () => {
  const { clock, fleet, dial, close } = await ourController();
  const agent = await dial({ capacity: 1 });
  await agent.hello("a");
  agent.stall();
  const calls: Promise<string>[] = [];
  for (let times = 0; times < 4; times++) {
    calls.push(codeOf(fleet.call("a", "upper")));
    await turn();
  }
  await pass(clock, 2000);
  await agent.readOn();
  await until(() => agent.requests.length === 4);
  const { seconds = 0n, nanos = 0 } = agent.requests.at(-1)?.timeout ?? {};
  await close();
  await Promise.all(calls);
  // Time goes by in ticks.
  return `${Math.floor((Number(seconds) * 1000 + nanos / 1e6) / 50) * 50} ms`;
};

const told: Run = async () => {
  const { clock, fleet, hand, close } = await ourController();
  const agent = await hand("a");
  const late = codeOf(fleet.call("a", "upper", {}, { timeoutMs: 100 }));
  await pass(clock, 200);
  await late;
  const atTimeout = agent.ids === "0, cancel 0" ? "cancel_id" : "nothing";
  const abort = new AbortController();
  const stopped = codeOf(fleet.call("a", "upper", {}, { signal: abort.signal }));
  await turn();
  abort.abort();
  await stopped;
  await turn();
  await close();
  return `at a timeout: ${atTimeout}\nat a cancel: ${agent.ids.endsWith("1, cancel 1") ? "cancel_id" : "nothing"}`;
};

const strays: Run = async () => {
  const { clock, fleet, server, hand, close } = await ourController();
  const agent = await hand("a");
  const late = codeOf(fleet.call("a", "upper", {}, { timeoutMs: 100 }));
  await pass(clock, 200);
  await late;
  await agent.answer(0n);
  const call = fleet.call("a", "upper") as Promise<{ value: string }>;
  await turn();
  await agent.answer(77n, BROKEN);
  await agent.answer(1n, text("once"));
  await agent.answer(1n, text("twice"));
  const goesOn = (await call).value === "once" && server.stats().strays === 3 && fleet.size === 1;
  await close();
  return goesOn ? "passed over; the stream goes on" : "not passed over";
};

const gone: Run = async () => {
  const { fleet, hand, close } = await ourController();
  const agent = await hand("a");
  const endings: string[] = [];
  for (let times = 0; times < 3; times++) {
    fleet.call("a", "upper").then(
      () => endings.push("OK"),
      (thrown: RpcError) => endings.push(`${grpcName(thrown.code)}, executed ${thrown.executed}`),
    );
  }
  await turn();
  await agent.cut();
  await close();
  await turn();
  return `each ends ${endings.length === 3 ? "once" : `${endings.length} times of 3`}, with ${[...new Set(endings)].join()}`;
};

const failing: Run = async () => {
  const { fleet, hand, close } = await ourController();
  const agent = await hand("a");
  const answer = async (id: bigint): Promise<void> => {
    await turn();
    await agent.answer(id, failure(9, "disabled"));
  };
  const said = (thrown: unknown): string =>
    RpcError.is(thrown) ? `${grpcName(thrown.code)}, ${thrown.message}` : String(thrown);
  const one = fleet.call("a", "upper").then(() => "OK", said);
  await answer(0n);
  const all = fleet.callAll("upper");
  await answer(1n);
  const [outcome] = await all;
  await close();
  return `to one call: ${await one}\nto a call of all: ${outcome?.ok === false ? said(outcome.error) : "OK"}`;
};

const all: Run = async () => {
  const { clock, fleet, hand, close } = await ourController();
  const lines: string[] = [];
  const none = await fleet.callAll("upper");
  const [a, b] = [await hand("a"), await hand("b")];
  await hand("silent");
  const calls = fleet.callAll("upper");
  await turn();
  const late = await hand("late");
  await b.answer(0n);
  await a.answer(0n);
  await pass(clock, 5100, 100);
  const outcomes = await calls;
  const order = outcomes.slice(0, 2).map(({ member }) => member);
  lines.push(`one outcome each, in order of arrival: ${order.join(", ")}`);
  lines.push(`who joins later: ${outcomes.length === 3 && late.heard.length === 0 ? "not called" : "called"}`);
  lines.push(`who does not answer: ${inShort(outcomes[2])}`);
  lines.push(`nobody there: ${none.length === 0 ? "no outcomes" : "outcomes"}`);
  await close();
  return lines.join("\n");
};

const unreadable: Run = async () => {
  const { fleet, hand, close } = await ourController();
  const [bad, good] = [await hand("bad"), await hand("good")];
  const one = codeOf(fleet.call("bad", "upper"));
  await turn();
  await bad.answer(0n, BROKEN);
  const calls = fleet.callAll("upper");
  await turn();
  await bad.answer(1n, BROKEN);
  await good.answer(0n, text("x"));
  const outcomes = await calls;
  const of = (name: string): string => inShort(outcomes.find(({ member }) => member === name));
  await close();
  return `to one call: ${await one}\nto a call of all: ${of("bad")} for that agent, ${of("good")} for the other`;
};

const outcomeParts: Run = async () => {
  const { fleet, hand, close } = await ourController();
  const agents: readonly HandAgent[] = [await hand("well"), await hand("ill")];
  const calls = fleet.callAll("upper");
  await turn();
  await agents[0]?.answer(0n, text("X"));
  await agents[1]?.answer(0n, failure(14, "no samples"));
  const [well, ill] = await calls;
  await close();
  const value = well?.ok === true ? (well.value as { value?: string }).value : undefined;
  const lines = [`who: ${well?.member === "well" && ill?.member === "ill" ? "the agent's name" : "nobody"}`];
  lines.push(`when it went well: ${value === "X" ? "the response" : "something else"}`);
  lines.push(`else: ${ill?.ok === false && ill.error.message === "no samples" ? "the error" : "something else"}`);
  return lines.join("\n");
};

/** The controller's calls: rows 13 to 22. */
export const CALL_RUNS: Runs = {
  13: nobody,
  14: noAnswer,
  15: timeLeft,
  16: told,
  17: strays,
  18: gone,
  19: failing,
  20: all,
  21: unreadable,
  22: outcomeParts,
};
