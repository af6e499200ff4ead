import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { callOf, Ends, type MakeCodec } from "../../../test/codecs/ends.ts";
import { codecSuite, JSON_VALUES } from "../../../test/suites/codec-suite.ts";
import { turn } from "../../../test/suites/support.ts";
import type { CallMessage, Message } from "../../core/message.ts";
import { command } from "../../wires/command.ts";
import type { Command } from "./envelope.ts";
import { notification, request } from "./methods.ts";

/** What stands in a payload, but for `error`, which is an error there. */
const objects = fc
  .dictionary(
    fc.string().filter((key) => key !== "error"),
    JSON_VALUES,
    { maxKeys: 4 },
  )
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

const METHODS = {
  add: request(),
  blockByHash: request(),
  jobStatus: request({ reply: "t-job-update-notification" }),
  jobUpdate: notification(),
  log: notification(),
} as const;

const golden = [
  {
    says: "a call's name has prefix and suffix",
    from: "client",
    messages: [callOf("add", { a: 1 }, 1)],
    frames: ['{"header":{"command":"t-add-request","id":"1"},"payload":{"a":1}}'],
  },
  {
    says: "a call of the accepter has an id that Hemi's clients do not count",
    from: "server",
    messages: [callOf("add", { a: 1 }, 1)],
    frames: ['{"header":{"command":"t-add-request","id":"s1"},"payload":{"a":1}}'],
  },
  {
    says: "a notification has no id unless it is given one",
    from: "server",
    messages: [
      { kind: "notify", method: "log", params: undefined, meta: undefined },
      { kind: "notify", method: "log", params: null, meta: { id: "ntfy-1f" } },
    ],
    frames: [
      '{"header":{"command":"t-log-notification"},"payload":{}}',
      '{"header":{"command":"t-log-notification","id":"ntfy-1f"},"payload":{}}',
    ],
  },
] as const;
const traits = { method: "add", params: objects, values: objects };

codecSuite("command", command({ prefix: "t", methods: METHODS }).codec, golden, traits);
codecSuite("command without a table", command({ prefix: "t" }).codec, golden, { params: objects, values: objects });
codecSuite("command as the original has it", command({ prefix: "t", methods: METHODS, compat: true }).codec, golden, {
  ...traits,
  codeOf: (code) => (code === "internal" ? "invalid_argument" : "invalid_argument"),
});

const make: MakeCodec = command({ prefix: "t", methods: METHODS }).codec;
const compat: MakeCodec = command({ prefix: "t", methods: METHODS, compat: true }).codec;
const SECONDS = 1_721_300_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: SECONDS * 1000 }));
afterEach(() => void vi.useRealTimers());

/** A frame as somebody else may write it. */
const frame = (name: string, id: unknown, ...payload: readonly unknown[]): string =>
  JSON.stringify({ header: { command: name, id }, ...(payload.length > 0 && { payload: payload[0] }) });

/** What a request of the other side is answered with. */
function answerTo(ends: Ends, message: Message): readonly unknown[] {
  if (message.kind !== "invalid") throw new TypeError(`Not invalid: ${message.kind}`);
  const { id, error } = message;
  return ends.server.encode([{ kind: "error", id, error, call: message }]);
}

describe("the opening", () => {
  test("is the accepter's first ping, id 0, with its time in seconds", () => {
    const { client, server } = new Ends(make, { open: false });
    const frames = server.encode([{ kind: "welcome", hello: {} }]);
    expect(frames).toEqual([`{"header":{"command":"t-ping-request","id":"0"},"payload":{"timestamp":${SECONDS}}}`]);
    expect(client.decode(frames)).toEqual([{ kind: "welcome", hello: {} }]);
  });

  test("is whatever comes first, which is served; a first ping that comes later is not answered", () => {
    const { client, server } = new Ends(make, { open: false });
    expect(client.decode([frame("t-log-notification", undefined, { n: 1 })])).toEqual([
      { kind: "welcome", hello: {} },
      { kind: "notify", method: "log", params: { n: 1 }, meta: undefined },
    ]);
    expect(client.decode(server.encode([{ kind: "welcome", hello: {} }]))).toEqual([]);
  });

  test("is not what nobody knows, unless the original is wanted", () => {
    const strange = frame("z-what", undefined, {});
    expect(new Ends(make, { open: false }).client.decode([strange])).toMatchObject([{ kind: "invalid" }]);
    expect(new Ends(compat, { open: false }).client.decode([strange])).toMatchObject([{ kind: "welcome" }, {}]);
  });

  test("is refused by an error of the authenticator at the other end", () => {
    const refused = (error: unknown): string => frame("secp256k1-error", undefined, { error });
    const error = { timestamp: 1, message: "invalid public key", closeCode: 4100 };
    for (const wire of [make, compat]) {
      expect(() => new Ends(wire, { open: false }).client.decode([refused(error)])).toThrow(
        expect.objectContaining({
          code: "unauthenticated",
          message: "Refused by the other side: invalid public key",
          executed: "no",
          remote: true,
          wireCode: 4100,
        }),
      );
    }
    expect(() => new Ends(make, { open: false }).client.decode([refused({})])).toThrow("Refused by the other side");
    // Not without an error, and not once the link is open.
    expect(new Ends(make, { open: false }).client.decode([refused("x")])).toMatchObject([{ kind: "invalid" }]);
    expect(new Ends(make).client.decode([refused(error)])).toMatchObject([{ kind: "invalid" }]);
  });

  test("is not what is no command", () => {
    const { client } = new Ends(make, { open: false });
    expect(client.decode(["{", frame("t-log-notification", undefined)])).toMatchObject([
      { kind: "invalid", id: null },
      { kind: "welcome" },
      { kind: "notify" },
    ]);
  });

  test("there is none in a table without ping", () => {
    const { carries } = new Ends(command({ methods: { a: request({ command: "a?", reply: "a!" }) } }).codec).client
      .codec;
    expect(carries).toMatchObject({ hello: "never", welcome: false });
  });
});

describe("a ping", () => {
  test.each(["client", "server"] as const)("is answered by the %s, with its own time and that of this end", (role) => {
    const end = new Ends(make).of(role);
    const [ping] = end.decode([frame("t-ping-request", "p1", { timestamp: 5 })]);
    expect(ping).toMatchObject({ kind: "ping" });
    expect(end.encode([{ kind: "pong", token: ping?.kind === "ping" ? ping.token : 0 }])).toEqual([
      `{"header":{"command":"t-ping-response","id":"p1"},"payload":{"origintimestamp":5,"timestamp":${SECONDS}}}`,
    ]);
    expect(end.encode([{ kind: "pong", token: undefined }])).toEqual([]);
  });

  test("may be called, and its answer is the call's", () => {
    const { client } = new Ends(make);
    expect(client.encode([callOf("ping", { timestamp: 5 }, 3)])).toEqual([
      frame("t-ping-request", "3", { timestamp: 5 }),
    ]);
    const answer = { origintimestamp: 5, timestamp: 6 };
    expect(client.decode([frame("t-ping-response", "3", answer)])).toMatchObject([
      { kind: "result", id: 3, value: answer },
    ]);
    expect(client.decode([frame("t-ping-response", "ping", answer)])).toEqual([{ kind: "pong", token: undefined }]);
  });

  test("has the names that the table gives it", () => {
    const own = command({ methods: { ping: request({ command: "hey", reply: "ho" }) } });
    const { server } = new Ends(own.codec);
    expect(server.encode([{ kind: "welcome", hello: {} }])).toEqual([frame("hey", "0", { timestamp: SECONDS })]);
  });
});

describe("names", () => {
  test("capital letters of a method are words on the wire", () => {
    const [call] = new Ends(make).pass("client", [callOf("blockByHash", { hash: "00" })]);
    expect(call).toMatchObject({ kind: "call", method: "blockByHash" });
    expect(new Ends(make).client.encode([callOf("blockByHash", {})])[0]).toContain('"t-block-by-hash-request"');
  });

  test("a reply may be called like a notification, and the id says which it is", () => {
    const { client } = new Ends(make);
    client.encode([callOf("jobStatus", {}, 1)]);
    expect(
      client.decode([
        frame("t-job-update-notification", "00ff", { state: "running" }),
        frame("t-job-update-notification", "1", { state: "pending" }),
        frame("t-job-update-notification", "1", { state: "done" }),
      ]),
    ).toMatchObject([
      { kind: "notify", method: "jobUpdate", meta: { id: "00ff" } },
      { kind: "result", id: 1, value: { state: "pending" } },
      // Nobody has taken the call out of this link's table.
      { kind: "result", id: 1 },
    ]);
    client.link.calls.clear();
    expect(client.decode([frame("t-job-update-notification", "1", {})])).toMatchObject([
      { kind: "notify", meta: { id: "1" } },
    ]);
  });

  test("without a table any name is carried as it is", () => {
    const open = command({ prefix: "t" }).codec;
    const [call, note] = new Ends(open).pass("client", [
      callOf("Some.Name", {}),
      { kind: "notify", method: "a-request", params: {}, meta: undefined },
    ]);
    expect(call).toMatchObject({ kind: "call", method: "Some.Name" });
    expect(note).toMatchObject({ kind: "notify", method: "a-request" });
  });
});

describe("ids", () => {
  test("of the other side are echoed as they are, and none is none", () => {
    for (const id of ["0", "1", "68656d69", "Hello: 02ab", "\u0000", "\u00001\u0000x", "9007199254740993", ""]) {
      const { server } = new Ends(make);
      const [call] = server.decode([frame("t-add-request", id, {})]) as [CallMessage];
      expect(server.encode([{ kind: "result", id: call.id, value: {}, call }])).toEqual([
        id === "" ? '{"header":{"command":"t-add-response"},"payload":{}}' : frame("t-add-response", id, {}),
      ]);
    }
  });

  test("that run already get another name here, and go back as they came", () => {
    const { server } = new Ends(make);
    server.link.incoming.add("x").add("");
    for (const id of ["x", ""]) {
      const [one, other] = server.decode([
        frame("t-add-request", id, {}),
        frame("t-add-request", id, {}),
      ]) as CallMessage[];
      expect(new Set([id, one?.id, other?.id]).size).toBe(3);
      if (one === undefined) throw new TypeError("No call");
      expect(server.encode([{ kind: "result", id: one.id, value: {}, call: one }])).toEqual([
        JSON.stringify({ header: { command: "t-add-response", ...(id !== "" && { id }) }, payload: {} }),
      ]);
    }
  });
});

describe("what this end cannot send", () => {
  const refusal = (message: Partial<CallMessage> | { kind: "notify" }): unknown =>
    new Ends(make).client.codec.refuses?.({ ...callOf("add", {}), ...message } as CallMessage);

  test.each([
    [{ method: "nope" }, "unimplemented"],
    [{ method: "log" }, "unimplemented"],
    [{ method: "nope", kind: "notify" }, "unimplemented"],
    [{ method: "add", kind: "notify" }, "unimplemented"],
    [{ params: [1] }, "invalid_argument"],
    [{ params: "text" }, "invalid_argument"],
    [{ meta: { id: "own" } }, "invalid_argument"],
    [{ method: "log", kind: "notify", meta: { id: "12" } }, "invalid_argument"],
  ] as const)("%o is refused before it is sent", (message, code) => {
    expect(refusal(message as Partial<CallMessage>)).toMatchObject({ code, executed: "no" });
  });

  test("a request with an id of one's own is sent, and nothing waits for its reply", async () => {
    const unclaimed: Command[] = [];
    const wire = command({ prefix: "t", methods: METHODS, onUnclaimed: (it) => unclaimed.push(it) });
    const { client } = new Ends(wire.codec);
    const note: Message = { kind: "notify", method: "add", params: { a: 1 }, meta: { id: "68656d69" } };
    expect(client.codec.refuses?.(note as never)).toBeUndefined();
    expect(client.encode([note])).toEqual([frame("t-add-request", "68656d69", { a: 1 })]);
    expect(client.decode([frame("t-add-response", "68656d69", { sum: 1 })])).toMatchObject([
      { kind: "result", id: "68656d69" },
    ]);
    await turn(1);
    expect(unclaimed).toEqual([{ command: "t-add-response", id: "68656d69", payload: { sum: 1 } }]);
  });

  test("a result that is no object is handed back", () => {
    const { server } = new Ends(make);
    const [call] = server.decode([frame("t-add-request", "1", {})]) as [CallMessage];
    for (const value of ["text", 5, [1], { toJSON: () => "text" }]) {
      expect(server.encode([{ kind: "result", id: call.id, value, call }])).toEqual([]);
    }
    expect(server.failed).toHaveLength(4);
  });
});

describe("what is no sound command", () => {
  test.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["null", "null"],
    ["no header", "{}"],
    ["a header that is a text", '{"header":"t-add-request"}'],
    ["no command", '{"header":{"id":"1"}}'],
    ["an id that is a number", '{"header":{"command":"t-add-request","id":1}}'],
    ["something behind it", '{"header":{"command":"t-add-request","id":"1"},"payload":{}} x'],
    ["bytes that are no text", Uint8Array.of(0x7b, 0xff)],
    ["a header in capital letters", '{"HEADER":{"command":"t-add-request","id":"1"}}'],
    ["a list of headers", '{"header":[{"command":"t-add-request"}]}'],
    ["inherited names", '{"__proto__":{"header":{"command":"t-add-request","id":"1"}}}'],
  ])("%s is passed over, and ends the link where the original is wanted", (what, given) => {
    const ends = new Ends(make);
    const [message, ...more] = ends.server.decode([given]);
    expect(message).toMatchObject({
      kind: "invalid",
      id: null,
      error: { message: expect.stringMatching(/^invalid command: /) },
    });
    expect(more).toEqual([]);
    expect(answerTo(ends, message as Message)).toEqual([]);
    const { server, client } = new Ends(compat);
    if (what === "a header in capital letters")
      expect(server.decode([given])).toMatchObject([{ kind: "call", id: "1" }]);
    else expect(() => server.decode([given])).toThrow(expect.objectContaining({ code: "data_loss" }));
    if (what !== "a header in capital letters") expect(client.decode([given])).toMatchObject([{ kind: "invalid" }]);
  });

  test.each([
    ["a list", [1]],
    ["a text", "x"],
    ["a number", 5],
    ["false", false],
  ])("a payload that is %s is answered with an error", (_, payload) => {
    const ends = new Ends(make);
    const [message] = ends.server.decode([frame("t-add-request", "7", payload)]);
    expect(answerTo(ends, message as Message)[0]).toMatch(
      /^\{"header":\{"command":"t-add-response","id":"7"\},"payload":\{"error":\{.*"code":"invalid_argument"/,
    );
    expect(() => new Ends(compat).server.decode([frame("t-add-request", "7", payload)])).toThrow("invalid command");
  });

  test("a payload that is missing or null is an empty object, of requests, pushes and replies", () => {
    for (const payload of [[], [null]]) {
      const { client, server } = new Ends(make);
      expect(server.decode([frame("t-add-request", "7", ...payload)])).toMatchObject([{ kind: "call", params: {} }]);
      expect(client.decode([frame("t-log-notification", undefined, ...payload)])).toMatchObject([
        { kind: "notify", params: {} },
      ]);
      expect(server.decode([frame("t-ping-request", "1", ...payload)])).toMatchObject([{ kind: "ping" }]);
      client.encode([callOf("add", {}, 1)]);
      expect(client.decode([frame("t-add-response", "1", ...payload)])).toMatchObject([{ kind: "result", value: {} }]);
    }
  });

  test("a request that nobody knows is answered by its name, with its id", () => {
    const ends = new Ends(make);
    const [message] = ends.server.decode([frame("z-what-request", "7", {})]);
    expect(answerTo(ends, message as Message)).toEqual([
      frame("z-what-response", "7", {
        error: {
          timestamp: SECONDS,
          message: "unknown command: z-what-request",
          code: "unimplemented",
          executed: "no",
        },
      }),
    ]);
    expect(() => new Ends(compat).server.decode([frame("z-what-request", "7", {})])).toThrow("unknown command");
    // Its end may not know the answer, and then gives up all its calls.
    expect(new Ends(compat).client.decode([frame("z-what-request", "7", {})])).toMatchObject([{ id: null }]);
  });

  test("commands that nobody knows or waits for go to onUnclaimed, and are not answered", async () => {
    const unclaimed: string[] = [];
    const wire = command({ prefix: "t", methods: METHODS, onUnclaimed: (it) => unclaimed.push(it.command) });
    const ends = new Ends(wire.codec);
    const names = ["secp256k1-error", "t-what-notification", "t-what-response", "t-add-response", "z-what-request"];
    const messages = names.flatMap((name) =>
      ends.server.decode([frame(name, name === "z-what-request" ? "" : "x", {})]),
    );
    expect(messages.map(({ kind }) => kind)).toEqual(["invalid", "invalid", "invalid", "result", "invalid"]);
    for (const message of messages) if (message.kind === "invalid") expect(answerTo(ends, message)).toEqual([]);
    await turn(1);
    expect(unclaimed).toEqual(names);
  });

  test("nesting beyond the bound is refused at its own call", () => {
    const ends = new Ends(make, { limits: { maxDepth: 4 } });
    const deep = { a: [[[[[]]]]] };
    const [request, other] = ends.server.decode([frame("t-add-request", "7", deep), frame("t-what", "7", deep)]);
    expect(request).toMatchObject({ kind: "invalid", id: "7", method: "add", error: { code: "resource_exhausted" } });
    expect(other).toMatchObject({ kind: "invalid", id: null });
    ends.client.encode([callOf("add", {}, 1)]);
    expect(ends.client.decode([frame("t-add-response", "1", deep), frame("t-add-response", "2", deep)])).toMatchObject([
      { kind: "error", id: 1, error: { code: "resource_exhausted", executed: "yes" } },
      { kind: "invalid", id: null },
    ]);
  });
});

describe("replies", () => {
  test("under another name are no replies, unless the original is wanted", () => {
    const asked = (wire: MakeCodec): Ends["client"] => {
      const { client } = new Ends(wire);
      client.encode([callOf("add", {}, 1)]);
      return client;
    };
    const other = frame("t-block-by-hash-response", "1", { block: 1 });
    const push = frame("t-log-notification", "1", { line: "up" });
    const unknown = frame("z-add", "1", { sum: 1 });
    for (const each of [other, unknown]) {
      expect(asked(make).decode([each])).toMatchObject([
        { kind: "error", id: 1, error: { code: "data_loss", executed: "yes" } },
      ]);
    }
    expect(asked(make).decode([push])).toMatchObject([{ kind: "notify", meta: { id: "1" } }]);
    for (const each of [other, unknown, push])
      expect(asked(compat).decode([each])).toMatchObject([{ kind: "result", id: 1 }]);
  });

  test("that are no object lose their call's result", () => {
    const { client } = new Ends(make);
    client.encode([callOf("add", {}, 1)]);
    expect(client.decode([frame("t-add-response", "1", [1])])).toMatchObject([
      { kind: "error", id: 1, error: { code: "data_loss", executed: "yes" } },
    ]);
  });
});
