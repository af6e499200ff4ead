// What the contenders over `ws` share.
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { addressOf, hostOf } from "./sockets.js";

/** Serves WebSocket connections and gives the address. */
export async function listening(onConnection) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", onConnection);
  await once(server, "listening");
  return addressOf(server);
}

/** A connection that is open. */
export async function dialed(address) {
  const socket = new WebSocket(`ws://${hostOf(address)}`, { perMessageDeflate: false });
  await once(socket, "open");
  return socket;
}
