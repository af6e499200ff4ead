import { describe, expect, test } from "vitest";
import { arrange, joinReplies, lateAnswer, wantsAnswer } from "./batch.ts";

const call = (id: string, method = "m"): string => `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`;
const note = '{"jsonrpc":"2.0","method":"n"}';

describe("a record", () => {
  test.each([call("1"), "no JSON", "", "[1", `[${call("1")},${note},${call('"1"')}]`, `[1,${call("1")}]`])(
    "%s stays as it is",
    (record) => {
      expect(arrange(record)).toMatchObject({ record, isEmpty: false });
      expect(arrange(record).restore("[anything]")).toBe("[anything]");
    },
  );

  test("without members is empty", () => expect(arrange(" [ ]\n").isEmpty).toBe(true));

  test("has its invalid members first, each kind in its order", () => {
    const { record } = arrange(`[${call("1")}, 7, ${note}, {"jsonrpc":"2.0","id":2}]`);
    expect(record).toBe(`[7,{"jsonrpc":"2.0","id":2},${call("1")},${note}]`);
  });

  test("whose members share an id gets them back with the replies", () => {
    const taken = call('"1.again"');
    const { record, restore } = arrange(`[${call("7")},${call("7")} ,${taken},{"id":7}]`);
    const ids = (JSON.parse(String(record)) as { id: unknown }[]).map(({ id }) => id);
    expect(ids).toEqual(["3.again", 7, "2.again", "1.again"]);
    const replies = ids.map((id) => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"id":"2.again"}}`);
    expect(JSON.parse(restore(`[${replies.join(",")}]`))).toEqual(
      [7, 7, 7, "1.again"].map((id) => ({ jsonrpc: "2.0", id, result: { id: "2.again" } })),
    );
  });

  test("wants an answer when it has a call, or a mistake", () => {
    expect([call("1"), `[${note},${call("1")}]`, "{}", `[${note},1]`].map(wantsAnswer)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([note, `[${note}]`, "no JSON"].map(wantsAnswer)).toEqual([false, false, false]);
  });

  test("wants none for replies, unless they are none", () => {
    const reply = '{"jsonrpc":"2.0","id":1,"result":null}';
    const error = '{"id":null,"error":{"code":1,"message":"no"}}';
    expect([reply, error, `[${reply},${note}]`].map(wantsAnswer)).toEqual([false, false, false]);
    const odd = ['{"jsonrpc":"2.0","id":1}', '{"id":{},"result":1}', '{"id":1,"method":"m","result":1}'];
    expect([...odd, `[${reply},${call("1")}]`].map(wantsAnswer)).toEqual([true, true, true, true]);
  });

  test("whose time is over has an error for each call, in its form", () => {
    const error = { code: -32096, message: "context deadline exceeded" };
    expect(JSON.parse(lateAnswer(call("1.0")) ?? "")).toEqual({ jsonrpc: "2.0", id: 1, error });
    expect(lateAnswer(call("1.0"))).toContain('"id":1.0,');
    expect(JSON.parse(lateAnswer(`[${note},${call("1")}]`) ?? "")).toEqual([{ jsonrpc: "2.0", id: 1, error }]);
    expect(lateAnswer(note)).toBeUndefined();
  });
});

test("a reply that was cut in several is one again", () => {
  expect(joinReplies(["[1,2]", "[3]"])).toBe("[1,2,3]");
  expect(joinReplies(["{}"])).toBe("{}");
});
