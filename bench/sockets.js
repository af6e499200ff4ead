// What the contenders share about sockets.
import { once } from "node:events";

/** Listens on a free port of the loopback and gives the address, `tcp://127.0.0.1:<port>`. */
export async function listening(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return addressOf(server);
}

export const addressOf = (server) => `tcp://127.0.0.1:${server.address().port}`;

/** `host:port` of such an address. */
export const hostOf = (address) => new URL(address).host;

/** Where such an address is, as `net.connect` takes it. */
export const placeOf = (address) => ({ host: "127.0.0.1", port: Number(new URL(address).port), noDelay: true });
