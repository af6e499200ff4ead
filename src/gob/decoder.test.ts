import { describe, expect, test } from "vitest";
import { counted, fromHex, messagesIn, signed, text, unsigned } from "../../test/gob/bytes.ts";
import { holds, ID, singleton, sliceType, structType, structValue } from "../../test/gob/definitions.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import * as gob from "./type.ts";

const ended = expect.objectContaining({ code: "data_loss" });
const exhausted = expect.objectContaining({ code: "resource_exhausted" });
const Request = gob.struct("gorpc.wireRequest", { ID: gob.uint64, Request: gob.any });
const REQUEST = structType(65, "wireRequest", [
  ["ID", ID.uint],
  ["Request", ID.interface],
]);
/** Captured: []string{"foo","bar"}, which is new to the stream, in two messages (rule 22). */
const CUT = ["1aff82011301085b5d737472696e67ff83020102ff8400010c0000", "0eff840a000203666f6f0362617200"] as const;
const FOO = { ID: 19n, Request: ["foo", "bar"] };

describe("messages (rules 13, 14 and 24)", () => {
  test("a definition gives no value, a value gives itself", () => {
    const decoder = new Decoder();
    expect(decoder.message(fromHex(REQUEST), Request)).toBeUndefined();
    expect(decoder.message(fromHex("05ff82011100"), Request)).toEqual({
      value: { ID: 17n, Request: null },
      misfit: undefined,
    });
    decoder.end();
  });

  test("a message is just its bytes", () => {
    for (const hex of ["", "05ff820111", "05ff8201110000", "00", "fe", `${unsigned(2n ** 40n)}`]) {
      const decoder = new Decoder();
      decoder.message(fromHex(REQUEST), Request);
      expect(() => decoder.message(fromHex(hex), Request)).toThrow(expect.objectContaining({ name: "RpcError" }));
    }
    // A value that is shorter than its message.
    expect(() => new Decoder().message(fromHex("04 04 00 02 02"), gob.int)).toThrow(ended);
    // An interface, which is never at the top.
    expect(() => new Decoder().push(fromHex(`${singleton(ID.interface, holds("int", ID.int, "02"))}`))).toThrow(ended);
    // Without its mark.
    expect(() => new Decoder().message(fromHex("03 04 01 02"), gob.int)).toThrow(ended);
  });

  test("bytes go on behind a definition only inside a value", () => {
    expect(() => new Decoder().push(fromHex(counted(`${REQUEST.slice(2)}00`)))).toThrow(ended);
  });

  test("the bytes stay the caller's", () => {
    const decoder = new Decoder();
    const bytes = fromHex(singleton(ID.bytes, "020102"));
    const decoded = decoder.message(bytes, gob.bytes);
    bytes.fill(0);
    expect(decoded?.value).toEqual(Uint8Array.of(1, 2));
    // Those of a piece, too.
    decoder.push(fromHex(REQUEST));
    const piece = fromHex(CUT[0]);
    expect(decoder.message(piece, Request)).toBeUndefined();
    piece.fill(0);
    expect(decoder.message(fromHex(CUT[1]), Request)?.value).toEqual(FOO);
  });

  test("each type with which values are read has its own decoder", () => {
    const decoder = new Decoder();
    const One = gob.struct("main.A", { ID: gob.uint });
    decoder.push(fromHex(REQUEST));
    const value = fromHex("05ff82011100");
    for (let times = 0; times < 3; times++) {
      expect(decoder.message(value, Request)?.value).toEqual({ ID: 17n, Request: null });
      expect(decoder.message(value, One)?.value).toEqual({ ID: 17 });
      expect(decoder.push(value)).toEqual([{ ID: 17, Request: null }]);
    }
  });
});

describe("a stream", () => {
  const stream = fromHex(`${REQUEST}16ff8202010106737472696e670c07000568656c6c6f00`.replace("ff820201", "ff820102"));
  const values = [{ ID: 2n, Request: "hello" }];

  test("may come byte by byte, all at once, and in any two pieces", () => {
    const all = fromHex(`${REQUEST}${CUT.join("")}05ff82011100`);
    const expected = [FOO, { ID: 17n, Request: null }];
    expect(new Decoder().push(all, Request)).toEqual(expected);
    for (let cut = 0; cut <= all.length; cut++) {
      const decoder = new Decoder();
      const first = decoder.push(all.slice(0, cut), Request);
      expect([...first, ...decoder.push(all.slice(cut), Request)]).toEqual(expected);
      decoder.end();
    }
    const bytewise = new Decoder();
    const got = [...all].flatMap((byte) => bytewise.push(Uint8Array.of(byte), Request));
    expect(got).toEqual(expected);
    bytewise.end();
    expect(new Decoder().push(stream, Request)).toEqual(values);
  });

  test("chunks stay the caller's", () => {
    const decoder = new Decoder();
    const chunk = stream.slice(0, 50);
    expect(decoder.push(chunk, Request)).toEqual([]);
    chunk.fill(0);
    expect(decoder.push(stream.slice(50), Request)).toEqual(values);
  });

  test("must not end inside a message or a value", () => {
    const inMessage = new Decoder();
    inMessage.push(stream.slice(0, -1));
    expect(() => inMessage.end()).toThrow("ended inside a message");
    const inValue = new Decoder();
    inValue.push(fromHex(`${REQUEST}${CUT[0]}`));
    expect(() => inValue.end()).toThrow("ended inside a value");
  });

  test("has no misfits", () => {
    expect(() => new Decoder().push(fromHex(singleton(ID.int, signed(128))), gob.int8)).toThrow(
      expect.objectContaining({ code: "out_of_range", message: "value: 128 does not fit int8" }),
    );
  });

  test("that has failed fails again, with the same error, whatever comes", () => {
    const decoder = new Decoder();
    const errors = [fromHex("0100"), fromHex(REQUEST), fromHex("")].map((chunk) => {
      try {
        return decoder.push(chunk);
      } catch (thrown) {
        return thrown;
      }
    });
    expect(errors[0]).toEqual(ended);
    expect(errors[1]).toBe(errors[0]);
    expect(errors[2]).toBe(errors[0]);
    expect(() => decoder.message(fromHex(REQUEST), Request)).toThrow(ended);
    expect(() => decoder.end()).toThrow(ended);
  });
});

describe("values in several messages (rules 22 to 24)", () => {
  const Many = gob.struct("main.Many", { List: gob.slice(gob.any), Last: gob.int });
  const MANY = `${structType(65, "Many", [
    ["List", 66],
    ["Last", ID.int],
  ])}${sliceType(66, ID.interface)}`;
  /** A list of so many slices of new types: each ends a message, and the last one goes on to the end. */
  const many = (count: number, padding = ""): string[] => [
    counted(`ff82 01 ${unsigned(count)} ${text(`a0${padding}`)} ${sliceType(100, ID.int).slice(2)}`),
    ...Array.from({ length: count - 1 }, (_, at) =>
      counted(`${signed(100 + at)} 03 000102 ${text(`a${at + 1}`)} ${longSlice(101 + at)}`),
    ),
    counted(`${signed(99 + count)} 03 000102 01 0e 00`),
  ];
  const longSlice = (id: number): string => {
    const [message = new Uint8Array()] = messagesIn(fromHex(sliceType(id, ID.int)));
    return Array.from(message.subarray(1), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  test("are read when the last one has come, whatever counts stand in the first", () => {
    for (const count of [1, 2, 3, 50]) {
      const decoder = new Decoder();
      decoder.push(fromHex(MANY));
      const messages = many(count);
      const got = messages.map((message) => decoder.message(fromHex(message), Many));
      expect(got.slice(0, -1).every((each) => each === undefined)).toBe(true);
      expect(got.at(-1)?.value).toEqual({ List: Array.from({ length: count }, () => [1]), Last: 7 });
      // The definitions inside were taken once, and stay.
      const next = structValue(65, `01 01 ${holds("a0", 99 + count, "0104")} 00`);
      expect(decoder.push(fromHex(next), Many)).toEqual([{ List: [[2]], Last: 0 }]);
    }
  });

  test("may have definitions between them, and not the same one twice", () => {
    const between = structType(300, "X", []);
    const [first = "", ...rest] = many(3);
    const decoder = new Decoder();
    expect(decoder.push(fromHex([MANY, first, between, ...rest].join("")), Many)).toHaveLength(1);
    const twice = [MANY, first, sliceType(100, ID.int), ...rest].join("");
    expect(() => new Decoder().push(fromHex(twice), Many)).toThrow(ended);
    const [, second = ""] = rest;
    const again = [MANY, first, rest[0], second, second].join("");
    expect(() => new Decoder().push(fromHex(again), Many)).toThrow(ended);
  });

  test("a misfit in an early piece is told with the value", () => {
    const Small = gob.struct("main.Two", { N: gob.int8, V: gob.any });
    const decoder = new Decoder();
    decoder.push(
      fromHex(
        structType(65, "Two", [
          ["N", ID.int],
          ["V", ID.interface],
        ]),
      ),
    );
    const first = counted(`ff82 01 ${signed(200)} 01 ${text("[]int")} ${sliceType(66, ID.int).slice(2)}`);
    expect(decoder.message(fromHex(first), Small)).toBeUndefined();
    expect(decoder.message(fromHex(counted("ff84 03 000102 00")), Small)).toEqual({
      value: { N: 0, V: [1] },
      misfit: "main.Two.N: 200 does not fit int8",
    });
  });

  test("are bounded together as one message is", () => {
    const options: DecoderOptions = { maxMessageBytes: 1000 };
    const filled = many(20, "p".repeat(700));
    expect(() => new Decoder(options).push(fromHex([MANY, ...filled].join("")), Many)).toThrow(exhausted);
    expect(new Decoder({ maxMessageBytes: 1300 }).push(fromHex([MANY, ...filled].join("")), Many)).toHaveLength(1);
  });

  test("are not read again without end", () => {
    const read = (pieces: number): unknown[] =>
      new Decoder({ maxMessageBytes: 1 << 30 }).push(fromHex([MANY, ...many(pieces, "p".repeat(1000))].join("")), Many);
    // So many pieces of about 20 bytes behind one of 1000: 300 KB to read again, and a MB.
    expect(read(120)).toHaveLength(1);
    expect(() => read(250)).toThrow(exhausted);
  });

  test("a count of elements that never come is refused at the end of what came", () => {
    const lying = structValue(65, `01 ${unsigned(1000)} ${holds("int", ID.int, "02")} 00`);
    expect(() => new Decoder().push(fromHex(`${MANY}${lying}`), Many)).toThrow(ended);
  });
});

describe("limits", () => {
  test("messages, types, and what an option may be", () => {
    expect(() => new Decoder({ maxMessageBytes: 10 }).push(fromHex("0b"))).toThrow(exhausted);
    const types = new Decoder({ maxTypes: 2 });
    types.push(fromHex(`${sliceType(65, ID.int)}${sliceType(66, ID.int)}`));
    expect(() => types.push(fromHex(sliceType(67, ID.int)))).toThrow(exhausted);
    for (const options of [{ maxMessageBytes: 0 }, { maxDepth: 1001 }, { maxTypes: 1.5 }, { maxValues: Number.NaN }])
      expect(() => new Decoder(options)).toThrow(RangeError);
    expect(() => new Decoder({ types: [gob.struct("main.V", {}), gob.struct("main.V", {})] })).toThrow(TypeError);
  });
});
