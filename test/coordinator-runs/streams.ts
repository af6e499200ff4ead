import { fromHex } from "../gob/bytes.ts";
import { until } from "../suites/support.ts";
import { grpcController, hello } from "./grpc.ts";
import { codeOf, fromAgent, ourAgent, ourController, type Run, type Runs, text } from "./stage.ts";

/** How the stream of an agent ends that says these messages, and perhaps ends its side. */
async function endingAfter(messages: readonly Uint8Array[], ends = false): Promise<string> {
  const { stream, close } = await grpcController();
  const agent = stream();
  agent.say(...messages);
  if (ends) agent.end();
  const ending = `the stream ends with ${await agent.ended}`;
  await close();
  return ending;
}

const noHello: Run = async () => {
  const response = fromAgent({ case: "response", value: { id: 0n, result: text("x") } });
  return `a response: ${await endingAfter([response])}\nnothing in it: ${await endingAfter([new Uint8Array()])}`;
};

const unknownMember: Run = async () => {
  const unknown = fromHex("7a03 616263");
  const controller = await ourController();
  const agent = await controller.hand("a");
  await agent.say(unknown);
  const call = codeOf(controller.fleet.call("a", "upper"));
  await agent.answer(0n);
  const atController = (await call) === "OK" && controller.fleet.size === 1;
  await controller.close();

  const stage = await ourAgent({ upper: () => ({}) });
  await stage.controller.say(unknown);
  await stage.controller.request(0n);
  const atAgent = stage.controller.answers === "0 OK";
  await stage.close();
  const passed = (isSo: boolean): string => (isSo ? "passed over" : "the stream ends");
  return `to the controller: ${passed(atController)}\nto the agent: ${passed(atAgent)}`;
};

const unanswered: Run = async () => {
  const { hand, fleet, close } = await ourController();
  const agent = await hand("a");
  const outcome = fleet.size === 1 && agent.heard.length === 0 ? "nothing" : agent.ids;
  await close();
  return outcome;
};

const firstId: Run = async () => {
  const { hand, fleet, close } = await ourController();
  const agent = await hand("a", 41n);
  const abort = new AbortController();
  const first = codeOf(fleet.call("a", "upper", {}, { signal: abort.signal }));
  await until(() => agent.heard.length === 1);
  abort.abort();
  const second = codeOf(fleet.call("a", "upper"));
  await until(() => agent.heard.length === 3);
  await agent.answer(42n);
  await Promise.all([first, second]);
  await close();
  const stage = await ourAgent({});
  const [said] = stage.controller.heard;
  await stage.close();
  const own = said?.case === "hello" ? said.value.nextId : "something else";
  return `from next_id on, one more for each request, none for a cancel: ${agent.ids}\nan agent of its own asks for ${own}`;
};

const idZero: Run = async () => {
  let stopped = false;
  const wait = (_: unknown, { signal }: { signal: AbortSignal }): Promise<object> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        stopped = true;
        resolve({});
      });
    });
  let handler: typeof wait | (() => object) = () => ({});
  const { controller, close } = await ourAgent({ upper: (...given: Parameters<typeof wait>) => handler(...given) });
  await controller.request(0n);
  const answered = controller.answers === "0 OK" ? "answered" : "not answered";
  handler = wait;
  await controller.request(0n);
  await controller.cancel(0n);
  await close();
  return `of a request: ${answered}\nof a cancel: ${stopped ? "cancels the request 0" : "does nothing"}`;
};

const perStream: Run = async () => {
  const { hand, fleet, close } = await ourController();
  const [a, b] = [await hand("a"), await hand("b")];
  const calls = ["a", "b"].flatMap((name) => [0, 1].map(() => fleet.call(name, "upper") as Promise<{ value: string }>));
  await until(() => a.heard.length === 2 && b.heard.length === 2);
  const ids = [a, b].map((agent) => agent.ids.replace(", ", " ")).join(" and ");
  for (const id of [1n, 0n]) {
    await b.answer(id, text(`b${id}`));
    await a.answer(id, text(`a${id}`));
  }
  const values = (await Promise.all(calls)).map(({ value }) => value).join(" ");
  await close();
  return `${ids}, answered crosswise: ${values === "a0 a1 b0 b1" ? "each answer finds its call" : values}`;
};

/** Hello, ids, and how a stream ends: rows 1 to 7, 12. */
export const STREAM_RUNS: Runs = {
  1: noHello,
  2: () => endingAfter([hello("a"), hello("a")]),
  3: unknownMember,
  4: unanswered,
  5: firstId,
  6: idZero,
  7: perStream,
  12: () => endingAfter([hello("a")], true),
};
