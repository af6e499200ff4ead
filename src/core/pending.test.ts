import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OutgoingCall } from "./outgoing.ts";
import { Pending } from "./pending.ts";

function call(deadline = Number.POSITIVE_INFINITY): OutgoingCall {
  const made = new OutgoingCall("a", undefined, 0, deadline, undefined);
  made.promise.catch(() => {});
  return made;
}

test("finds and gives back whatever was added, as a map would, whatever the order", () => {
  void fc.assert(
    fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 400 }), (steps) => {
      const pending = new Pending();
      const model = new Map<unknown, OutgoingCall>();
      for (const step of steps) {
        if (step > 12) {
          const added = call();
          pending.add(added);
          model.set(added.id, added);
        } else {
          // The oldest stay for long, the others go in any order.
          const keys = [...model.keys()];
          const id = keys[Math.floor((step / 12) * (keys.length - 1))] as number | undefined;
          if (id === undefined || step === 0) continue;
          expect(pending.take(id)).toBe(model.get(id));
          expect(pending.get(id)).toBeUndefined();
          model.delete(id);
        }
        expect(pending.size).toBe(model.size);
        for (const [id, known] of model) expect(pending.get(id as number)).toBe(known);
      }
      expect(pending.takeAll()).toEqual([...model.values()]);
      expect(pending.size).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test("a call that outlasts thousands of others is still there", () => {
  const pending = new Pending();
  const old = call();
  pending.add(old);
  for (let round = 0; round < 10_000; round++) {
    const next = call();
    pending.add(next);
    expect(pending.take(next.id)).toBe(next);
  }
  expect(pending.get(1)).toBe(old);
  expect(pending.takeAll()).toEqual([old]);
});

test("ids that nobody gave find nothing", () => {
  const pending = new Pending();
  expect(pending.get(1)).toBeUndefined();
  for (let n = 0; n < 5; n++) pending.add(call());
  for (const id of ["1", -1, 1.5, 17, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, "constructor", ""]) {
    expect(pending.get(id)).toBeUndefined();
    expect(pending.take(id)).toBeUndefined();
  }
  expect(pending.size).toBe(5);
});

test("what has run out of time is taken, in a flood too", () => {
  const pending = new Pending();
  for (let n = 0; n < 5000; n++) pending.add(call(n % 2 === 0 ? 100 : 1000));
  expect(pending.expire(50)).toEqual([]);
  expect(pending.expire(100)).toHaveLength(2500);
  expect(pending.size).toBe(2500);
  expect(pending.expire(1000)).toHaveLength(2500);
  expect(pending.size).toBe(0);
});
