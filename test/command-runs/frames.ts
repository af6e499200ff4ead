import { RpcError } from "../../src/core/errors.ts";
import { turn } from "../suites/support.ts";
import {
  type Hand,
  Handlers,
  ourClient,
  ourServer,
  type Run,
  type Runs,
  type ServerStage,
  watched,
  wireOf,
} from "./stage.ts";
import { overWs } from "./ws.ts";

/** Lets a client by hand speak to a server of ours. */
async function hearing(compat: boolean, play: (hand: Hand, stage: ServerStage) => Promise<string>): Promise<string> {
  const stage = await ourServer({ compat });
  try {
    return await play(await stage.dial(), stage);
  } finally {
    await stage.close();
  }
}

/** What becomes of one frame, and of the link. */
const bad =
  (frame: string): Run =>
  (compat) =>
    hearing(compat, async (hand) => `${await hand.answerTo(frame)}; ${await hand.goesOn()}`);

const ADD = '{"header":{"command":"t-add-request","id":"1"},"payload":{"a":1,"b":2}}';

const compact: Run = (compat) =>
  overWs(wireOf({ compat }), { handlers: new Handlers().table }, async ({ open }) => {
    const socket = await open();
    const [first] = await socket.messages(1);
    socket.send(ADD);
    const [, answer] = await socket.messages(2);
    const form = first?.isBinary === false && answer?.isBinary === false ? "a text message" : "a binary message";
    return `${form}: ${answer?.text}`;
  });

const emptyId: Run = (compat) =>
  hearing(compat, async (hand) => {
    await hand.say("t-add-request", "", { a: 1, b: 2 });
    const answer = hand.frames.at(-1);
    return answer === '{"header":{"command":"t-add-response"},"payload":{"sum":3}}'
      ? "is written as no member id"
      : `${answer}`;
  });

const memberNames: Run = (compat) =>
  hearing(compat, async (hand) => {
    const unknown = ADD.replace('"id"', '"version":1,"id"').replace('{"header"', '{"trace":[],"header"');
    const passed = await hand.answerTo(unknown);
    const capital = await hand.answerTo(ADD.replace("header", "HEADER").replace("command", "Command"));
    return [
      `in capital letters: ${capital === "OK" ? "understood" : "not understood"}`,
      `unknown ones: ${passed === "OK" ? "passed over" : passed}`,
    ].join("\n");
  });

const more: Run = (compat) =>
  hearing(compat, async (hand, { handlers, dial }) => {
    await hand.write('{"header":{"command":"t-see-request","id":"1"},"payload":{"n":1},"payload":{"n":2}}');
    const behind = await dial();
    return [
      `something behind it: ${await behind.answerTo(`${ADD} {}`)}; ${await behind.goesOn()}`,
      `a member twice: ${JSON.stringify(handlers.seen) === '[{"n":2}]' ? "the last one counts" : "something else"}`,
    ].join("\n");
  });

const payload =
  (rest: string): Run =>
  (compat) =>
    hearing(compat, async (hand, { handlers }) => {
      await hand.write(`{"header":{"command":"t-see-request","id":"1"}${rest}}`);
      return `the handler gets ${JSON.stringify(handlers.seen[0])}`;
    });

const beside: Run = (compat) =>
  hearing(compat, async (hand, { handlers }) => {
    await hand.say("t-gate-request", "1", { n: 1 });
    await hand.say("z-what-request", "2");
    handlers.gates[0]?.resolve();
    await turn();
    const isAnswered = hand.heard.some(({ command, id }) => command === "t-gate-response" && id === "1");
    return isAnswered ? "is answered" : "is lost with the link";
  });

const unserved: Run = (compat) =>
  hearing(compat, async (hand, { dial }) => {
    await hand.say("t-add-response", "7", { sum: 1 });
    const pinged = await dial();
    await pinged.say("t-ping-response", "0", { origintimestamp: 1, timestamp: 2 });
    return [`a response: ${await hand.goesOn()}`, `an answer to the first ping: ${await pinged.goesOn()}`].join("\n");
  });

const clientHears: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const call = watched(client.call("add", { a: 1, b: 2 }));
  await turn();
  await server.say("z-what-notification", "", {});
  const goesOn = call.outcome === "open";
  await server.say("t-add-response", "1", { sum: 3 });
  await close();
  return [
    `its calls: ${goesOn ? "go on" : "fail"}`,
    `their replies: ${call.outcome === 'OK {"sum":3}' ? "are theirs" : "are nobody's"}`,
  ].join("\n");
};

const notThere: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const error: unknown = await client.call("nope", {}).catch((thrown: unknown) => thrown);
  await turn();
  const isEarly = RpcError.is(error) && error.executed === "no" && server.frames.length === 0;
  await close();
  return isEarly ? "fails before a byte is sent" : "is sent";
};

class Sum {
  readonly a = 1;
  readonly #kept = 2;

  toJSON(): object {
    return { a: this.a, b: this.#kept };
  }
}

const payloads: Run = async (compat) => {
  const { client, server, close } = await ourClient({ compat });
  const call = client.call("add", new Sum());
  await turn();
  await server.say("t-add-response", "1", { sum: 3 });
  const value: unknown = await call;
  const given = JSON.stringify(server.heard[0]?.payload);
  await close();
  const isPlain = Object.getPrototypeOf(value) === Object.prototype;
  return `given: ${given === '{"a":1,"b":2}' ? "any object" : given}\ngot: ${isPlain ? "a plain object" : "something else"}`;
};

/** Frames and what is in them: rows 1 to 14. */
export const FRAME_RUNS: Runs = {
  1: compact,
  2: emptyId,
  3: bad(ADD.replace('"1"', "1")),
  4: memberNames,
  5: more,
  6: payload(""),
  7: payload(',"payload":null'),
  8: bad('{"header":{"command":"t-add-request","id":"1"},"payload":[1,2]}'),
  9: bad('{"header":{"command":"t-what-request","id":"1"},"payload":{}}'),
  10: beside,
  11: unserved,
  12: clientHears,
  13: notThere,
  14: payloads,
};
