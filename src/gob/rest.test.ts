import { expect, test } from "vitest";
import { Rest } from "./rest.ts";

test("what was kept stands before what comes next", () => {
  const rest = new Rest();
  const chunk = Uint8Array.of(1, 2, 3);
  expect(rest.joined(chunk)).toBe(chunk);
  rest.keep(chunk, 1);
  chunk.fill(0);
  expect(rest.length).toBe(2);
  const joined = rest.joined(Uint8Array.of(4));
  expect([...joined]).toEqual([2, 3, 4]);
  rest.keep(joined, 3);
  expect(rest.length).toBe(0);
});

test("a message that comes byte by byte is put together", () => {
  const rest = new Rest();
  for (let byte = 0; byte < 100; byte++) rest.keep(rest.joined(Uint8Array.of(byte)), 0);
  const joined = rest.joined(new Uint8Array());
  expect([...joined]).toEqual(Array.from({ length: 100 }, (_, at) => at));
  rest.keep(joined, 98);
  expect([...rest.joined(Uint8Array.of(7))]).toEqual([98, 99, 7]);
});
