import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callOf, End, Ends } from "../../../test/codecs/ends.ts";
import { codecSuite } from "../../../test/suites/codec-suite.ts";
import type { CodecLink } from "../../core/codec.ts";
import type { CallMessage, Message } from "../../core/message.ts";
import { textOf } from "../../core/text.ts";
import type { BodyName } from "./body.ts";
import { NativeCodec } from "./codec.ts";

const json = (link: CodecLink) => new NativeCodec(link, { body: "json" });
const msgpack = (link: CodecLink) => new NativeCodec(link, { body: "msgpack" });

/** What only the binary body carries; invalid dates are no values. */
const VALUES = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withTypedArray: false,
    withNullPrototype: false,
    withSparseArray: false,
    withObjectString: false,
    key: fc.string({ unit: "grapheme" }),
    values: [
      fc.string({ unit: "grapheme" }),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined, Number.NaN, -0, 2n ** 70n, -(2n ** 70n), 2 ** 32, -(2 ** 31)),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ minLength: 30, maxLength: 300 }),
    ],
  })
  .filter((value) => !hasInvalidDate(value));

const JSON_CALL = callOf("math.add", [1, "é"], 7);

codecSuite("native, body json", json, [
  {
    says: "one flush is one list",
    from: "client",
    messages: [
      JSON_CALL,
      { kind: "notify", method: "log", params: undefined, meta: undefined },
      { kind: "cancel", id: 7 },
    ],
    frames: ['[19,7,"math.add",[1,"é"],20000,24,"log",3,7]'],
  },
]);
codecSuite(
  "native, body msgpack",
  msgpack,
  [
    {
      says: "one flush is one list",
      from: "client",
      messages: [JSON_CALL, { kind: "cancel", id: 300 }],
      frames: [
        Uint8Array.of(19, 7, 0xa8, ...bytes("math.add"), 0x92, 1, 0xa2, 0xc3, 0xa9, 0xcd, 0x4e, 0x20, 3, 0xcd, 1, 44),
      ],
    },
  ],
  { params: VALUES, values: VALUES, unencodable: () => {} },
);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function hasInvalidDate(value: unknown): boolean {
  if (value instanceof Date) return Number.isNaN(value.getTime());
  if (value instanceof Map) return [...value].some((entry) => hasInvalidDate(entry));
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  return Object.values(value).some(hasInvalidDate);
}

/** What arrives of messages over an open link. */
function passed(body: BodyName, ...messages: readonly Message[]): Message[] {
  return new Ends((link) => new NativeCodec(link, { body })).pass("client", messages);
}

describe.each(["json", "msgpack"] as const)("the native codec with body %s", (body) => {
  test("carries every field of every kind", () => {
    const messages: Message[] = [
      { kind: "call", id: 1, method: "a", params: { b: 1 }, timeoutMs: 1500, meta: { trace: "x" } },
      { kind: "call", id: "x", method: "", params: undefined, timeoutMs: undefined, meta: undefined },
      { kind: "notify", method: "n", params: [null], meta: { a: "b" } },
      { kind: "result", id: 1, value: { ok: true }, call: undefined },
      { kind: "result", id: 2, value: undefined, call: undefined },
      { kind: "result", id: 3, value: null, call: undefined },
      {
        kind: "error",
        id: 4,
        error: {
          code: "not_found",
          message: "no",
          data: { why: [1] },
          details: [{ a: 1 }],
          trace: "t",
          timestamp: 5,
          executed: "yes",
          wireCode: -32000,
        },
        call: undefined,
      },
      { kind: "cancel", id: 9 },
      { kind: "ping", token: 3 },
      { kind: "pong", token: "a" },
      { kind: "goodbye", text: "later", redialAfterMs: 100 },
    ];
    expect(passed(body, ...messages)).toEqual(messages);
  });

  test("the time that a caller has left is sent as whole milliseconds, never less than there is", () => {
    const call: Message = { kind: "call", id: 1, method: "a", params: undefined, timeoutMs: 0.2, meta: undefined };
    expect(passed(body, call)).toMatchObject([{ timeoutMs: 1 }]);
  });

  test("an error without more is its code and message; a code that is no name is unknown", () => {
    const ends = new Ends((link) => new NativeCodec(link, { body }));
    const [error] = ends.pass("server", [
      { kind: "error", id: null, error: { code: "odd" as never, message: "m" }, call: undefined },
    ]);
    expect(error).toMatchObject({ kind: "error", id: null, error: { code: "unknown", message: "m" } });
  });

  test("what is wrong with a call is said to its caller, and its neighbours are served", () => {
    const wrong = (fields: object) => ({ kind: "call", id: 1, method: "a", ...fields }) as Message;
    const cases = [{ method: 5 }, { timeoutMs: -5, params: 1 }, { meta: { a: 1 } }, { meta: ["a"] }];
    for (const fields of cases) {
      const arrived = passed(body, wrong(fields), callOf("b", [2], 2));
      expect(arrived).toMatchObject([
        { kind: "invalid", id: 1, error: { code: "invalid_argument" } },
        { kind: "call", id: 2 },
      ]);
    }
  });

  test("the id of a call that runs or stands in the same frame is refused", () => {
    const ends = new Ends((link) => new NativeCodec(link, { body }));
    ends.server.link.incoming.add(8);
    const kinds = ends
      .pass(
        "client",
        [3, 4, 3, 8, 5, 5].map((id) => callOf("a", [], id)),
      )
      .map(({ kind }) => kind);
    expect(kinds).toEqual(["call", "call", "invalid", "invalid", "call", "invalid"]);
  });

  test("a frame full of calls costs time in proportion to its size, whatever their ids", () => {
    const ends = new Ends((link) => new NativeCodec(link, { body }));
    const began = performance.now();
    for (const id of [(n: number) => 100_000 - n, (n: number) => `x${n}`, () => 1]) {
      const calls = Array.from({ length: 100_000 }, (_, n) => callOf("a", undefined, id(n)));
      expect(ends.pass("client", calls)).toHaveLength(100_000);
    }
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("the depth that the other side takes bounds what is sent to it", () => {
    const ends = new Ends((link) => new NativeCodec(link, { body }), { open: false });
    Object.assign(ends.server.link.limits, { maxDepth: 3 });
    ends.pass("client", [{ kind: "hello", hello: {} }]);
    ends.pass("server", [{ kind: "welcome", hello: {} }]);
    expect(ends.pass("client", [callOf("a", [[[1]]], 1), callOf("a", [[[[1]]]], 2)])).toMatchObject([{ id: 1 }]);
    expect(ends.client.failed).toMatchObject([{ reason: { code: "resource_exhausted" } }]);
  });

  test("a loop in a value is refused, not followed", () => {
    const ends = new Ends((link) => new NativeCodec(link, { body }));
    const loop: unknown[] = [];
    loop.push(loop);
    expect(ends.pass("client", [callOf("a", loop)])).toEqual([]);
    expect(ends.client.failed).toMatchObject([{ reason: { code: "resource_exhausted" } }]);
  });

  test("frames that nest deeper than the limit end the link", () => {
    const deep = body === "json" ? `[25,"a",${"[".repeat(200)}${"]".repeat(200)}]` : new Uint8Array(200).fill(0x91);
    const end = new End((link) => new NativeCodec(link), "server");
    expect(() => end.decode(typeof deep === "string" ? [deep] : [Uint8Array.of(25, 0xa1, 97, ...deep)])).toThrow(
      "deeper",
    );
  });

  test("the key __proto__ is a key", () => {
    const params: unknown = JSON.parse('{"__proto__":{"admin":true}}');
    const [call] = passed(body, callOf("a", params)) as CallMessage[];
    expect(Object.getPrototypeOf(call?.params)).toBe(Object.prototype);
    expect(JSON.stringify(call?.params)).toBe('{"__proto__":{"admin":true}}');
  });
});

test("an end that wants to know who dials is understood by one that has no authenticator", () => {
  for (const frame of [
    '{"error":{"code":"unauthenticated","message":"Show a token\\u001b"}}',
    bytes('{"error":{"message":"Show a token\\u001b"}}'),
  ]) {
    const said = "The other side wants to know who this end is (option authenticator): Show a token\\u001b";
    expect(() => new End(msgpack, "client").decode([frame])).toThrow(said);
  }
  expect(() => new End(msgpack, "client").decode(["{}"])).toThrow("A frame must be a list");
});

test("a text of an error that was cut in the middle of a character keeps its code", () => {
  const ends = new Ends(msgpack);
  const [call] = ends.pass("client", [callOf("m", {}, 1)]) as [CallMessage];
  const cut: Message = { kind: "error", id: 1, error: { code: "not_found", message: "no \ud83d" }, call };
  expect(ends.pass("server", [cut])).toMatchObject([{ error: { code: "not_found", message: "no \ufffd" } }]);
});

describe("what a body cannot carry", () => {
  const refused = (body: BodyName, value: unknown): string => {
    const ends = new Ends((link) => new NativeCodec(link, { body }));
    expect(ends.pass("client", [callOf("a", [value])])).toEqual([]);
    return String(ends.client.failed[0]?.reason);
  };

  test.each([Number.NaN, Infinity, 1n, new Date(0), new Map(), new Uint8Array(2), [undefined]])(
    "json refuses %s and names the other body",
    (value) => {
      expect(refused("json", value)).toContain('native({ body: "msgpack" })');
    },
  );

  test.each([new Set([1]), /x/, new Error("x"), Promise.resolve(), new Float64Array(1), () => 1, Symbol("x")])(
    "%s is refused by both",
    (value) => {
      for (const body of ["json", "msgpack"] as const) expect(refused(body, value)).toContain("cannot be sent");
    },
  );

  test("msgpack refuses an invalid date and half a surrogate pair", () => {
    expect(refused("msgpack", new Date(Number.NaN))).toContain("invalid Date");
    expect(refused("msgpack", "\ud800")).toContain("surrogate");
  });

  test("members that are undefined are left out by json and kept by msgpack", () => {
    const of = (body: BodyName) => (passed(body, callOf("a", { b: undefined })) as CallMessage[])[0]?.params ?? {};
    expect(Object.keys(of("json"))).toEqual([]);
    expect(Object.keys(of("msgpack"))).toEqual(["b"]);
  });

  test("an object of a class goes as its members, or as what its toJSON says", () => {
    class Point {
      x = 1;
      hidden = (): number => this.x;
    }
    class Money {
      toJSON(): string {
        return "5 €";
      }
    }
    for (const body of ["json", "msgpack"] as const) {
      expect(passed(body, callOf("a", [new Money()]))).toMatchObject([{ params: ["5 €"] }]);
      expect(passed(body, callOf("a", [{ b: 1, toJSON: () => [2] }]))).toMatchObject([{ params: [[2]] }]);
      expect(refused(body, new Point())).toContain("function");
    }
  });
});

describe("hello and welcome", () => {
  /** Which body both ends write after an opening between such ends. */
  function agreed(client: BodyName | undefined, server: BodyName | undefined): string[] {
    const make = (body: BodyName | undefined) => (link: CodecLink) => new NativeCodec(link, { body });
    const near = new End(make(client), "client");
    const far = new End(make(server), "server");
    far.decode(near.encode([{ kind: "hello", hello: { name: "ann" } }]));
    near.decode(far.encode([{ kind: "welcome", hello: {} }]));
    return [near, far].map((end) => (typeof end.encode([callOf("a", [])])[0] === "string" ? "json" : "msgpack"));
  }

  test("when one end asks for a body both write it, and the accepter's wish goes first", () => {
    expect(agreed(undefined, undefined)).toEqual(["msgpack", "msgpack"]);
    expect(agreed("json", undefined)).toEqual(["json", "json"]);
    expect(agreed(undefined, "json")).toEqual(["json", "json"]);
    expect(agreed("json", "msgpack")).toEqual(["msgpack", "msgpack"]);
  });

  test("say who is there and what it takes", () => {
    const end = new End((link) => new NativeCodec(link), "client", { maxFrameBytes: 1000, maxDepth: 9 });
    const [frame] = end.encode([{ kind: "hello", hello: { name: "ann", labels: { zone: "a" }, heartbeatMs: 5 } }]);
    expect(JSON.parse(textOf(frame ?? ""))).toEqual([
      1,
      {
        versions: [1],
        bodies: ["msgpack", "json"],
        maxFrameBytes: 1000,
        maxDepth: 9,
        name: "ann",
        labels: { zone: "a" },
        heartbeatMs: 5,
      },
    ]);
  });

  test.each([
    ["another version", '[1,{"versions":[2],"bodies":["json"]}]'],
    ["no body that we read", '[1,{"versions":[1],"bodies":["xml"]}]'],
    ["no object", "[1,5]"],
    ["nothing", "[1]"],
  ])("with %s the link ends", (_, frame) => {
    expect(() => new End((link) => new NativeCodec(link), "server").decode([frame])).toThrow();
  });

  test("fields of another type count as absent", () => {
    const fields =
      '{"versions":[1,2],"bodies":["xml","json"],"name":5,"labels":{"a":1},"maxFrameBytes":"4","heartbeatMs":-1}';
    expect(new End((link) => new NativeCodec(link), "server").decode([`[1,${fields}]`])).toEqual([
      { kind: "hello", hello: {} },
    ]);
  });
});
