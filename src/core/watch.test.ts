import { describe, expect, test } from "vitest";
import { Hand, peerOn } from "../../test/suites/engine.ts";
import { plainWire } from "../../test/suites/plain-wire.ts";
import { turn } from "../../test/suites/support.ts";
import type { Channel, ChannelSink, CloseReason } from "./channel.ts";
import { ManualClock } from "./clock.ts";

const heartbeat = { intervalMs: 1000, timeoutMs: 500 };

/** A channel whose transport can ask for a sign of life, under a wire that cannot. */
function pinging(): {
  readonly channel: Channel;
  readonly pings: number[];
  sink(): ChannelSink;
  closed(): CloseReason | undefined;
} {
  const pings: number[] = [];
  let sink: ChannelSink | undefined;
  let reason: CloseReason | undefined;
  const channel: Channel = {
    open: (given) => {
      sink = given;
    },
    send: () => {},
    ping: () => void pings.push(pings.length),
    close: (given) => {
      reason ??= given;
    },
  };
  return { channel, pings, sink: () => sink as ChannelSink, closed: () => reason };
}

describe("liveness below the wire", () => {
  const mute = plainWire();

  test("a silent link whose transport can ping is asked, and is dead when nothing comes", () => {
    const clock = new ManualClock();
    const { channel, pings, closed } = pinging();
    peerOn(channel, mute, "server", clock, { heartbeat });
    clock.advance(1100);
    expect(pings).toHaveLength(1);
    clock.advance(600);
    expect(closed()?.error).toMatchObject({ code: "unavailable" });
  });

  test("an empty list of frames is a sign of life", () => {
    const clock = new ManualClock();
    const { channel, pings, sink, closed } = pinging();
    peerOn(channel, mute, "server", clock, { heartbeat });
    for (let round = 0; round < 5; round++) {
      clock.advance(1000);
      void sink().frames([]);
    }
    expect(pings.length).toBeGreaterThanOrEqual(3);
    expect(closed()).toBeUndefined();
  });

  test("a wire with pings of its own leaves those of the transport alone", () => {
    const clock = new ManualClock();
    const { channel, pings } = pinging();
    peerOn(channel, plainWire({ carries: { ping: true } }), "server", clock, { heartbeat });
    clock.advance(1100);
    expect(pings).toEqual([]);
  });
});

describe("a close that says why", () => {
  test("gives its code and reason to the channel, after what still runs was answered", async () => {
    const hand = new Hand({ handlers: { answer: () => 42 } });
    const closing = hand.peer.close({ code: 4001, reason: "moved" });
    await turn();
    await closing;
    expect(hand.reason).toMatchObject({ message: "Closed by the other side: moved", closeCode: 4001 });
  });

  test("also when it does not wait", async () => {
    const hand = new Hand();
    await hand.peer.close({ graceMs: 0, code: 1000 });
    await turn();
    expect(hand.reason).toMatchObject({ closeCode: 1000 });
  });
});
