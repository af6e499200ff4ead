import { expect, test } from "vitest";
import { BusyPoll } from "./busy-poll.ts";

/** A loop by hand: each look at the input takes a hundredth of a millisecond. */
class HandLoop {
  at = 0;
  readonly #waiting: (() => void)[] = [];

  now(): number {
    return this.at;
  }
  next(run: () => void): void {
    this.#waiting.push(run);
  }
  get isAwake(): boolean {
    return this.#waiting.length > 0;
  }
  look(): void {
    this.at += 0.01;
    for (const run of this.#waiting.splice(0)) run();
  }
}

function pair(): { loop: HandLoop; poll: BusyPoll; answers: (count: number, afterMs: number) => void } {
  const loop = new HandLoop();
  const poll = new BusyPoll(loop);
  const answers = (count: number, afterMs: number): void => {
    for (let at = 0; at < count; at++) {
      poll.wrote();
      const until = loop.at + afterMs;
      while (loop.isAwake && loop.at < until) loop.look();
      loop.at = until;
      poll.came();
    }
  };
  return { loop, poll, answers };
}

test("the loop sleeps until some answers have come at once", () => {
  const { loop, poll, answers } = pair();
  answers(7, 0.1);
  poll.wrote();
  expect(loop.isAwake).toBe(false);
  poll.came();
  poll.wrote();
  expect(loop.isAwake).toBe(true);
});

test("an awake loop falls asleep a moment after the last write", () => {
  const { loop, poll, answers } = pair();
  answers(16, 0.02);
  poll.wrote();
  const began = loop.at;
  while (loop.isAwake) loop.look();
  expect(loop.at - began).toBeCloseTo(0.06, 2);
  poll.wrote();
  expect(loop.isAwake).toBe(true);
});

test("two slow answers, and it sleeps again", () => {
  const { loop, poll, answers } = pair();
  answers(100, 0.02);
  answers(2, 2);
  while (loop.isAwake) loop.look();
  poll.wrote();
  expect(loop.isAwake).toBe(false);
});

test("where one answer of five is slow it never begins", () => {
  const { loop, poll, answers } = pair();
  for (let round = 0; round < 100; round++) {
    answers(4, 0.05);
    poll.wrote();
    expect(loop.isAwake).toBe(false);
    loop.at += 1;
    poll.came();
  }
});

test("who only tells something, and is not answered, soon sleeps as well", () => {
  const { loop, poll, answers } = pair();
  answers(100, 0.02);
  let awake = 0;
  for (let at = 0; at < 100; at++) {
    poll.wrote();
    if (loop.isAwake) awake++;
    while (loop.isAwake) loop.look();
    loop.at += 1;
  }
  expect(awake).toBe(3);
});

test("what comes without any write is none", () => {
  const { loop, poll } = pair();
  for (let at = 0; at < 100; at++) poll.came();
  poll.wrote();
  expect(loop.isAwake).toBe(false);
});

test("many writes while it is awake are one look at a time", () => {
  const { loop, poll, answers } = pair();
  answers(16, 0.02);
  for (let at = 0; at < 10; at++) poll.wrote();
  let looks = 0;
  for (; loop.isAwake; looks++) loop.look();
  expect(looks).toBeLessThanOrEqual(8);
});
