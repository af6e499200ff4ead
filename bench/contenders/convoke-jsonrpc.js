// Convoke, JSON-RPC 2.0 on lines over TCP.
import { jsonrpc } from "convoke/jsonrpc";
import { over } from "../convoke.js";

export const label = "Convoke, JSON-RPC lines";
export const { listen, dial } = over(jsonrpc);
