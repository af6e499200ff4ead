import { describe, expect, test } from "vitest";
import { JsonRpcCodec } from "../src/codecs/jsonrpc/codec.ts";
import { dialectOf, type JsonRpcOptions } from "../src/codecs/jsonrpc/options.ts";
import { RpcError } from "../src/core/errors.ts";
import type { ErrorMessage, Message, ReplyMessage, RequestMessage } from "../src/core/message.ts";
import { unknownMethod } from "../src/core/middleware.ts";
import { bytesOf } from "../src/core/text.ts";
import { End, type Failed } from "./codecs/ends.ts";
import { JRPC2_CASES, type Jrpc2Case } from "./jrpc2-cases.ts";
import { jrpc2Service } from "./jrpc2-service.ts";

const service = new Map(Object.entries(jrpc2Service(() => Promise.resolve())));

/** The least that can stand between a codec and handlers: one record in, the records that answer it out. */
async function answersTo(record: string | Uint8Array, options: JsonRpcOptions): Promise<string[]> {
  const { codec, ...end } = serverEnd(options);
  const frames: string[] = [];
  for (const message of codec.decode(record)) {
    const answer =
      message.kind === "batch"
        ? { kind: "batch" as const, messages: present(await Promise.all(message.messages.map(replyTo))) }
        : await replyTo(message);
    if (answer !== undefined) frames.push(...end.encode(answer));
  }
  return frames;
}

function serverEnd(options: JsonRpcOptions): { codec: End["codec"]; encode(message: Message): string[] } {
  const end = new End((link) => new JsonRpcCodec(link, dialectOf(options)), "server");
  const instead = ({ message, reason: cause }: Failed): ErrorMessage => {
    const { id, call } = message as ReplyMessage;
    return {
      kind: "error",
      id,
      error: new RpcError("internal", "The reply cannot be sent", { cause, executed: "yes" }),
      call,
    };
  };
  return { codec: end.codec, encode: (message) => end.encode([message], instead) as string[] };
}

async function replyTo(message: Message): Promise<ReplyMessage | undefined> {
  if (message.kind === "invalid") return { kind: "error", id: message.id, error: message.error, call: message };
  if (message.kind !== "call" && message.kind !== "notify") return undefined;
  const call = message.kind === "call" ? message : undefined;
  try {
    const value = await run(message);
    return call && { kind: "result", id: call.id, value, call };
  } catch (thrown) {
    return call && { kind: "error", id: call.id, error: RpcError.from(thrown), call };
  }
}

function run(request: RequestMessage): unknown {
  const handler = service.get(request.method);
  if (handler === undefined) throw unknownMethod(request.method);
  return handler(request.params, {
    id: request.kind === "call" ? String(request.id) : undefined,
    isNotification: request.kind === "notify",
    hasParams: request.params !== undefined,
    method: request.method,
  });
}

function present<Value>(values: readonly (Value | undefined)[]): Value[] {
  return values.filter((each) => each !== undefined);
}

function optionsOf({ under }: Jrpc2Case): JsonRpcOptions {
  return { strict: under === "strict", errors: under === "verbatim" ? "verbatim" : "plain" };
}

function expectAnswer(it: Jrpc2Case, answer: string | undefined): void {
  if (it.match === "different") expect(answer).toBe(it.ours);
  else if (it.match === "same" || answer === undefined || it.output === undefined) expect(answer).toBe(it.output);
  else if (it.anyData === undefined) expect(JSON.parse(answer)).toEqual(JSON.parse(it.output));
  else {
    const { error } = JSON.parse(it.output) as { error: { code: number; message: string } };
    const { code, message } = error;
    expect(JSON.parse(answer)).toMatchObject({ error: { code, message, data: expect.any(String) as string } });
  }
}

describe("the cases of jrpc2", () => {
  const runnable = JRPC2_CASES.filter(({ engine }) => engine === undefined);

  test.each(runnable)("$number: $input", async (it) => {
    for (const record of [it.input, bytesOf(it.input)]) {
      const answers = await answersTo(record, optionsOf(it));
      expect(answers.length).toBeLessThanOrEqual(1);
      expectAnswer(it, answers[0]);
    }
  });

  test("each number from 1 to 106 has one row, and no row differs without an allowed reason", () => {
    expect(JRPC2_CASES.map(({ number }) => number)).toEqual(Array.from({ length: 106 }, (_, at) => at + 1));
    const allowed = new Map([
      ["a Go artefact", [44, 45, 50, 51, 53, 54, 62, 70, 72, 75, 79]],
      ["a rule of the engine", [96, 105, 106]],
    ]);
    for (const { number, match, reason } of JRPC2_CASES) {
      if (match === "different") expect(reason).toBeDefined();
      if (reason !== undefined) expect(allowed.get(reason)).toContain(number);
    }
  });

  test("a notification is never answered, whatever its handler throws, unless it is itself invalid", async () => {
    for (const method of service.keys()) {
      if (method === "CB" || method === "Notify") continue;
      expect(await answersTo(`{"jsonrpc":"2.0","method":"${method}"}`, { errors: "verbatim" })).toEqual([]);
    }
  });
});
