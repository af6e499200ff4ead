import { describe, expect, test } from "vitest";
import { Hand } from "../../test/suites/engine.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { turn } from "../../test/suites/support.ts";
import type { CloseReason, Role } from "./channel.ts";
import { RpcError } from "./errors.ts";
import { Refusal } from "./opening.ts";
import type { Wire } from "./wire.ts";

/** A wire that has the transport say why a link ends, and what it was told. */
function talkative(carries: Parameters<typeof plainWire>[0] = {}) {
  const told: [message: string, code: string | undefined, redialAfterMs: number | undefined, role: Role][] = [];
  const wire: Wire = {
    ...plainWire(carries),
    closing(reason: CloseReason, role: Role): CloseReason {
      told.push([reason.message, reason.error?.code, reason.redialAfterMs, role]);
      const message = `told: ${reason.message}`;
      return { message, error: new RpcError("aborted", message) };
    },
  };
  return { wire, told };
}

describe("what the transport is told at the end of a link, where the wire says it", () => {
  test("a drain, and a close at once", async () => {
    for (const [graceMs, message] of [
      [1000, "Drained"],
      [0, "Closed by this end"],
    ] as const) {
      const { wire, told } = talkative();
      const hand = new Hand({ wire });
      await hand.peer.close({ graceMs });
      expect(told).toEqual([[message, undefined, undefined, "server"]]);
      await turn();
      expect(hand.reason?.message).toMatch(`told: ${message}`);
      // What this end knows of it is the truth.
      expect(await hand.peer.closed).toEqual({ message });
    }
  });

  test("a refusal, with its error", async () => {
    const { wire, told } = talkative({ carries: { hello: "must" } });
    const hand = new Hand({
      wire,
      onHello: () => {
        throw new Refusal("already_exists", "taken", 1000);
      },
    });
    await hand.say({ kind: "hello", hello: { name: "a" } });
    expect(told).toEqual([["taken", "already_exists", undefined, "server"]]);
  });

  test("a drain that asks the other side to stay away, where the wire has no goodbye", async () => {
    const { wire, told } = talkative();
    const hand = new Hand({ wire });
    await hand.peer.drain(1000, "replaced", 30_000);
    expect(told).toEqual([["replaced", undefined, 30_000, "server"]]);
  });

  test("nothing when the other side ended it", async () => {
    const { wire, told } = talkative();
    const hand = new Hand({ wire });
    hand.channel.end();
    await hand.peer.closed;
    expect(told).toEqual([]);
  });
});
