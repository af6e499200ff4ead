// Convoke, its own wire over WebSocket.
import { native } from "convoke/node";
import { overWebSocket } from "../convoke.js";

export const label = "Convoke, native over WebSocket";
export const { listen, dial } = overWebSocket(native);
