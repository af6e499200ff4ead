import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { CloseReason } from "../core/channel.ts";
import { RpcError } from "../core/errors.ts";
import { coordinator } from "./coordinator.ts";

const WIRE = coordinator({ methods: { upper: [StringValueSchema, StringValueSchema] } });

describe("the coordinator's wire", () => {
  test("has Aperture's path, begins at id 0, and holds nothing back", () => {
    expect(WIRE).toMatchObject({
      name: "coordinator",
      path: "/aperture.rpc.v1.Coordinator/Connect",
      firstId: 0,
      ordered: false,
    });
  });

  test("stays away for 30 to 40 s after an end without an error, each time another while", () => {
    const waits = Array.from({ length: 50 }, () => WIRE.closed?.({ message: "ended" }).redialAfterMs ?? 0);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(30_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(40_000);
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  test("dials again as always after an error, and when somebody has said when", () => {
    const lost: CloseReason = { message: "lost", error: new RpcError("unavailable", "lost") };
    expect(WIRE.closed?.(lost)).toEqual(lost);
    expect(WIRE.closed?.({ message: "over", redialAfterMs: Number.POSITIVE_INFINITY })).toEqual({
      message: "over",
      redialAfterMs: Number.POSITIVE_INFINITY,
    });
  });

  test("a controller that closes is unavailable, one that refuses says why, and a replaced agent's stream just ends", () => {
    expect(WIRE.closing?.({ message: "Drained" }, "server")).toMatchObject({
      message: "Drained",
      error: { code: "unavailable", message: "Drained" },
    });
    const error = new RpcError("already_exists", "taken");
    expect(WIRE.closing?.({ message: "taken", error }, "server")).toEqual({ message: "taken", error });
    const replaced: CloseReason = { message: "replaced", redialAfterMs: 30_000 };
    expect(WIRE.closing?.(replaced, "server")).toEqual(replaced);
    expect(WIRE.closing?.({ message: "Closed by this end" }, "client")).toEqual({ message: "Closed by this end" });
  });
});
