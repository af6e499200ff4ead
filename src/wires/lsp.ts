import { CANCEL_REQUEST } from "../codecs/jsonrpc/options.ts";
import { beginsWithText } from "../core/detection.ts";
import type { Wire } from "../core/wire.ts";
import { lsp as lspFraming } from "../framings/header.ts";
import { type JsonRpcWireOptions, jsonrpc } from "./jsonrpc.ts";

/**
 * The wire of language servers (Language Server Protocol 3.17, base protocol): JSON-RPC 2.0 behind a `Content-Length`
 * header, cancelled by `$/cancelRequest`, and a cancelled request answered with RequestCancelled, -32800.
 */
export function lsp(options: Omit<JsonRpcWireOptions, "framing"> = {}): Wire {
  const numbers = { cancelled: -32800, ...options.numbers };
  return {
    ...jsonrpc({ cancel: CANCEL_REQUEST, ...options, numbers, framing: lspFraming() }),
    name: "lsp",
    begins: beginsWithText("Content-"),
  };
}
