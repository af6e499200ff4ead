import { describe, expect, test } from "vitest";
import { Unfit } from "../core/unfit.ts";
import { infer } from "./infer.ts";
import * as gob from "./type.ts";

const Pair = gob.struct("main.Pair", { A: gob.int }, { pointer: true });
const nameOf = (value: unknown): string => infer(value, gob.slice).names.registered;

/** What is said of a value that tells no type. */
function refusal(value: unknown): string {
  try {
    infer(value, gob.slice);
  } catch (error) {
    if (error instanceof Unfit) return error.at("value").message;
    throw error;
  }
  return expect.fail("It tells its type");
}

describe("single values", () => {
  test.each([
    ["", "string"],
    [true, "bool"],
    [0, "int"],
    [-5, "int"],
    [Number.MAX_SAFE_INTEGER, "int"],
    [Number.MAX_SAFE_INTEGER + 1, "float64"],
    [Number.MIN_SAFE_INTEGER - 1, "float64"],
    [-0, "float64"],
    [1.5, "float64"],
    [Number.NaN, "float64"],
    [Number.NEGATIVE_INFINITY, "float64"],
    [5n, "int"],
    [2n ** 63n - 1n, "int"],
    [-(2n ** 63n), "int"],
    [2n ** 63n, "uint64"],
    [2n ** 64n - 1n, "uint64"],
    [new Uint8Array(1), "[]uint8"],
    [new Uint8Array(0), "[]uint8"],
  ])("%s is %s", (value, name) => {
    expect(nameOf(value)).toBe(name);
  });

  test.each([
    [2n ** 64n, "value: 18446744073709551616 fits neither int64 nor uint64, send it as a string or as bytes"],
    [-(2n ** 63n) - 1n, "value: -9223372036854775809 fits neither int64 nor uint64, send it as a string or as bytes"],
    [
      { A: 1 },
      'value: an object does not tell its type, write gob.struct("main.Name", { Field: gob.int }).of({ Field: 1 })',
    ],
    [new Map(), "value: a Map does not tell its type, write gob.map(gob.string, gob.int).of(map)"],
    [new Date(0), "value: a Date needs its type, write gob.time.of(date) or gob.pointer(gob.time).of(date)"],
    [() => 1, "value: a function cannot be sent"],
    [Symbol("a"), "value: a symbol cannot be sent"],
    [null, "value: null has no type"],
  ])("%s does not tell its type, and one reads what to write instead", (value, message) => {
    expect(refusal(value)).toBe(message);
  });
});

describe("arrays", () => {
  test.each([
    [["a", ""], "[]string"],
    [[true, false], "[]bool"],
    [[1, 0, -1], "[]int"],
    [[1, 2.5], "[]float64"],
    [[1, -0], "[]float64"],
    [[1n, 2], "[]int"],
    [[1, 2n ** 63n], "[]uint64"],
    [[Pair.of({ A: 1 }), Pair.of({ A: 2 })], "[]*main.Pair"],
    [[gob.int8.of(1)], "[]int8"],
  ])("%s is %s", (value, name) => {
    expect(nameOf(value)).toBe(name);
  });

  const together =
    "value: numbers of one array must fit int64, uint64 or float64 together, write gob.slice(gob.any).of([...]) or convert them";
  const holds = (what: string): string =>
    `value: an array that holds ${what} does not tell its type, write gob.slice(gob.any).of([...]) or gob.slice(type).of([...])`;
  test.each([
    [[], "value: an empty array does not tell its type, write gob.slice(gob.int).of([])"],
    [[1, "a"], holds("a string")],
    [["a", 1], holds("a number")],
    [[true, 1], holds("a number")],
    [[1, null], holds("null")],
    [[null], holds("null")],
    [Object.assign(["a"], { 2: "b" }), holds("undefined")],
    [Object.assign([1], { 2: 3 }), holds("undefined")],
    [[[1], [2]], holds("an array")],
    [[Pair.of({ A: 1 }), { A: 2 }], holds("an object")],
    [[gob.int8.of(1), 2], holds("a number")],
    [[1.5, 2n], together],
    [[-1, 2n ** 63n], together],
    [[1n, 2n ** 64n], "value[1]: 18446744073709551616 fits neither int64 nor uint64, send it as a string or as bytes"],
  ])("an array without one clear type is refused: %s", (value, message) => {
    expect(refusal(value)).toBe(message);
  });
});
