// Convoke, JSON-RPC 2.0 over WebSocket, one message each.
import { jsonrpc } from "convoke/jsonrpc";
import { overWebSocket } from "../convoke.js";

export const label = "Convoke, JSON-RPC over WebSocket";
export const { listen, dial } = overWebSocket(jsonrpc);
