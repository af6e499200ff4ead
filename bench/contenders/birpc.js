// birpc over one `ws` connection, its messages as JSON.
import { createBirpc } from "birpc";
import { dialed, listening } from "../websocket.js";

export const label = "birpc, WebSocket";

const peer = (socket, functions) =>
  createBirpc(functions, {
    post: (text) => socket.send(text),
    on: (receive) => socket.on("message", receive),
    serialize: JSON.stringify,
    deserialize: (data) => JSON.parse(data.toString()),
  });

export const listen = () => listening((socket) => peer(socket, { add: (a, b) => a + b, echo: (value) => value }));

export async function dial(address) {
  const remote = peer(await dialed(address), {});
  return { add: (a, b) => remote.add(a, b), echo: (value) => remote.echo(value) };
}
