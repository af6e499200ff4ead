import * as grpcJs from "@grpc/grpc-js";
import { systemClock } from "../../src/core/clock.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/core/limits.ts";
import { DEFAULT_HEARTBEAT } from "../../src/core/liveness.ts";
import type { LinkTerms, RawConnection, Wire } from "../../src/core/wire.ts";
import { type GrpcTransport, grpcOver } from "../../src/transports/node/grpc.ts";
import { Log } from "./engine.ts";
import { plainWire } from "./plain-wire.ts";
import { type Relay, relayTo } from "./relay.ts";
import { deferred } from "./support.ts";

/** The transport, with its package. */
export const { grpcDialer, grpcListen }: GrpcTransport = grpcOver(grpcJs);

const never = new AbortController().signal;

/** What a transport is told of its links in tests. */
export function termsOf(options: Partial<LinkTerms> & { readonly limitsOf?: Partial<Limits> } = {}): LinkTerms {
  const { limitsOf, ...terms } = options;
  return {
    wire: plainWire(),
    limits: { ...DEFAULT_LIMITS, ...limitsOf },
    heartbeat: DEFAULT_HEARTBEAT,
    handshakeTimeoutMs: 5000,
    clock: systemClock(5),
    logger: new Log(),
    ...terms,
  };
}

/** A wire that has a path of its own, and is otherwise the same. */
export function onPath(wire: Wire, path: string): Wire {
  return { ...wire, path, codec: (link) => wire.codec(link) };
}

/** The two ends of a stream over a real connection. */
export interface GrpcPair {
  readonly client: RawConnection;
  readonly server: RawConnection;
  /** Ends what the client sends and keeps what it receives. */
  endClient(): void;
  /** What carries the connection. */
  readonly relay: Relay;
  cleanup(): Promise<void>;
}

/** Dials a listener on the loopback; each end may have terms of its own. */
export async function grpcPair(
  serverTerms: LinkTerms = termsOf(),
  clientTerms: LinkTerms = serverTerms,
): Promise<GrpcPair> {
  const accepted = deferred<RawConnection>();
  const listener = await grpcListen({ port: 0 })(accepted.resolve, serverTerms);
  let call: grpcJs.InterceptingCall | undefined;
  const interceptor = (options: grpcJs.InterceptorOptions, nextCall: grpcJs.NextCall): grpcJs.InterceptingCall => {
    call = new grpcJs.InterceptingCall(nextCall(options));
    return call;
  };
  const relay = await relayTo(Number(new URL(listener.address).port));
  const { port } = relay;
  const client = await grpcDialer({ port, grpc: { interceptors: [interceptor] } })(never, clientTerms);
  return {
    client,
    server: await accepted.promise,
    endClient: () => call?.halfClose(),
    relay,
    async cleanup() {
      await listener.close();
      await relay.close();
    },
  };
}
