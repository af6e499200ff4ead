import { expect, test } from "vitest";
import { helloOf, isCount, isLabels } from "./hello.ts";

const HELLO = {
  name: "ann",
  labels: { zone: "a" },
  session: "1.b.2",
  moves: true,
  maxFrameBytes: 1024,
  heartbeatMs: 15_000,
};

test("a hello has what the other side says of itself, and nothing beside it", () => {
  expect(helloOf(HELLO)).toEqual(HELLO);
  expect(helloOf({ ...HELLO, nextId: 3, versions: [1] })).toEqual(HELLO);
});

test.each([
  ["name", 1],
  ["name", null],
  ["labels", ["a"]],
  ["labels", { zone: 1 }],
  ["labels", null],
  ["session", {}],
  ["moves", 1],
  ["moves", false],
  ["maxFrameBytes", "1024"],
  ["maxFrameBytes", 0],
  ["heartbeatMs", 1.5],
  ["heartbeatMs", -1],
])("a hello whose %s is %j lacks it, and has the others", (name, value) => {
  const { [name as keyof typeof HELLO]: _, ...others } = HELLO;
  expect(Object.entries(helloOf({ ...HELLO, [name]: value }))).toEqual(Object.entries(others));
});

test.each([undefined, null, "ann", 1, [], [HELLO], {}])("nothing is left of a hello that is %j", (value) => {
  expect(Object.keys(helloOf(value))).toEqual([]);
});

test("a count is a whole number above 0 that is exact", () => {
  expect([1, Number.MAX_SAFE_INTEGER].filter(isCount)).toHaveLength(2);
  const others = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, "1", null, undefined];
  expect(others.filter(isCount)).toEqual([]);
});

test("labels are an object of texts, which may be empty", () => {
  expect([{}, { zone: "" }, { zone: "a", kind: "b" }].every(isLabels)).toBe(true);
  const others = [{ zone: 1 }, { zone: "a", kind: null }, ["a"], [], "a", null, undefined];
  expect(others.filter(isLabels)).toEqual([]);
});
