import type { Dialer } from "../src/core/wire.ts";
import { memoryNetwork } from "../src/transports/memory.ts";
import { tcpDialer, tcpListen } from "../src/transports/node/tcp.ts";
import { wsDialer } from "../src/transports/node/ws-dialer.ts";
import { wsListen } from "../src/transports/node/ws-listen.ts";
import { fleetSuite } from "./suites/fleet-suite.ts";
import { FLEET_WIRES } from "./suites/fleet-wires.ts";
import { grpcDialer, grpcListen } from "./suites/grpc-ends.ts";

const portOf = (address: string): number => Number(new URL(address).port);

for (const [name, wire, can] of FLEET_WIRES) {
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
