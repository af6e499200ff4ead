import { create, toBinary } from "@bufbuild/protobuf";
import {
  anyPack,
  BytesValueSchema,
  DurationSchema,
  EmptySchema,
  StringValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { coordinatorJsonCodec } from "../../../test/codecs/coordinator-json.ts";
import { callOf, Ends, type MakeCodec } from "../../../test/codecs/ends.ts";
import { fromHex } from "../../../test/gob/bytes.ts";
import { codecSuite } from "../../../test/suites/codec-suite.ts";
import type { Role } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import type { CallMessage, Message } from "../../core/message.ts";
import { CoordinatorCodec } from "./codec.ts";
import { ClientToServerSchema, ServerToClientSchema } from "./generated/aperture/rpc/v1/rpc_pb.ts";
import { MethodTable } from "./methods.ts";

codecSuite(
  "coordinator",
  coordinatorJsonCodec(["math.add"]),
  [
    {
      says: "hello has a name and the first id",
      from: "client",
      messages: [{ kind: "hello", hello: { name: "agent-7", nextId: 3 } }],
      frames: [fromHex("0a 0b 0a07 6167656e742d37 1003")],
    },
    {
      says: "a request has an id, the time that is left, and a payload with its type",
      from: "server",
      messages: [callOf("math.add", 1, 3)],
      frames: [
        fromHex(`0a 2d 0803 1202 0814 1a25
                 0a1e 747970652e676f6f676c65617069732e636f6d2f746573742e4a736f6e30 1203 0a0131`),
      ],
    },
    { says: "id 0 is not written", from: "server", messages: [{ kind: "cancel", id: 0 }], frames: [fromHex("1000")] },
  ],
  { callers: ["server"], notifiers: [], cancellers: ["server"], broken: ["data_loss", "invalid_argument"] },
);

const METHODS = {
  upper: [StringValueSchema, StringValueSchema],
  keep: [StructSchema, StructSchema],
  raw: [EmptySchema],
} as const;
const make: MakeCodec = (link) => new CoordinatorCodec(link, new MethodTable(METHODS));

/** What the other end hears of a message that is not ours to make. */
const toServer = (msg: Parameters<typeof create<typeof ClientToServerSchema>>[1]): Uint8Array =>
  toBinary(ClientToServerSchema, create(ClientToServerSchema, msg));
const toAgent = (command: Parameters<typeof create<typeof ServerToClientSchema>>[1]): Uint8Array =>
  toBinary(ServerToClientSchema, create(ServerToClientSchema, command));
const hello = (name = "a", nextId = 0n): Uint8Array => toServer({ msg: { case: "hello", value: { name, nextId } } });

/** The error with which an end gives the link up. */
function brokenBy(role: Role, ...frames: Uint8Array[]): RpcError | undefined {
  try {
    new Ends(make, { open: false }).of(role).decode(frames);
    return undefined;
  } catch (thrown) {
    expect(RpcError.is(thrown)).toBe(true);
    return thrown as RpcError;
  }
}

function arrived(ends: Ends, method: string, params: unknown, id: number | string = 1): CallMessage {
  const [call] = ends.pass("server", [callOf(method, params, id)]);
  if (call?.kind !== "call") throw new TypeError(`No call arrived, but ${call?.kind}`);
  return call;
}

describe("hello", () => {
  test("must come first", () => {
    const response = toServer({ msg: { case: "response", value: { id: 0n } } });
    for (const first of [response, new Uint8Array(), fromHex("1a00")]) {
      expect(brokenBy("server", first)).toMatchObject({
        code: "invalid_argument",
        message: "Expected hello before anything else",
      });
    }
  });

  test("must come once", () => {
    expect(brokenBy("server", hello(), hello())).toMatchObject({
      code: "invalid_argument",
      message: "Unexpected hello: this stream has had one",
    });
  });

  test("may ask for a first id that leaves room for numbers, and for no other", () => {
    expect(new Ends(make, { open: false }).server.decode([hello("a", 2n ** 52n)])).toEqual([
      { kind: "hello", hello: { name: "a", nextId: 2 ** 52 } },
    ]);
    expect(brokenBy("server", hello("a", 2n ** 52n + 1n))).toMatchObject({ code: "invalid_argument" });
    expect(brokenBy("server", hello("a", 2n ** 64n - 1n))).toMatchObject({ code: "invalid_argument" });
  });

  test("whose name is no text ends the link", () => {
    expect(brokenBy("server", fromHex("0a03 0a01ff"))).toMatchObject({ code: "data_loss" });
  });
});

describe("calls", () => {
  test("take messages and objects of their fields, and nothing for an empty one", () => {
    const ends = new Ends(make);
    const made = create(StringValueSchema, { value: "hi" });
    expect(arrived(ends, "upper", made).params).toEqual(made);
    expect(arrived(ends, "upper", { value: "hi" }).params).toEqual(made);
    expect(arrived(ends, "upper", undefined).params).toEqual(create(StringValueSchema));
    expect(arrived(ends, "upper", null).params).toEqual(create(StringValueSchema));
  });

  test("that do not fit fail alone, and say where", () => {
    const ends = new Ends(make);
    expect(ends.pass("server", [callOf("upper", { value: 5 }), callOf("upper", {})])).toHaveLength(1);
    expect(ends.server.failed).toMatchObject([
      { reason: { message: "params.value: a string is needed, not a number" } },
    ]);
    const call = arrived(ends, "upper", {});
    ends.client.encode([{ kind: "result", id: 1, value: { valeu: "x" }, call }]);
    expect(ends.client.failed).toMatchObject([
      { reason: { message: 'the result of "upper".valeu: google.protobuf.StringValue has no such field' } },
    ]);
  });

  test("of the end that dialled are refused, and so are notifications", () => {
    const { client, server } = new Ends(make);
    const refusalOf = (end: typeof client, kind: "call" | "notify"): unknown =>
      end.codec.refuses?.({ ...callOf("upper", {}), kind } as CallMessage);
    expect(refusalOf(client, "call")).toMatchObject({
      code: "unimplemented",
      executed: "no",
      message: `Cannot call "upper": on the coordinator's wire only the end that accepted makes calls`,
    });
    expect(refusalOf(client, "notify")).toMatchObject({ code: "unimplemented", executed: "no" });
    expect(refusalOf(server, "notify")).toMatchObject({
      code: "unimplemented",
      executed: "no",
      message: `Cannot call "upper": the coordinator's wire has no notifications, make it a call`,
    });
    expect(refusalOf(server, "call")).toBeUndefined();
  });

  test("have ids beyond JavaScript's numbers, which go back as they came", () => {
    for (const id of ["9007199254740992", "18446744073709551615"]) {
      const ends = new Ends(make);
      const call = arrived(ends, "upper", { value: "x" }, id);
      expect(call.id).toBe(id);
      expect(ends.pass("client", [{ kind: "result", id, value: {}, call }])).toMatchObject([{ kind: "result", id }]);
      expect(ends.pass("server", [{ kind: "cancel", id }])).toEqual([{ kind: "cancel", id }]);
    }
  });

  test("with the id of one that runs are passed over", () => {
    const ends = new Ends(make);
    ends.client.link.incoming.add(1);
    expect(ends.pass("server", [callOf("upper", {}, 1), callOf("upper", {}, 2)])).toMatchObject([{ id: 2 }]);
  });

  test("without a limit have a hundred years, and arrive without one", () => {
    const ends = new Ends(make);
    const call: CallMessage = { ...callOf("upper", {}), timeoutMs: undefined };
    expect(ends.pass("server", [call])).toMatchObject([{ timeoutMs: undefined }]);
    const bare = toAgent({
      command: { case: "request", value: { id: 1n, payload: anyPack(EmptySchema, create(EmptySchema)) } },
    });
    expect(ends.client.decode([bare])).toMatchObject([{ kind: "call", method: "raw", timeoutMs: 0 }]);
  });

  test.each([
    ["no payload", undefined, "The request has no type", undefined],
    ["no type", { typeUrl: "", value: new Uint8Array() }, "The request has no type", undefined],
    ["a type that ends in a slash", { typeUrl: "a/b/" }, "The request has no type", undefined],
    [
      "another type's bytes",
      { typeUrl: "x/google.protobuf.StringValue", value: fromHex("0a01ff") },
      expect.stringMatching(/^Not a message of type google\.protobuf\.StringValue: /),
      "upper",
    ],
  ])("with %s are invalid", (_, payload, message, method) => {
    const frame = toAgent({ command: { case: "request", value: { id: 7n, ...(payload && { payload }) } } });
    expect(new Ends(make).client.decode([frame])).toEqual([
      { kind: "invalid", id: 7, method, error: { code: "invalid_argument", message, executed: "no" } },
    ]);
  });
});

describe("types that are not in the table", () => {
  const params = Uint8Array.of(8, 5);

  test("are called by their full names with bytes, and answered with bytes", () => {
    const ends = new Ends(make);
    const call = arrived(ends, "google.protobuf.Duration", params);
    expect(call).toMatchObject({ method: "google.protobuf.Duration", params });
    const value = Uint8Array.of(0xff);
    expect(ends.pass("client", [{ kind: "result", id: 1, value, call }])).toMatchObject([{ value }]);
    ends.client.encode([{ kind: "result", id: 1, value: { seconds: 5n }, call }]);
    expect(ends.client.failed).toMatchObject([
      {
        reason: {
          message: expect.stringMatching(/^the result of "google\.protobuf\.Duration": the bytes of a message/),
        },
      },
    ]);
  });

  test("are refused with anything else than bytes, and by names that no type has", () => {
    const { server } = new Ends(make);
    const isRefused = (method: string, given: unknown): boolean =>
      server.codec.refuses?.(callOf(method, given)) !== undefined;
    expect(isRefused("google.protobuf.Duration", params)).toBe(false);
    expect(isRefused("Top", params)).toBe(false);
    expect(isRefused("google.protobuf.Duration", { seconds: 5n })).toBe(true);
    expect(isRefused("google.protobuf.Duration", undefined)).toBe(true);
    for (const name of ["", ".", "a.", "a..b", "1a", "a b", "type.googleapis.com/a.B", "é"])
      expect(isRefused(name, params)).toBe(true);
  });

  test("may be in the other end's table", () => {
    const ends = new Ends(make);
    const bytes = toBinary(StringValueSchema, create(StringValueSchema, { value: "hi" }));
    const call = arrived(ends, "google.protobuf.StringValue", bytes);
    expect(call).toMatchObject({ method: "upper", params: { value: "hi" } });
    expect(ends.pass("client", [{ kind: "result", id: 1, value: { value: "HI" }, call }])).toMatchObject([
      { value: fromHex("0a024849") },
    ]);
  });

  test("never reach the handler of a method that is called like them and takes another type", () => {
    const methods = new MethodTable({ "test.Other": [EmptySchema] });
    const ends = new Ends((link) => new CoordinatorCodec(link, methods));
    const payload = { typeUrl: "x/test.Other", value: params };
    const frame = toAgent({ command: { case: "request", value: { id: 1n, payload } } });
    expect(ends.client.decode([frame])).toMatchObject([{ kind: "invalid", error: { code: "unimplemented" } }]);
  });

  test("a method without the type of its reply has its bytes", () => {
    const ends = new Ends(make);
    const call = arrived(ends, "raw", {});
    const value = Uint8Array.of(1, 2);
    expect(ends.pass("client", [{ kind: "result", id: 1, value, call }])).toMatchObject([{ value }]);
  });

  test("bytes that were given stay as they are when the frame is used again", () => {
    const ends = new Ends(make);
    const [frame] = ends.server.encode([callOf("google.protobuf.Duration", params)]) as [Uint8Array];
    const [call] = ends.client.decode([frame]);
    frame.fill(0);
    expect(call).toMatchObject({ params: Uint8Array.of(8, 5) });
  });
});

describe("replies", () => {
  const reply = (result: object): Message[] => {
    const ends = new Ends(make);
    ends.server.encode([callOf("upper", {}, 5)]);
    return ends.server.decode([toServer({ msg: { case: "response", value: { id: 5n, ...result } } })]);
  };

  test("that cannot be read fail their call, which ran", () => {
    expect(reply({ result: { case: "payload", value: fromHex("0a01ff") } })).toMatchObject([
      { kind: "error", id: 5, error: { code: "invalid_argument", executed: "yes" } },
    ]);
  });

  test("that say nothing fail their call", () => {
    expect(reply({})).toMatchObject([{ kind: "error", id: 5, error: { code: "data_loss", executed: "yes" } }]);
  });

  test("to nothing are not even read", () => {
    const ends = new Ends(make);
    const value = { id: 9n, result: { case: "payload", value: fromHex("0a01ff") } } as const;
    expect(ends.server.decode([toServer({ msg: { case: "response", value } })])).toEqual([
      { kind: "result", id: 9, value: undefined, call: undefined },
    ]);
  });

  test("too large to be sent are handed back", () => {
    const ends = new Ends(make, { limits: { maxFrameBytes: 100 } });
    const call = arrived(ends, "upper", {});
    expect(ends.client.encode([{ kind: "result", id: 1, value: { value: "x".repeat(100) }, call }])).toEqual([]);
    expect(ends.client.failed).toMatchObject([
      { reason: { code: "resource_exhausted", message: "The message is larger than 100 bytes" } },
    ]);
  });
});

describe("what the wire may say one day", () => {
  test("a member that nobody knows is passed over, and so is an empty message", () => {
    const ends = new Ends(make);
    for (const frame of ["", "1a00", "9a0600", "2a05 68656c6c6f"])
      expect([...ends.server.decode([fromHex(frame)]), ...ends.client.decode([fromHex(frame)])]).toEqual([]);
  });

  test("bytes in messages are plain, whatever the transport's are", () => {
    const ends = new Ends((link) => new CoordinatorCodec(link, new MethodTable({ keep: [BytesValueSchema] })));
    const [frame] = ends.server.encode([callOf("keep", { value: Uint8Array.of(1) })]) as [Uint8Array];
    const [call] = ends.client.decode([Buffer.from(frame)]);
    expect(call).toMatchObject({ params: { value: Uint8Array.of(1) } });
    expect((call as { params: { value: object } }).params.value.constructor).toBe(Uint8Array);
  });

  test("fields that a message's type does not know stay in it", () => {
    const ends = new Ends(make);
    const bytes = fromHex("0a026869 1003");
    const call = arrived(ends, "google.protobuf.StringValue", bytes);
    expect(call.params).toMatchObject({ value: "hi", $unknown: [{ no: 2 }] });
    expect(ends.pass("client", [{ kind: "result", id: 1, value: call.params, call }])).toMatchObject([
      { value: bytes },
    ]);
  });
});

describe("hostile bytes", () => {
  /** JSON in so many lists, as bytes: each is a length and a length around the next. */
  function nested(levels: number): Uint8Array {
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
    let inner: number[] = [];
    for (let level = 0; level < levels; level++) {
      const list = [0x0a, ...varint(inner.length), ...inner];
      inner = [0x32, ...varint(list.length), ...list];
    }
    const entry = [0x0a, 0x01, 0x61, 0x12, ...varint(inner.length), ...inner];
    return Uint8Array.from([0x0a, ...varint(entry.length), ...entry]);
  }

  test.each([
    [60, true],
    [64, false],
    [5000, false],
  ])("a value of %i lists in one another is read: %s", (levels, isRead) => {
    const ends = new Ends(make);
    const [message] = ends.pass("server", [callOf("google.protobuf.Struct", nested(levels))]);
    expect(message?.kind).toBe(isRead ? "call" : "invalid");
    if (!isRead) expect(message).toMatchObject({ id: 1, error: { code: "invalid_argument" } });
  });

  test("without a bound of its own a link has one of 1000", () => {
    const ends = new Ends(make, { limits: { maxDepth: Number.POSITIVE_INFINITY } });
    const messages = ends.pass(
      "server",
      [490, 5000].map((levels, at) => callOf("google.protobuf.Struct", nested(levels), at)),
    );
    expect(messages.map(({ kind }) => kind)).toEqual(["call", "invalid"]);
  });

  test("unknown groups in one another end the link, and not the process", () => {
    const deep = new Uint8Array(1 << 20).fill(0x23);
    expect(brokenBy("client", deep)).toMatchObject({ code: "data_loss" });
    expect(brokenBy("server", deep)).toMatchObject({ code: "data_loss" });
  });

  test("lengths that promise more than there is cost nothing", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const frame of ["0affffffff07", "0a06 1a04 12ffffff07", "12ffffffff0f 00", "0a0b 0affffffff07"])
      for (const role of ["client", "server"] as const) expect(brokenBy(role, fromHex(frame))).toBeDefined();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  test("text is no frame here", () => {
    expect(() => new Ends(make).server.decode(["hello"])).toThrow(/no text/);
  });

  test("20 000 frames that were damaged give messages or the one error, soon and in little memory", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed % below;
    };
    const said = framesOf();
    const began = performance.now();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 20_000; round++) {
      const { role, frame } = said[round % said.length] as (typeof said)[number];
      const ends = new Ends(make);
      ends.server.link.calls.set(1, callOf("upper", {}, 1)).set(2, callOf("keep", {}, 2));
      const damaged = mutated(frame, random);
      try {
        for (const message of ends.of(role).decode([damaged])) expect(message.kind).toBeTypeOf("string");
      } catch (thrown) {
        expect(["data_loss", "invalid_argument"]).toContain((thrown as RpcError).code);
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  /** Everything that both ends say, and who hears it. */
  function framesOf(): { readonly role: Role; readonly frame: Uint8Array }[] {
    const { client, server } = new Ends(make);
    const calls = [callOf("upper", { value: "text" }, 1), callOf("keep", { fields: {} }, 2)];
    const json = { a: { kind: { case: "stringValue", value: "x" } }, b: { kind: { case: "numberValue", value: 1 } } };
    const details = [anyPack(DurationSchema, create(DurationSchema, { seconds: 5n }))];
    const toAgents = server.encode([...calls, callOf("keep", { fields: json }, 3), { kind: "cancel", id: 300 }]);
    const toControllers = client.encode([
      { kind: "hello", hello: { name: "agent" } },
      { kind: "result", id: 1, value: { value: "TEXT" }, call: calls[0] },
      { kind: "result", id: 2, value: { fields: json }, call: calls[1] },
      { kind: "error", id: 1, error: { code: "internal", message: "no", data: [json], details }, call: calls[0] },
    ]);
    return [
      ...toAgents.map((frame) => ({ role: "client" as const, frame: frame as Uint8Array })),
      ...toControllers.map((frame) => ({ role: "server" as const, frame: frame as Uint8Array })),
    ];
  }

  function mutated(frame: Uint8Array, random: (below: number) => number): Uint8Array {
    const bytes = [...frame];
    for (let times = 0; times <= random(3); times++) {
      const at = random(bytes.length + 1);
      const what = Array.from({ length: random(4) }, () => random(256));
      if (random(2) === 0) bytes.splice(at, random(8), ...what);
      else for (const [offset, byte] of what.entries()) if (at + offset < bytes.length) bytes[at + offset] = byte;
    }
    return Uint8Array.from(bytes);
  }
});
