import { CoordinatorCodec } from "../codecs/coordinator/codec.ts";
import { type CoordinatorMethods, MethodTable } from "../codecs/coordinator/methods.ts";
import { RpcError } from "../core/errors.ts";
import type { Wire } from "../core/wire.ts";
import { lengthPrefix } from "../framings/length-prefix.ts";

const STAY_AWAY_MS = 30_000;

/** The options of the coordinator's wire. */
export interface CoordinatorOptions {
  /** What the controller may call and the agents serve: the same table at both ends. No two methods have the same request. */
  readonly methods: CoordinatorMethods;
}

/**
 * The wire of Aperture's reverse RPC: agents dial, say their name, and are called. `serve(url, { wire: coordinator({ methods
 * }), fleet })` is a controller, `connect(url, { wire: coordinator({ methods }), name, handlers })` an agent. On gRPC its
 * frames are the messages of `aperture.rpc.v1.Coordinator/Connect`; docs/wires/coordinator.md has them. Throws
 * `TypeError` for methods that are none, and for two with the same request.
 */
export function coordinator({ methods }: CoordinatorOptions): Wire {
  const table = new MethodTable(methods);
  return {
    name: "coordinator",
    insteadOfAuthenticator: "TLS certificates, grpc.identify or onConnect",
    path: "/aperture.rpc.v1.Coordinator/Connect",
    framing: lengthPrefix(),
    ordered: false,
    firstId: 0,
    codec: (link) => new CoordinatorCodec(link, table),
    closed: (reason) => (reason.error === undefined ? { redialAfterMs: awayMs(), ...reason } : reason),
    closing: (reason, role) =>
      role === "client" || reason.redialAfterMs !== undefined
        ? reason
        : { error: new RpcError("unavailable", reason.message), ...reason },
  };
}

/**
 * A controller that ends a stream without an error has most likely given the agent's name to another one, and has no other
 * word for it: whoever came back at once would take the name from that one.
 */
function awayMs(): number {
  return STAY_AWAY_MS * (1 + Math.random() / 3);
}
