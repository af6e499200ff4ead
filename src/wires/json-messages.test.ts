import { expect, test } from "vitest";
import { ManualClock } from "../core/clock.ts";
import { establish } from "../core/establish.ts";
import { establishOptions } from "../core/options.ts";
import { memoryPipes } from "../transports/memory.ts";
import { jsonMessages } from "./json-messages.ts";
import { jsonrpc } from "./jsonrpc.ts";

test("the wire is that of jsonrpc(), without what a pipe and a server need", () => {
  const { framing: _, begins: __, builtins: ___, ...shared } = jsonrpc({ ordered: false });
  const { framing: ____, ...own } = jsonMessages({ ordered: false });
  expect(Object.keys(own)).toEqual(Object.keys(shared));
  expect(own).toMatchObject({ name: "jsonrpc", ordered: false });
});

test("wrong options throw as those of jsonrpc() do", () => {
  expect(() => jsonMessages({ cancel: { method: "", key: "id" } })).toThrow(TypeError);
});

test("on a pipe it makes no link, and says which wire does", async () => {
  const [pipe] = memoryPipes();
  const options = establishOptions("client", { clock: new ManualClock(), logger: false });
  await expect(establish({ pipe }, jsonMessages(), options)).rejects.toMatchObject({
    code: "failed_precondition",
    message: "This wire has no framing for a stream of bytes: use jsonrpc() of convoke/jsonrpc",
  });
});
