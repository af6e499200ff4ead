import { describe, expect, test } from "vitest";
import { RpcError } from "../../src/core/errors.ts";
import * as gob from "../../src/gob.ts";
import { counted, fromHex, messagesIn, signed, text, toHex, unsigned } from "./bytes.ts";
import {
  arrayType,
  holds,
  holdsStruct,
  ID,
  mapType,
  selfType,
  singleton,
  sliceType,
  structType,
  structValue,
} from "./definitions.ts";
import {
  dispatcherRequest,
  dispatcherResponse,
  Inner,
  MOMENT,
  NO_TIME,
  Pair,
  S,
  TYPES,
  V,
  wireRequest,
  wireResponse,
} from "./described.ts";
import { differs } from "./differs.ts";

/** A rule of gorpc's facts (section c), by its number. */
interface Rule {
  readonly number: number;
  readonly what: string;
  readonly test: () => void;
}

const encoded = <Value>(type: gob.GobType<Value, boolean>, value: Value): string =>
  toHex(new gob.Encoder().encode(type, value));

function decodedAll<Value>(hex: string, type: gob.GobType<Value, boolean>, options: gob.DecoderOptions = {}): Value[] {
  const decoder = new gob.Decoder(options);
  const values = decoder.push(fromHex(hex), type);
  decoder.end();
  return values;
}

function decoded<Value>(hex: string, type: gob.GobType<Value, boolean>, options: gob.DecoderOptions = {}): Value {
  const values = decodedAll(hex, type, options);
  expect(values).toHaveLength(1);
  return values[0] as Value;
}

/** A value and its stream: each makes the other. */
function both<Value>(type: gob.GobType<Value, boolean>, value: Value, hex: string): void {
  expect(encoded(type, value)).toBe(hex.replace(/\s+/g, ""));
  const back = decoded(hex, type, { types: TYPES, interfaces: "typed" });
  expect(differs(type, value, back, "typed")).toBeUndefined();
}

/** A stream that cannot go on: an RpcError, and no other. */
function refused(hex: string, type?: gob.AnyType, options: gob.DecoderOptions = { types: TYPES }): RpcError {
  const decoder = new gob.Decoder(options);
  try {
    const values = type === undefined ? decoder.push(fromHex(hex)) : decoder.push(fromHex(hex), type);
    decoder.end();
    expect.fail(`${hex} gave ${String(values)}`);
  } catch (error) {
    expect(error).toBeInstanceOf(RpcError);
    return error as RpcError;
  }
}

/** A value that some number does not fit, and what is said of it. */
function misfit(hex: string, type: gob.AnyType): { readonly value: unknown; readonly misfit: string } {
  const decoder = new gob.Decoder({ types: TYPES });
  const given = messagesIn(fromHex(hex)).map((message) => decoder.message(message, type));
  const last = given.at(-1);
  if (last?.misfit === undefined) expect.fail(`${hex} fits`);
  expect(() => new gob.Decoder({ types: TYPES }).push(fromHex(hex), type)).toThrow(last.misfit);
  return { value: last.value, misfit: last.misfit };
}

const repeat = (hex: string, times: number): string => hex.repeat(times);
/** A struct with one interface, and what its stream begins with. */
const Holder = gob.struct("main.Holder", { V: gob.any });
const HOLDER = structType(65, "Holder", [["V", ID.interface]]);
const held = (interfaceHex: string): string => `${HOLDER}${structValue(65, `01${interfaceHex}00`)}`;
/** A struct with one field, and its stream. */
const withField = <Value>(type: gob.GobType<Value, boolean>): gob.GobType<{ F: Value }> =>
  gob.struct("main.T", { F: type }) as unknown as gob.GobType<{ F: Value }>;

const REQUEST = counted(
  "ff81 03 01 01 0b 7769726552657175657374 01 ff82 00 01 02 01 02 4944 01 06 00 01 07 52657175657374 01 10 00 00 00",
);
const RESPONSE = counted(
  "ff81 03 01 01 0c 77697265526573706f6e7365 01 ff82 00 01 03 01 02 4944 01 06 00 01 08 526573706f6e7365 01 10 00 01 05 4572726f72 01 0c 00 00 00",
);

const BASIC: readonly (readonly [string, gob.GobType<unknown>, number, unknown, string])[] = [
  ["bool", gob.bool, ID.bool, true, "01"],
  ["string", gob.string, ID.string, "a", "0161"],
  ["int", gob.int, ID.int, -5, "09"],
  ["int8", gob.int8, ID.int, -5, "09"],
  ["int16", gob.int16, ID.int, -5, "09"],
  ["int32", gob.int32, ID.int, -5, "09"],
  ["int64", gob.int64, ID.int, -5n, "09"],
  ["uint", gob.uint, ID.uint, 5, "05"],
  ["uint8", gob.uint8, ID.uint, 5, "05"],
  ["uint16", gob.uint16, ID.uint, 5, "05"],
  ["uint32", gob.uint32, ID.uint, 5, "05"],
  ["uint64", gob.uint64, ID.uint, 5n, "05"],
  ["uintptr", gob.uintptr, ID.uint, 5n, "05"],
  ["float32", gob.float32, ID.float, 1.5, "fef83f"],
  ["float64", gob.float64, ID.float, 1.5, "fef83f"],
  ["complex64", gob.complex64, ID.complex, { real: 0, imaginary: 2 }, "0040"],
  ["complex128", gob.complex128, ID.complex, { real: 0, imaginary: 2 }, "0040"],
  ["[]uint8", gob.bytes, ID.bytes, Uint8Array.of(7), "0107"],
];

const rules: readonly Rule[] = [
  {
    number: 5,
    what: "an unsigned number is one byte below 128, else the count of its bytes, negated, and they, the highest first",
    test() {
      const rows: readonly (readonly [bigint, string])[] = [
        [0n, "00"],
        [7n, "07"],
        [127n, "7f"],
        [128n, "ff80"],
        [255n, "ffff"],
        [256n, "fe0100"],
        [65_535n, "feffff"],
        [65_536n, "fd010000"],
        [2n ** 31n, "fc80000000"],
        [2n ** 32n - 1n, "fcffffffff"],
        [2n ** 32n, "fb0100000000"],
        [2n ** 53n - 1n, "f91fffffffffffff"],
        [2n ** 53n, "f920000000000000"],
        [2n ** 63n, "f88000000000000000"],
        [2n ** 64n - 1n, "f8ffffffffffffffff"],
      ];
      for (const [value, hex] of rows) {
        both(gob.uint64, value, singleton(ID.uint, hex));
        expect(unsigned(value)).toBe(hex);
        if (value < 2n ** 53n) both(gob.uint, Number(value), singleton(ID.uint, hex));
      }
      expect(encoded(gob.uint64, 7 as unknown as bigint)).toBe(singleton(ID.uint, "07"));
      refused(singleton(ID.uint, `f7${repeat("01", 9)}`), gob.uint64);
      refused(singleton(ID.uint, "80"), gob.uint64);
      refused(singleton(ID.uint, "fe01"), gob.uint64);
      refused(singleton(ID.uint, ""), gob.uint64);
    },
  },
  {
    number: 6,
    what: "a signed number is an unsigned one whose lowest bit is the sign",
    test() {
      const rows: readonly (readonly [bigint, string])[] = [
        [0n, "00"],
        [1234n, "fe09a4"],
        [-5n, "09"],
        [-1n, "01"],
        [63n, "7e"],
        [64n, "ff80"],
        [-64n, "7f"],
        [-65n, "ff81"],
        [2n ** 31n - 1n, "fcfffffffe"],
        [-(2n ** 31n), "fcffffffff"],
        [2n ** 53n - 1n, "f93ffffffffffffe"],
        [-(2n ** 53n) + 1n, "f93ffffffffffffd"],
        [2n ** 63n - 1n, "f8fffffffffffffffe"],
        [-(2n ** 63n), "f8ffffffffffffffff"],
      ];
      for (const [value, hex] of rows) {
        both(gob.int64, value, singleton(ID.int, hex));
        expect(signed(value)).toBe(hex);
        const number = Number(value);
        if (Number.isSafeInteger(number)) both(gob.int, number, singleton(ID.int, hex));
      }
    },
  },
  {
    number: 7,
    what: "bools are 0 and 1, floats the reversed bytes of a double, complex numbers two of them",
    test() {
      both(gob.bool, false, singleton(ID.bool, "00"));
      both(gob.bool, true, singleton(ID.bool, "01"));
      for (const type of [gob.float32, gob.float64]) {
        both(type, 17, singleton(ID.float, "fe3140"));
        both(type, 3.25, singleton(ID.float, "fe0a40"));
        both(type, -Infinity, singleton(ID.float, "fef0ff"));
        both(type, 0, singleton(ID.float, "00"));
        both(type, NaN, singleton(ID.float, "fef87f"));
      }
      both(gob.float32, Math.fround(0.1), singleton(ID.float, "fba09999b93f"));
      expect(encoded(gob.float32, 0.1)).toBe(singleton(ID.float, "fba09999b93f"));
      both(gob.float64, 0.1, singleton(ID.float, "f89a9999999999b93f"));
      both(gob.float64, 5e-324, singleton(ID.float, "f80100000000000000"));
      both(gob.complex128, { real: 1, imaginary: 2 }, singleton(ID.complex, "fef03f40"));
      both(gob.complex64, { real: 0, imaginary: -1 }, singleton(ID.complex, "00fef0bf"));
    },
  },
  {
    number: 8,
    what: "strings and bytes have their count of bytes in front; an array of bytes is an array of numbers",
    test() {
      both(gob.string, "hello", singleton(ID.string, "0568656c6c6f"));
      both(gob.string, "", singleton(ID.string, "00"));
      both(gob.string, "é€😀", singleton(ID.string, "09c3a9e282acf09f9880"));
      both(gob.bytes, Uint8Array.of(1, 200), singleton(ID.bytes, "0201c8"));
      both(gob.bytes, new Uint8Array(), singleton(ID.bytes, "00"));
      const long = "x".repeat(300);
      both(gob.string, long, singleton(ID.string, `fe012c${repeat("78", 300)}`));
      both(gob.array(3, gob.uint8), [1, 200, 0], `${arrayType(65, ID.uint, 3)}${singleton(65, "0301ffc800")}`);
      refused(singleton(ID.string, "0568656c6c"), gob.string);
      refused(singleton(ID.bytes, "fc7fffffff00"), gob.bytes);
    },
  },
  {
    number: 9,
    what: "slices, arrays and maps have their count in front; a map's pairs come in any order",
    test() {
      both(gob.slice(gob.int), [0, 1, -1], `${sliceType(65, ID.int)}${singleton(65, "03000201")}`);
      both(gob.array(2, gob.bool), [false, true], `${arrayType(65, ID.bool, 2)}${singleton(65, "020001")}`);
      const type = gob.map(gob.string, gob.int);
      const definition = mapType(65, ID.string, ID.int);
      both(type, new Map([["a", 1]]), `${definition}${singleton(65, "01016102")}`);
      const pairs: [string, number][] = [
        ["a", 1],
        ["b", 2],
      ];
      for (const order of [pairs, pairs.toReversed()]) {
        const body = order.map(([key, value]) => text(key) + signed(value)).join("");
        expect(decoded(`${definition}${singleton(65, `02${body}`)}`, type)).toEqual(new Map(order));
        expect(encoded(type, new Map(order))).toBe(`${definition}${singleton(65, `02${body}`)}`);
      }
      refused(`${arrayType(65, ID.bool, 2)}${singleton(65, "0100")}`, gob.array(2, gob.bool));
      refused(`${arrayType(65, ID.bool, 2)}${singleton(65, "03000000")}`, gob.array(2, gob.bool));
      refused(`${arrayType(65, ID.bool, 3)}${singleton(65, "03000000")}`, gob.array(2, gob.bool));
      refused(`${sliceType(65, ID.int)}${singleton(65, "04000201")}`, gob.slice(gob.int));
    },
  },
  {
    number: 10,
    what: "a struct is the distances of its fields and their values; zero fields are left out, but not all that looks empty",
    test() {
      const zeros = gob.struct("main.Z", {
        B: gob.bool,
        I: gob.int,
        U: gob.uint64,
        F: gob.float64,
        C: gob.complex128,
        S: gob.string,
        Y: gob.bytes,
        L: gob.slice(gob.int),
        P: gob.pointer(gob.int),
        Q: gob.pointer(Inner),
        A: gob.any,
      });
      const nothing = {
        ...{ B: false, I: 0, U: 0n, F: 0, C: { real: 0, imaginary: 0 }, S: "", Y: new Uint8Array(), L: [] },
        ...{ P: null, Q: null, A: null },
      };
      const bytes = encoded(zeros, nothing);
      expect(bytes.endsWith(structValue(65, "00"))).toBe(true);
      expect(decoded(bytes, zeros)).toEqual(nothing);
      expect(encoded(zeros, {} as typeof nothing)).toBe(bytes);
      // A pointer to a zero scalar is left out too, and so arrives as nil.
      expect(encoded(zeros, { ...nothing, P: 0 })).toBe(bytes);

      const kept = gob.struct("main.K", {
        N: Inner,
        A: gob.array(2, gob.int),
        M: gob.map(gob.string, gob.int),
        V: gob.any,
        Q: gob.pointer(Inner),
      });
      const empty = { P: null, Q: new Uint8Array() };
      const full = { N: empty, A: [0, 0], M: new Map<string, number>(), V: gob.int.of(0), Q: empty };
      const value = messagesIn(fromHex(encoded(kept, full))).at(-1) ?? new Uint8Array();
      expect(toHex(value)).toBe(structValue(65, `0100 01020000 0100 01${holds("int", ID.int, "00")} 0100 00`));
      expect(decoded(encoded(kept, full), kept)).toEqual({ ...full, V: 0 });
      // A map that is not there is left out; what must be there is there with its zeros.
      const none = messagesIn(fromHex(encoded(kept, {} as typeof full))).at(-1) ?? new Uint8Array();
      expect(toHex(none)).toBe(structValue(65, "0100 01020000 00"));
      expect(decoded(encoded(kept, {} as typeof full), kept)).toEqual({
        ...{ N: empty, A: [0, 0], M: new Map(), V: null, Q: null },
      });
      // Distances: fields 1 and 3 of five.
      const five = gob.struct("main.F", { A: gob.int, B: gob.int, C: gob.int, D: gob.int, E: gob.int });
      const some = { A: 0, B: 1, C: 0, D: 2, E: 0 };
      expect(encoded(five, some).endsWith(structValue(65, "0202 0204 00"))).toBe(true);
      const definition = encoded(five, some).slice(0, -structValue(65, "0202020400").length);
      expect(decoded(`${definition}${structValue(65, "0202020400")}`, five)).toEqual(some);
      // Beyond the last field; a distance that overflows; and no end.
      refused(`${definition}${structValue(65, "060200")}`, five);
      refused(`${definition}${structValue(65, "f8ffffffffffffffff0200")}`, five);
      refused(`${definition}${structValue(65, "0202f8ffffffffffffffff0200")}`, five);
      refused(`${definition}${structValue(65, "0202")}`, five);
    },
  },
  {
    number: 11,
    what: "inside slices, arrays and maps every element is sent; nil is 0 in an interface, and refused for a pointer",
    test() {
      both(gob.slice(gob.string), ["", "a"], `${sliceType(65, ID.string)}${singleton(65, "02000161")}`);
      both(
        gob.slice(gob.any),
        [null, gob.int.of(0)],
        `${sliceType(65, ID.interface)}${singleton(65, `0200${holds("int", ID.int, "00")}`)}`,
      );
      both(
        gob.map(gob.int, gob.bool),
        new Map([[0, false]]),
        `${mapType(65, ID.int, ID.bool)}${singleton(65, "010000")}`,
      );
      both(gob.slice(gob.pointer(gob.int)), [0, 1], `${sliceType(65, ID.int)}${singleton(65, "020002")}`);
      // The outer type is defined first, though its id is the higher one.
      both(
        gob.slice(gob.slice(gob.int)),
        [[], [1]],
        `${sliceType(66, 65)}${sliceType(65, ID.int)}${singleton(66, "02000102")}`,
      );
      const pairs = gob.slice(V);
      expect(encoded(pairs, [{ X: 0, Y: 0 }]).endsWith("0100")).toBe(true);
      for (const [type, value] of [
        [gob.slice(gob.pointer(gob.int)), [1, null]],
        [gob.array(2, S), [{ A: 1, B: "" }, null]],
        [gob.map(gob.int, S), new Map([[1, null]])],
      ] as const) {
        expect(() => encoded(type as gob.GobType<unknown>, value)).toThrow(TypeError);
      }
      expect(() => encoded(gob.slice(gob.pointer(gob.int)), [1, null as unknown as number])).toThrow(/\[1\]/);
    },
  },
  {
    number: 12,
    what: "pointers are flattened, and an embedded struct is a field with the name of its type",
    test() {
      const plain = gob.struct("main.T", { A: gob.int, Inner });
      const pointed = gob.struct("main.T", { A: gob.pointer(gob.pointer(gob.int)), Inner: gob.pointer(Inner) });
      const value = { A: 5, Inner: { P: 3, Q: Uint8Array.of(9) } };
      const bytes = encoded(plain, value);
      expect(bytes).toBe(
        structType(65, "T", [
          ["A", ID.int],
          ["Inner", 66],
        ]) +
          structType(66, "Inner", [
            ["P", ID.int],
            ["Q", ID.bytes],
          ]) +
          structValue(65, "010a 01 0106 010109 00 00"),
      );
      expect(encoded(pointed, value)).toBe(bytes);
      expect(decoded(bytes, pointed)).toEqual(value);
      expect(decoded(bytes, plain)).toEqual(value);
      expect(encoded(gob.pointer(gob.int), 7)).toBe(encoded(gob.int, 7));
    },
  },
  {
    number: 13,
    what: "a stream is messages, each with its count: a definition has a negative id, a value its type's",
    test() {
      const bytes = `${HOLDER}${structValue(65, "00")}${structValue(65, `01${holds("int", ID.int, "02")}00`)}`;
      expect(decodedAll(bytes, Holder)).toEqual([{ V: null }, { V: 1 }]);
      const decoder = new gob.Decoder();
      const [definition, first, second] = messagesIn(fromHex(bytes)) as [Uint8Array, Uint8Array, Uint8Array];
      expect(decoder.message(definition, Holder)).toBeUndefined();
      expect(decoder.message(first, Holder)?.value).toEqual({ V: null });
      expect(decoder.message(second, Holder)).toMatchObject({ value: { V: 1 }, misfit: undefined });
      // No id at all; bytes behind the value; a count that is no count.
      refused("00", Holder);
      refused(`${HOLDER}${counted("ff82 00 00")}`, Holder);
      refused("f7010101010101010101", Holder);
      // An end inside a count, a message.
      for (const cut of ["fe", "2c", "2cff81", HOLDER.slice(0, -2)]) refused(cut, Holder);
    },
  },
  {
    number: 14,
    what: "a value that is no struct has a zero in front at the top",
    test() {
      both(gob.int, 7, "0304000e");
      both(gob.string, "a", "040c000161");
      refused("0304010e", gob.int);
      refused("02040e", gob.int);
      both(
        V,
        { X: 1, Y: 0 },
        `${structType(65, "V", [
          ["X", ID.int],
          ["Y", ID.int],
        ])}${structValue(65, "010200")}`,
      );
    },
  },
  {
    number: 15,
    what: "predefined ids; others are the sender's choice from 64 up, each defined once, and each direction has its own",
    test() {
      expect(Object.values(ID)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      for (const [, type, id, value, hex] of BASIC) {
        both(type, value, singleton(id, hex));
        both(withField(type), { F: value }, `${structType(65, "T", [["F", id]])}${structValue(65, `01${hex}00`)}`);
      }
      for (const id of [64, 65, 100, 5000, 2 ** 30]) {
        const stream = `${sliceType(id, ID.int)}${singleton(id, "0102")}`;
        expect(decoded(stream, gob.slice(gob.int))).toEqual([1]);
      }
      for (const id of [1, 2, 8, 16, 23, 63]) refused(`${sliceType(id, ID.int)}`, gob.slice(gob.int));
      refused(counted(`00${sliceType(65, ID.int).slice(6)}`), gob.slice(gob.int));
      refused(`${sliceType(65, ID.int)}${sliceType(65, ID.int)}`, gob.slice(gob.int));
      refused(`${sliceType(65, ID.int)}${structType(65, "T", [])}`, gob.slice(gob.int));
      // No such type: as a value, as an element, in an interface.
      refused(singleton(70, "0102"), gob.slice(gob.int));
      refused(`${sliceType(65, 70)}${singleton(65, "0102")}`, gob.slice(gob.int));
      refused(held(holds("[]int", 70, "0102")), Holder);
      const one = new gob.Encoder();
      one.encode(Holder, { V: null });
      expect(toHex(new gob.Encoder().encode(V, { X: 1, Y: 0 }))).toContain(signed(-65));
      expect(toHex(one.encode(V, { X: 1, Y: 0 }))).toContain(signed(-66));
    },
  },
  {
    number: 16,
    what: "a definition is a wireType: exactly one of its fields is set",
    test() {
      expect(encoded(gob.array(3, gob.int), [1, 0, 2])).toBe(`${arrayType(65, ID.int, 3)}${singleton(65, "03020004")}`);
      expect(arrayType(69, ID.int, 3)).toBe("0eff89010102ff8a00010401060000");
      expect(sliceType(66, ID.string)).toBe("0cff83020102ff8400010c0000");
      expect(structType(74, "Empty", [])).toBe("11ff9303010105456d70747901ff94000000");
      expect(mapType(68, ID.string, ID.int)).toBe("0eff87040102ff8800010c01040000");
      expect(selfType(75, "gob", 76)).toBe("0aff95050102ff98000000");
      const coder = { encode: (value: string) => new TextEncoder().encode(value), zero: () => "" };
      const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
      for (const form of ["gob", "binary", "text"] as const) {
        const type = gob.opaque("main.O", form, { ...coder, decode });
        const bytes = encoded(type, "ab");
        expect(bytes.slice(6, 8)).toBe({ gob: "05", binary: "06", text: "07" }[form]);
        expect(bytes.endsWith(singleton(65, "026162"))).toBe(true);
        expect(decoded(bytes, type)).toBe("ab");
        expect(decoded(`${selfType(65, form, 70, "X")}${singleton(65, "026162")}`, type)).toBe("ab");
      }
      const common = "010102ff8200";
      const slice = "0102ff82000104";
      // None, two, an unknown one, one twice; a field beyond the last; bytes behind the end; no end.
      for (const body of [
        ...["00", `02${slice}0001${common}0000`, `08${common}0000`, `02${slice}01020000`],
        ...[`02${slice}000000`, `02${slice}00`, "02", ""],
      ]) {
        refused(counted(`ff81${body}`), gob.slice(gob.int));
      }
      expect(decoded(`${counted(`ff8102${slice}0000`)}${singleton(65, "0102")}`, gob.slice(gob.int))).toEqual([1]);
    },
  },
  {
    number: 17,
    what: "names in definitions are for people, and fields go by their names, in any order, with others between",
    test() {
      const V2 = gob.struct("github.com/x/y.V", { X: gob.int });
      const names = gob.struct("main.N", {
        A: gob.slice(V2),
        B: gob.map(gob.string, gob.slice(gob.int)),
        C: gob.array(3, gob.uint8),
        D: gob.named("main.L", gob.slice(gob.bool)),
      });
      const texts = encoded(names, {} as gob.Infer<typeof names>);
      for (const name of ["[]y.V", "map[string][]int", "[3]uint8"]) expect(texts).toContain(`01${text(name)}01ff`);
      expect(texts).toContain(`01${text("L")}01ff`);
      expect(texts).toContain(`01${text("V")}01ff`);

      const fields = (...list: readonly (readonly [string, number])[]): string => structType(70, "Other", list);
      const any = holds("[]string", 71, "010161");
      const stream = [
        sliceType(71, ID.string),
        fields(["Extra", ID.string], ["Y", ID.int], ["More", ID.interface], ["X", ID.int]),
        structValue(70, `010178 0104 01${any} 0106 00`),
      ].join("");
      expect(decoded(stream, V)).toEqual({ X: 3, Y: 2 });
      expect(decoded(`${fields(["Y", ID.int])}${structValue(70, "010400")}`, V)).toEqual({ X: 0, Y: 2 });
      // What is skipped must be sound all the same.
      refused(`${fields(["Extra", ID.string], ["X", ID.int])}${structValue(70, "017f78010600")}`, V);
      refused(`${fields(["Extra", 99], ["X", ID.int])}${structValue(70, "0100010600")}`, V);
      // At least one must match, unless there are none.
      refused(`${fields(["Z", ID.int])}${structValue(70, "010200")}`, V);
      expect(decoded(`${fields()}${structValue(70, "00")}`, V)).toEqual({ X: 0, Y: 0 });
      expect(decoded(`${fields(["Z", ID.int])}${structValue(70, "010200")}`, gob.struct("main.E", {}))).toEqual({});
    },
  },
  {
    number: 18,
    what: "which types are defined: the container first, then what it holds, each once and before the value",
    test() {
      for (const type of [gob.string, gob.named("main.MyStr", gob.string)]) {
        expect(encoded(type, "a")).toBe(singleton(ID.string, "0161"));
      }
      expect(encoded(gob.bytes, Uint8Array.of(1))).toBe(singleton(ID.bytes, "0101"));
      const encoder = new gob.Encoder();
      const Outer = gob.struct("main.Outer", { In: Inner, Ins: gob.slice(Inner), Again: Inner });
      const inner = { P: 1, Q: new Uint8Array() };
      const value = { In: inner, Ins: [inner], Again: inner };
      const pieces = messagesIn(encoder.encode(Outer, value)).map(toHex);
      expect(pieces.slice(0, -1)).toEqual([
        structType(65, "Outer", [
          ["In", 66],
          ["Ins", 67],
          ["Again", 66],
        ]),
        structType(66, "Inner", [
          ["P", ID.int],
          ["Q", ID.bytes],
        ]),
        sliceType(67, 66, "[]main.Inner"),
      ]);
      expect(messagesIn(encoder.encode(Outer, value)).map(toHex)).toEqual(pieces.slice(-1));
      // A value that cannot be encoded leaves nothing behind: not even its types.
      const another = new gob.Encoder();
      expect(() => another.add(Outer, { ...value, Again: { P: 0.5, Q: new Uint8Array() } })).toThrow(
        /^Outer\.Again\.P: /,
      );
      expect(another.take()).toHaveLength(0);
      expect(messagesIn(another.encode(Outer, value)).map(toHex)).toEqual(pieces);
    },
  },
  {
    number: 19,
    what: "the definitions of wireRequest and wireResponse",
    test() {
      expect(encoded(wireRequest, { ID: 0n, Request: null })).toBe(`${REQUEST}03ff8200`);
      expect(encoded(wireResponse, { ID: 0n, Response: null, Error: "" })).toBe(`${RESPONSE}03ff8200`);
    },
  },
  {
    number: 20,
    what: "an interface is the name, the id, the count and the value; one that is no struct has a zero in front",
    test() {
      both(Holder, { V: gob.string.of("hello") }, held("06737472696e670c07000568656c6c6f"));
      both(Holder, { V: gob.int.of(0) }, held("03696e7404020000"));
      const stream = `${HOLDER}${structType(66, "S", [
        ["A", ID.int],
        ["B", ID.string],
      ])}${structValue(65, "01072a6d61696e2e53ff840a010e0105736576656e0000")}`;
      both(Holder, { V: S.of({ A: 7, B: "seven" }) }, stream);
      expect(gob.typeOf(decoded(stream, Holder, { types: TYPES }).V)).toBe(S);
      // Without a zero in front; with the wrong one; a struct with one.
      refused(held(`${text("int")}04010a`), Holder);
      refused(held(`${text("int")}0402010a`), Holder);
      refused(held("06737472696e670cff"), Holder);
    },
  },
  {
    number: 21,
    what: "a nil interface is left out of a struct, and 0 as an element",
    test() {
      both(Holder, { V: null }, `${HOLDER}${structValue(65, "00")}`);
      both(gob.slice(gob.any), [null], `${sliceType(65, ID.interface)}${singleton(65, "0100")}`);
      expect(decoded(held("00"), Holder)).toEqual({ V: null });
    },
  },
  {
    number: 22,
    what: "a message may end inside a value, which goes on in the next",
    test() {
      const cut = "1aff82011301085b5d737472696e67ff83020102ff8400010c0000 0eff840a000203666f6f0362617200";
      const value = { ID: 19n, Request: ["foo", "bar"] };
      expect(decoded(`${REQUEST}${cut}`, wireRequest)).toEqual(value);
      const decoder = new gob.Decoder();
      const given = messagesIn(fromHex(`${REQUEST}${cut}`)).map((message) => decoder.message(message, wireRequest));
      expect(given.map((each) => each?.value)).toEqual([undefined, undefined, value]);
      // Definitions of their own between the pieces.
      const between = `${structType(70, "X", [])}${mapType(71, ID.int, 70)}`;
      expect(decoded(`${REQUEST}${cut.replace(" ", between)}`, wireRequest)).toEqual(value);
      // Another value after it; the end in the middle of it.
      expect(decodedAll(`${REQUEST}${cut}05ff82011100`, wireRequest)).toEqual([value, { ID: 17n, Request: null }]);
      refused(`${REQUEST}${cut.slice(0, cut.indexOf(" "))}`, wireRequest);
      // Cut inside a piece of another value: there is no such thing.
      refused(`${REQUEST}${cut.slice(0, cut.indexOf(" "))}${between}05ff82011100`, wireRequest);
      // Two cuts in one value: both arguments are of types that are new.
      const Two = gob.struct("main.Two", { A: gob.any, B: gob.any });
      const two = [
        ...[
          structType(65, "Two", [
            ["A", ID.interface],
            ["B", ID.interface],
          ]),
        ],
        ...[counted(`ff82 01 ${text("[]int")} ${sliceType(66, ID.int).slice(2)}`)],
        ...[counted(`ff84 03 000102 01 ${text("[]bool")} ${sliceType(67, ID.bool).slice(2)}`)],
        ...[counted("ff86 03 000101 00")],
      ];
      expect(decoded(two.join(""), Two)).toEqual({ A: [1], B: [true] });
      for (let pieces = 2; pieces < two.length; pieces++) refused(two.slice(0, pieces).join(""), Two);
    },
  },
  {
    number: 23,
    what: "in an interface within an interface the pieces stay together, and the outer count ends before the first cut",
    test() {
      const dispatcher = structType(66, "dispatcherRequest", [
        ["Request", ID.interface],
        ["Name", ID.string],
      ]);
      const add =
        "5cff82010301182a676f7270632e6469737061746368657252657175657374ff842a010a2a6d61696e2e50616972ff85030101045061697201ff8600010201014101040001014201040000000fff8605010401060001042e4164640000";
      const expected = { ID: 3n, Request: { Request: { A: 2, B: 3 }, Name: ".Add" } };
      for (const outer of ["2a", "00", "7f", "fe0100"]) {
        for (const next of ["0f", "00", "7f", "fe0100"]) {
          const body = add.slice(2).replace("ff842a01", `ff84${outer}01`).replace("00000fff86", `0000${next}ff86`);
          const value = decoded(`${REQUEST}${dispatcher}${counted(body)}`, wireRequest, { types: TYPES });
          expect(value).toEqual(expected);
          expect(gob.typeOf((value.Request as { Request: unknown }).Request)).toBe(Pair);
        }
      }
    },
  },
  {
    number: 24,
    what: "a definition with bytes behind it is an error at the top; in an interface a count follows it",
    test() {
      const definition = sliceType(66, ID.int).slice(2);
      refused(`${HOLDER}${counted(`${definition}06${singleton(66, "0102").slice(2)}`)}`, Holder);
      refused(`${HOLDER}${counted(`${definition}ff82 00`)}`, Holder);
      // Inside: with the count and the id behind it, and with nothing.
      const start = `ff82 01 ${text("[]int")}`;
      expect(decoded(`${HOLDER}${counted(`${start} ${definition} 07 ff84 03 000102 00`)}`, Holder)).toEqual({ V: [1] });
      expect(decoded(`${HOLDER}${counted(`${start} ${definition}`)}${counted("ff84 03 000102 00")}`, Holder)).toEqual({
        V: [1],
      });
      // Two definitions in one interface.
      const nested = gob.slice(gob.slice(gob.int));
      const two = [sliceType(67, 66), sliceType(66, ID.int)].map((each) => each.slice(2));
      const name = `ff82 01 ${text("[][]int")}`;
      const options: gob.DecoderOptions = { types: [nested] };
      const value = { V: [[1]] };
      expect(
        decoded(`${HOLDER}${counted(`${name} ${two.join(" 20 ")} 08 ff86 04 00010102 00`)}`, Holder, options),
      ).toEqual(value);
      expect(
        decoded(
          `${HOLDER}${counted(`${name} ${two[0]}`)}${counted(two[1] ?? "")}${counted("ff86 04 00010102 00")}`,
          Holder,
          options,
        ),
      ).toEqual(value);
    },
  },
  {
    number: 25,
    what: "a writer puts its definitions in front; the count of a value is not checked",
    test() {
      const pieces = messagesIn(
        new gob.Encoder().encode(wireRequest, {
          ID: 1n,
          Request: gob.map(gob.string, gob.int).of(new Map([["k", 5]])),
        }),
      ).map(toHex);
      expect(pieces).toEqual([
        REQUEST,
        mapType(66, ID.string, ID.int),
        structValue(65, `010101${holds("map[string]int", 66, "01016b0a")}00`),
      ]);
      expect(decoded(pieces.join(""), wireRequest)).toEqual({ ID: 1n, Request: new Map([["k", 5]]) });
      for (const count of [unsigned(99), unsigned(0), unsigned(153), unsigned(2n ** 64n - 1n)]) {
        const value = structValue(65, `010401${text("string")}0c${count}00017100`);
        expect(decoded(`${REQUEST}${value}`, wireRequest)).toEqual({ ID: 4n, Request: "q" });
      }
    },
  },
  {
    number: 26,
    what: "the names under which types stand in interfaces",
    test() {
      for (const [name, type, id, value, hex] of BASIC) {
        both(Holder, { V: type.of(value) }, held(holds(name, id, hex)));
        if (name === "[]uint8") continue;
        const list = gob.slice(type);
        expect(list.names.registered).toBe(`[]${name}`);
        if (name === "uint8") continue;
        const stream = `${HOLDER}${sliceType(66, id)}${structValue(65, `01${holds(`[]${name}`, 66, `01${hex}`)}00`)}`;
        expect(encoded(Holder, { V: list.of([value]) })).toBe(stream);
        const plain = typeof value === "bigint" ? Number(value) : value;
        expect(decoded(stream, Holder)).toEqual({ V: [plain] });
        expect(gob.typeOf(decoded(stream, Holder, { interfaces: "typed" }).V)?.names.registered).toBe(`[]${name}`);
      }
      const registered = (type: gob.AnyType): string => type.names.registered;
      expect(registered(gob.map(gob.string, gob.int))).toBe("map[string]int");
      expect(registered(gob.array(3, gob.int))).toBe("[3]int");
      expect(registered(gob.slice(gob.any))).toBe("[]interface {}");
      expect(registered(gob.map(gob.string, gob.any))).toBe("map[string]interface {}");
      expect(registered(gob.map(gob.string, gob.struct("", {})))).toBe("map[string]struct {}");
      expect(registered(gob.slice(S))).toBe("[]*main.S");
      expect(registered(V)).toBe("main.V");
      expect(registered(gob.struct("github.com/x/y.V", {}))).toBe("github.com/x/y.V");
      expect(registered(gob.struct("github.com/x/y.V", {}, { pointer: true }))).toBe("*y.V");
      expect(registered(gob.pointer(gob.time))).toBe("*time.Time");
      expect(registered(dispatcherRequest)).toBe("*gorpc.dispatcherRequest");
      expect(registered(dispatcherResponse)).toBe("*gorpc.dispatcherResponse");
      // Names that are not described are read by the wire's own definition.
      const stranger = structType(66, "W", [["N", ID.int]]);
      const value = { V: { N: 4 } };
      expect(
        decoded(`${HOLDER}${stranger}${structValue(65, `01${holdsStruct("main.W", 66, "010800")}00`)}`, Holder),
      ).toEqual(value);
      const safe = 2n ** 53n;
      expect(decoded(held(holds("int64", ID.int, signed(safe))), Holder)).toEqual({ V: safe });
      expect(decoded(held(holds("int64", ID.int, signed(safe - 1n))), Holder)).toEqual({ V: Number(safe - 1n) });
    },
  },
  {
    number: 27,
    what: "the name picks the type, and the wire's must fit it; widths are free, but a number must be in range",
    test() {
      const kinds = BASIC.filter(([name]) =>
        ["bool", "string", "int", "uint", "float64", "complex128", "[]uint8"].includes(name),
      );
      expect(kinds).toHaveLength(7);
      for (const [name, type, id] of kinds) {
        for (const [, , other, , hex] of kinds) {
          const stream = `${structType(65, "T", [["F", other]])}${structValue(65, `01${hex}00`)}`;
          if (id === other) decoded(stream, withField(type));
          else {
            refused(stream, withField(type));
            refused(singleton(other, hex), type);
            refused(held(holds(name, other, hex)), Holder);
          }
        }
      }
      refused(`${sliceType(65, ID.int)}${singleton(65, "00")}`, gob.map(gob.int, gob.int));
      refused(`${mapType(65, ID.int, ID.int)}${singleton(65, "00")}`, gob.slice(gob.int));
      refused(`${arrayType(65, ID.int, 1)}${singleton(65, "0100")}`, gob.slice(gob.int));
      refused(`${sliceType(65, ID.int)}${singleton(65, "0100")}`, gob.array(1, gob.int));
      refused(`${sliceType(65, ID.string)}${singleton(65, "00")}`, gob.slice(gob.int));
      refused(`${structType(65, "T", [])}${structValue(65, "00")}`, gob.int);
      refused(singleton(ID.int, "02"), V);
      // Any width of the same kind.
      for (const type of [gob.int8, gob.int16, gob.int32, gob.int])
        expect(decoded(singleton(ID.int, "09"), type)).toBe(-5);
      const outside: readonly (readonly [gob.AnyType, number, bigint])[] = [
        [gob.int8, ID.int, 128n],
        [gob.int8, ID.int, -129n],
        [gob.int16, ID.int, 32_768n],
        [gob.int32, ID.int, 2n ** 31n],
        [gob.int32, ID.int, -(2n ** 63n)],
        [gob.int, ID.int, 2n ** 53n],
        [gob.int, ID.int, -(2n ** 53n)],
        [gob.uint8, ID.uint, 256n],
        [gob.uint16, ID.uint, 65_536n],
        [gob.uint32, ID.uint, 2n ** 32n],
        [gob.uint, ID.uint, 2n ** 53n],
      ];
      for (const [type, id, value] of outside) {
        const hex = id === ID.int ? signed(value) : unsigned(value);
        const stream = `${structType(65, "T", [
          ["F", id],
          ["G", ID.string],
        ])}${structValue(65, `01${hex}01016100`)}`;
        const Two = gob.struct("main.T", { F: type, G: gob.string });
        const found = misfit(stream, Two);
        expect(found.value).toEqual({ F: 0, G: "a" });
        expect(found.misfit).toContain(String(value));
        expect(found.misfit).toContain("main.T.F");
        // The stream goes on.
        const decoder = new gob.Decoder();
        const next = structValue(65, "020162 00");
        const given = messagesIn(fromHex(`${stream}${next}`)).map((message) => decoder.message(message, Two));
        expect(given.at(-1)).toMatchObject({ value: { F: 0, G: "b" }, misfit: undefined });
      }
      // A double that float32 has no room for.
      const huge = structValue(
        65,
        `01${
          messagesIn(fromHex(encoded(gob.float64, 1e300)))
            .map(toHex)[0]
            ?.slice(6) ?? ""
        }00`,
      );
      expect(misfit(`${structType(65, "T", [["F", ID.float]])}${huge}`, withField(gob.float32)).value).toEqual({
        F: 0,
      });
      // Names: too long, empty with something behind it, unknown with a basic value.
      const name = "n".repeat(1025);
      refused(held(holds(name, ID.int, "02")), Holder);
      expect(decoded(held(holds("n".repeat(1024), ID.int, "02")), Holder)).toEqual({ V: 1 });
      // A pointer's name and its struct's find either description.
      const definition = structType(66, "V", [
        ["X", ID.int],
        ["Y", ID.int],
      ]);
      const Pointed = gob.struct("main.V", { X: gob.int, Y: gob.int }, { pointer: true });
      for (const sent of ["main.V", "*main.V"]) {
        for (const type of [V, Pointed] as readonly gob.AnyType[]) {
          const stream = `${HOLDER}${definition}${structValue(65, `01${holdsStruct(sent, 66, "010200")}00`)}`;
          const value = decoded(stream, Holder, { types: [type] }).V;
          expect(value).toEqual({ X: 1, Y: 0 });
          expect(gob.typeOf(value)).toBe(type);
        }
      }
    },
  },
  {
    number: 28,
    what: "a type that encodes itself is bytes; a time has 15 of them, or 16",
    test() {
      const moment = "0f010000000ed59f54a500000006ffff";
      expect(decoded(`${selfType(65, "gob", 66)}${singleton(65, moment)}`, gob.time)).toEqual(MOMENT);
      expect(encoded(gob.time, MOMENT).endsWith(singleton(65, moment))).toBe(true);
      expect(
        encoded(gob.time, new Date(MOMENT.getTime())).endsWith(singleton(65, moment.replace("06ffff", "00ffff"))),
      ).toBe(true);
      const back = decoded(encoded(gob.time, MOMENT), gob.time) as gob.GoTime;
      expect([back.getTime(), back.nanoseconds, back.offsetSeconds]).toEqual([MOMENT.getTime(), 6, undefined]);
      const zoned = new gob.GoTime(MOMENT.getTime(), 999_999, 2 * 3600);
      expect(encoded(gob.time, zoned).endsWith("0f010000000ed59f54a5000f423f0078")).toBe(true);
      const odd = new gob.GoTime(MOMENT.getTime(), 0, 3600 + 7);
      expect(encoded(gob.time, odd).endsWith("10020000000ed59f54a500000000003c07")).toBe(true);
      for (const time of [zoned, odd]) {
        const again = decoded(encoded(gob.time, time), gob.time) as gob.GoTime;
        expect([again.getTime(), again.nanoseconds, again.offsetSeconds]).toEqual([
          ...[time.getTime(), time.nanoseconds, time.offsetSeconds],
        ]);
      }
      // Left out of a struct when it is zero, and there again when it is read.
      const Timed = gob.struct("main.T", { F: gob.time, G: gob.int });
      const zero = encoded(Timed, { F: NO_TIME, G: 1 });
      expect(zero.endsWith(structValue(65, "020200"))).toBe(true);
      expect(decoded(zero, Timed).F.getTime()).toBe(NO_TIME.getTime());
      // In an interface; without a description the bytes themselves.
      const stream = `${HOLDER}${selfType(66, "gob", 67)}${structValue(65, `01${holds("*time.Time", 66, moment)}00`)}`;
      expect(decoded(stream, Holder, { types: [gob.pointer(gob.time)] }).V).toEqual(MOMENT);
      expect(decoded(stream, Holder, { types: [gob.time] }).V).toEqual(MOMENT);
      expect(decoded(stream, Holder).V).toEqual(fromHex(moment.slice(2)));
      // A form is as good as another to the reader of bytes, but a time must be one.
      refused(`${selfType(65, "gob")}${singleton(65, "0101")}`, gob.time);
      refused(`${selfType(65, "gob")}${singleton(65, moment.slice(0, -2))}`, gob.time);
    },
  },
  {
    number: 29,
    what: "a Duration is an int64, and a slice of runes one of int32",
    test() {
      const Duration = gob.named("time.Duration", gob.int64);
      const nanos = 1_500_000_000n;
      const hex = held(holds("time.Duration", ID.int, signed(nanos)));
      expect(encoded(Holder, { V: Duration.of(nanos) })).toBe(hex);
      expect(decoded(hex, Holder, { types: [Duration] })).toEqual({ V: nanos });
      const runes = gob.slice(gob.int32);
      const stream = `${HOLDER}${sliceType(66, ID.int)}${structValue(65, `01${holds("[]int32", 66, `01${signed(0x1f600)}`)}00`)}`;
      both(Holder, { V: runes.of([0x1f600]) }, stream);
    },
  },
  {
    number: 30,
    what: "messages have a limit, which is 4 MiB unless it is set",
    test() {
      for (const count of [2n ** 22n + 1n, 2n ** 33n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n]) {
        expect(refused(unsigned(count), Holder).code).toBe("resource_exhausted");
      }
      const long = "x".repeat(1000);
      expect(decoded(singleton(ID.string, text(long)), gob.string, { maxMessageBytes: 1005 })).toBe(long);
      expect(refused(singleton(ID.string, text(long)), gob.string, { maxMessageBytes: 1004 }).code).toBe(
        "resource_exhausted",
      );
      expect(toHex(new gob.Encoder({ maxMessageBytes: 1005 }).encode(gob.string, long))).toBe(
        singleton(ID.string, text(long)),
      );
      const encoder = new gob.Encoder({ maxMessageBytes: 1004 });
      expect(() => encoder.encode(gob.string, long)).toThrow(RpcError);
      expect(toHex(encoder.encode(gob.string, "x"))).toBe(singleton(ID.string, "0178"));
    },
  },
  {
    number: 31,
    what: "a small session",
    test() {
      const hello = "16ff8201010106737472696e670c07000568656c6c6f00";
      both(wireRequest, { ID: 1n, Request: gob.string.of("hello") }, `${REQUEST}${hello}`);
      both(wireResponse, { ID: 1n, Response: gob.string.of("hello"), Error: "" }, `${RESPONSE}${hello}`);
      both(
        wireRequest,
        { ID: 0n, Request: gob.string.of("fire") },
        `${REQUEST}13ff820206737472696e670c0600046669726500`,
      );
      both(wireRequest, { ID: 17n, Request: null }, `${REQUEST}05ff82011100`);
      both(wireRequest, { ID: 0n, Request: null }, `${REQUEST}03ff8200`);
    },
  },
  {
    number: 32,
    what: "a dispatcher's call, reply, error and empty success",
    test() {
      const request = structType(66, "dispatcherRequest", [
        ["Request", ID.interface],
        ["Name", ID.string],
      ]);
      const response = structType(66, "dispatcherResponse", [
        ["Response", ID.interface],
        ["Error", ID.string],
      ]);
      const reply = (Response: unknown, error = ""): unknown => dispatcherResponse.of({ Response, Error: error });
      both(
        wireRequest,
        { ID: 2n, Request: dispatcherRequest.of({ Request: gob.string.of("hi"), Name: ".Echo" }) },
        `${REQUEST}${request}38 ff82 0102 01 ${text("*gorpc.dispatcherRequest")} ff84 16 01 ${text("string")} 0c 04 00 026869 01 052e4563686f 00 00`,
      );
      const start = `${RESPONSE}${response}`;
      const name = text("*gorpc.dispatcherResponse");
      both(
        wireResponse,
        { ID: 2n, Response: reply(gob.string.of("hi")), Error: "" },
        `${start}32 ff82 0102 01 ${name} ff84 0f 01 ${text("string")} 0c 04 00 026869 00 00`,
      );
      both(
        wireResponse,
        { ID: 2n, Response: reply(null, "failed"), Error: "" },
        `${start}${counted(`ff82 0102 01 ${name} ff84 09 02 066661696c6564 00 00`)}`,
      );
      both(
        wireResponse,
        { ID: 2n, Response: reply(null), Error: "" },
        `${start}${counted(`ff82 0102 01 ${name} ff84 01 00 00`)}`,
      );
    },
  },
];

describe("gob's rules", () => {
  test("all are here: 5 to 32", () => {
    expect(rules.map(({ number }) => number)).toEqual(Array.from({ length: 28 }, (_, at) => at + 5));
  });

  test.each(rules)("$number: $what", (rule) => rule.test());
});
