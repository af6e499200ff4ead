import net from "node:net";
import { listening, placeOf } from "./sockets.js";

/** Passes on one or more connections to an address and counts their bytes. The caller closes it. */
export async function countingProxy(target) {
  const counted = { up: 0, down: 0 };
  const sockets = new Set();
  const pass = (from, to, direction) => {
    sockets.add(from);
    from.on("data", (chunk) => {
      counted[direction] += chunk.length;
    });
    from.on("error", () => to.destroy());
    from.pipe(to);
  };
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect(placeOf(target));
    pass(near, far, "up");
    pass(far, near, "down");
  });
  return {
    address: await listening(server),
    /** The bytes towards the server and back, so far. */
    counts: () => ({ ...counted }),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
