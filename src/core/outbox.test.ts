import { describe, expect, test } from "vitest";
import { RpcError } from "./errors.ts";
import { Outbox } from "./outbox.ts";
import { isItem, OutgoingBatch, OutgoingCall, OutgoingNote } from "./outgoing.ts";

function call(method: string, deadline = Infinity): OutgoingCall {
  const made = new OutgoingCall(method, undefined, 0, deadline, undefined);
  made.promise.catch(() => {});
  return made;
}

const cancel = (made: OutgoingCall, outbox: Outbox): void => {
  made.fail(new RpcError("cancelled", "x"));
  outbox.forget();
};

describe("Outbox", () => {
  test("gives messages in order, a few at a time", () => {
    const outbox = new Outbox();
    const all = [call("a"), new OutgoingNote("b", 1), { kind: "pong", token: 1 } as const, call("c")];
    expect(all.map((each) => outbox.push(each))).toEqual([1, 2, 3, 4]);
    expect([outbox.length, outbox.calls]).toEqual([4, 2]);
    expect(outbox.take(3)).toEqual(all.slice(0, 3));
    expect([outbox.length, outbox.calls]).toEqual([1, 1]);
    expect(outbox.take(99)).toEqual([all[3]]);
    expect([outbox.length, outbox.calls]).toEqual([0, 0]);
  });

  test("leaves out calls that have settled, alone and in a batch, and shrinks when they are many", () => {
    const outbox = new Outbox();
    const calls = Array.from({ length: 10 }, (_, each) => call(String(each)));
    const inside = [call("x"), call("y")];
    for (const each of calls) outbox.push(each);
    outbox.push(new OutgoingBatch([...inside, new OutgoingNote("n", 1)]));
    for (const each of [0, 1, 2, 3, 4, 5, 6]) cancel(calls[each] as OutgoingCall, outbox);
    cancel(inside[0] as OutgoingCall, outbox);
    expect(outbox.calls).toBe(4);
    expect(outbox.length).toBeLessThan(11);
    const taken = outbox.take(99);
    expect(taken.slice(0, 3)).toEqual(calls.slice(7));
    expect(taken[3]).toMatchObject({ kind: "batch", messages: [{ method: "y" }, { kind: "notify" }] });
  });

  test("dropOldest fails one unsent call after another, members of batches too, and never a notification", async () => {
    const outbox = new Outbox();
    const [first, second, third] = [call("a"), call("b"), call("c")];
    outbox.push(new OutgoingNote("n", 1));
    outbox.push(first);
    outbox.push(new OutgoingBatch([second, third]));
    expect([outbox.dropOldest(5), outbox.dropOldest(5), outbox.dropOldest(5), outbox.dropOldest(5)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    for (const each of [first, second, third])
      await expect(each.promise).rejects.toMatchObject({ code: "resource_exhausted", executed: "no" });
    expect(outbox.take(9)).toMatchObject([{ kind: "notify" }]);
  });

  test("expire fails what is late and returns how many", async () => {
    const outbox = new Outbox();
    const late = [call("a", 10), call("b", 20), call("c", 5)];
    for (const each of late) outbox.push(each);
    outbox.push(new OutgoingBatch([call("d", 10), call("e")]));
    expect([outbox.expire(4), outbox.expire(10), outbox.expire(10), outbox.expire(20)]).toEqual([0, 3, 0, 1]);
    await expect(late[2]?.promise).rejects.toMatchObject({ code: "deadline_exceeded", executed: "no" });
    expect(outbox.calls).toBe(1);
  });

  test("extract takes the requests and leaves the replies in their order", () => {
    const outbox = new Outbox();
    const reply = { kind: "result", id: 1, value: 1, call: undefined } as const;
    const replies = { kind: "batch", messages: [reply] } as const;
    const mine = [call("a"), new OutgoingBatch([call("b")]), new OutgoingNote("c", 1)];
    for (const each of [mine[0], reply, mine[1], replies, mine[2]]) outbox.push(each as OutgoingCall);
    expect(outbox.extract(isItem)).toEqual(mine);
    expect([outbox.calls, outbox.take(9)]).toEqual([0, [reply, replies]]);
  });
});
