import type { AnyHandler, Dispatcher } from "../core/handlers.ts";
import type { Stats } from "../core/stats.ts";
import type { Builtins } from "../core/wire.ts";
import { openRpcDocument, type ServiceInfo } from "./openrpc.ts";

/** Names that begin like this are the protocol's own (JSON-RPC 2.0, section 4): the user's handlers never get them. */
const RESERVED = "rpc.";

/** The answer to `rpc.serverInfo`: what jrpc2's servers say, as far as this end counts it. */
export interface ServerInfo {
  /** The names that can be called, sorted; `["*"]` where they cannot be listed, absent where there are none. */
  readonly methods?: readonly string[];
  /** Counters of this end over all its links, since `startTime` or the last `resetStats()`. */
  readonly metrics: {
    /** Requests that came, members of batches, notifications and invalid ones included. */
    readonly rpc_requests: number;
    /** Requests that reached no handler: invalid ones and unknown methods. */
    readonly rpc_errors: number;
    /** Calls that this end made. */
    readonly calls_pushed: number;
    /** Notifications that this end sent. */
    readonly notifications_pushed: number;
    /** Bytes on the wire, as `Stats` counts them. */
    readonly bytes_read: number;
    readonly bytes_written: number;
    /** Links that are up. */
    readonly servers_active: number;
  };
  /** When this end began to serve: RFC 3339, UTC. */
  readonly startTime: string;
}

/**
 * The methods that a JSON-RPC server answers by itself: `rpc.serverInfo`, and `rpc.discover` with an OpenRPC document of
 * the registered handlers. Every other name that begins with `rpc.` is an unknown method.
 */
export function jsonRpcBuiltins(info: ServiceInfo, stats: () => Stats): Builtins {
  const startTime = new Date().toISOString();
  let unknown = 0;
  const serverInfo = (dispatcher: Dispatcher): ServerInfo => {
    const methods = dispatcher.names === undefined ? ["*"] : dispatcher.names();
    return { ...(methods.length > 0 && { methods }), metrics: metricsOf(stats(), unknown), startTime };
  };
  return (dispatcher) => {
    const own = new Map<string, AnyHandler>([
      ["rpc.serverInfo", () => serverInfo(dispatcher)],
      ["rpc.discover", (): object => openRpcDocument(dispatcher, info)],
    ]);
    return {
      find(method) {
        const handler = method.startsWith(RESERVED) ? own.get(method) : dispatcher.find(method);
        if (handler === undefined) unknown++;
        return handler;
      },
    };
  };
}

function metricsOf(stats: Stats, unknown: number): ServerInfo["metrics"] {
  return {
    rpc_requests: stats.requests + stats.notificationsReceived + stats.invalid,
    rpc_errors: unknown + stats.invalid,
    calls_pushed: stats.calls,
    notifications_pushed: stats.notificationsSent,
    bytes_read: stats.bytesRead,
    bytes_written: stats.bytesWritten,
    servers_active: stats.connections,
  };
}
