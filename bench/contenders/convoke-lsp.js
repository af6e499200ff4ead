// Convoke, JSON-RPC 2.0 with LSP headers over TCP, which vscode-jsonrpc speaks too; it adds a Content-Type to each message.
import { lsp } from "convoke/jsonrpc";
import { over } from "../convoke.js";

export const label = "Convoke, LSP headers";
export const { listen, dial } = over(lsp);
