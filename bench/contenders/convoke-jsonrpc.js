// Convoke, JSON-RPC 2.0 on lines over TCP.
import { jsonrpc } from "convoke/jsonrpc";
import { connect, serve } from "convoke/node";

export const label = "Convoke, JSON-RPC lines";

export async function listen() {
  const server = await serve("tcp://127.0.0.1:0", { wire: jsonrpc(), handlers: { add: ({ a, b }) => a + b } });
  return server.addresses[0];
}

export async function dial(address) {
  const client = await connect(address, { wire: jsonrpc() });
  return (a, b) => client.call("add", { a, b });
}
