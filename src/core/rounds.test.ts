import { expect, test } from "vitest";
import { ManualClock } from "./clock.ts";
import { Rounds, type Visited } from "./rounds.ts";

/** A link that wants its next visit so long after each. */
class Link implements Visited {
  isAwake = false;
  wakesIn = 0;
  readonly visits: number[] = [];
  excused = 0;
  afterMs: number;

  constructor(afterMs: number) {
    this.afterMs = afterMs;
  }

  visit(now: number): number {
    this.visits.push(now);
    return now + this.afterMs;
  }

  excuse(pausedMs: number): void {
    this.excused += pausedMs;
  }
}

function setUp(...delays: readonly number[]): { clock: ManualClock; rounds: Rounds; links: Link[] } {
  const clock = new ManualClock();
  const rounds = new Rounds(clock);
  const links = delays.map((afterMs) => new Link(afterMs));
  for (const link of links) rounds.join(link);
  return { clock, rounds, links };
}

function tick(clock: ManualClock, ms: number): void {
  for (let at = 0; at < ms; at += 20) clock.advance(20);
}

test("a link with something to wait for is visited on each tick, one without only when it wants to be", () => {
  const { clock, links } = setUp(0, 1000, Number.POSITIVE_INFINITY);
  tick(clock, 10_000);
  const [busy, quiet, silent] = links.map(({ visits }) => visits.length);
  expect(busy).toBe(500);
  // Awake for the rest of its slot, so that it is never late.
  expect(quiet).toBeLessThan(160);
  expect(silent).toBe(1);
});

test("a visit is never later than a tick after it was due", () => {
  const { clock, links } = setUp(1000);
  const [link] = links as [Link];
  let due = 1000;
  link.visit = (now) => {
    if (now >= due) {
      expect(now - due).toBeLessThan(20);
      due = now + 1000;
      link.visits.push(now);
    }
    return due;
  };
  tick(clock, 10_000);
  expect(link.visits.length).toBeGreaterThan(8);
});

test("what happens on a link wakes it, and one that is woken often is listed once", () => {
  const { clock, rounds, links } = setUp(15_000);
  const [link] = links as [Link];
  for (let round = 0; round < 1000; round++) {
    rounds.wake(link);
    tick(clock, 20);
  }
  expect(link.visits.length).toBeGreaterThanOrEqual(1000);
  const before = link.visits.length;
  tick(clock, 40_000);
  expect(link.visits.length - before).toBeLessThan(50);
});

test("a pause excuses all, and nobody is visited in it", () => {
  const { clock, links } = setUp(0, 100_000);
  tick(clock, 20);
  const before = links.map(({ visits }) => visits.length);
  clock.advance(5000, 5000);
  expect(links.map(({ excused }) => excused)).toEqual([5000, 5000]);
  expect(links.map(({ visits }) => visits.length)).toEqual(before);
});

test("a link that has left is not visited again, whoever wakes it, and nothing holds it", async () => {
  const { clock, rounds, links } = setUp(0, 15_000);
  const [stays, goes] = links as [Link, Link];
  tick(clock, 40);
  const visits = goes.visits.length;
  rounds.leave(goes);
  rounds.wake(goes);
  tick(clock, 40_000);
  expect([goes.visits.length, goes.wakesIn]).toEqual([visits, 0]);
  expect(stays.visits.length).toBeGreaterThan(1000);
});

test("the clock is let go with the last link", () => {
  const { clock, rounds, links } = setUp(0, 5000);
  expect(clock.listeners).toBe(1);
  for (const link of links) rounds.leave(link);
  expect(clock.listeners).toBe(0);
  tick(clock, 10_000);
  expect(links.map(({ visits }) => visits.length)).toEqual([0, 0]);
});
