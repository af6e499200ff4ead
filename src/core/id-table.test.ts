import * as fc from "fast-check";
import { expect, test } from "vitest";
import { IdTable } from "./id-table.ts";
import type { Id } from "./message.ts";

const ids: fc.Arbitrary<Id> = fc.oneof(
  fc.nat({ max: 40 }),
  fc.integer(),
  fc.nat({ max: 20 }).map((n) => n * 1024),
  fc.maxSafeInteger(),
  fc.string({ maxLength: 2 }),
  fc.constantFrom("1", "__proto__", -1, 2 ** 32, 1.5),
);

test("does what a map does, whatever the ids", () => {
  void fc.assert(
    fc.property(fc.array(fc.tuple(ids, fc.boolean()), { maxLength: 300 }), (steps) => {
      const table = new IdTable<object>();
      const model = new Map<Id, object>();
      for (const [id, adds] of steps) {
        if (adds) {
          const entry = { id };
          table.set(id, entry);
          model.set(id, entry);
        } else {
          expect(table.delete(id)).toBe(model.get(id));
          model.delete(id);
        }
        expect(table.size).toBe(model.size);
      }
      for (const [id, entry] of model) expect(table.get(id)).toBe(entry);
      expect(new Set(table.values())).toEqual(new Set(model.values()));
      table.clear();
      expect([table.size, table.values()]).toEqual([0, []]);
    }),
    { numRuns: 500 },
  );
});

test("ids that a peer chose to stand in one another's way cost no memory", () => {
  const table = new IdTable<object>();
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (let n = 0; n < 1000; n++) table.set(n * 2 ** 20, {});
  expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(8 << 20);
  for (let n = 0; n < 1000; n++) expect(table.get(n * 2 ** 20)).toBeDefined();
});
