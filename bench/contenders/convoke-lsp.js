// Convoke, JSON-RPC 2.0 with LSP headers over TCP: the same bytes that vscode-jsonrpc writes.
import { lsp } from "convoke/jsonrpc";
import { connect, serve } from "convoke/node";

export const label = "Convoke, LSP headers";

export async function listen() {
  const server = await serve("tcp://127.0.0.1:0", { wire: lsp(), handlers: { add: ({ a, b }) => a + b } });
  return server.addresses[0];
}

export async function dial(address) {
  const client = await connect(address, { wire: lsp() });
  return (a, b) => client.call("add", { a, b });
}
