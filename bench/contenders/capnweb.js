// capnweb over one `ws` connection.
import { newWebSocketRpcSession, RpcTarget } from "capnweb";
import { WebSocket } from "ws";
import { dialed, listening } from "../websocket.js";

export const label = "capnweb, WebSocket";

// It reads the ready states of the global, which Node 20 has not.
globalThis.WebSocket ??= WebSocket;

class Api extends RpcTarget {
  add(a, b) {
    return a + b;
  }

  echo(value) {
    return value;
  }
}

export const listen = () => listening((socket) => newWebSocketRpcSession(socket, new Api()));

export async function dial(address) {
  const api = newWebSocketRpcSession(await dialed(address));
  return { add: (a, b) => api.add(a, b), echo: (value) => api.echo(value) };
}
