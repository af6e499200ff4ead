import type { Wire } from "../../src/core/wire.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { lsp } from "../../src/wires/lsp.ts";
import { native } from "../../src/wires/native.ts";
import { command } from "../codecs/command.ts";
import { coordinator, JSON_TYPE } from "../codecs/coordinator.ts";
import { full } from "../codecs/full.ts";
import { gorpcJson } from "../codecs/gorpc-json.ts";
import { PEER_METHODS, PEER_NOTIFICATIONS, type PeerCapabilities } from "./peer-suite.ts";
import { plainWire } from "./plain-wire.ts";

const everything: PeerCapabilities = { calls: "both", notifies: true, anyName: true, errors: "data", cancels: true };
const types = new Map(PEER_METHODS.map((method) => [method, { request: JSON_TYPE, response: JSON_TYPE }]));

/** Every wire there is, and what it can say: the rows of the matrix. */
export const PEER_WIRES: readonly (readonly [name: string, wire: Wire, capabilities: PeerCapabilities])[] = [
  ["jsonrpc", jsonrpc(), everything],
  ["jsonrpc without order", jsonrpc({ ordered: false, cancel: false }), { ...everything, cancels: false }],
  ["lsp", lsp(), everything],
  ["native", native(), everything],
  ["native with JSON", native({ body: "json" }), everything],
  ["full", full(), everything],
  [
    "full without opening",
    full({ hello: "never", welcome: false, answersCancelled: false, ordered: true }),
    everything,
  ],
  ["plain", plainWire(), everything],
  [
    "command",
    command({ prefix: "suite", methods: PEER_METHODS, notifications: PEER_NOTIFICATIONS }),
    { calls: "both", notifies: true, anyName: false, errors: "code", cancels: false },
  ],
  [
    "coordinator",
    coordinator(types),
    { calls: "server", notifies: false, anyName: false, errors: "code", cancels: true },
  ],
  ["gorpc", gorpcJson(), { calls: "client", notifies: true, anyName: true, errors: "text", cancels: false }],
];
