/** JSON-RPC 2.0: its wires, their options, the framings that they can be given, and its messages read without a link. */
export { ERROR_NAMES, ERROR_NUMBERS } from "./codecs/jsonrpc/errors.ts";
export type { ParsedMessage } from "./codecs/jsonrpc/messages.ts";
export { parseMessages } from "./codecs/jsonrpc/messages.ts";
export type { CancelMethod, JsonRpcOptions } from "./codecs/jsonrpc/options.ts";
export { CANCEL_REQUEST, CANCELLED_NOTIFICATION } from "./codecs/jsonrpc/options.ts";
export { header, strictHeader } from "./framings/header.ts";
export { line } from "./framings/line.ts";
export { rawJson } from "./framings/raw-json.ts";
export { split } from "./framings/split.ts";
export type { ServerInfo } from "./wires/builtins.ts";
export { type JsonMessagesOptions, jsonMessages } from "./wires/json-messages.ts";
export type { JsonRpcWireOptions } from "./wires/jsonrpc.ts";
export { jsonrpc } from "./wires/jsonrpc.ts";
export { lsp } from "./wires/lsp.ts";
export type { ServiceInfo } from "./wires/openrpc.ts";
