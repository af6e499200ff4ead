// vscode-jsonrpc with its own reader and writer over TCP.
import { once } from "node:events";
import net from "node:net";
import rpc from "vscode-jsonrpc/node";
import { listening, placeOf } from "../sockets.js";

export const label = "vscode-jsonrpc";

const connection = (socket) =>
  rpc.createMessageConnection(new rpc.StreamMessageReader(socket), new rpc.StreamMessageWriter(socket));

export function listen() {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const peer = connection(socket);
    peer.onRequest("add", ({ a, b }) => a + b);
    peer.onRequest("echo", (value) => value);
    peer.listen();
  });
  return listening(server);
}

export async function dial(address) {
  const socket = net.connect(placeOf(address));
  await once(socket, "connect");
  const peer = connection(socket);
  peer.listen();
  return { add: (a, b) => peer.sendRequest("add", { a, b }), echo: (value) => peer.sendRequest("echo", value) };
}
