import { describe, expect, test } from "vitest";
import { counted, toHex } from "../../test/gob/bytes.ts";
import {
  Big,
  dispatcherRequest,
  dispatcherResponse,
  Empty,
  MOMENT,
  MyMap,
  Pair,
  Rec,
  S,
  V,
  wireRequest,
  wireResponse,
} from "../../test/gob/described.ts";
import { RpcError } from "../core/errors.ts";
import { Encoder } from "./encoder.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

const BIG: gob.Infer<typeof Big> = {
  In: { P: 1, Q: Uint8Array.of(0x71) },
  Ins: [
    { P: null, Q: new Uint8Array() },
    { P: 1, Q: new Uint8Array() },
  ],
  M: new Map([["m", [3]]]),
  Arr: [false, true],
  Bytes: [1, 2, 3],
  Ptr: { P: null, Q: Uint8Array.of(0x72) },
  Any: V.of({ X: 3, Y: 4 }),
  T: MOMENT,
  F32: 1.5,
  U8: 255,
  C: { real: 0, imaginary: 2 },
  Anys: [V.of({ X: 5, Y: 6 }), MyMap.of(new Map([["u", 1]]))],
};

/** What the Go encoder cuts where an interface needs a new type. */
interface Cut {
  /** What stands in front of the first definition, in one message with it. */
  readonly start: string;
  readonly definitions: readonly string[];
  readonly rest: string;
}

// biome-ignore format: one row per call
const CALLS: readonly (readonly [call: string, request: unknown, bytes: string | Cut])[] = [
  ['Call string "hello"', "hello", { start: "", definitions: ["ff810301010b776972655265717565737401ff82000102010249440106000107526571756573740110000000"], rest: "ff8201010106737472696e670c07000568656c6c6f00" }],
  ['Call string "hello" again', "hello", "16ff8201020106737472696e670c07000568656c6c6f00"],
  ["Call int 1234", 1234, "10ff8201030103696e74040400fe09a400"],
  ["Call int -5", -5, "0eff8201040103696e740402000900"],
  ["Call int 0", 0, "0eff8201050103696e740402000000"],
  ['Call string ""', "", "11ff8201060106737472696e670c02000000"],
  ["Call bool false", false, "0fff8201070104626f6f6c0202000000"],
  ["Call bool true", true, "0fff8201080104626f6f6c0202000100"],
  ["Call float64 3.25", 3.25, "14ff8201090107666c6f61743634080400fe0a4000"],
  ["Call float64 0", gob.float64.of(0), "12ff82010a0107666c6f617436340802000000"],
  ["Call float32 0.1", gob.float32.of(0.1), "17ff82010b0107666c6f61743332080700fba09999b93f00"],
  ["Call float64 -Inf", Number.NEGATIVE_INFINITY, "14ff82010c0107666c6f61743634080400fef0ff00"],
  ["Call uint64 max", 2n ** 64n - 1n, "19ff82010d010675696e743634060a00f8ffffffffffffffff00"],
  ["Call int64 min", gob.int64.of(-(2n ** 63n)), "18ff82010e0105696e743634040a00f8ffffffffffffffff00"],
  ["Call uint8 200", gob.uint8.of(200), "11ff82010f010575696e7438060300ffc800"],
  ["Call complex128 (1+2i)", gob.complex128.of({ real: 1, imaginary: 2 }), "18ff820110010a636f6d706c65783132380e0500fef03f4000"],
  ["Call nil", null, "05ff82011100"],
  ['Call []byte "xyz"', new TextEncoder().encode("xyz"), "15ff82011201075b5d75696e74380a05000378797a00"],
  ['Call []string{"foo","bar"}', ["foo", "bar"], { start: "ff82011301085b5d737472696e67", definitions: ["ff83020102ff8400010c0000"], rest: "ff840a000203666f6f0362617200" }],
  ['Call []string{"foo","bar"} again', ["foo", "bar"], "1cff82011401085b5d737472696e67ff840a000203666f6f0362617200"],
  ["Call []int{0,1,-1}", [0, 1, -1], { start: "ff82011501055b5d696e74", definitions: ["ff85020102ff860001040000"], rest: "ff8605000300020100" }],
  ["Call []int{} (empty)", gob.slice(gob.int).of([]), "11ff82011601055b5d696e74ff8602000000"],
  ['Call map[string]int{"a":1}', gob.map(gob.string, gob.int).of(new Map([["a", 1]])), { start: "ff820117010e6d61705b737472696e675d696e74", definitions: ["ff87040102ff8800010c01040000"], rest: "ff8805000101610200" }],
  ["Call [3]int{1,0,2}", gob.array(3, gob.int).of([1, 0, 2]), { start: "ff82011801065b335d696e74", definitions: ["ff89010102ff8a00010401060000"], rest: "ff8a05000302000400" }],
  ['Call &S{7,"seven"}', S.of({ A: 7, B: "seven" }), { start: "ff82011901072a6d61696e2e53", definitions: ["ff8b030101015301ff8c000102010141010400010142010c000000"], rest: "ff8c0a010e0105736576656e0000" }],
  ['Call &S{8,"eight"} again', S.of({ A: 8, B: "eight" }), "1bff82011a01072a6d61696e2e53ff8c0a0110010565696768740000"],
  ['Call S{9,"nine"} by value', S.of({ A: 9, B: "nine" }), "1aff82011b01072a6d61696e2e53ff8c09011201046e696e650000"],
  ["Call &S{} zero", S.of({ A: 0, B: "" }), "12ff82011c01072a6d61696e2e53ff8c010000"],
  ["Call V{1,2} registered by value", V.of({ X: 1, Y: 2 }), { start: "ff82011d01066d61696e2e56", definitions: ["ff8d030101015601ff8e0001020101580104000101590104000000"], rest: "ff8e05010201040000" }],
  ['Call MyStr("m")', gob.named("main.MyStr", gob.string).of("m"), "16ff82011e010a6d61696e2e4d795374720c0300016d00"],
  ['Call MyMap{"k":5}', MyMap.of(new Map([["k", 5]])), { start: "ff82011f010a6d61696e2e4d794d6170", definitions: ["ff8f040101054d794d617001ff9000010c01040000"], rest: "ff90050001016b0a00" }],
  ["Call &Rec{1,&Rec{2,nil}}", Rec.of({ A: 1, Next: { A: 2, Next: null } }), { start: "ff82012001092a6d61696e2e526563", definitions: ["ff910301010352656301ff9200010201014101040001044e65787401ff92000000"], rest: "ff92070102010104000000" }],
  ["Call Empty{}", Empty.of({}), { start: "ff820121010a6d61696e2e456d707479", definitions: ["ff9303010105456d70747901ff94000000"], rest: "ff94010000" }],
  ["Call &time.Time", gob.pointer(time).of(MOMENT), { start: "ff820122010a2a74696d652e54696d65", definitions: ["ff95050102ff98000000"], rest: "ff9611000f010000000ed59f54a500000006ffff00" }],
  ['Call []interface{}{1,"a",nil,&S{1,"x"}}', gob.slice(gob.any).of([1, "a", null, S.of({ A: 1, B: "x" })]), { start: "ff820123010e5b5d696e74657266616365207b7d", definitions: ["ff99020102ff9a0001100000"], rest: "ff9a28000403696e740402000206737472696e670c0300016100072a6d61696e2e53ff8c0601020101780000" }],
  ['Call map[string]interface{}{"k":[]string{"z"}}', gob.map(gob.string, gob.any).of(new Map([["k", ["z"]]])), { start: "ff82012401176d61705b737472696e675d696e74657266616365207b7d", definitions: ["ff9b040102ff9c00010c01100000"], rest: "ff9c140001016b085b5d737472696e67ff84040001017a00" }],
  ['Call []*S{&S{1,"x"}}', [S.of({ A: 1, B: "x" })], { start: "ff82012501095b5d2a6d61696e2e53", definitions: ["ff9d020102ff9e0001ff8c0000"], rest: "ff9e08000101020101780000" }],
  ["Call &Big{...}", Big.of(BIG), { start: "ff82012601092a6d61696e2e426967", definitions: ["ff9f0301010342696701ffa000010c0102496e01ffa2000103496e7301ffa40001014d01ffa600010341727201ffa8000105427974657301ffaa00010350747201ffa2000103416e7901100001015401ff9600010346333201080001025538010600010143010e000104416e797301ff9a000000", "ffa103010105496e6e657201ffa2000102010150010400010151010a000000", "ffa30201010c5b5d6d61696e2e496e6e657201ffa40001ffa20000", "ffa5040101106d61705b737472696e675d5b5d696e7401ffa600010c01ff860000", "ffa7010101075b325d626f6f6c01ffa800010201040000", "ffa9010101085b335d75696e743801ffaa00010601060000"], rest: "ffa071010102010171000102000102000101016d0106010200010103010203010201720001066d61696e2e56ff8e050106010800010f010000000ed59f54a500000006ffff01fef83f01ffff0100400102066d61696e2e56ff8e05010a010c000a6d61696e2e4d794d6170ff900500010175020000" }],
  ["Call &Big{} zero", Big.of({} as gob.Infer<typeof Big>), "1fff82012701092a6d61696e2e426967ffa00c01000302000001030000000000"],
  ['Send "fire"', "fire", "13ff820206737472696e670c0600046669726500"],
  ['Call string "panic!" (handler panics)', "panic!", "17ff8201280106737472696e670c08000670616e69632100"],
  ['Call string "ok" after panic', "ok", "13ff8201290106737472696e670c0400026f6b00"],];

describe("gorpc's captures", () => {
  test("rules 15, 18-22, 25, 31: every call in its order, on one stream, has the ids and bytes that Go gave it", () => {
    const encoder = new Encoder();
    let id = 0n;
    for (const [call, Request, bytes] of CALLS) {
      const actual = toHex(encoder.encode(wireRequest, { ID: call.startsWith("Send") ? 0n : ++id, Request }));
      if (typeof bytes === "string") expect(actual, call).toBe(bytes);
      else {
        const { start, definitions, rest } = bytes;
        expect(actual, call).toBe(definitions.map(counted).join("") + counted(start + rest));
      }
    }
  });

  test("the same calls added first and taken together are the same bytes", () => {
    const [one, all] = [new Encoder(), new Encoder()];
    let separate = "";
    for (const [, Request] of CALLS) {
      separate += toHex(one.encode(wireRequest, { ID: 1n, Request }));
      all.add(wireRequest, { ID: 1n, Request });
    }
    expect(all.size).toBe(separate.length / 2);
    expect(toHex(all.take())).toBe(separate);
    expect(all.size).toBe(0);
  });

  test("rule 31: a small session: a request, one without a reply, nil, and nothing at all", () => {
    const encoder = new Encoder();
    const say = (ID: bigint, Request: unknown): string => toHex(encoder.encode(wireRequest, { ID, Request }));
    expect(say(1n, "hello")).toBe(
      "2cff810301010b776972655265717565737401ff8200010201024944010600010752657175657374011000000016ff8201010106737472696e670c07000568656c6c6f00",
    );
    expect(say(0n, "fire")).toBe("13ff820206737472696e670c0600046669726500");
    expect(say(17n, null)).toBe("05ff82011100");
    expect(say(0n, undefined)).toBe("03ff8200");
  });

  test("rules 19, 32: a dispatcher's request and reply", () => {
    const requests = new Encoder();
    const ask = (ID: bigint, Name: string, Request: unknown): string =>
      toHex(requests.encode(wireRequest, { ID, Request: dispatcherRequest.of({ Request, Name }) }));
    expect(ask(1n, ".Echo", "hi")).toBe(
      counted("ff810301010b776972655265717565737401ff82000102010249440106000107526571756573740110000000") +
        counted(
          "ff8303010111646973706174636865725265717565737401ff8400010201075265717565737401100001044e616d65010c000000",
        ) +
        "38ff82010101182a676f7270632e6469737061746368657252657175657374ff84160106737472696e670c040002686901052e4563686f0000",
    );
    expect(ask(2n, ".Echo", "hi")).toBe(
      "38ff82010201182a676f7270632e6469737061746368657252657175657374ff84160106737472696e670c040002686901052e4563686f0000",
    );
    // With the definition in front, the count of the outer interface is whole: rule 23's is not.
    expect(ask(3n, ".Add", Pair.of({ A: 2, B: 3 }))).toBe(
      counted("ff85030101045061697201ff860001020101410104000101420104000000") +
        "3dff82010301182a676f7270632e6469737061746368657252657175657374ff841b010a2a6d61696e2e50616972ff8605010401060001042e4164640000",
    );
    expect(ask(4n, ".Add", Pair.of({ A: 2, B: 3 }))).toBe(
      "3dff82010401182a676f7270632e6469737061746368657252657175657374ff841b010a2a6d61696e2e50616972ff8605010401060001042e4164640000",
    );
    expect(ask(6n, ".Fail", null)).toBe(
      "2aff82010601182a676f7270632e6469737061746368657252657175657374ff840802052e4661696c0000",
    );

    const replies = new Encoder();
    const reply = (ID: bigint, Response: unknown, error = ""): string =>
      toHex(
        replies.encode(wireResponse, { ID, Response: dispatcherResponse.of({ Response, Error: error }), Error: "" }),
      );
    expect(reply(1n, "hi")).toBe(
      counted(
        "ff810301010c77697265526573706f6e736501ff82000103010249440106000108526573706f6e736501100001054572726f72010c000000",
      ) +
        counted(
          "ff830301011264697370617463686572526573706f6e736501ff840001020108526573706f6e736501100001054572726f72010c000000",
        ) +
        "32ff82010101192a676f7270632e64697370617463686572526573706f6e7365ff840f0106737472696e670c04000268690000",
    );
    expect(reply(6n, null, "failed")).toBe(
      "2cff82010601192a676f7270632e64697370617463686572526573706f6e7365ff840902066661696c65640000",
    );
    expect(reply(7n, null)).toBe("24ff82010701192a676f7270632e64697370617463686572526573706f6e7365ff84010000");
  });
});

describe("limits and failures", () => {
  test("a message larger than maxMessageBytes is refused, to the byte", () => {
    const encoder = new Encoder({ maxMessageBytes: 100 });
    const refused = expect.objectContaining({ code: "resource_exhausted" });
    // Id, zero and count.
    expect(encoder.encode(gob.string, "x".repeat(97))).toHaveLength(101);
    expect(() => encoder.encode(gob.string, "x".repeat(98))).toThrow(refused);
    expect(() => encoder.encode(gob.string, "x".repeat(100_000))).toThrow(refused);
    expect(() => encoder.encode(gob.bytes, new Uint8Array(100_000))).toThrow(refused);
    expect(() => encoder.encode(gob.slice(gob.string), new Array(100_000).fill("x"))).toThrow(RpcError);
    for (let i = 0; i < 100; i++) encoder.add(gob.string, "x".repeat(97));
    expect(encoder.take()).toHaveLength(101 * 100);
  });

  test("the limit may change while the stream goes on", () => {
    const encoder = new Encoder({ maxMessageBytes: 5 });
    expect(() => encoder.add(gob.string, "abc")).toThrow(RpcError);
    encoder.maxMessageBytes = 6;
    expect(encoder.encode(gob.string, "abc")).toHaveLength(7);
    expect(() => {
      encoder.maxMessageBytes = 0;
    }).toThrow(RangeError);
  });

  test("a value that grows without end is refused before memory is", () => {
    const wide: unknown[] = [];
    const list = gob.slice(gob.any).of(wide);
    let value: unknown = list;
    for (let i = 0; i < 30; i++) value = gob.slice(gob.any).of([value, value]);
    expect(() => new Encoder().encode(gob.any, value)).toThrow(RpcError);
    expect(() => new Encoder().encode(gob.struct("", { F: gob.array(2 ** 40, gob.bool) }), {} as never)).toThrow(
      RpcError,
    );
  });

  test("a value that cannot be encoded leaves no trace: not in the bytes, not in the types, not in the ids", () => {
    const [tried, untried] = [new Encoder(), new Encoder()];
    const bad: readonly [gob.AnyType, unknown][] = [
      [wireRequest, { ID: 1n, Request: gob.slice(gob.any).of([Pair.of({ A: 1, B: 1 }), time.of(MOMENT), () => 1]) }],
      [wireRequest, { ID: 1n, Request: gob.slice(gob.any).of([gob.pointer(time).of(MOMENT), "x".repeat(9000)]) }],
      [Big, { In: 5 }],
      [Rec, { Next: { Next: 5 } }],
    ];
    const good = CALLS.map(([, Request]) => ({ ID: 1n, Request }));
    const limited = new Encoder({ maxMessageBytes: 1000 });
    for (const value of good) {
      for (const [type, wrong] of bad) {
        expect(() => limited.add(type, wrong)).toThrow();
        if (type === wireRequest) continue;
        expect(() => tried.add(type, wrong)).toThrow(TypeError);
      }
      for (const encoder of [tried, untried, limited]) encoder.add(wireRequest, value);
    }
    const expected = toHex(untried.take());
    expect(toHex(tried.take())).toBe(expected);
    expect(toHex(limited.take())).toBe(expected);
  });

  test("what a value's own code throws is thrown on, and leaves no trace either", () => {
    const encoder = new Encoder();
    const thrown = new Error("from a getter");
    const value = {
      get X(): number {
        throw thrown;
      },
      Y: 1,
    };
    expect(() => encoder.add(V, value)).toThrow(thrown);
    expect(encoder.size).toBe(0);
    expect(toHex(encoder.encode(V, { X: 1, Y: 0 }))).toBe(toHex(new Encoder().encode(V, { X: 1, Y: 0 })));
  });

  test("a value may not use the encoder that it is encoded by", () => {
    const encoder = new Encoder();
    const value = {
      get X(): number {
        encoder.add(gob.int, 1);
        return 1;
      },
      Y: 1,
    };
    expect(() => encoder.add(V, value)).toThrow("An Encoder cannot be used by a value that it is just encoding");
    encoder.add(gob.int, 1);
    expect(toHex(encoder.take())).toBe("03040002");
  });

  test("a type that cannot be made ready is tried anew with the next value", () => {
    const encoder = new Encoder();
    let fails = true;
    const Late: gob.GobType<{ A: number }> = gob.struct("main.Late", { A: gob.int });
    const Holder = gob.struct("main.Holder", {
      List: gob.slice(Late),
      Late: gob.lazy(() => {
        if (fails) throw new ReferenceError("not described yet");
        return Late;
      }),
    });
    const value = { List: [{ A: 1 }], Late: { A: 2 } };
    expect(() => encoder.add(Holder, value)).toThrow(ReferenceError);
    fails = false;
    expect(toHex(encoder.encode(Holder, value))).toBe(toHex(new Encoder().encode(Holder, value)));
  });

  test("limits are checked when it is made", () => {
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Encoder({ maxMessageBytes: bad })).toThrow(RangeError);
      expect(() => new Encoder({ maxDepth: bad })).toThrow("maxDepth must be a whole number above 0");
    }
  });
});
