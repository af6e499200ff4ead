import { expect, test } from "vitest";
import { call, Hand } from "../../test/suites/engine.ts";

test("a call whose time is over when it comes is refused, and its handler does not begin", async () => {
  const ran: unknown[] = [];
  const hand = new Hand({ handlers: { work: (params: unknown) => void ran.push(params) } });
  await hand.say(call(1, "work", "none", 0), call(2, "work", "less", -5), call(3, "work", "some", 1));
  expect(ran).toEqual(["some"]);
  expect(hand.got).toMatchObject([
    { kind: "error", id: 1, error: { code: "deadline_exceeded", executed: "no" } },
    { kind: "error", id: 2, error: { code: "deadline_exceeded", executed: "no" } },
    { kind: "result", id: 3 },
  ]);
});
