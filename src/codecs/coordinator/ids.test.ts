import { expect, test } from "vitest";
import { idOf, wireIdOf } from "./ids.ts";

test.each([
  [0n, 0],
  [7n, 7],
  [2n ** 53n - 1n, Number.MAX_SAFE_INTEGER],
  [2n ** 53n, "9007199254740992"],
  [2n ** 64n - 1n, "18446744073709551615"],
])("%s is known as %o, and goes back as it came", (wire, id) => {
  expect(idOf(wire)).toBe(id);
  expect(wireIdOf(id)).toBe(wire);
});
