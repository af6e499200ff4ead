import { type CommandMethods, command, notification, request } from "../../src/command.ts";
import type { Wire } from "../../src/core/wire.ts";
import { jsonrpc } from "../../src/wires/jsonrpc.ts";
import { lsp } from "../../src/wires/lsp.ts";
import { native } from "../../src/wires/native.ts";
import { coordinatorJson } from "../codecs/coordinator-json.ts";
import { full } from "../codecs/full.ts";
import { gorpcJson } from "../codecs/gorpc-json.ts";
import { PEER_METHODS, PEER_NOTIFICATIONS, type PeerCapabilities } from "./peer-suite.ts";
import { plainWire } from "./plain-wire.ts";

const everything: PeerCapabilities = { calls: "both", notifies: true, anyName: true, errors: "data", cancels: true };

/** The table of the suite's commands. */
function suiteMethods(): CommandMethods {
  const requests = PEER_METHODS.map((name) => [name, request()] as const);
  return Object.fromEntries([...requests, ...PEER_NOTIFICATIONS.map((name) => [name, notification()] as const)]);
}

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
    command({ prefix: "suite", methods: suiteMethods() }),
    { calls: "both", notifies: true, anyName: false, errors: "data", cancels: false },
  ],
  [
    "coordinator",
    coordinatorJson(PEER_METHODS),
    { calls: "server", notifies: false, anyName: false, errors: "data", cancels: true },
  ],
  ["gorpc", gorpcJson(), { calls: "client", notifies: true, anyName: true, errors: "text", cancels: false }],
];
