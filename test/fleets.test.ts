import type { Dialer, Wire } from "../src/core/wire.ts";
import { memoryNetwork } from "../src/transports/memory.ts";
import { grpcDialer, grpcListen } from "../src/transports/node/grpc.ts";
import { tcpDialer, tcpListen } from "../src/transports/node/tcp.ts";
import { wsDialer } from "../src/transports/node/ws-dialer.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { native } from "../src/wires/native.ts";
import { coordinatorJson } from "./codecs/coordinator-json.ts";
import { full } from "./codecs/full.ts";
import { FLEET_METHODS, type FleetCapabilities, fleetSuite } from "./suites/fleet-suite.ts";

const EVERYTHING: FleetCapabilities = {
  mustSayHello: true,
  labels: true,
  welcomes: true,
  goodbyes: true,
  notifies: true,
  callsBack: true,
};
/** On the coordinator's wire an agent says its name, and that is all. */
const BARE: FleetCapabilities = {
  mustSayHello: true,
  labels: false,
  welcomes: false,
  goodbyes: false,
  notifies: false,
  callsBack: false,
};

const WIRES: readonly (readonly [name: string, wire: Wire, can: FleetCapabilities])[] = [
  ["native", native(), EVERYTHING],
  ["native with JSON", native({ body: "json" }), EVERYTHING],
  ["jsonrpc", jsonrpc(), { ...EVERYTHING, mustSayHello: false }],
  ["lsp", lsp(), { ...EVERYTHING, mustSayHello: false }],
  ["full", full(), EVERYTHING],
  ["coordinator", coordinatorJson(FLEET_METHODS), BARE],
];

const portOf = (address: string): number => Number(new URL(address).port);

for (const [name, wire, can] of WIRES) {
  fleetSuite(
    `${name} in memory`,
    wire,
    () => {
      const network = memoryNetwork();
      return { listen: network.listen("fleet"), dial: () => network.dial("fleet") };
    },
    can,
  );
  const dialTcp = (address: string): Dialer => tcpDialer({ port: portOf(address) });
  fleetSuite(`${name} over TCP`, wire, () => ({ listen: tcpListen({ port: 0 }), dial: dialTcp }), can);
  const dialGrpc = (address: string): Dialer => grpcDialer({ port: portOf(address) });
  fleetSuite(`${name} over gRPC`, wire, () => ({ listen: grpcListen({ port: 0 }), dial: dialGrpc }), can);
  const dialWs = (url: string): Dialer => wsDialer({ url });
  fleetSuite(`${name} over ws`, wire, () => ({ listen: wsListen({ port: 0 }), dial: dialWs }), can);
}
