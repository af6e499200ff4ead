import { Client, type ConnectOptions } from "./client/client.ts";
import { type ServeOptions, Server } from "./server/server.ts";
import { memoryNetwork } from "./transports/memory.ts";
import { jsonrpc } from "./wires/jsonrpc.ts";

export { ManualClock } from "./core/clock.ts";

/** A network inside this process, for tests: `serve` and `connect` as in `convoke/node`, on addresses like `memory:math`. */
export interface TestNetwork {
  serve<Data = unknown>(address: string, options?: ServeOptions<Data>): Promise<Server>;
  connect<Api = unknown, Data = unknown>(address: string, options?: ConnectOptions<Data>): Promise<Client<Api>>;
}

/**
 * Makes an empty network. Names live as long as it does, so that tests do not meet one another; no socket is opened.
 * Give both ends a `ManualClock` to turn time by hand.
 */
export function testNetwork(): TestNetwork {
  const network = memoryNetwork();
  return {
    serve: (address, options = {}) =>
      Server.open([network.listen(nameOf(address))], options.wire ?? jsonrpc(), options),
    connect: (address, options = {}) => Client.open(network.dial(nameOf(address)), options.wire ?? jsonrpc(), options),
  };
}

function nameOf(address: string): string {
  if (address.startsWith("memory:") && address.length > "memory:".length) return address.slice("memory:".length);
  throw new TypeError(`Cannot use the address ${JSON.stringify(address)} here: a test network has only memory:<name>`);
}
