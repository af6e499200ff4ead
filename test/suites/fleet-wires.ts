import type { Wire } from "../../src/core/wire.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { lsp } from "../../src/wires/lsp.ts";
import { native } from "../../src/wires/native.ts";
import { coordinatorJson } from "../codecs/coordinator-json.ts";
import { full } from "../codecs/full.ts";
import { FLEET_METHODS, type FleetCapabilities } from "./fleet-suite.ts";

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

/** The wires that can carry a fleet, and what each of them can say. */
export const FLEET_WIRES: readonly (readonly [name: string, wire: Wire, can: FleetCapabilities])[] = [
  ["native", native(), EVERYTHING],
  ["native with JSON", native({ body: "json" }), EVERYTHING],
  ["jsonrpc", jsonrpc(), { ...EVERYTHING, mustSayHello: false }],
  ["lsp", lsp(), { ...EVERYTHING, mustSayHello: false }],
  ["full", full(), EVERYTHING],
  ["coordinator", coordinatorJson(FLEET_METHODS), BARE],
];
