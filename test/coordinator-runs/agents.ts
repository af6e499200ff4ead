import type { Client, ConnectOptions } from "../../src/client/client.ts";
import { type CoordinatorMethods, coordinator } from "../../src/coordinator.ts";
import type { CallContext } from "../../src/core/context.ts";
import type { RpcError } from "../../src/core/errors.ts";
import { connect } from "../../src/node.ts";
import { pass } from "../suites/engine.ts";
import { deferred, turn, until } from "../suites/support.ts";
import { grpcController } from "./grpc.ts";
import { type AgentStage, codeOf, METHODS, ourAgent, packed, type Run, type Runs, WIRE } from "./stage.ts";

/** A handler that runs until the test lets it go, and what became of it. */
function held() {
  const gate = deferred();
  const seen = { begun: 0, ended: 0, reasons: [] as string[] };
  const upper = async (_: unknown, { signal }: CallContext): Promise<object> => {
    seen.begun++;
    signal.addEventListener("abort", () => seen.reasons.push((signal.reason as RpcError).code));
    await gate.promise;
    seen.ended++;
    return { value: "done" };
  };
  return { handlers: { upper }, seen, letGo: () => gate.resolve() };
}

const redials: Run = async () => {
  const { handlers, seen, letGo } = held();
  let isThere = true;
  const stage = await ourAgent(handlers, { random: () => 0.5 }, { isThere: () => isThere });
  await stage.controller.request(0n);
  isThere = false;
  await stage.controller.cut();
  letGo();
  await turn();
  const dropped = stage.controller.responses.length === 0 ? "their results are dropped" : "answered";
  await pass(stage.clock, 60_000, 100);
  const waits = stage.dials.slice(1).map((time, at) => time - (stage.dials[at] ?? 0));
  const grow = waits.every((wait, at) => at === 0 || wait >= (waits[at - 1] ?? 0) - 100);
  const words =
    grow && waits.length > 5 && Math.max(...waits) <= 10_000 ? "after waits that grow up to 10 s" : waits.join();
  await stage.close();
  const cancelled = seen.reasons[0] === "unavailable" ? "cancelled" : "not cancelled";
  return `dials again: ${words}\nhandlers under way: ${cancelled}, ${dropped}`;
};

/** What is said of one request, and in which words. */
async function answerTo(
  handlers: object,
  payload = packed("x"),
): Promise<{ code: string; message: string; stage: AgentStage }> {
  const stage = await ourAgent(handlers);
  await stage.controller.request(0n, { payload });
  const code = stage.controller.answers.replace("0 ", "");
  const { result } = stage.controller.responses[0] ?? {};
  await stage.close();
  return { code, message: result?.case === "error" ? result.value.message : "", stage };
}

const noHandler: Run = async () => {
  const typeUrl = "type.googleapis.com/test.Unknown";
  const { code, message } = await answerTo({}, { ...packed("x"), typeUrl });
  return `${code}, ${message.includes("test.Unknown") ? "with the type" : message}`;
};

const badPayload: Run = async () => {
  const broken = { ...packed("x"), value: Uint8Array.of(0x0a, 5) };
  const request = await answerTo({ upper: () => ({}) }, broken);
  const result = await answerTo({ upper: () => ({ value: 5 }) });
  const says = request.message.includes("premature EOF") ? "with what the parser says" : request.message;
  return `request: ${request.code}, ${says}\nresult: ${result.code}`;
};

const plainErrors: Run = async () => {
  const throwing = (error: Error): object => ({
    upper: () => {
      throw error;
    },
  });
  const { code, message, stage } = await answerTo(throwing(new Error("the password is 1234")));
  const trace = /^Internal error, trace (\w+)$/.exec(message)?.[1];
  const isLogged = trace !== undefined && stage.log.of("error").some((line) => line.includes(trace));
  const late = await answerTo(throwing(new DOMException("late", "TimeoutError")));
  const stopped = await answerTo(throwing(new DOMException("stopped", "AbortError")));
  const lines = [`an error: ${code}, ${isLogged ? "with a trace" : message}`];
  lines.push(`the end of its time: ${late.code}`, `a cancel of its own: ${stopped.code}`);
  return lines.join("\n");
};

const many: Run = async () => {
  const { handlers, seen, letGo } = held();
  const stage = await ourAgent(handlers, { concurrency: 2 });
  for (let id = 0n; id < 5n; id++) await stage.controller.request(id);
  const lines = [`5 at once, concurrency 2: ${seen.begun} run`];
  letGo();
  await turn();
  await stage.close();

  let calls = 0;
  const upper = async (): Promise<object> => {
    if (++calls === 1) throw new TypeError("not this time");
    return {};
  };
  const failing = await ourAgent({ upper });
  await failing.controller.request(0n);
  await failing.controller.request(1n);
  const goesOn = failing.controller.answers === "0 Internal, 1 OK";
  lines.push(`a failure: ${goesOn ? "its own call's, the agent goes on" : failing.controller.answers}`);
  await failing.close();
  return lines.join("\n");
};

const timeouts: Run = async () => {
  const { handlers, seen } = held();
  const stage = await ourAgent(handlers);
  await stage.controller.request(0n);
  let endedAt = 0;
  for (; seen.reasons.length === 0 && stage.clock.now < 10_000; await turn(1)) {
    stage.clock.advance(1);
    endedAt = stage.clock.now;
  }
  const lines = [`5 s: ends the handler's context after ${Math.floor(endedAt / 50) * 50} ms`];
  for (const [name, timeout] of [
    ["none", undefined],
    ["less than none", { seconds: -5n }],
  ] as const) {
    const before = seen.begun;
    const id = BigInt(stage.controller.responses.length + 1);
    await stage.controller.request(id, { timeout });
    const begins = seen.begun === before ? "no handler begins" : "a handler begins";
    lines.push(`${name}: ${stage.controller.answers.split(`${id} `).at(-1)}, and ${begins}`);
  }
  await stage.close();
  return lines.join("\n");
};

const cancels: Run = async () => {
  const { handlers, seen, letGo } = held();
  const { controller, close } = await ourAgent(handlers);
  await controller.cancel(7n);
  const isStill = controller.reason === undefined && controller.responses.length === 0;
  await controller.request(0n);
  await controller.cancel(0n);
  letGo();
  await turn();
  const isOver = seen.reasons.join() === "cancelled" && seen.ended === 1 && controller.responses.length === 0;
  await close();
  const lines = [`of an unknown request: ${isStill ? "nothing happens" : "something happens"}`];
  lines.push(`of one that runs: ${isOver ? "its context ends, and it is not answered" : controller.answers}`);
  return lines.join("\n");
};

const twice: Run = async () => {
  const first = held();
  const { controller, close } = await ourAgent(first.handlers);
  await controller.request(0n);
  await controller.request(0n);
  const lines = [first.seen.begun === 1 ? "the first runs" : "both run"];
  first.letGo();
  await turn();
  lines.push(
    `it answers, ${controller.answers === "0 OK" && first.seen.begun === 1 ? "the other never begins" : "and more"}`,
  );
  await close();
  const second = held();
  const other = await ourAgent(second.handlers);
  await other.controller.request(0n);
  await other.controller.request(0n);
  await other.controller.cancel(0n);
  lines.push(`a cancel meets ${second.seen.reasons.length === 1 ? "the first" : "something else"}`);
  await other.close();
  return lines.join("\n");
};

const timers: Run = async () => {
  const { clock, controller, close } = await ourAgent({ upper: async () => ({}) });
  const before = clock.listeners;
  for (let id = 0n; id < 100n; id++) await controller.request(id);
  clock.advance(50);
  const isAll = controller.responses.length === 100;
  const left = clock.listeners - before;
  await close();
  if (!isAll) return "not all were answered";
  return left <= 0 ? "none" : String(left);
};

const doubled: Run = async () => {
  const methods: CoordinatorMethods = { ...METHODS, again: METHODS.upper };
  try {
    coordinator({ methods });
    return "nothing";
  } catch (thrown) {
    return thrown instanceof TypeError ? "an error at the start" : String(thrown);
  }
};

const lateResults: Run = async () => {
  const { handlers, seen, letGo } = held();
  const stage = await ourAgent(handlers, { redial: false });
  for (let id = 0n; id < 100n; id++) await stage.controller.request(id);
  await stage.controller.cut();
  letGo();
  await until(() => seen.ended === 100);
  await turn();
  const { running, waiting } = stage.client.stats();
  await stage.close();
  return `${seen.ended} finish, and their places are ${running + waiting === 0 ? "free" : "taken"}`;
};

const tooLarge: Run = async () => {
  const { fleet, address, close } = await grpcController();
  const letGo = deferred();
  const options: ConnectOptions<never> = {
    wire: WIRE,
    name: "a",
    logger: false,
    handlers: {
      upper: ({ value }: { value: string }) => ({ value: value.repeat(5 << 20) }),
      wait: () => letGo.promise.then(() => ({ value: "slept" })),
    },
  };
  const agent: Client = await connect(address, options);
  await until(() => fleet.size === 1);
  const member = fleet.get("a");
  const beside = codeOf(fleet.call("a", "wait"));
  const large = await codeOf(fleet.call("a", "upper", { value: "x" }));
  letGo.resolve();
  const lines = [`its call: ${large}`, `a call beside it: ${await beside}`];
  lines.push(`the stream: ${fleet.get("a") === member ? "goes on" : "ends"}`);
  await agent.close();
  await close();
  return lines.join("\n");
};

/** The agent: rows 10, 23 to 33. */
export const AGENT_RUNS: Runs = {
  10: redials,
  23: noHandler,
  24: badPayload,
  25: plainErrors,
  26: many,
  27: timeouts,
  28: cancels,
  29: twice,
  30: timers,
  31: doubled,
  32: lateResults,
  33: tooLarge,
};
