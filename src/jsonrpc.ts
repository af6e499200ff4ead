/** JSON-RPC 2.0: its wires, their options, and the framings that they can be given. */
export * from "./codecs/jsonrpc/errors.ts";
export type { CancelMethod, JsonRpcOptions } from "./codecs/jsonrpc/options.ts";
export { CANCEL_REQUEST, CANCELLED_NOTIFICATION } from "./codecs/jsonrpc/options.ts";
export { header, strictHeader } from "./framings/header.ts";
export { line } from "./framings/line.ts";
export { rawJson } from "./framings/raw-json.ts";
export { split } from "./framings/split.ts";
export { jsonrpc } from "./wires/jsonrpc.ts";
export { lsp } from "./wires/lsp.ts";
