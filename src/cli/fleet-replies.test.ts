import { describe, expect, test } from "vitest";
import { RpcError } from "../core/errors.ts";
import { changeOf, fleetError, membersOf, outcomeOf, outcomesOf } from "./fleet-replies.ts";

describe("what a controller replies", () => {
  test("is read, whatever is missing or of another type", () => {
    expect(membersOf([{ name: "a", labels: { k: 1 }, wire: 7, since: "x" }])).toEqual([
      { name: "a", labels: { k: "1" }, address: undefined, wire: "", since: 0, lastSeen: 0, running: 0, pending: 0 },
    ]);
    expect(outcomeOf({ member: "a", ok: false, error: { code: "odd", message: 1, wireCode: {} } })).toEqual({
      member: "a",
      ok: false,
      error: { code: "unknown", message: "" },
    });
    expect(outcomeOf({ member: "a", ok: false })).toMatchObject({ ok: false, error: { code: "unknown" } });
    expect(changeOf({ kind: "ended", reason: "too slow" })).toEqual({ message: "too slow" });
  });

  test.each([null, 7, "x", {}, [null], [{ name: 7 }]])("%j is no list of members", (reply) => {
    expect(() => membersOf(reply)).toThrow(RpcError);
  });

  test.each([null, {}, [null], [{ member: 7, ok: true }], [{ member: "a", ok: "yes" }]])(
    "%j is no list of outcomes",
    (reply) => {
      expect(() => outcomesOf(reply)).toThrow(RpcError);
    },
  );

  test.each([null, 7, { kind: "exploded", member: "a" }, { kind: "joined" }])("%j is no event", (params) => {
    expect(changeOf(params)).toBeUndefined();
  });
});

test("an address without a fleet is told from an agent without a method", () => {
  const none = new RpcError("unimplemented", "method not found", { data: "fleet.list" });
  expect(fleetError(none).message).toContain("--fleet");
  const agents = new RpcError("unimplemented", "method not found", { data: "math.add" });
  expect(fleetError(agents)).toBe(agents);
  const denied = new RpcError("permission_denied", "no", { data: "fleet.list" });
  expect(fleetError(denied)).toBe(denied);
});
