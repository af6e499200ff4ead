// What the Convoke contenders share: they differ in their wire, and in what carries it.
import { connect, serve } from "convoke/node";
import { hostOf } from "./sockets.js";

const handlers = { add: ({ a, b }) => a + b, echo: (value) => value };

/** Both ends of a contender that speaks this wire on addresses of this scheme; `options` are more of the server's. */
export const over = (wire, scheme = "tcp", options = {}) => ({
  async listen() {
    const server = await serve(`${scheme}://127.0.0.1:0`, { wire: wire(), handlers, ...options });
    return server.addresses[0];
  },
  async dial(address) {
    // A proxy in between says only where it is.
    const client = await connect(`${scheme}://${hostOf(address)}`, { wire: wire() });
    return { add: (a, b) => client.call("add", { a, b }), echo: (value) => client.call("echo", value) };
  },
});

/** Both ends of one over WebSocket. Whoever comes through a proxy, which has another port, names that one as its host. */
export const overWebSocket = (wire) => over(wire, "ws", { ws: { hosts: ["*"] } });
