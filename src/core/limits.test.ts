import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, limitsOf, Slots } from "./limits.ts";
import { Queue } from "./queue.ts";

test("limitsOf takes what is given, and the defaults for the rest", () => {
  expect(limitsOf({})).toEqual(DEFAULT_LIMITS);
  expect(limitsOf({ maxPending: 5, maxDepth: undefined, maxRunning: Infinity })).toEqual({
    ...DEFAULT_LIMITS,
    maxPending: 5,
    maxRunning: Infinity,
  });
});

describe("Slots", () => {
  test("gives as many places as there are", () => {
    const slots = new Slots(2);
    expect([slots.take(), slots.take(), slots.take()]).toEqual([true, true, false]);
    slots.release();
    expect([slots.take(), slots.take()]).toEqual([true, false]);
  });

  test("who waits is served in turn, once, and may leave", () => {
    const slots = new Slots(1);
    slots.take();
    const served: string[] = [];
    const waiting = ["a", "b", "c"].map((name) => () => void (slots.take() && served.push(name)));
    for (const start of [...waiting, ...waiting]) slots.wait(start);
    slots.leave(waiting[1] as () => void);
    for (let each = 0; each < 4; each++) slots.release();
    expect(served).toEqual(["a", "c"]);
  });

  test("ten thousand who wait and end at once do not fill the stack", () => {
    const slots = new Slots(1);
    slots.take();
    let served = 0;
    for (let each = 0; each < 10_000; each++) {
      slots.wait(() => {
        if (!slots.take()) return;
        served++;
        slots.release();
      });
    }
    slots.release();
    expect(served).toBe(10_000);
    expect(slots.take()).toBe(true);
  });

  test("somebody who is woken and does not want the place passes it on", () => {
    const slots = new Slots(1);
    slots.take();
    let served = 0;
    slots.wait(() => {});
    slots.wait(() => void (slots.take() && served++));
    slots.release();
    expect(served).toBe(1);
  });
});

describe("Queue", () => {
  test("is first in, first out, through many rounds", () => {
    const queue = new Queue<number>();
    let next = 0;
    for (let round = 0; round < 5000; round++) {
      for (let each = 0; each < 3; each++) queue.push(round * 3 + each);
      for (let each = 0; each < 2; each++) expect(queue.shift()).toBe(next++);
    }
    expect([queue.length, queue.peek()]).toEqual([5000, next]);
    while (queue.length > 0) expect(queue.shift()).toBe(next++);
    expect([queue.shift(), queue.peek(), queue.length]).toEqual([undefined, undefined, 0]);
    queue.push(1);
    queue.takeAll();
    expect(queue.length).toBe(0);
  });
});
