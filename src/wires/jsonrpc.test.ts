import { expect, test } from "vitest";
import { FakeLink } from "../../test/codecs/ends.ts";
import { CANCELLED_NOTIFICATION } from "../codecs/jsonrpc/options.ts";
import type { ErrorMessage, Message } from "../core/message.ts";
import type { Wire } from "../core/wire.ts";
import { line } from "../framings/line.ts";
import { jsonrpc } from "./jsonrpc.ts";
import { lsp } from "./lsp.ts";

const CANCELLED: ErrorMessage = {
  kind: "error",
  id: 1,
  error: { code: "cancelled", message: "gone" },
  call: undefined,
};

function encoded(wire: Wire, message: Message): unknown {
  const [frame] = wire.codec(new FakeLink("client")).encode([message], () => undefined);
  return frame === undefined ? undefined : JSON.parse(String(frame));
}

test("jsonrpc is ordered, on lines, and cancels as a language server does", () => {
  const wire = jsonrpc();
  expect(wire).toMatchObject({ name: "jsonrpc", ordered: true });
  expect(encoded(wire, { kind: "cancel", id: 1 })).toMatchObject({ method: "$/cancelRequest", params: { id: 1 } });
  expect(encoded(wire, CANCELLED)).toMatchObject({ error: { code: -32097 } });
});

test("order, framing and the method of cancelling are the user's", () => {
  const framing = line();
  const wire = jsonrpc({ ordered: false, framing, cancel: CANCELLED_NOTIFICATION });
  expect(wire.ordered).toBe(false);
  expect(wire.framing).toBe(framing);
  expect(encoded(wire, { kind: "cancel", id: 1 })).toMatchObject({
    method: "notifications/cancelled",
    params: { requestId: 1 },
  });
  expect(encoded(jsonrpc({ cancel: false }), { kind: "cancel", id: 1 })).toBeUndefined();
});

test("lsp answers a cancelled request as the protocol wants it, and may be told otherwise", () => {
  expect(lsp()).toMatchObject({ name: "lsp", ordered: true });
  expect(lsp({ ordered: false }).ordered).toBe(false);
  expect(encoded(lsp(), { kind: "cancel", id: 1 })).toMatchObject({ method: "$/cancelRequest" });
  expect(encoded(lsp(), CANCELLED)).toMatchObject({ error: { code: -32800 } });
  expect(encoded(lsp({ numbers: { cancelled: -32097 } }), CANCELLED)).toMatchObject({ error: { code: -32097 } });
});

test("a wrong option throws when the wire is made", () => {
  expect(() => jsonrpc({ errors: "quiet" as "plain" })).toThrow(TypeError);
});
