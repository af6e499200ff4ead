// socket.io: its own server and clients in a room, over WebSocket from the first byte: no long-polling that is upgraded.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { collect, gathered, openAll, TIMEOUT_MS } from "../agents.js";
import { hostOf, listening } from "../sockets.js";

export const label = "socket.io, room, WebSocket only";
export const workloads = ["fan-out"];

const ROOM = "agents";
const transports = ["websocket"];
let server;

export function listen() {
  const http = createServer();
  server = new Server(http, { transports });
  server.on("connection", (socket) => socket.join(ROOM));
  return listening(http);
}

export async function gather(agents) {
  const members = () => server.sockets.adapter.rooms.get(ROOM)?.size ?? 0;
  await gathered(agents, members);
  return {
    agents,
    collectAll: (params) => server.to(ROOM).timeout(TIMEOUT_MS).emitWithAck("collect", params),
  };
}

export function dial(address, { names }) {
  return openAll(names, async (name) => {
    const socket = io(`ws://${hostOf(address)}`, { transports, forceNew: true });
    socket.on("collect", (params, reply) => reply(collect(name, params)));
    await new Promise((resolve) => socket.once("connect", resolve));
  });
}
