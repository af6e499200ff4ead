import type { LinkTerms } from "../../core/wire.ts";
import { PACKET_BYTES, PACKET_ROOM } from "./packet.ts";

// No word of grpc-js in here: the types of `convoke/node` must hold where that package is not installed.

/** What travels beside a stream of gRPC, by name: text, or bytes where the name ends in `-bin`. Names are in lower case. */
export type GrpcMetadata = Readonly<Record<string, string | Uint8Array>>;

/** Pings of HTTP/2, which say whether the other side is still there. */
export interface GrpcKeepalive {
  /** The time between two pings. */
  readonly intervalMs: number;
  /** How long the answer may take; then the connection is dead. */
  readonly timeoutMs: number;
}

/** How a client connects over gRPC. */
export interface GrpcConnectOptions {
  /** What is sent when the stream begins, or a function that says it at each dial: tokens expire. */
  readonly metadata?: GrpcMetadata | (() => GrpcMetadata | Promise<GrpcMetadata>) | undefined;
  /** The `ChannelCredentials` of `@grpc/grpc-js`, in place of the option `tls`. Secure ones need an address `grpcs://`. */
  readonly credentials?: object | undefined;
  /** Interceptors of `@grpc/grpc-js`, the first is the outermost. */
  readonly interceptors?: readonly GrpcInterceptor[] | undefined;
  /** Default: the link's `heartbeat`; every 310 s on a wire with a path of its own, because Go's servers allow no more. */
  readonly keepalive?: GrpcKeepalive | undefined;
  /** Allows metadata with a name of `CREDENTIALS` over `grpc://` to another machine, where others can read it. Default `false`. */
  readonly insecure?: boolean | undefined;
  /** Options of a channel of grpc-js by their names there (`grpc.…`); they win over those that the transport sets. */
  readonly channelOptions?: GrpcOptions | undefined;
}

/** How a server serves over gRPC. */
export interface GrpcServeOptions {
  /**
   * Looks at what a client sent when its stream began, and gives what becomes `context.identity`; `undefined` leaves it the
   * verified certificate. An `RpcError` that it throws ends the stream with that code.
   */
  readonly identify?: GrpcIdentify | undefined;
  /** Default: the link's `heartbeat`. */
  readonly keepalive?: GrpcKeepalive | undefined;
  /** Whether `grpc.health.v1.Health` is served too. Default `true`. */
  readonly health?: boolean | undefined;
  /** The `ServerCredentials` of `@grpc/grpc-js`, in place of the option `tls`. Secure ones need an address `grpcs://`. */
  readonly credentials?: object | undefined;
  /** Options of a server of grpc-js by their names there (`grpc.…`); they win over those that the transport sets. */
  readonly serverOptions?: GrpcOptions | undefined;
}

/** See `GrpcServeOptions.identify`. A repeated name has its texts joined by a comma. */
export type GrpcIdentify = (
  metadata: GrpcMetadata,
  about: { readonly remoteAddress: string | undefined; readonly identity: unknown },
) => unknown;

/** A function of `@grpc/grpc-js`'s type `Interceptor`. */
export type GrpcInterceptor = (options: never, nextCall: never) => object;

/** Options of grpc-js. */
export type GrpcOptions = Readonly<Record<string, string | number | undefined>>;

/** The path of every wire that has none of its own. */
export const WIRE_PATH = "/convoke.v1.Wire/Connect";

/** Names of metadata that are nobody else's to read. */
export const CREDENTIALS: readonly string[] = ["authorization", "proxy-authorization", "cookie"];

/** Go's servers end a connection that pings more often than every 5 minutes. */
const FOREIGN_INTERVAL_MS = 310_000;
/** What a Node timer can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** What a message length can say in grpc-js. */
const MAX_MESSAGE_BYTES = 2 ** 32 - 1;

/** The path of a wire. Throws `TypeError` for one that gRPC cannot have. */
export function pathOf({ path = WIRE_PATH }: LinkTerms["wire"]): string {
  if (/^\/[\w.-]+\/[\w-]+$/.test(path)) return path;
  throw new TypeError(`The path of a wire must be like ${WIRE_PATH}, not ${JSON.stringify(path)}`);
}

/** The largest message that an end takes: unlimited is -1, as grpc-js has it. */
export function receiveLimit({ wire, limits: { maxFrameBytes } }: LinkTerms): number {
  const bytes = wire.path === undefined ? Math.max(maxFrameBytes + PACKET_ROOM, PACKET_BYTES) : maxFrameBytes;
  return bytes > MAX_MESSAGE_BYTES ? -1 : Math.floor(bytes);
}

/** grpc-js's options for pings; none where the time is longer than a timer holds. */
export function keepaliveOptions({ intervalMs, timeoutMs }: GrpcKeepalive): GrpcOptions {
  if (intervalMs > MAX_TIMER_MS) return {};
  return { "grpc.keepalive_time_ms": intervalMs, "grpc.keepalive_timeout_ms": Math.min(timeoutMs, MAX_TIMER_MS) };
}

/** How often a client pings when it was not told. */
export function clientKeepalive({ wire, heartbeat }: LinkTerms): GrpcKeepalive {
  if (wire.path === undefined) return heartbeat;
  return { intervalMs: Math.max(FOREIGN_INTERVAL_MS, heartbeat.intervalMs), timeoutMs: heartbeat.timeoutMs };
}

/** Throws `RangeError` for a keepalive without both times. */
export function checkKeepalive(keepalive: GrpcKeepalive | undefined): void {
  if (keepalive === undefined || (keepalive.intervalMs > 0 && keepalive.timeoutMs > 0)) return;
  throw new RangeError("grpc.keepalive needs an intervalMs and a timeoutMs above 0");
}
