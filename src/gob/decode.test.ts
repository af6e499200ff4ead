import { describe, expect, test } from "vitest";
import { fromHex, signed, text, unsigned } from "../../test/gob/bytes.ts";
import {
  arrayType,
  ID,
  mapType,
  selfType,
  singleton,
  sliceType,
  structType,
  structValue,
} from "../../test/gob/definitions.ts";
import { type Decoded, Decoder, type DecoderOptions } from "./decoder.ts";
import { time } from "./time.ts";
import * as gob from "./type.ts";

const ended = expect.objectContaining({ code: "data_loss" });
const exhausted = expect.objectContaining({ code: "resource_exhausted" });

/** The one value of a stream. */
function onlyValueOf(hex: string, type?: gob.AnyType, options: DecoderOptions = {}): unknown {
  const decoder = new Decoder(options);
  const values = type === undefined ? decoder.push(fromHex(hex)) : decoder.push(fromHex(hex), type);
  decoder.end();
  expect(values).toHaveLength(1);
  return values[0];
}

/** What the last of these messages gives. */
function decodedOf(messages: readonly string[], type: gob.AnyType): Decoded<unknown> {
  const decoder = new Decoder();
  const [decoded] = messages.map((message) => decoder.message(fromHex(message), type)).slice(-1);
  if (decoded === undefined) throw new Error("No value");
  return decoded;
}

describe("structs", () => {
  const Pair = gob.struct("main.Pair", { A: gob.int, B: gob.string });
  const [A, B] = [
    ["A", ID.int],
    ["B", ID.string],
  ] as const;

  test("go by their fields' names: whatever the order, with others between, with some left out", () => {
    const extra = ["X", ID.bytes] as const;
    const a = `01${signed(-5)}`;
    const b = `01${text("b")}`;
    const cases: readonly (readonly [readonly (readonly [string, number])[], string])[] = [
      [[A, B], `${a}${b}00`],
      [[B, A], `${b}${a}00`],
      [
        [extra, B, extra, A].map(([name, id], at) => [`${name === "X" ? `X${at}` : name}`, id] as const),
        `010178${b}010178${a}00`,
      ],
    ];
    for (const [fields, body] of cases) {
      const value = onlyValueOf(`${structType(65, "Other", fields)}${structValue(65, body)}`, Pair);
      expect(value).toEqual({ A: -5, B: "b" });
      expect(Object.keys(value as object)).toEqual(["A", "B"]);
    }
    expect(onlyValueOf(`${structType(65, "P", [B, A])}${structValue(65, "020200")}`, Pair)).toEqual({ A: 1, B: "" });
    expect(onlyValueOf(`${structType(65, "P", [A, B])}${structValue(65, `02${text("b")}00`)}`, Pair)).toEqual({
      A: 0,
      B: "b",
    });
    expect(onlyValueOf(`${structType(65, "P", [B])}${structValue(65, "00")}`, Pair)).toEqual({ A: 0, B: "" });
  });

  test("remember their type, in fields too; without a description they are plain objects", () => {
    const In = gob.struct("main.In", { N: gob.int });
    const Out = gob.struct("main.Out", { In, Ptr: gob.pointer(In), None: gob.pointer(In) }, { pointer: true });
    const stream = [
      structType(65, "Out", [
        ["In", 66],
        ["Ptr", 66],
        ["None", 66],
      ]),
      structType(66, "In", [["N", ID.int]]),
      structValue(65, "010102000100 00"),
    ].join("");
    const value = onlyValueOf(stream, Out) as gob.Infer<typeof Out>;
    expect(value).toEqual({ In: { N: 1 }, Ptr: { N: 0 }, None: null });
    expect(gob.typeOf(value)).toBe(Out);
    expect(gob.typeOf(value.In)).toBe(In);
    expect(gob.typeOf(value.Ptr)?.names.registered).toBe("*main.In");
    const plain = onlyValueOf(stream) as object;
    expect(plain).toEqual(value);
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
    expect(gob.typeOf(plain)).toBeUndefined();
  });

  test("a field beyond the last ends the stream, however far", () => {
    const definition = structType(65, "Pair", [A, B]);
    for (const body of ["0302", "010203", `${unsigned(2n ** 40n)}00`, `01 02 ${unsigned(2n ** 64n - 1n)}00`]) {
      expect(() => onlyValueOf(`${definition}${structValue(65, body)}`, Pair)).toThrow(ended);
      expect(() => onlyValueOf(`${definition}${structValue(65, body)}`)).toThrow(ended);
    }
  });

  test("what was left out is zero", () => {
    const In = gob.struct("main.In", { N: gob.int, S: gob.string });
    const All = gob.struct("main.All", {
      F0: gob.bool,
      F1: gob.int,
      F2: gob.int64,
      F3: gob.uint64,
      F4: gob.float32,
      F5: gob.complex64,
      F6: gob.string,
      F7: gob.bytes,
      F8: gob.slice(gob.int),
      F9: gob.array(2, In),
      G0: gob.map(gob.string, gob.int),
      G1: In,
      G2: gob.pointer(In),
      G3: gob.any,
      G4: time,
      Here: gob.int,
    });
    const value = onlyValueOf(`${structType(65, "All", [["Here", ID.int]])}${structValue(65, "010200")}`, All);
    expect(value).toEqual({
      ...{ F0: false, F1: 0, F2: 0n, F3: 0n, F4: 0, F5: { real: 0, imaginary: 0 }, F6: "", F7: new Uint8Array() },
      ...{
        F8: [],
        F9: [
          { N: 0, S: "" },
          { N: 0, S: "" },
        ],
        G0: new Map(),
        G1: { N: 0, S: "" },
        G2: null,
        G3: null,
      },
      ...{ G4: time.shape.kind === "opaque" ? time.shape.coder.zero() : undefined, Here: 1 },
    });
    expect(gob.typeOf((value as { G1: unknown }).G1)).toBe(In);
  });

  test("what was left out and is not described is zero; a struct or an array that was left out is nil", () => {
    const fields = [
      ID.bool,
      ID.int,
      ID.uint,
      ID.float,
      ID.bytes,
      ID.string,
      ID.complex,
      ID.interface,
      65,
      66,
      67,
      68,
      69,
    ];
    const stream = [
      structType(
        65,
        "Self",
        fields.map((id, at) => [`F${at}`, id] as const),
      ),
      ...[sliceType(66, 65), mapType(67, ID.int, 65), arrayType(68, 65, 1), selfType(69, "gob")],
      structValue(65, "00"),
    ].join("");
    const complex = { real: 0, imaginary: 0 };
    const zeros = [false, 0, 0, 0, new Uint8Array(), "", complex, null, null, [], new Map(), null, new Uint8Array()];
    expect(onlyValueOf(stream)).toEqual(Object.fromEntries(zeros.map((zero, at) => [`F${at}`, zero])));
  });
});

describe("slices, arrays and maps", () => {
  test("bytes are bytes, and numbers where a slice of uint8 is described", () => {
    const stream = singleton(ID.bytes, "0301c8ff");
    expect(onlyValueOf(stream, gob.bytes)).toEqual(Uint8Array.of(1, 200, 255));
    expect(onlyValueOf(stream)).toEqual(Uint8Array.of(1, 200, 255));
    expect(onlyValueOf(stream, gob.slice(gob.uint8))).toEqual([1, 200, 255]);
    expect(() => onlyValueOf(`${sliceType(65, ID.uint)}${singleton(65, "0101")}`, gob.bytes)).toThrow(ended);
  });

  test("an array has all its elements, and its length is that of the description", () => {
    const definition = arrayType(65, ID.int, 2);
    expect(onlyValueOf(`${definition}${singleton(65, "020204")}`, gob.array(2, gob.int))).toEqual([1, 2]);
    for (const body of ["0102", "03020406", "00"]) {
      expect(() => onlyValueOf(`${definition}${singleton(65, body)}`, gob.array(2, gob.int))).toThrow(ended);
      expect(() => onlyValueOf(`${definition}${singleton(65, body)}`)).toThrow(ended);
    }
    expect(() => onlyValueOf(`${definition}${singleton(65, "020204")}`, gob.array(3, gob.int))).toThrow(ended);
  });

  test("a map is no map by slices, maps or bytes", () => {
    for (const key of [66, 67, ID.bytes]) {
      const types = `${mapType(65, key, ID.int)}${sliceType(66, ID.int)}${mapType(67, ID.int, ID.int)}`;
      expect(() => onlyValueOf(`${types}${singleton(65, "00")}`)).toThrow(ended);
      expect(() => onlyValueOf(`${types}${singleton(65, "00")}`, gob.map(gob.string, gob.int))).toThrow(ended);
    }
    const byArrays = `${mapType(65, 66, ID.int)}${arrayType(66, ID.int, 1)}${singleton(65, "01010204")}`;
    expect(onlyValueOf(byArrays)).toEqual(new Map([[[1], 2]]));
  });
});

describe("misfits", () => {
  const definition = structType(65, "P", [
    ["A", ID.int],
    ["B", ID.uint],
    ["C", 66],
    ["D", 67],
    ["E", ID.string],
  ]);
  const types = [definition, sliceType(66, ID.int), mapType(67, ID.string, 66)];
  const P = gob.struct("github.com/x/main.P", {
    A: gob.int,
    B: gob.uint8,
    C: gob.slice(gob.int8),
    D: gob.map(gob.string, gob.slice(gob.int)),
    E: gob.string,
  });

  test("say which field, and what to do", () => {
    const big = signed(2n ** 53n);
    const cases: readonly (readonly [string, string])[] = [
      [`01${big}00`, "main.P.A: 9007199254740992 does not fit a number, describe it as int64"],
      [`02${unsigned(256)}00`, "main.P.B: 256 does not fit uint8"],
      [`03 03 02 02 ${signed(-129)} 00`, "main.P.C[2]: -129 does not fit int8"],
      [`04 01 ${text("k\n")} 02 02 ${big} 00`, "main.P.D[k\\u000a][1]: 9007199254740992 does not fit a number"],
      ["05 01 ff 00", "main.P.E: its text is no UTF-8"],
    ];
    for (const [body, misfit] of cases)
      expect(decodedOf([...types, structValue(65, body)], P).misfit).toContain(misfit);
    const fits = structValue(65, `02${unsigned(255)} 01 01 ${signed(-128)} 00`);
    expect(decodedOf([...types, fits], P)).toMatchObject({ value: { B: 255, C: [-128] }, misfit: undefined });
  });

  test("leave the place at zero and the rest as it is; the first is told", () => {
    const body = `01${signed(2n ** 60n)} 01${unsigned(300)} 01 02 02 ${signed(128)} 02${text("e")} 00`;
    const { value, misfit } = decodedOf([...types, structValue(65, body)], P);
    expect(value).toEqual({ A: 0, B: 0, C: [1, 0], D: new Map(), E: "e" });
    expect(misfit).toMatch(/^main\.P\.A: /);
  });

  test("do not come of what is passed over, or is not described", () => {
    const body = `01${signed(2n ** 60n)} 04 01 ff 00`;
    expect(decodedOf([...types, structValue(65, body)], gob.struct("main.Q", { B: gob.uint }))).toEqual({
      value: { B: 0 },
      misfit: undefined,
    });
    expect(onlyValueOf(singleton(ID.int, signed(2n ** 60n)))).toBe(2n ** 60n);
  });

  test("outside of structs they are in the value, and a bigint has room for all", () => {
    const stream = [sliceType(66, ID.uint), singleton(66, `01${unsigned(2n ** 64n - 1n)}`)];
    expect(decodedOf(stream, gob.slice(gob.uint))).toEqual({
      value: [0],
      misfit: "value[0]: 18446744073709551615 does not fit a number, describe it as uint64",
    });
    expect(decodedOf(stream, gob.slice(gob.uint64)).value).toEqual([2n ** 64n - 1n]);
    expect(decodedOf([singleton(ID.int, signed(3))], gob.int64).value).toBe(3n);
  });

  test("a type that cannot read its bytes is one too", () => {
    const stream = [selfType(65, "gob"), singleton(65, "0101")];
    expect(decodedOf(stream, time).misfit).toMatch(/^value: A time of 1 bytes/);
    const broken = gob.opaque("main.O", "gob", {
      encode: () => new Uint8Array(),
      decode: () => {
        throw "no";
      },
      zero: () => "none",
    });
    expect(decodedOf(stream, broken)).toEqual({ value: "none", misfit: "value: no" });
  });

  test("floats too large for 32 bits are, infinities are not", () => {
    expect(decodedOf([singleton(ID.float, "f89c7500883ce4377e")], gob.float32).misfit).toMatch(/does not fit float32$/);
    expect(decodedOf([singleton(ID.float, "fef0ff")], gob.float32)).toEqual({ value: -Infinity, misfit: undefined });
  });
});

describe("types that do not fit (rule 27)", () => {
  test("the error says the field and both types", () => {
    const P = gob.struct("main.P", { A: gob.slice(gob.string) });
    const stream = `${structType(65, "P", [["A", 66]])}${sliceType(66, ID.int)}${structValue(65, "00")}`;
    expect(() => onlyValueOf(stream, P)).toThrow("main.P.A[]: A gob value of the type int cannot be read as string");
  });

  test("at the top `any` reads what there is", () => {
    expect(onlyValueOf(singleton(ID.int, "02"), gob.any)).toBe(1);
    expect(() =>
      onlyValueOf(
        `${structType(65, "P", [["A", ID.int]])}${structValue(65, "00")}`,
        gob.struct("main.P", { A: gob.any }),
      ),
    ).toThrow(ended);
  });
});

describe("hostile types", () => {
  test("types that hold themselves are read as deep as the limit", () => {
    const slices = (depth: number): string => `${sliceType(65, 65)}${singleton(65, `${"01".repeat(depth)}00`)}`;
    expect(onlyValueOf(slices(3), undefined, { maxDepth: 4 })).toEqual([[[[]]]]);
    expect(() => onlyValueOf(slices(4), undefined, { maxDepth: 4 })).toThrow(exhausted);
    for (const maxDepth of [128, 1000]) {
      expect(() => onlyValueOf(slices(100_000), undefined, { maxDepth })).toThrow(exhausted);
      const structs = `${structType(65, "N", [["N", 65]])}${structValue(65, "01".repeat(100_000))}`;
      expect(() => onlyValueOf(structs, undefined, { maxDepth })).toThrow(exhausted);
      // Passed over.
      const other = gob.struct("main.P", { A: gob.int });
      const skipped = [
        structType(65, "P", [
          ["B", 66],
          ["A", ID.int],
        ]),
        ...[mapType(66, ID.int, 66), structValue(65, `01${"0102".repeat(100_000)}`)],
      ].join("");
      expect(() => onlyValueOf(skipped, other, { maxDepth })).toThrow(exhausted);
    }
  });

  test("an array of itself has no value", () => {
    const self = `${structType(65, "T", [["A", 66]])}${arrayType(66, 66, 2)}`;
    expect(onlyValueOf(`${self}${structValue(65, "00")}`)).toEqual({ A: null });
    expect(() => onlyValueOf(`${self}${structValue(65, `01${"02".repeat(1000)}`)}`)).toThrow(exhausted);
  });

  test("a description that holds itself without a pointer has no zero either", () => {
    interface Node {
      N: Node;
      A: number;
    }
    const Node: gob.GobType<Node> = gob.struct("main.N", { N: gob.lazy((): gob.GobType<Node> => Node), A: gob.int });
    const stream = `${structType(65, "N", [["A", ID.int]])}${structValue(65, "00")}`;
    expect(() => onlyValueOf(stream, Node)).toThrow(exhausted);
  });

  test("types nested deeper than values may be are refused", () => {
    const chain = Array.from({ length: 1010 }, (_, at) => sliceType(65 + at, 66 + at)).join("");
    const stream = `${chain}${sliceType(65 + 1010, ID.int)}${singleton(65, "00")}`;
    for (const maxDepth of [128, 1000])
      expect(() => onlyValueOf(stream, undefined, { maxDepth, maxTypes: 2000 })).toThrow(exhausted);
  });

  test("types of the stream that each fit every description are compiled within bounds", () => {
    const fields = Array.from({ length: 1000 }, (_, at) => [`F${at}`, ID.int] as const);
    const described = Object.fromEntries(fields.map(([name]) => [name, gob.int]));
    const decoder = new Decoder();
    for (let id = 65; id < 125; id++) decoder.push(fromHex(structType(id, "T", fields)));
    const readAll = (): void => {
      for (let type = 0; type < 10; type++) {
        const here = gob.struct(`main.T${type}`, described);
        for (let id = 65; id < 125; id++) decoder.push(fromHex(structValue(id, "00")), here);
      }
    };
    expect(readAll).toThrow(exhausted);
  });

  describe("fields that were left out of structs that nobody described", () => {
    const sparse = (field: number): string => {
      const fields = Array.from({ length: 1000 }, (_, at) => [`F${at}`, field] as const);
      return `${structType(65, "T", fields)}${mapType(66, ID.int, ID.int)}${arrayType(67, ID.int, 1_000_000)}`;
    };
    /** How many messages with a struct of which nothing was sent are read, with this in front of each. */
    const taken = (decoder: Decoder, most: number, between = ""): number => {
      const message = fromHex(`${between}${structValue(65, "00")}`);
      for (let count = 0; count < most; count++) {
        try {
          decoder.push(message);
        } catch (thrown) {
          expect(thrown).toEqual(exhausted);
          return count;
        }
      }
      return most;
    };

    test.each([
      // 16 384 and 64 for each of the 4 bytes of a message.
      ["numbers", ID.int, 22],
      ["arrays", 67, 22],
      ["bytes", ID.bytes, 2],
      ["maps", 66, 2],
    ])("%s are bound by the bytes that came, however small the messages are", (_, field, messages) => {
      const decoder = new Decoder();
      decoder.push(fromHex(sparse(field)));
      expect(taken(decoder, 1000)).toBe(messages);
    });

    test("cannot be saved up for, and go on for ever beside as many bytes", () => {
      const long = singleton(ID.bytes, `${unsigned(100_000)}${"01".repeat(100_000)}`);
      const saved = new Decoder();
      saved.push(fromHex(sparse(ID.int)));
      for (let times = 0; times < 3; times++) saved.push(fromHex(long));
      expect(taken(saved, 1000)).toBe(22);
      const beside = new Decoder();
      beside.push(fromHex(sparse(ID.int)));
      expect(taken(beside, 300, singleton(ID.bytes, `10${"01".repeat(16)}`))).toBe(300);
    });

    test("are not counted where they are described", () => {
      const decoder = new Decoder();
      const described = gob.struct(
        "main.T",
        Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`F${at}`, gob.int])),
      );
      decoder.push(fromHex(sparse(ID.int)));
      for (let times = 0; times < 100; times++) decoder.push(fromHex(structValue(65, "00")), described);
    });
  });

  test("values are counted: structs and fields, containers, byte arrays, elements of zero arrays", () => {
    const limited = (maxValues: number) => ({ maxValues });
    const structs = `${sliceType(65, 66)}${structType(66, "S", [["A", ID.int]])}${singleton(65, "03000000")}`;
    expect(onlyValueOf(structs, undefined, limited(7))).toHaveLength(3);
    expect(() => onlyValueOf(structs, undefined, limited(6))).toThrow(exhausted);
    const bytes = `${sliceType(65, ID.bytes)}${singleton(65, "03000000")}`;
    expect(onlyValueOf(bytes, undefined, limited(4))).toHaveLength(3);
    expect(() => onlyValueOf(bytes, undefined, limited(3))).toThrow(exhausted);
    const numbers = `${sliceType(65, ID.int)}${singleton(65, `${unsigned(1000)}${"02".repeat(1000)}`)}`;
    expect(onlyValueOf(numbers, undefined, limited(1))).toHaveLength(1000);
    const here = gob.struct("main.S", { A: gob.array(10, gob.int) });
    const none = `${structType(65, "S", [])}${structValue(65, "00")}`;
    expect(onlyValueOf(none, here, limited(13))).toEqual({ A: Array(10).fill(0) });
    expect(() => onlyValueOf(none, here, limited(12))).toThrow(exhausted);
  });
});
