import { expect, test } from "vitest";
import type { Channel, ChannelSink, Frame } from "./channel.ts";
import { RpcError } from "./errors.ts";
import { ChannelLoan } from "./exchange.ts";

/** A loan of a channel whose other side is this test. */
function lent(): { loan: ChannelLoan; sink: ChannelSink; sent: Frame[] } {
  const sent: Frame[] = [];
  let sink: ChannelSink | undefined;
  const channel: Channel = {
    open: (given) => {
      sink = given;
    },
    send: (frames) => void sent.push(...frames),
    close: () => {},
  };
  const loan = new ChannelLoan(channel, undefined);
  if (sink === undefined) throw new Error("The loan did not open the channel");
  return { loan, sink, sent };
}

test("frames are received in order, whether they came before or after they were asked for", async () => {
  const { loan, sink } = lent();
  void sink.frames(["one", "two"]);
  expect(await loan.receive()).toBe("one");
  expect(await loan.receive()).toBe("two");
  const third = loan.receive();
  void sink.frames(["three"]);
  expect(await third).toBe("three");
});

test.each([
  ["many frames", Array.from({ length: 17 }, () => "x")],
  ["much in one", ["x".repeat(65 << 10)]],
])("who sends %s before the end of the handshake is made to wait", async (_, frames) => {
  const { loan, sink } = lent();
  const full = sink.frames(frames);
  expect(full).toBeInstanceOf(Promise);
  for (const frame of frames) expect(await loan.receive()).toBe(frame);
  await full;
  expect(sink.frames(["more"])).toBeUndefined();
});

test("what was not received goes to whoever has the channel next", async () => {
  const { loan, sink } = lent();
  void sink.frames(["for the handshake", "for the wire"]);
  await loan.receive();
  const got: Frame[] = [];
  loan.release().open({
    frames: (frames) => void got.push(...frames),
    skipped: () => {},
    ended: () => {},
    closed: () => {},
  });
  await Promise.resolve();
  void sink.frames(["more"]);
  expect(got).toEqual(["for the wire", "more"]);
});

test("when the time is over, who waits for a frame hears of it and can still say so", async () => {
  const { loan, sent } = lent();
  const waiting = loan.receive();
  loan.expire(new RpcError("deadline_exceeded", "Too late"));
  await expect(waiting).rejects.toThrow("Too late");
  await expect(loan.receive()).rejects.toThrow("Too late");
  await loan.send("it took too long");
  expect(sent).toEqual(["it took too long"]);
});

test("the end of the channel ends the waiting, with its close code", async () => {
  const { loan, sink } = lent();
  const waiting = loan.receive();
  sink.closed({ message: "invalid public key", closeCode: 4100 });
  await expect(waiting).rejects.toMatchObject({ code: "unavailable", wireCode: 4100 });
});
