import { describe, expect, test } from "vitest";
import { JsonRpcCodec } from "../src/codecs/jsonrpc/codec.ts";
import { dialectOf, type JsonRpcOptions } from "../src/codecs/jsonrpc/options.ts";
import { RpcError } from "../src/core/errors.ts";
import type { ErrorMessage, Message, ReplyMessage, RequestMessage } from "../src/core/message.ts";
import { UnknownMethod } from "../src/core/middleware.ts";
import { bytesOf } from "../src/core/text.ts";
import { End, type Failed } from "./codecs/ends.ts";
import { JRPC2_CASES } from "./jrpc2-cases.ts";
import { expectOutcome } from "./jrpc2-runs/stage.ts";
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
  if (handler === undefined) throw new UnknownMethod(request.method);
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

describe("the cases of jrpc2", () => {
  const runnable = JRPC2_CASES.filter(({ engine }) => engine === undefined);

  test.each(runnable)("$number: $input", async (it) => {
    for (const record of [it.input, bytesOf(it.input)]) {
      const answers = await answersTo(record, it.under ?? {});
      expect(answers.length).toBeLessThanOrEqual(1);
      expectOutcome(it, answers[0]);
    }
  });

  test("a notification is never answered, whatever its handler throws, unless it is itself invalid", async () => {
    for (const method of service.keys()) {
      if (method === "CB" || method === "Notify") continue;
      expect(await answersTo(`{"jsonrpc":"2.0","method":"${method}"}`, { errors: "verbatim" })).toEqual([]);
    }
  });
});
