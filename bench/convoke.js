// What the Convoke contenders share: they differ in their wire.
import { connect, serve } from "convoke/node";

const handlers = { add: ({ a, b }) => a + b, echo: (value) => value };

/** Both ends of a contender that speaks this wire. */
export const over = (wire) => ({
  async listen() {
    const server = await serve("tcp://127.0.0.1:0", { wire: wire(), handlers });
    return server.addresses[0];
  },
  async dial(address) {
    const client = await connect(address, { wire: wire() });
    return { add: (a, b) => client.call("add", { a, b }), echo: (value) => client.call("echo", value) };
  },
});
