// vscode-jsonrpc 10 with its own reader and writer over TCP.
import net from "node:net";
import rpc from "vscode-jsonrpc/node";

export const label = "vscode-jsonrpc";

const connection = (socket) =>
  rpc.createMessageConnection(new rpc.StreamMessageReader(socket), new rpc.StreamMessageWriter(socket));

export async function listen() {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const peer = connection(socket);
    peer.onRequest("add", ({ a, b }) => a + b);
    peer.listen();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `tcp://127.0.0.1:${server.address().port}`;
}

export async function dial(address) {
  const socket = net.connect({ port: Number(new URL(address).port), host: "127.0.0.1", noDelay: true });
  await new Promise((resolve) => socket.once("connect", resolve));
  const peer = connection(socket);
  peer.listen();
  return (a, b) => peer.sendRequest("add", { a, b });
}
