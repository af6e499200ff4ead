import type { Dialer } from "../src/core/wire.ts";
import { memoryNetwork } from "../src/transports/memory.ts";
import { tcpDialer, tcpListen } from "../src/transports/node/tcp.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { native } from "../src/wires/native.ts";
import { full } from "./codecs/full.ts";
import { fleetSuite } from "./suites/fleet-suite.ts";

const WIRES = [
  ["native", native(), false],
  ["native with JSON", native({ body: "json" }), false],
  ["jsonrpc", jsonrpc(), true],
  ["lsp", lsp(), true],
  ["full", full(), false],
] as const;

for (const [name, wire, optional] of WIRES) {
  fleetSuite(
    `${name} in memory`,
    wire,
    () => {
      const network = memoryNetwork();
      return { listen: network.listen("fleet"), dial: () => network.dial("fleet") };
    },
    { optional },
  );
  const dial = (address: string): Dialer => tcpDialer({ port: Number(new URL(address).port) });
  fleetSuite(`${name} over TCP`, wire, () => ({ listen: tcpListen({ port: 0 }), dial }), { optional });
}
