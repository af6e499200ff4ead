import { describe, expect, test } from "vitest";
import { callOf, End, Ends, type MakeCodec } from "../../../test/codecs/ends.ts";
import { gorpcJsonCodec } from "../../../test/codecs/gorpc-json.ts";
import { fromHex, messagesIn, signed, text, toHex } from "../../../test/gob/bytes.ts";
import { holds, ID, structType, structValue } from "../../../test/gob/definitions.ts";
import { Pair, S } from "../../../test/gob/described.ts";
import { codecSuite } from "../../../test/suites/codec-suite.ts";
import type { Fault } from "../../core/errors.ts";
import type { CallMessage, Message } from "../../core/message.ts";
import { bytesOf } from "../../core/text.ts";
import { Decoder } from "../../gob/decoder.ts";
import { int, int8, int64, slice, struct } from "../../gob/type.ts";
import { GorpcCodec } from "./codec.ts";
import { DispatcherResponse, WireResponse } from "./types.ts";

codecSuite(
  "gorpc",
  gorpcJsonCodec,
  [
    {
      says: "a raw request defines its type once",
      from: "client",
      messages: [callOf("", 7, 1), callOf("", 8, 2)],
      frames: [
        fromHex(`2c ff810301010b7769726552657175657374 01ff820001020102494401060001075265717565737401100000 00
                 12 ff82 0101 01 06737472696e67 0c03000137 00 12 ff82 0102 01 06737472696e67 0c03000138 00`),
      ],
    },
  ],
  {
    callers: ["client"],
    notifiers: ["client"],
    cancellers: [],
    codeOf: (code) => (code === "internal" ? code : "unknown"),
  },
);

const make: MakeCodec = (link) => new GorpcCodec(link, { types: [Pair, S] });

/** A call that has come to the server, of a link on which nothing else was said. */
function arrived(ends: Ends, method: string, params: unknown = null, id = 1): CallMessage {
  const [call] = ends.pass("client", [callOf(method, params, id)]);
  if (call?.kind !== "call") throw new TypeError(`No call arrived, but ${call?.kind}`);
  return call;
}

/** What a server's answer is on the wire, and what it is to our client. */
function answered(method: string, answer: (call: CallMessage) => Message) {
  const ends = new Ends(make);
  const frames = ends.server.encode([answer(arrived(ends, method))]);
  const decoder = new Decoder({ types: [DispatcherResponse, Pair] });
  const [onWire] = frames.flatMap((frame) => decoder.push(bytesOf(frame), WireResponse));
  const [message] = ends.client.decode(frames);
  return { onWire, message };
}

const failed = (method: string, error: Fault) =>
  answered(method, (call) => ({ kind: "error", id: call.id, error, call }));
const inner = (error: string): object => ({ ID: 1, Response: { Response: null, Error: error }, Error: "" });
const outer = (error: string): object => ({ ID: 1, Response: null, Error: error });

describe("errors on gorpc's wire", () => {
  test("a function's own error is the inner one, and its text is all that there is of it", () => {
    const { onWire, message } = failed("Echo", { code: "not_found", message: "no such thing", data: { secret: 1 } });
    expect(onWire).toEqual(inner("no such thing"));
    expect(message).toMatchObject({ id: 1, error: { code: "unknown", message: "no such thing" } });
  });

  test("what is no function's is the outer one, and says by its trace where it stands in the log", () => {
    const { onWire, message } = failed("Echo", { code: "internal", message: "Internal error", trace: "00ff" });
    expect(onWire).toEqual(outer("Internal error, trace 00ff"));
    expect(message).toMatchObject({ error: { code: "internal", message: "Internal error, trace 00ff" } });
  });

  test.each(["not_found", "internal", "unavailable"] as const)("%s of a raw request is the outer one", (code) => {
    const { onWire, message } = failed("", { code, message: "no" });
    expect(onWire).toEqual(outer("no"));
    expect(message).toMatchObject({ error: { code: "internal", message: "no" } });
  });

  test("an empty text would be success, and is the code", () => {
    expect(failed("Echo", { code: "aborted", message: "" }).onWire).toEqual(inner("aborted"));
    expect(failed("Echo", { code: "internal", message: "" }).onWire).toEqual(outer("internal"));
    expect(failed("", { code: "aborted", message: "" }).onWire).toEqual(outer("aborted"));
  });

  test("a method that there is not has a text as Go's, and is known again", () => {
    const unknown = { code: "unimplemented", message: "method not found", executed: "no" } as const;
    for (const [method, name] of [
      ["Nope", ".Nope"],
      ["Svc.Nope", "Svc.Nope"],
    ] as const) {
      const { onWire, message } = failed(method, unknown);
      expect(onWire).toEqual(inner(`unknown method [${name}]`));
      expect(message).toMatchObject({ error: { code: "unimplemented" } });
    }
    expect(failed("", unknown).onWire).toEqual(
      outer("There is no handler for requests without a name: call one of the server's methods by its name"),
    );
  });

  test("a handler that ran and is unimplemented keeps its own text", () => {
    expect(failed("Echo", { code: "unimplemented", message: "not on Mondays" }).onWire).toEqual(
      inner("not on Mondays"),
    );
  });

  test.each([
    ["gorpc.Dispatcher: unknown method [.Unknown]", "unimplemented"],
    ["gorpc.Dispatcher: unknown service name [Nope]", "unimplemented"],
    ["unknown method [.Unknown]", "unimplemented"],
    ["gorpc.Dispatcher: unexpected request type for method [.Echo]: int. Expected string", "unknown"],
    ["an unknown method [x]", "unknown"],
    ["failed", "unknown"],
  ] as const)("the text %j is %s to the caller", (message, code) => {
    expect(failed("Echo", { code: "unknown", message }).message).toMatchObject({ error: { code, message } });
  });
});

describe("values on gorpc's wire", () => {
  test("a request of nothing has no params, and a response of nothing is null", () => {
    for (const method of ["Echo", ""]) {
      for (const nothing of [null, undefined]) {
        const { message, onWire } = answered(method, (call) => {
          expect(call).toEqual({ ...callOf(method, undefined), timeoutMs: undefined });
          return { kind: "result", id: 1, value: nothing, call };
        });
        expect(onWire).toEqual(method === "" ? outer("") : inner(""));
        expect(message).toEqual({ kind: "result", id: 1, value: null, call: undefined });
      }
    }
  });

  test("a response to a raw request is raw, and one to a function the dispatcher's", () => {
    const value = Pair.of({ A: 1, B: 2 });
    const result = (call: CallMessage): Message => ({ kind: "result", id: 1, value, call });
    expect(answered("", result).onWire).toEqual({ ID: 1, Response: { A: 1, B: 2 }, Error: "" });
    expect(answered("Echo", result).onWire).toEqual({
      ID: 1,
      Response: { Response: { A: 1, B: 2 }, Error: "" },
      Error: "",
    });
    expect(answered("", result).message).toMatchObject({ value: { A: 1, B: 2 } });
    expect(answered("Echo", result).message).toMatchObject({ value: { A: 1, B: 2 } });
  });

  test("a raw response to a function's call says how to call such a server", () => {
    const { message } = answered("Echo", () => ({ kind: "result", id: 1, value: 1, call: callOf("", null) }));
    expect(message).toMatchObject({ error: { code: "internal", message: expect.stringContaining('the method ""') } });
  });

  test("a struct remembers its type, so that it can be sent back", () => {
    const ends = new Ends(make);
    const call = arrived(ends, "Echo", S.of({ A: 7, B: "seven" }));
    expect(ends.server.encode([{ kind: "result", id: 1, value: call.params, call }])).toHaveLength(1);
    expect(ends.server.failed).toEqual([]);
  });
});

describe("a value that does not fit", () => {
  /** A client that describes `main.Pair` with wider numbers than the server has. */
  const Wide = struct("main.Pair", { A: int64, B: int64 }, { pointer: true });
  const narrow: MakeCodec = (link) =>
    new GorpcCodec(link, { types: [struct("main.Pair", { A: int8, B: int }, { pointer: true })] });

  test("fails its own request, by name and id, and the stream goes on", () => {
    const client = new End(make, "client");
    const server = new End(narrow, "server");
    const value = (A: bigint, B: bigint): unknown => Wide.of({ A, B });
    const frames = client.encode([
      callOf("Add", value(300n, 1n), 1),
      callOf("", value(1n, 2n ** 60n), 2),
      { kind: "notify", method: "Add", params: value(-129n, 1n), meta: undefined },
      callOf("Add", value(127n, 2n), 3),
    ]);
    const messages = server.decode(frames);
    expect(messages).toMatchObject([
      { kind: "invalid", id: 1, method: "Add", error: { code: "invalid_argument" } },
      { kind: "invalid", id: 2, method: "", error: { code: "invalid_argument" } },
      { kind: "invalid", id: null, method: "Add", error: { code: "invalid_argument" } },
      { kind: "call", id: 3, params: { A: 127, B: 2 } },
    ]);
    expect((messages[0] as { error: Fault }).error.message).toMatch(/Pair\.A: 300 /);
    expect((messages[1] as { error: Fault }).error.message).toMatch(/Pair\.B: 1152921504606846976 /);
  });

  test("fails its own call when it comes back, and the stream goes on", () => {
    const server = new End(make, "server");
    const client = new End(narrow, "client");
    for (const id of [1, 2, 3]) client.link.calls.set(id, callOf(id === 2 ? "" : "Add", null, id));
    const result = (id: number, A: bigint): Message => ({
      kind: "result",
      id,
      value: Wide.of({ A, B: 1n }),
      call: callOf(id === 2 ? "" : "Add", null, id),
    });
    const replies = client.decode(server.encode([result(1, 300n), result(2, -300n), result(3, 5n)]));
    expect(replies).toMatchObject([
      { kind: "error", id: 1, error: { code: "data_loss", message: expect.stringMatching(/Pair\.A: 300 /) } },
      { kind: "error", id: 2, error: { code: "data_loss", message: expect.stringMatching(/Pair\.A: -300 /) } },
      { kind: "result", id: 3, value: { A: 5, B: 1 } },
    ]);
  });

  test("an id that is no safe integer names no call", () => {
    const REQUEST = structType(65, "wireRequest", [
      ["ID", ID.uint],
      ["Request", ID.interface],
    ]);
    const request = structValue(65, `01f8ffffffffffffffff01${holds("int", ID.int, signed(7))}00`);
    const server = new End(make, "server");
    expect(server.decode([fromHex(REQUEST), fromHex(request)])).toMatchObject([{ kind: "invalid", id: null }]);
  });
});

describe("requests that are none", () => {
  test("the id of a call that still runs is refused, and free again when that has ended", () => {
    const ends = new Ends(make);
    ends.server.link.incoming.add(1);
    expect(ends.pass("client", [callOf("Echo", 1, 1), callOf("", 1, 1), callOf("Echo", 2, 2)])).toMatchObject([
      { kind: "invalid", id: 1, method: "Echo" },
      { kind: "invalid", id: 1, method: "" },
      { kind: "call", id: 2 },
    ]);
    ends.server.link.incoming.delete(1);
    expect(ends.pass("client", [callOf("Echo", 1, 1)])).toMatchObject([{ kind: "call", id: 1 }]);
  });

  test("a name that is none is refused with the dispatcher's error", () => {
    const ends = new Ends(make);
    const [invalid] = ends.pass("client", [callOf("Svc.", 1)]);
    expect(invalid).toMatchObject({ kind: "invalid", id: 1, error: { code: "invalid_argument" } });
    if (invalid?.kind !== "invalid") return;
    const [reply] = ends.pass("server", [{ kind: "error", id: 1, error: invalid.error, call: invalid }]);
    expect(reply).toMatchObject({ error: { code: "unknown", message: expect.stringContaining('"Svc." is no name') } });
  });

  test("an end that accepted cannot call", () => {
    const { client, server } = new Ends(make);
    expect(client.codec.refuses?.(callOf("Echo", 1))).toBeUndefined();
    expect(server.codec.refuses?.(callOf("Echo", 1))).toMatchObject({ code: "unimplemented", executed: "no" });
  });
});

describe("frames of gorpc's wire", () => {
  test("a batch is its members, one message each, in one flush", () => {
    const ends = new Ends(make);
    const messages: Message[] = [
      callOf("Echo", 1, 1),
      { kind: "notify", method: "Echo", params: 2, meta: undefined },
      callOf("", 3, 2),
    ] as const;
    const frames = ends.client.encode([{ kind: "batch", messages: messages as never }]);
    expect(frames).toHaveLength(1);
    expect(messagesIn(bytesOf(frames[0] ?? ""))).toHaveLength(2 + 3);
    expect(ends.server.decode(frames).map(({ kind }) => kind)).toEqual(["call", "notify", "call"]);
  });

  test("a flush above the other side's limit is cut between messages", () => {
    const ends = new Ends(make);
    const calls = Array.from({ length: 50 }, (_, at) => callOf("Echo", "x".repeat(100), at + 1));
    ends.client.link.maxFrameBytes = 400;
    const frames = ends.client.encode(calls).map(bytesOf);
    expect(frames.length).toBeGreaterThan(10);
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(400);
    expect(frames.flatMap(messagesIn)).toHaveLength(2 + 50);
    expect(ends.server.decode(frames)).toHaveLength(50);
  });

  test("what failed to encode leaves no definition behind, and what the link may take is asked each time", () => {
    const ends = new Ends(make);
    const good = toHex(
      bytesOf(new Ends(make).client.encode([callOf("Echo", slice(Pair).of([{ A: 1, B: 1 }]), 2)])[0] ?? ""),
    );
    const bad = callOf("Echo", slice(Pair).of([{ A: 1, B: 0.5 }]), 1);
    const frames = ends.client.encode([bad, callOf("Echo", slice(Pair).of([{ A: 1, B: 1 }]), 2)]);
    expect(frames.map((frame) => toHex(bytesOf(frame)))).toEqual([good]);
    expect(ends.client.failed).toMatchObject([
      { message: bad, reason: { message: expect.stringContaining("[0].B: ") } },
    ]);
    ends.client.link.maxFrameBytes = 60;
    expect(ends.client.encode([callOf("Echo", "x".repeat(100), 3)])).toEqual([]);
    expect(ends.client.failed[1]).toMatchObject({ reason: { code: "resource_exhausted" } });
    ends.client.link.maxFrameBytes = 400;
    expect(ends.server.decode([...frames, ...ends.client.encode([callOf("Echo", "x".repeat(100), 4)])])).toHaveLength(
      2,
    );
  });

  test.each(["Echo", ""])("what failed to encode is told by its place in the params or result, method %j", (method) => {
    const ends = new Ends(make);
    const value = slice(Pair).of([{ A: 1, B: 0.5 }]);
    const call = arrived(ends, method);
    ends.client.encode([callOf(method, value, 2), { kind: "notify", method, params: value, meta: undefined }]);
    ends.server.encode([{ kind: "result", id: call.id, value, call }]);
    const told = [...ends.client.failed, ...ends.server.failed].map(({ reason }) => (reason as Error).message);
    const why = "[0].B: expected a whole number, not 0.5";
    expect(told).toEqual([`params${why}`, `params${why}`, `result${why}`]);
  });

  test("text ends the link, and so does what follows the end of a stream", () => {
    const { server } = new Ends(make);
    expect(() => server.decode(["text"])).toThrow(expect.objectContaining({ code: "data_loss" }));
    expect(() => server.decode([fromHex(`03ff8200${text("")}`)])).toThrow(
      expect.objectContaining({ code: "data_loss" }),
    );
    expect(() => server.decode([fromHex("03ff8200")])).toThrow(expect.objectContaining({ code: "data_loss" }));
  });
});
