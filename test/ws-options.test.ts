/* An option that would not be looked at is refused: whoever gives `identify` relies on it. */
import http from "node:http";
import { describe, expect, test } from "vitest";
import { RpcError } from "../src/core/errors.ts";
import {
  connect,
  httpListen,
  type NodeConnectOptions,
  type NodeServeOptions,
  openChannel,
  pollListen,
  serve,
  wsListen,
} from "../src/node.ts";

const server = http.createServer();
const identify = (): never => {
  throw new RpcError("unauthenticated", "Show your token");
};

describe("a listener of one's own", () => {
  test.each<[string, NodeServeOptions, string]>([
    [
      "ws.identify",
      { ws: { identify } },
      "ws is for addresses, and a listener of your own does not get it: give it to wsListen({ … })",
    ],
    ["ws.hosts", { ws: { hosts: ["rpc.example.org"] } }, "ws is for addresses"],
    [
      "http.identify",
      { http: { identify } },
      "http is for addresses, and a listener of your own does not get it: give it to httpListen({ … })",
    ],
    [
      "poll.origins",
      { poll: { origins: ["*"] } },
      "poll is for addresses, and a listener of your own does not get it: give it to pollListen({ … })",
    ],
    [
      "grpc.identify",
      { grpc: { identify } },
      "grpc is for addresses, and a listener of your own does not get it: give it where that is made",
    ],
    [
      "tls",
      { tls: {} },
      "tls is for addresses, and a listener of your own does not get it: give it where that is made",
    ],
    ["wires", { wires: [] }, "wires belongs to an address tcp://, tls:// or unix:"],
  ])("does not get %s", async (_, options, message) => {
    for (const listen of [wsListen, httpListen, pollListen]) {
      const attempt = serve(listen({ server, path: "/rpc" }), options);
      await expect(attempt).rejects.toThrow(TypeError);
      await expect(attempt).rejects.toThrow(`The option ${message}`);
    }
  });

  test.each<[string, NodeServeOptions]>([
    ["ws://127.0.0.1:0/", { ws: { identify } }],
    ["http://127.0.0.1:0/", { http: { identify } }],
    ["poll+http://127.0.0.1:0/", { poll: { identify } }],
  ])("does not get them beside %s either", async (address, options) => {
    await expect(serve([wsListen({ server, path: "/rpc" }), address], options)).rejects.toThrow(
      / is for addresses, and /,
    );
    await expect(serve([address, wsListen({ server, path: "/rpc" })], options)).rejects.toThrow(TypeError);
  });

  test("gets its own, and stands beside addresses that have theirs", async () => {
    const own = wsListen({ port: 0, identify: () => "ann" });
    const both = await serve([own, "tcp://127.0.0.1:0", "ws://127.0.0.1:0/"], { handlers: {}, logger: false });
    expect(both.addresses).toHaveLength(3);
    await both.close();
  });
});

describe("a dialer of one's own", () => {
  const dial = async (): Promise<never> => {
    throw new RpcError("unavailable", "Nobody is there");
  };

  test.each<[string, NodeConnectOptions]>([
    ["tls", { tls: {} }],
    ["ws", { ws: { headers: { authorization: "Bearer x" } } }],
    ["http", { http: {} }],
    ["poll", { poll: {} }],
    ["grpc", { grpc: {} }],
  ])("does not get %s", async (name, options) => {
    const message = `The option ${name} is for addresses, and a dialer of your own does not get it: give it where that is made`;
    for (const attempt of [
      () => connect(dial, options),
      () => connect([dial, dial], options),
      () => openChannel(dial, options),
    ]) {
      await expect(attempt()).rejects.toThrow(TypeError);
      await expect(attempt()).rejects.toThrow(message);
    }
  });
});

test("no address at all is refused by both ends", async () => {
  await expect(serve([])).rejects.toThrow("There is no address to serve at: give at least one");
  await expect(connect([])).rejects.toThrow("There is no address to connect to: give at least one");
  await expect(serve([])).rejects.toThrow(TypeError);
});
