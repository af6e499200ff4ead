import type { Connection } from "../core/context.ts";
import type { AnyHandler, Dispatcher } from "../core/handlers.ts";
import type { PeerStats } from "../core/stats.ts";
import type { Builtins } from "../core/wire.ts";
import { openRpcDocument, type ServiceInfo } from "./openrpc.ts";

/** Names that begin like this are the protocol's own (JSON-RPC 2.0, section 4): the user's handlers never get them. */
const RESERVED = "rpc.";

/** The answer to `rpc.serverInfo`: what jrpc2's servers say, as far as this end counts it. */
export interface ServerInfo {
  /** The names that can be called, sorted; `["*"]` where they cannot be listed, absent where there are none. */
  readonly methods?: readonly string[];
  /** Counters of this end over all its links, since `startTime`. */
  readonly metrics: {
    /** Requests that came, members of batches, notifications and invalid ones included. */
    readonly rpc_requests: number;
    /** Requests that reached no handler: invalid ones and unknown methods. */
    readonly rpc_errors: number;
    /** Calls that this end made. */
    readonly calls_pushed: number;
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
export function jsonRpcBuiltins(info: ServiceInfo): Builtins {
  const totals = new Totals();
  return (dispatcher, connection) => {
    totals.add(connection);
    const own = new Map<string, AnyHandler>([
      ["rpc.serverInfo", (): ServerInfo => totals.info(dispatcher)],
      ["rpc.discover", (): object => openRpcDocument(dispatcher, info)],
    ]);
    return {
      find(method) {
        const handler = method.startsWith(RESERVED) ? own.get(method) : dispatcher.find(method);
        totals.found(handler !== undefined);
        return handler;
      },
    };
  };
}

/** What one end has done over all its links. */
class Totals {
  readonly #startTime = new Date().toISOString();
  readonly #links = new Set<Connection>();
  #requests = 0;
  #unknown = 0;
  /** Of links that have ended. */
  #invalid = 0;
  #calls = 0;

  add(connection: Connection): void {
    this.#links.add(connection);
    void connection.closed.then(() => {
      this.#links.delete(connection);
      this.#count(connection.stats);
    });
  }

  found(isKnown: boolean): void {
    this.#requests++;
    if (!isKnown) this.#unknown++;
  }

  info(dispatcher: Dispatcher): ServerInfo {
    let invalid = this.#invalid;
    let calls = this.#calls;
    for (const { stats } of this.#links) {
      invalid += stats.invalid;
      calls += stats.calls;
    }
    const methods = dispatcher.names === undefined ? ["*"] : dispatcher.names();
    return {
      ...(methods.length > 0 && { methods }),
      metrics: {
        rpc_requests: this.#requests + invalid,
        rpc_errors: this.#unknown + invalid,
        calls_pushed: calls,
        servers_active: this.#links.size,
      },
      startTime: this.#startTime,
    };
  }

  #count({ invalid, calls }: PeerStats): void {
    this.#invalid += invalid;
    this.#calls += calls;
  }
}
