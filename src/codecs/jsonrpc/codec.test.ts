import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { callOf, End, Ends, type MakeCodec } from "../../../test/codecs/ends.ts";
import { codecSuite, JSON_VALUES } from "../../../test/suites/codec-suite.ts";
import type { Role } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import type { CallMessage, ErrorMessage, Id, InvalidMessage, Message } from "../../core/message.ts";
import { bytesOf } from "../../core/text.ts";
import { JsonRpcCodec } from "./codec.ts";
import { CANCELLED_NOTIFICATION, dialectOf, type JsonRpcOptions } from "./options.ts";

const make =
  (options: JsonRpcOptions = {}): MakeCodec =>
  (link) =>
    new JsonRpcCodec(link, dialectOf(options));

const ids: readonly Id[] = [
  1,
  0,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  '""',
  '"1"',
  '"__proto__"',
  '"a\\u0041"',
  "1.0",
  "-7",
  "-0",
  "1e400",
  "12345678901234567890",
];

codecSuite(
  "JSON-RPC",
  make(),
  [
    {
      says: "a call has id, method and params in this order, without blanks",
      from: "client",
      messages: [callOf("a", { q: 2 }), callOf("a", undefined, 2), callOf("a", null, 3)],
      frames: [
        '{"jsonrpc":"2.0","id":1,"method":"a","params":{"q":2}}',
        '{"jsonrpc":"2.0","id":2,"method":"a"}',
        '{"jsonrpc":"2.0","id":3,"method":"a","params":null}',
      ],
    },
    {
      says: "a notification has no id",
      from: "server",
      messages: [{ kind: "notify", method: "note", params: [1], meta: undefined }],
      frames: ['{"jsonrpc":"2.0","method":"note","params":[1]}'],
    },
    {
      says: "an undefined result is null",
      from: "server",
      messages: [{ kind: "result", id: '"x"', value: undefined, call: undefined }],
      frames: ['{"jsonrpc":"2.0","id":"x","result":null}'],
    },
    {
      says: "an error keeps its own number; an empty message and absent data are left out",
      from: "server",
      messages: [
        {
          kind: "error",
          id: 1,
          error: { code: "unknown", message: "boom", data: { a: 1 }, wireCode: -32000 },
          call: undefined,
        },
        { kind: "error", id: null, error: { code: "not_found", message: "" }, call: undefined },
      ],
      frames: [
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"boom","data":{"a":1}}}',
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32091}}',
      ],
    },
    {
      says: "a batch of requests is an array, of one a plain object; a batch of replies is always an array",
      from: "client",
      messages: [
        {
          kind: "batch",
          messages: [callOf("a", [1]), { kind: "notify", method: "n", params: undefined, meta: undefined }],
        },
        { kind: "batch", messages: [callOf("b", [1], 2)] },
        { kind: "batch", messages: [{ kind: "result", id: 9, value: 1, call: undefined }] },
        { kind: "batch", messages: [] },
      ],
      frames: [
        '[{"jsonrpc":"2.0","id":1,"method":"a","params":[1]},{"jsonrpc":"2.0","method":"n"}]',
        '{"jsonrpc":"2.0","id":2,"method":"b","params":[1]}',
        '[{"jsonrpc":"2.0","id":9,"result":1}]',
      ],
    },
    {
      says: "a cancel is the notification of a language server",
      from: "client",
      messages: [
        { kind: "cancel", id: 7 },
        { kind: "cancel", id: "1.0" },
      ],
      frames: [
        '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}',
        '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1.0}}',
      ],
    },
  ],
  { ids },
);
const cancelOne: Message = { kind: "cancel", id: 1 };
codecSuite(
  "JSON-RPC of MCP",
  make({ cancel: CANCELLED_NOTIFICATION, strict: true }),
  [
    {
      says: "a cancel is the notification of MCP",
      from: "server",
      messages: [cancelOne],
      frames: ['{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'],
    },
  ],
  { ids },
);
codecSuite(
  "JSON-RPC without cancel, verbatim",
  make({ cancel: false, errors: "verbatim" }),
  [{ says: "a cancel is not said", from: "client", messages: [cancelOne], frames: [] }],
  { ids, cancellers: [] },
);

const end = (role: Role, options: JsonRpcOptions = {}, limits = {}): End => new End(make(options), role, limits);
const decode = (frame: string, role: Role = "server", options: JsonRpcOptions = {}): readonly Message[] =>
  end(role, options).codec.decode(frame);

describe("ids", () => {
  const idTexts = fc.oneof(
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
    fc
      .string()
      .map((text) => `"${[...text].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`),
    fc.integer().map(String),
    fc.bigInt().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.tuple(fc.nat(), fc.constantFrom(".0", ".50", "e0", "E+2", "e-1")).map(([whole, rest]) => `${whole}${rest}`),
    fc.constantFrom("-0", "0", "0.0", "-0.0", "1e400", '""', '"\\/"', "9007199254740993", "9999999999999999"),
  );

  test("an id is echoed as it was written, wherever it stands and whatever surrounds it", () => {
    const spelling = fc.constantFrom('"id"', '"\\u0069d"', '"i\\u0064"', '"\\u0069\\u0064"');
    const blank = fc.constantFrom("", " ", "\t\r\n ");
    const noise = fc.oneof(JSON_VALUES, fc.constantFrom({ id: 1.5 }, { id: "\n" }, [{ id: -1 }], '"id":2.0', "\\"));
    void fc.assert(
      fc.property(
        idTexts,
        spelling,
        blank,
        noise,
        fc.nat(2),
        fc.boolean(),
        (id, key, space, params, place, batched) => {
          const members = [`"jsonrpc":${space}"2.0"`, '"method":"x"', `"params":${JSON.stringify([params])}`];
          members.splice(place, 0, `${space}${key}${space}:${space}${id}${space}`);
          const message = `{${members.join(`${space},`)}}`;
          const frame = batched
            ? `${space}[${space}{"jsonrpc":"2.0","method":"n","params":[{"id":1.0}]},${message}${space}]`
            : message;
          const { codec } = end("server");
          const [first] = codec.decode(frame);
          const call = (first?.kind === "batch" ? first.messages[1] : first) as CallMessage;
          expect(call.kind).toBe("call");
          const [reply] = codec.encode([{ kind: "result", id: call.id, value: 1, call }], () => undefined);
          expect(reply).toBe(`{"jsonrpc":"2.0","id":${id},"result":1}`);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("the last of several ids counts, also when it is the same number in another spelling", () => {
    expect(decode('{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}')).toMatchObject([{ kind: "call", id: 2 }]);
    expect(decode('{"jsonrpc":"2.0","id":1,"id":1.0,"method":"x"}')).toMatchObject([{ kind: "call", id: "1.0" }]);
    expect(decode('{"jsonrpc":"2.0","id":1.0,"id":1,"method":"x"}')).toMatchObject([{ kind: "call", id: 1 }]);
    expect(decode('{"jsonrpc":"2.0","id":1,"\\u0069d":1.0,"method":"x"}')).toMatchObject([{ kind: "call", id: "1.0" }]);
  });

  test("only the id of the message itself counts, not one in its params", () => {
    expect(decode('{"params":{"id":1.0},"id":1,"jsonrpc":"2.0","method":"x"}')).toMatchObject([
      { kind: "call", id: 1 },
    ]);
    expect(decode('{"params":{"id":1.0},"jsonrpc":"2.0","method":"x"}')).toMatchObject([{ kind: "notify" }]);
  });

  test('1, 1.0 and "1" are three ids, each with its own reply', () => {
    const { codec, link } = end("client");
    link.calls.set(1, callOf("a", []));
    for (const [text, id] of [
      ["1", 1],
      ["1.0", "1.0"],
      ['"1"', '"1"'],
    ] as const) {
      expect(codec.decode(`{"jsonrpc":"2.0","id":${text},"result":5}`)).toMatchObject([
        { kind: "result", id, value: 5 },
      ]);
    }
  });

  test("a cancel names its call as exactly as a request does", () => {
    for (const [text, id] of [
      ["1", 1],
      ["1.0", "1.0"],
      ['"a\\u0041"', '"a\\u0041"'],
      ['"x"', '"x"'],
      ["-3", "-3"],
    ] as const) {
      expect(decode(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":${text}}}`)).toEqual([
        { kind: "cancel", id },
      ]);
      const options = { cancel: CANCELLED_NOTIFICATION };
      const frame = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"id\\u0072","requestId":${text}}}`;
      expect(decode(frame, "client", options)).toEqual([{ kind: "cancel", id }]);
      expect(decode(`[${frame},{"jsonrpc":"2.0","method":"n"}]`, "server", options)).toMatchObject([
        { kind: "batch", messages: [{ kind: "cancel", id }, { kind: "notify" }] },
      ]);
    }
  });

  test("a cancel without a sound id, or as a call, is a request like any other", () => {
    for (const params of ["", ',"params":[1]', ',"params":{"id":null}', ',"params":{"id":[1]}', ',"params":{"ID":1}']) {
      expect(decode(`{"jsonrpc":"2.0","method":"$/cancelRequest"${params}}`)).toMatchObject([{ kind: "notify" }]);
    }
    expect(decode('{"jsonrpc":"2.0","id":1,"method":"$/cancelRequest","params":{"id":2}}')).toMatchObject([
      { kind: "call" },
    ]);
    expect(
      decode('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}', "server", { cancel: false }),
    ).toMatchObject([{ kind: "notify" }]);
  });
});

describe("replies", () => {
  const reply = (frame: string, options: JsonRpcOptions = {}): Message | undefined =>
    decode(frame, "client", options)[0];

  test("error objects of any form fail the call, and keep what they say", () => {
    const errorIn = (json: string): ErrorMessage => reply(`{"jsonrpc":"2.0","id":1,"error":${json}}`) as ErrorMessage;
    expect(errorIn('{"code":-32601,"message":"no","data":[1]}').error).toMatchObject({
      code: "unimplemented",
      message: "no",
      data: [1],
      wireCode: -32601,
    });
    expect(errorIn('{"code":"E_NO","message":7}').error).toMatchObject({
      code: "unknown",
      message: "",
      wireCode: "E_NO",
    });
    expect(errorIn('{"code":1e3}').error).toMatchObject({ code: "unknown", wireCode: 1000 });
    expect(errorIn("{}").error).toMatchObject({ code: "unknown", message: "", wireCode: undefined });
    expect(errorIn('{"code":{},"message":null,"data":null}').error).toMatchObject({ code: "unknown", data: null });
    expect(errorIn("5").error).toMatchObject({ message: "invalid error value", wireCode: -32700 });
    expect(errorIn("[]").error).toMatchObject({ message: "invalid error value" });
    expect(errorIn("false").error).toMatchObject({ message: "invalid error value" });
    expect(errorIn('{"code":1,"__proto__":{"code":2},"data":{"__proto__":3}}').error.wireCode).toBe(1);
  });

  test("an error in a reply wins over its result; neither of them is an empty result", () => {
    expect(reply('{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":5}}')).toMatchObject({
      kind: "error",
      error: { wireCode: 5 },
    });
    expect(reply('{"jsonrpc":"2.0","id":1,"error":null}')).toMatchObject({ kind: "result", id: 1, value: undefined });
    expect(reply('{"jsonrpc":"2.0","id":1}')).toMatchObject({ kind: "result", id: 1, value: undefined });
    expect(reply('{"jsonrpc":"2.0","id":1,"result":null}')).toMatchObject({ kind: "result", value: null });
    expect(reply('{"jsonrpc":"2.0","id":1,"result":false}')).toMatchObject({ kind: "result", value: false });
  });

  test("a reply of another version fails its call at the dialling end, and is taken at the accepting one", () => {
    expect(reply('{"id":1,"result":1}')).toMatchObject({
      kind: "error",
      id: 1,
      error: { message: "invalid version marker", executed: "yes" },
    });
    const { codec, link } = end("server");
    link.calls.set(1, callOf("cb", []));
    expect(codec.decode('{"id":1,"result":1}')).toMatchObject([{ kind: "result", id: 1, value: 1 }]);
    expect(codec.decode('{"id":1}')).toMatchObject([{ kind: "result", id: 1, value: undefined }]);
  });

  test("unknown members of a reply are ignored, and refused with strict", () => {
    const frame = '{"jsonrpc":"2.0","id":1,"result":1,"took":3}';
    expect(reply(frame)).toMatchObject({ kind: "result", value: 1 });
    expect(reply(frame, { strict: true })).toMatchObject({
      kind: "error",
      id: 1,
      error: { message: "extra fields in request", data: ["took"] },
    });
  });

  test("a reply to nothing is a reply at both ends, unless the accepting one is verbatim: there it is a bad request", () => {
    const strays = [
      '{"jsonrpc":"2.0","id":1,"result":5}',
      '{"jsonrpc":"2.0","id":1,"error":{"code":1}}',
      '{"jsonrpc":"2.0","id":null,"error":{"code":1}}',
      '{"jsonrpc":"2.0","result":5}',
    ];
    for (const frame of strays) {
      for (const role of ["client", "server"] as const)
        expect(["result", "error"]).toContain(decode(frame, role)[0]?.kind);
      expect(decode(frame, "client", { errors: "verbatim" })[0]?.kind).not.toBe("invalid");
      expect(decode(frame, "server", { errors: "verbatim" })).toMatchObject([
        { kind: "invalid", error: { message: "empty method name" } },
      ]);
    }
    expect(decode("[]", "client")).toMatchObject([{ kind: "error", id: null }]);
  });

  test("an array of replies is just replies; with a request among them it is a batch", () => {
    const replies = '{"jsonrpc":"2.0","id":1,"result":5},{"jsonrpc":"2.0","id":2,"result":6}';
    expect(decode(`[${replies}]`, "client").map(({ kind }) => kind)).toEqual(["result", "result"]);
    expect(decode(`[${replies},{"jsonrpc":"2.0","id":1,"method":"x"}]`, "client")).toMatchObject([
      { kind: "batch", messages: [{ kind: "result" }, { kind: "result" }, { kind: "call", id: 1 }] },
    ]);
  });
});

describe("errors", () => {
  const sent = (error: ErrorMessage["error"], options: JsonRpcOptions = {}): string | undefined =>
    end("server", options).codec.encode([{ kind: "error", id: 1, error, call: undefined }], () => undefined)[0] as
      | string
      | undefined;

  test("trace and executed travel in data where data is free, and come back out of it", () => {
    const frame = sent({ code: "internal", message: "Internal error", trace: "ab12", executed: "yes" });
    expect(frame).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error","data":{"trace":"ab12","executed":"yes"}}}',
    );
    expect(decode(frame ?? "", "client")).toMatchObject([
      { error: { code: "internal", trace: "ab12", executed: "yes", data: { trace: "ab12", executed: "yes" } } },
    ]);
    expect(sent({ code: "internal", message: "m", trace: "ab12", data: 0 })).toContain('"data":0}');
    expect(
      sent({ code: "internal", message: "m", trace: "ab12", executed: "no" }, { errors: "verbatim" }),
    ).not.toContain("data");
  });

  test("data that only looks like it is left alone", () => {
    for (const data of ['{"trace":"a","more":1}', '{"trace":1}', '{"executed":"maybe"}', '["trace"]', '"trace"']) {
      const [message] = decode(`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":${data}}}`, "client");
      expect(message).toMatchObject({ error: { data: JSON.parse(data), trace: undefined, executed: undefined } });
    }
  });

  test("a number that is no number is never sent", () => {
    expect(sent({ code: "aborted", message: "m", wireCode: Number.NaN })).toContain('"code":-32088');
    expect(sent({ code: "aborted", message: "m", wireCode: "E_ABORT" })).toContain('"code":-32088');
    expect(sent({ code: "aborted", message: "m", wireCode: 0 })).toContain('"code":0');
  });

  test("numbers of the user's stand for names, both ways", () => {
    const options = { numbers: { cancelled: -32800, not_found: -32001 } };
    expect(sent({ code: "cancelled", message: "m" }, options)).toContain('"code":-32800');
    expect(decode('{"jsonrpc":"2.0","id":1,"error":{"code":-32001}}', "client", options)).toMatchObject([
      { error: { code: "not_found" } },
    ]);
    expect(decode('{"jsonrpc":"2.0","id":1,"error":{"code":-32097}}', "client", options)).toMatchObject([
      { error: { code: "cancelled" } },
    ]);
  });
});

describe("what cannot be sent", () => {
  const failures = (value: unknown): unknown[] => {
    const it = end("server");
    it.encode([{ kind: "result", id: 1, value, call: undefined }]);
    return it.failed.map(({ reason }) => reason);
  };

  test("a result that JSON.stringify would drop or replace is handed back", () => {
    const values = [
      () => 1,
      Symbol("x"),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Map([[1, 2]]),
      new Set([1]),
      new Error("x"),
      Promise.resolve(1),
      1n,
      { toJSON: () => undefined },
    ];
    for (const value of values) expect(failures(value)).toHaveLength(1);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(failures(cycle)).toHaveLength(1);
    for (const value of [
      {},
      [],
      null,
      undefined,
      0,
      "",
      new Date(0),
      Object.create(null),
      { a: undefined },
      { toJSON: () => ({}) },
    ]) {
      expect(failures(value)).toEqual([]);
    }
  });

  test("params that turn into no array or object are handed back, and scalars are refused at once", () => {
    const it = end("client");
    expect(it.encode([callOf("a", new Date(0)), callOf("a", Object("text"))])).toEqual([]);
    expect(it.failed).toHaveLength(2);
    for (const params of [5, "x", true, Symbol("x"), 1n, () => 1]) {
      expect(it.codec.refuses?.(callOf("a", params))).toMatchObject({
        code: "invalid_argument",
        wireCode: -32600,
        executed: "no",
        message: "invalid parameters: array or object required",
      });
    }
    for (const params of [undefined, null, [], {}]) expect(it.codec.refuses?.(callOf("a", params))).toBeUndefined();
  });

  test("scalars may be pushed by a verbatim accepting end, as in jrpc2 (case 158)", () => {
    const it = end("server", { errors: "verbatim" });
    const note: Message = { kind: "notify", method: "n", params: 5, meta: undefined };
    expect(it.codec.refuses?.(note)).toBeUndefined();
    expect(it.encode([note])).toEqual(['{"jsonrpc":"2.0","method":"n","params":5}']);
  });

  test("a reply whose substitute fails too ends as a bare internal error", () => {
    const it = end("server");
    const bad: Message = {
      kind: "error",
      id: '"x"',
      error: { code: "internal", message: "m", data: 1n },
      call: undefined,
    };
    expect(it.encode([bad], () => bad)).toEqual([
      '{"jsonrpc":"2.0","id":"x","error":{"code":-32603,"message":"Internal error"}}',
    ]);
  });

  test("an id that is too long to be echoed is answered without", () => {
    const it = end("server");
    it.link.maxFrameBytes = 200;
    const id = `"${"x".repeat(300)}"`;
    const large: Message = { kind: "error", id, error: { code: "internal", message: "m" }, call: undefined };
    expect(it.encode([large], () => large)).toEqual([
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"Internal error"}}',
    ]);
  });

  test("a batch above the limit becomes several, and each stays what it is", () => {
    const it = end("server");
    it.link.maxFrameBytes = 100;
    const replies: Message[] = [1, 2, 3].map((id) => ({ kind: "result", id, value: "é".repeat(10), call: undefined }));
    const frames = it.encode([{ kind: "batch", messages: replies }]);
    expect(frames.map((frame) => (JSON.parse(frame as string) as unknown[]).length)).toEqual([1, 1, 1]);
    expect(it.failed).toEqual([]);
  });
});

describe("requests", () => {
  test("an id that is running is refused, and the running one is not disturbed", () => {
    const { codec, link } = end("server");
    link.incoming.add(1);
    expect(codec.decode('{"jsonrpc":"2.0","id":1,"method":"x"}')).toMatchObject([
      { kind: "invalid", id: 1, error: { message: "duplicate request ID", data: "1", wireCode: -32600 } },
    ]);
    expect(codec.decode('{"jsonrpc":"2.0","id":1.0,"method":"x"}')).toMatchObject([{ kind: "call", id: "1.0" }]);
  });

  test("members of a batch with one id are all refused, wherever they stand and whatever their id is", () => {
    const refused = (...ids: readonly string[]): unknown[] => {
      const records = ids.map((id) => `{"jsonrpc":"2.0","id":${id},"method":"x"}`);
      const [batch] = end("server").codec.decode(`[${records.join()}]`);
      if (batch?.kind !== "batch") throw new Error("That is no batch");
      return batch.messages.flatMap((each) => (each.kind === "invalid" ? [each.id] : []));
    };
    expect(refused("1", "2", "3")).toEqual([]);
    expect(refused("3", '"3"', "3.0", "-3", "1", "2")).toEqual([]);
    expect(refused("1", "2", "2", "3")).toEqual([2, 2]);
    expect(refused("5", "1", "9007199254740991", "5", "1", "5", '"5"', "9007199254740991")).toEqual([
      5, 1, 9007199254740991, 5, 1, 5, 9007199254740991,
    ]);
    expect(refused('"a"', "1", '"a"', "-7", "-7")).toEqual(['"a"', '"a"', "-7", "-7"]);
  });

  test("what is pushed to a verbatim dialling end is not checked, as in jrpc2 (case 169)", () => {
    const frame = '{"jsonrpc":"1.0","id":1,"method":"cb","params":5,"extra":1}';
    expect(decode(frame, "client", { errors: "verbatim", strict: true })).toMatchObject([
      { kind: "call", id: 1, method: "cb", params: 5 },
    ]);
    expect(decode(frame, "client")).toMatchObject([{ kind: "invalid", id: 1 }]);
    expect(decode(frame, "server", { errors: "verbatim" })).toMatchObject([{ kind: "invalid", id: 1 }]);
  });

  test("invalid UTF-8 is a parse error", () => {
    expect(
      end("server").codec.decode(Uint8Array.from([...bytesOf('{"jsonrpc":"2.0","id":1,"method":"'), 0xff, 0x22, 0x7d])),
    ).toMatchObject([{ kind: "invalid", id: null, error: { wireCode: -32700, message: "invalid request value" } }]);
  });

  test("a __proto__ key stays data: in params, and at the top level, where it lends no members", () => {
    const [call] = decode('{"jsonrpc":"2.0","id":1,"method":"x","params":{"__proto__":{"admin":true}}}') as [
      CallMessage,
    ];
    expect(Object.keys(call.params as object)).toEqual(["__proto__"]);
    expect((call.params as { admin?: boolean }).admin).toBeUndefined();
    expect(decode('{"__proto__":{"method":"x","jsonrpc":"2.0","id":1}}')).toMatchObject([
      { kind: "invalid", id: null, error: { message: "invalid version marker" } },
    ]);
  });

  test("a list of rubbish is not answered by fifty times its size", () => {
    const { codec } = end("server", {}, { maxWaiting: 10 });
    const members = ["1", "2"].concat(
      Array.from({ length: 30 }, () => "{}"),
      '{"jsonrpc":"2.0","id":1,"method":"x"}',
    );
    const [batch] = codec.decode(`[${members.join(",")}]`);
    expect(batch?.kind === "batch" && batch.messages.map(({ kind }) => kind)).toEqual([
      ...Array.from({ length: 10 }, () => "invalid"),
      "call",
    ]);
  });

  describe("with a polluted Object.prototype", () => {
    const prototype = Object.prototype as { method?: unknown; id?: unknown; error?: unknown };
    afterEach(() => {
      delete prototype.method;
      delete prototype.id;
      delete prototype.error;
    });

    test("only own members count", () => {
      prototype.method = "evil";
      prototype.id = 7;
      prototype.error = { code: 1 };
      expect(decode("{}")).toMatchObject([{ kind: "invalid", id: null, error: { message: "invalid version marker" } }]);
      expect(decode('{"jsonrpc":"2.0","method":"x"}')).toMatchObject([{ kind: "notify", method: "x" }]);
      expect(decode('{"jsonrpc":"2.0","id":1,"result":2}', "client")).toMatchObject([
        { kind: "result", id: 1, value: 2 },
      ]);
    });
  });
});

describe("messages beyond a limit", () => {
  const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
  const reason = new RpcError("resource_exhausted", "The frame is larger than 1000 bytes");
  const salvage = (head: string | Uint8Array, role: Role = "server"): Message | undefined =>
    end(role).codec.salvage?.(bytesOf(head), reason);

  test("a request that is nested too deep is refused by its id, wherever the id stands", () => {
    for (const frame of [
      `{"jsonrpc":"2.0","id":"a\\u0041","method":"x","params":${deep}}`,
      `{"jsonrpc":"2.0","method":"x","params":${deep},"id":"a\\u0041"}`,
    ]) {
      const [message] = decode(frame) as [InvalidMessage];
      expect(message).toMatchObject({
        kind: "invalid",
        id: '"a\\u0041"',
        error: { code: "resource_exhausted", wireCode: -32600, executed: "no" },
      });
      expect(message.error.message).toContain("128");
    }
  });

  test("a reply that is nested too deep ends its call at once: it ran, and its result is lost", () => {
    expect(decode(`{"jsonrpc":"2.0","result":${deep},"id":7}`, "client")).toMatchObject([
      { kind: "error", id: 7, error: { code: "resource_exhausted", executed: "yes" } },
    ]);
  });

  test("in a batch only the member that is too deep suffers", () => {
    const frame = `[{"jsonrpc":"2.0","id":1.0,"method":"x"},{"jsonrpc":"2.0","id":2,"method":"y","params":${deep}},${deep}]`;
    expect(decode(frame)).toMatchObject([
      {
        kind: "batch",
        messages: [
          { kind: "call", id: "1.0" },
          { kind: "invalid", id: 2 },
          { kind: "invalid", id: null },
        ],
      },
    ]);
  });

  test("too deep and no JSON is a parse error, or at least invalid; a million levels take no time", () => {
    expect(decode(`[${deep},]`)).toMatchObject([{ kind: "invalid", error: { wireCode: -32700 } }]);
    expect(decode("[".repeat(1e6))).toMatchObject([{ kind: "invalid", id: null }]);
    expect(decode(`{"id":1,"method":${'{"a":'.repeat(1e6)}`)).toMatchObject([{ kind: "invalid", id: 1 }]);
    expect(decode(`{"id":"\n","method":${'{"a":'.repeat(1e6)}`)).toMatchObject([{ kind: "invalid", id: null }]);
  });

  test("of a frame that was too large the beginning tells whose it was", () => {
    const params = `"params":["${"x".repeat(100)}`;
    expect(salvage(`{"jsonrpc":"2.0","id":7,"method":"x",${params}`)).toMatchObject({
      kind: "invalid",
      id: 7,
      error: { code: "resource_exhausted", message: reason.message },
    });
    expect(salvage(`{"jsonrpc":"2.0","id":7.0,${params}`)).toMatchObject({ kind: "invalid", id: "7.0" });
    expect(salvage('{"jsonrpc":"2.0","id":7,"result":["xx', "client")).toMatchObject({
      kind: "error",
      id: 7,
      error: { executed: "yes" },
    });
    expect(salvage('{"jsonrpc":"2.0","id":7,"error":{"co')).toMatchObject({ kind: "error", id: 7 });
    expect(salvage('{"jsonrpc":"2.0","method":"x","params":[')).toMatchObject({ kind: "invalid", id: null });
    expect(salvage('{"jsonrpc":"2.0","result":[')).toMatchObject({ kind: "error", id: null });
    expect(salvage('[{"jsonrpc":"2.0","id":1,"result":5},{"id":2,"resu')).toMatchObject({
      kind: "batch",
      messages: [{ kind: "error", id: 1 }, { id: 2 }],
    });
  });

  test("an id that is cut, or was no text, is no id", () => {
    for (const head of [
      '{"jsonrpc":"2.0","id":12',
      '{"jsonrpc":"2.0","id":"ab',
      '{"jsonrpc":"2.0","id":"ab\\"',
      '{"jsonrpc":"2.0","id',
      "",
      " ",
      "[",
      "{",
      '"id":1',
      '{"id":[1],"method":"x"',
      '{"id":nul,"method":"x"',
    ]) {
      expect(salvage(head)).toMatchObject({ kind: "invalid", id: null });
    }
    expect(
      salvage(Uint8Array.from([...bytesOf('{"id":"'), 0xe2, 0x82, ...bytesOf('","method":"x","params":[')])),
    ).toMatchObject({ id: null });
    const cut = bytesOf('{"id":5,"method":"x","params":["€');
    expect(salvage(cut.subarray(0, cut.length - 1))).toMatchObject({ id: 5 });
  });

  test("any beginning of any frame is one sound message", () => {
    void fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), fc.boolean(), (text, wrap) => {
        const message = salvage(wrap ? `{"jsonrpc":"2.0","id":${text}` : text);
        expect(["invalid", "error", "batch"]).toContain(message?.kind);
      }),
      { numRuns: 2000 },
    );
  });
});

test("both ends speak of the same call by the same id", () => {
  const ends = new Ends(make());
  const [arrived] = ends.pass("client", [callOf("a", { id: 1.5 }, 3)]) as [CallMessage];
  expect(arrived.id).toBe(3);
});

test("options that are wrong throw at once", () => {
  expect(() => dialectOf({ cancel: { method: "", key: "id" } })).toThrow(TypeError);
  expect(() => dialectOf({ cancel: { method: "x", key: 'a"b' } })).toThrow(TypeError);
  expect(() => dialectOf({ errors: "loud" as "plain" })).toThrow(TypeError);
  expect(() => dialectOf({ numbers: { aborted: 1.5 } })).toThrow(RangeError);
});
