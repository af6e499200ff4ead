import { afterAll, expect, test } from "vitest";
import type { DecoderOptions } from "../../src/gob.ts";
import { LoadProcess } from "../load/process.ts";
import { counted, fromHex, signed, text, unsigned } from "./bytes.ts";
import {
  arrayType,
  holds,
  ID,
  mapType,
  selfType,
  singleton,
  sliceType,
  structType,
  structValue,
} from "./definitions.ts";

const MIB = 1 << 20;
const HUGE = 2n ** 40n;
const count = unsigned(HUGE);

/** A stream that claims more than it has, by the name of the described type with which it is read. */
interface Claim {
  readonly what: string;
  readonly type: "none" | "string" | "bytes" | "ints" | "empties" | "map" | "array" | "time" | "holder";
  readonly hex: string;
}

interface Measured {
  readonly refusal: string;
  readonly heldBytes: number;
  readonly rssBytes: number;
}

const holder = structType(65, "Holder", [["V", ID.interface]]);
const zeros = (...arrays: readonly string[]): string =>
  `${structType(65, "Z", [["A", 66]])}${arrays.join("")}${structValue(65, "00")}`;
/** wireTypes, whose numbers the builders would write well. */
const common = "010102ff8200";

const claims: readonly Claim[] = [
  { what: "a message", type: "none", hex: count },
  { what: "a message of which some came", type: "ints", hex: `${count}ff8102` },
  { what: "a string", type: "string", hex: singleton(ID.string, `${count}6162`) },
  { what: "a string without a description", type: "none", hex: singleton(ID.string, `${count}6162`) },
  { what: "bytes", type: "bytes", hex: singleton(ID.bytes, `${count}6162`) },
  { what: "bytes that encode a time", type: "time", hex: `${selfType(65, "gob")}${singleton(65, `${count}01`)}` },
  { what: "opaque bytes", type: "none", hex: `${selfType(65, "binary")}${singleton(65, `${count}01`)}` },
  { what: "a slice", type: "ints", hex: `${sliceType(65, ID.int)}${singleton(65, `${count}02`)}` },
  {
    what: "a slice without a description",
    type: "none",
    hex: `${sliceType(65, ID.int)}${singleton(65, `${count}02`)}`,
  },
  {
    what: "a slice of structs",
    type: "empties",
    hex: `${sliceType(65, 66)}${structType(66, "E", [])}${singleton(65, `${count}00`)}`,
  },
  {
    what: "a slice that holds itself",
    type: "none",
    hex: `${sliceType(65, 65)}${singleton(65, `${count}00`)}`,
  },
  { what: "a map", type: "map", hex: `${mapType(65, ID.string, ID.int)}${singleton(65, `${count}016102`)}` },
  {
    what: "a map without a description",
    type: "none",
    hex: `${mapType(65, ID.string, ID.int)}${singleton(65, `${count}016102`)}`,
  },
  { what: "an array", type: "array", hex: `${arrayType(65, ID.int, 3)}${singleton(65, `${count}02`)}` },
  { what: "the length of an array", type: "none", hex: `${arrayType(65, ID.int, HUGE)}${singleton(65, `${count}02`)}` },
  { what: "an array of zeros in a struct", type: "none", hex: zeros(arrayType(66, ID.int, HUGE)) },
  { what: "the name of an interface", type: "holder", hex: `${holder}${structValue(65, `01${count}6162`)}` },
  {
    what: "a string in an interface",
    type: "holder",
    hex: `${holder}${structValue(65, `01${holds("string", ID.string, `${count}61`)}00`)}`,
  },
  {
    what: "a slice in an interface",
    type: "holder",
    hex: `${holder}${sliceType(66, ID.interface)}${structValue(65, `01${holds("[]interface {}", 66, `${count}00`)}00`)}`,
  },
  { what: "the fields of a definition", type: "none", hex: counted(`ff81 03 ${common} 01 ${count} 01 0141 01 04 00`) },
  { what: "the name in a definition", type: "none", hex: counted(`ff81 03 0101 ${count} 6161`) },
  { what: "the name of a field", type: "none", hex: counted(`ff81 03 ${common} 01 01 01 ${count} 6161`) },
  { what: "the id of a definition", type: "none", hex: counted(`${signed(-HUGE)} 02 ${common} 01 04 00 00`) },
  { what: "the distance of a field", type: "holder", hex: `${holder}${structValue(65, `${count}00`)}` },
];

/** Structs of 200 fields that were all left out, as many as there is room for. */
const structs = (field: number, ...definitions: readonly string[]): string => {
  const fields = Array.from({ length: 200 }, (_, at) => [`F${at}`, field] as const);
  const many = singleton(66, `${unsigned(100_000)}${"00".repeat(100_000)}`);
  return [structType(65, "T", fields), sliceType(66, 65), ...definitions, many].join("");
};
/** Streams that are sound, and whose values are larger than what came of them. */
const growing: readonly Claim[] = [
  { what: "numbers that were left out of structs", type: "none", hex: structs(ID.int) },
  { what: "bytes that were left out of structs", type: "none", hex: structs(ID.bytes) },
  { what: "complex numbers that were left out of structs", type: "none", hex: structs(ID.complex) },
  { what: "slices that were left out of structs", type: "none", hex: structs(66) },
  { what: "maps that were left out of structs", type: "none", hex: structs(67, mapType(67, ID.int, ID.int)) },
];
const MAX_VALUES = 65_536;
/** What 20 KB of messages hold, each a struct of 1000 fields that were all left out. */
const sparse = (field: number): Claim => {
  const fields = Array.from({ length: 1000 }, (_, at) => [`F${at}`, field] as const);
  const types = [structType(65, "T", fields), mapType(66, ID.int, ID.int), arrayType(67, ID.int, MIB)].join("");
  return { what: "", type: "none", hex: `${types}${structValue(65, "00").repeat(5000)}` };
};
/** The largest is an empty map; a quarter more is for what the growth of its struct left behind. */
const MAX_BYTES_PER_VALUE = 320;

const child = new LoadProcess(new URL("./counting.js", import.meta.url), ["--max-old-space-size=64"]);
afterAll(() => child.kill());

const measure = ({ hex, type }: Claim, options: DecoderOptions = {}): Promise<Measured> =>
  child.ask<Measured>("measure", { base64: Buffer.from(fromHex(hex)).toString("base64"), type, options });

test.each(claims)("$what of 2^40 is refused, and costs nothing", async (claim) => {
  // The first time pays for the code.
  await measure(claim);
  const { refusal, heldBytes, rssBytes } = await measure(claim);
  expect(refusal).toMatch(/^(?:data_loss|resource_exhausted)$/);
  expect(heldBytes).toBeLessThan(8 * MIB);
  expect(rssBytes).toBeLessThan(8 * MIB);
});

test("what is claimed within the limit, and has not come, takes no place", async () => {
  const base64 = Buffer.from(fromHex(`${unsigned(4 * MIB)}${text("abc")}`)).toString("base64");
  expect(await child.ask<number>("wait", { base64, times: 200 })).toBeLessThan(8 * MIB);
});

test.each(growing)("$what are refused at the limit of values", async (claim) => {
  await measure(claim, { maxValues: MAX_VALUES });
  const { refusal, heldBytes } = await measure(claim, { maxValues: MAX_VALUES });
  expect(refusal).toBe("resource_exhausted");
  expect(heldBytes).toBeLessThan(MAX_BYTES_PER_VALUE * MAX_VALUES);
});

test.each([
  ["numbers", ID.int],
  ["maps", 66],
  ["arrays", 67],
])(
  "%s that only the stream describes, and leaves out in many messages, are refused before they cost anything",
  async (_, field) => {
    await measure(sparse(field));
    const { refusal, heldBytes } = await measure(sparse(field));
    expect(refusal).toBe("resource_exhausted");
    expect(heldBytes).toBeLessThan(8 * MIB);
  },
);

test("an array of a million elements that was left out costs nothing, and is nil", async () => {
  const claim: Claim = { what: "", type: "none", hex: zeros(arrayType(66, ID.int, MIB)) };
  await measure(claim);
  const { refusal, heldBytes } = await measure(claim);
  expect(refusal).toBe("taken");
  expect(heldBytes).toBeLessThan(MIB);
});
