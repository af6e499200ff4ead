import * as fc from "fast-check";
import { expect, test } from "vitest";
import { IdMap } from "./id-map.ts";
import type { Id } from "./message.ts";

const ids: fc.Arbitrary<Id> = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.string({ maxLength: 2 }),
  fc.constantFrom<Id>("1", "-1", "__proto__", 2 ** 31, 2 ** 32, 2 ** 53 - 1, 1 - 2 ** 53, 1.5, Number.NaN, 1e300),
);

test("does what a map does, whatever the ids", () => {
  void fc.assert(
    fc.property(fc.array(fc.tuple(ids, fc.boolean()), { maxLength: 300 }), (steps) => {
      const map = new IdMap<object>();
      const model = new Map<Id, object>();
      for (const [id, adds] of steps) {
        const entry = { id };
        for (const each of [map, model]) adds ? each.set(id, entry) : each.delete(id);
        expect([map.has(id), map.get(id)]).toEqual([model.has(id), model.get(id)]);
      }
      for (const [id, entry] of model) expect(map.get(id)).toBe(entry);
      expect([...map.values()]).toEqual([...model.values()]);
    }),
    { numRuns: 500 },
  );
});

test("no two ids have one key", () => {
  const map = new IdMap<true>();
  const numbers = [0, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53 - 1 - 2 ** 16, -(2 ** 31), 1 - 2 ** 53];
  for (const from of numbers) for (let at = 0; at < 2 ** 14; at++) map.set(from + at, true);
  expect([...map.values()]).toHaveLength(numbers.length * 2 ** 14);
});
