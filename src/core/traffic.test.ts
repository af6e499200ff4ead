import { expect, test } from "vitest";
import { memoryChannels, memoryPipes } from "../transports/memory.ts";
import type { CloseReason, Frame } from "./channel.ts";
import { RpcError } from "./errors.ts";
import { type Counters, newCounters } from "./stats.ts";
import { countedChannel, countedPipe } from "./traffic.ts";

const closedBy = (reason: CloseReason): Counters => {
  const counters = newCounters();
  let tell: (reason: CloseReason) => void = () => {};
  const pipe = { open: (sink: { closed(reason: CloseReason): void }) => void (tell = sink.closed.bind(sink)) };
  countedPipe({ ...pipe, write: () => {}, close: () => {} }, counters).open({
    data: () => {},
    ended: () => {},
    closed: () => {},
  });
  tell(reason);
  return counters;
};

test("a pipe counts chunks and bytes both ways; text counts as UTF-8", async () => {
  const [near, far] = memoryPipes();
  const [nearCount, farCount] = [newCounters(), newCounters()];
  const sink = { data: () => {}, ended: () => {}, closed: () => {} };
  const here = countedPipe(near, nearCount);
  here.open(sink);
  countedPipe(far, farCount).open(sink);
  const texts = ["abc", "ä€😀", "", `${"x".repeat(16_383)}😀${"é".repeat(20_000)}`];
  const bytes = texts.reduce((sum, text) => sum + new TextEncoder().encode(text).length, 0);
  for (const text of texts) void here.write(text);
  void here.write(Uint8Array.of(1, 2, 3));
  await new Promise((resolve) => setTimeout(resolve));
  expect(nearCount).toMatchObject({ bytesWritten: bytes + 3, writes: 5, bytesRead: 0, reads: 0 });
  expect(farCount).toMatchObject({ bytesRead: bytes + 3, reads: 4, bytesWritten: 0, writes: 0 });
});

test("a channel counts the bytes of its frames, and lists of frames as reads and writes", async () => {
  const [near, far] = memoryChannels();
  const [nearCount, farCount] = [newCounters(), newCounters()];
  const got: Frame[] = [];
  const sink = { frames: (frames: readonly Frame[]) => void got.push(...frames), skipped: () => {}, ended: () => {} };
  const here = countedChannel(near, nearCount);
  const there = countedChannel(far, farCount);
  const ends: CloseReason[] = [];
  here.open({ ...sink, closed: (reason) => void ends.push(reason) });
  there.open({ ...sink, closed: (reason) => void ends.push(reason) });
  void here.send(["ä", Uint8Array.of(1, 2)]);
  await new Promise((resolve) => setTimeout(resolve));
  here.close();
  await new Promise((resolve) => setTimeout(resolve));
  expect([got.length, ends.length]).toEqual([2, 2]);
  expect(nearCount).toMatchObject({ bytesWritten: 4, writes: 1, readErrors: 0 });
  expect(farCount).toMatchObject({ bytesRead: 4, reads: 1, readErrors: 0 });
});

test("errors of reading and writing are told apart by what the system or the engine says", () => {
  const failing = (syscall: string): RpcError =>
    new RpcError("unavailable", "reset", { cause: Object.assign(new Error("reset"), { syscall }) });
  const errorsOf = (error?: RpcError): [number, number] => {
    const { readErrors, writeErrors } = closedBy({ message: "over", ...(error && { error }) });
    return [readErrors, writeErrors];
  };
  expect(errorsOf()).toEqual([0, 0]);
  expect(errorsOf(failing("read"))).toEqual([1, 0]);
  expect(errorsOf(failing("write"))).toEqual([0, 1]);
  expect(errorsOf(new RpcError("data_loss", "nonsense"))).toEqual([1, 0]);
  expect(errorsOf(new RpcError("resource_exhausted", "it does not read"))).toEqual([0, 1]);
  expect(errorsOf(new RpcError("unauthenticated", "who are you"))).toEqual([0, 0]);
});
