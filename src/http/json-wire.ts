import type { Wire } from "../core/wire.ts";

/** The wires whose frames are JSON-RPC messages as text. */
const NAMES: ReadonlySet<string> = new Set(["jsonrpc", "lsp"]);

/** Throws `TypeError` for a wire that cannot be spoken over plain HTTP requests. */
export function checkWire({ name }: Wire, address: string): void {
  if (NAMES.has(name)) return;
  throw new TypeError(`${address} carries JSON-RPC only, not the wire "${name}": use jsonrpc(), or another address`);
}
