// A peer on vscode-jsonrpc with its own reader and writer: the same methods whether it dialled, was dialled, or is a child.
import { pathToFileURL } from "node:url";
import rpc from "vscode-jsonrpc/node";

/** Puts the peer on two streams and returns its connection. */
export function vscodePeer(input, output) {
  const peer = rpc.createMessageConnection(new rpc.StreamMessageReader(input), new rpc.StreamMessageWriter(output));
  peer.onRequest("add", ({ a, b }) => a + b);
  peer.onRequest("subtract", (a, b) => a - b);
  peer.onRequest("fail", ({ code }) => new rpc.ResponseError(code, "failed as asked", { code }));
  peer.onRequest("slow", (_, token) => {
    return new Promise((resolve) => token.onCancellationRequested(() => resolve("stopped")));
  });
  peer.onRequest("ask", ({ question }) => peer.sendRequest("answer", { question }));
  peer.onRequest("cancelMine", async () => {
    const source = new rpc.CancellationTokenSource();
    const waiting = peer.sendRequest("slow", {}, source.token);
    await peer.sendRequest("add", { a: 1, b: 1 });
    source.cancel();
    return waiting.then(
      (value) => ({ value }),
      (error) => ({ code: error.code, message: error.message }),
    );
  });
  let lines = [];
  peer.onNotification("log", ({ line }) => {
    lines.push(line);
  });
  peer.onRequest("takeLog", () => {
    const taken = lines;
    lines = [];
    return taken;
  });
  peer.onNotification("echo", (params) => peer.sendNotification("echoed", params));
  peer.listen();
  return peer;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const peer = vscodePeer(process.stdin, process.stdout);
  peer.onClose(() => process.exit(0));
}
