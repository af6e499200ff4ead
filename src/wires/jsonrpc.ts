import type { Framing } from "../core/channel.ts";
import { beginsWithOneOf } from "../core/detection.ts";
import type { Wire } from "../core/wire.ts";
import { line } from "../framings/line.ts";
import { jsonRpcBuiltins } from "./builtins.ts";
import { type JsonMessagesOptions, jsonMessages } from "./json-messages.ts";
import type { ServiceInfo } from "./openrpc.ts";

/** The options of a JSON-RPC wire: those of its messages, and what stands around them. */
export interface JsonRpcWireOptions extends JsonMessagesOptions {
  /** Cuts a pipe into messages. Default: one message per line. A transport that frames messages itself goes without. */
  readonly framing?: Framing | undefined;
  /** What the server's `rpc.discover` says about the service. Default: a title and a version that say nothing. */
  readonly info?: Partial<ServiceInfo> | undefined;
}

/** JSON-RPC 2.0, on a pipe one message per line. Throws `TypeError` or `RangeError` for a wrong option. */
export function jsonrpc(options: JsonRpcWireOptions = {}): Wire {
  return {
    ...jsonMessages(options),
    framing: options.framing ?? line(),
    // Other framings begin in ways of their own.
    ...(options.framing === undefined && { begins: beginsWithOneOf([0x7b, 0x5b], { afterBlanks: true }) }),
    builtins: (stats) => jsonRpcBuiltins({ title: "JSON-RPC service", version: "0.0.0", ...options.info }, stats),
  };
}
