import type { Wire } from "../src/core/wire.ts";
import { nodePollDialer } from "../src/http/node/poll-dialer.ts";
import { pollListen } from "../src/http/node/poll-listen.ts";
import { jsonrpc } from "../src/wires/jsonrpc.ts";
import { lsp } from "../src/wires/lsp.ts";
import { native } from "../src/wires/native.ts";
import { coordinatorJson } from "./codecs/coordinator-json.ts";
import { full } from "./codecs/full.ts";
import { FLEET_METHODS, type FleetCapabilities, fleetSuite } from "./suites/fleet-suite.ts";
import { dialling } from "./suites/poll-ends.ts";

const EVERYTHING: FleetCapabilities = {
  mustSayHello: true,
  labels: true,
  welcomes: true,
  goodbyes: true,
  notifies: true,
  callsBack: true,
};
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
  ["jsonrpc", jsonrpc(), { ...EVERYTHING, mustSayHello: false }],
  ["lsp", lsp(), { ...EVERYTHING, mustSayHello: false }],
  ["full", full(), EVERYTHING],
  ["coordinator", coordinatorJson(FLEET_METHODS), BARE],
];

for (const [name, wire, can] of WIRES) {
  for (const mode of ["poll", "beat"] as const) {
    const listen = (): ReturnType<typeof pollListen> => pollListen({ port: 0, scheme: mode });
    const dial = (address: string): ReturnType<typeof nodePollDialer> => nodePollDialer(dialling(address));
    const where = mode === "poll" ? "long-poll" : "heartbeat";
    fleetSuite(`${name} over ${where}`, wire, () => ({ listen: listen(), dial }), can);
  }
}
