import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { FanOut } from "./fan-out.ts";

test("a signal that timed out gives deadline_exceeded, though its reason is of another realm", async () => {
  const reason: unknown = runInNewContext('Object.assign(new Error("late"), { name: "TimeoutError" })');
  const begin = (): never => {
    throw new Error("nobody is called");
  };
  const all = new FanOut({ method: "run", members: ["a"], begin, signal: AbortSignal.abort(reason) });
  expect(await all).toMatchObject([
    { member: "a", ok: false, error: { code: "deadline_exceeded", executed: "no", cause: reason } },
  ]);
});
