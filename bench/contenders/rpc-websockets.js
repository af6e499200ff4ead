// rpc-websockets, its own client and server.
import { once } from "node:events";
import { Client, Server } from "rpc-websockets";
import { addressOf, hostOf } from "../sockets.js";

export const label = "rpc-websockets";

export async function listen() {
  const server = new Server({ host: "127.0.0.1", port: 0 });
  server.register("add", ({ a, b }) => a + b);
  server.register("echo", (value) => value);
  await once(server.wss, "listening");
  return addressOf(server.wss);
}

export async function dial(address) {
  const client = new Client(`ws://${hostOf(address)}`);
  await new Promise((resolve) => client.once("open", resolve));
  return { add: (a, b) => client.call("add", { a, b }), echo: (value) => client.call("echo", value) };
}
