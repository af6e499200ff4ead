// What the Convoke end serves in the interop tests: the same methods as partners/vscode-peer.js.
import { RpcError } from "convoke";

/** A table for each connection, so that nobody sees another one's log. */
export const handlers = () => {
  let lines = [];
  return {
    add: ({ a, b }) => a + b,
    subtract: ([a, b]) => a - b,
    fail: ({ code }) => {
      throw new RpcError("unknown", "failed as asked", { wireCode: code, data: { code } });
    },
    slow: (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("stopped"))),
    ask: ({ question }, { peer: caller }) => caller.call("answer", { question }),
    log: ({ line }) => {
      lines.push(line);
    },
    takeLog: () => {
      const taken = lines;
      lines = [];
      return taken;
    },
    echo: (params, { peer: caller }) => caller.notify("echoed", params),
  };
};
