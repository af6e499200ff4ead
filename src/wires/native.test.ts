import { describe, expect, test } from "vitest";
import { Log } from "../../test/suites/engine.ts";
import type { RpcError } from "../core/errors.ts";
import { connect, deflate, native, serve } from "../node.ts";
import { jsonrpc } from "./jsonrpc.ts";

const handlers = { echo: (value: unknown) => value, none: () => undefined };
const VALUES = [new Date(5), 7n, new Map([[1, "one"]]), Uint8Array.of(1, 2), undefined, Number.NaN, -0, "é"];

describe("the native wire over TCP", () => {
  test.each([
    ["as it is", {}, {}],
    ["compressed, when both ends want it", { compression: deflate() }, { compression: deflate(6) }],
    ["not compressed when only the client wants it", { compression: deflate() }, {}],
    ["not compressed when only the server wants it", {}, { compression: deflate() }],
  ])("carries what JSON cannot, %s", async (_, near, far) => {
    await using server = await serve("tcp://127.0.0.1:0", { wire: native(far), handlers });
    await using client = await connect(server.addresses[0] ?? "", { wire: native(near) });
    expect(await client.call("echo", VALUES)).toEqual(VALUES);
    expect(await client.call("none")).toBeUndefined();
    const many = Array.from({ length: 500 }, (_each, at) => client.call("echo", { at, text: "x".repeat(at) }));
    expect((await Promise.all(many)).map((each) => (each as { at: number }).at)).toEqual(many.map((_each, at) => at));
  });

  test("an end of another wire is told so, on both ends", async () => {
    const refused = (error: RpcError) => error.message;
    const log = new Log();
    await using server = await serve("tcp://127.0.0.1:0", { wire: native(), handlers, logger: log });
    const asJson = { wire: jsonrpc(), redial: false, timeoutMs: 1000, logger: false } as const;
    await using old = await connect(server.addresses[0] ?? "", asJson);
    expect(await old.call("echo", [1]).catch(refused)).toContain("Lost");
    expect(log.of("warn").join()).toContain("another wire");
    await using json = await serve("tcp://127.0.0.1:0", {
      wire: jsonrpc(),
      logger: false,
      onConnect: (connection) => void connection.notify("welcome"),
    });
    const attempt = connect(json.addresses[0] ?? "", { wire: native(), redial: false, logger: false });
    expect(await attempt.catch(refused)).toContain("another wire");
  });

  test("a body that there is not is refused at once", () => {
    expect(() => native({ body: "xml" as never })).toThrow(TypeError);
    expect(() => deflate(10)).toThrow(RangeError);
  });
});
