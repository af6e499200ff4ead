import { isIP, isIPv6 } from "node:net";
import tls from "node:tls";
import type { ChannelCredentials, ClientOptions, Metadata } from "@grpc/grpc-js";
import type { Dialer, LinkTerms } from "../../core/wire.ts";
import { ClientStream } from "./grpc-client-stream.ts";
import { grpcDialError } from "./grpc-dial-error.ts";
import { toMetadata } from "./grpc-metadata.ts";
import {
  CREDENTIALS,
  checkKeepalive,
  clientKeepalive,
  type GrpcConnectOptions,
  type GrpcMetadata,
  keepaliveOptions,
  pathOf,
  receiveLimit,
} from "./grpc-options.ts";
import type { GrpcPackage } from "./grpc-package.ts";
import { SocketWatch } from "./grpc-socket-watch.ts";
import { givenUp } from "./socket.ts";
import { checkPort, hostAndPort, LOOPBACK, type TcpTarget } from "./tcp.ts";
import { contextOf, type TlsConnectOptions } from "./tls.ts";

/** Where a gRPC server is, and how it is spoken to. */
export interface GrpcTarget extends TcpTarget {
  /** Over TLS: the address begins with `grpcs://`. */
  readonly secure?: boolean | undefined;
  readonly tls?: TlsConnectOptions | undefined;
  readonly grpc?: GrpcConnectOptions | undefined;
}

/** See `GrpcTransport.grpcDialer`. */
export function grpcDialer(grpcJs: GrpcPackage, target: GrpcTarget): Dialer {
  const { host = LOOPBACK, port, secure = false, tls: tlsOptions, grpc = {} } = target;
  checkPort(port);
  checkKeepalive(grpc.keepalive);
  const address = `${secure ? "grpcs" : "grpc"}://${hostAndPort(host, port)}`;
  const name = secure ? (tlsOptions?.serverName ?? host) : undefined;
  const given =
    grpc.credentials === undefined ? undefined : checkCredentials(grpcJs, grpc.credentials, address, secure);
  if (given !== undefined && tlsOptions !== undefined) {
    throw new TypeError("Give the option tls or grpc.credentials, not both: each says whom to trust");
  }
  const context = secure && given === undefined ? contextOf(tlsOptions ?? {}) : undefined;
  if (typeof grpc.metadata === "object") checkMetadata(grpcJs, grpc.metadata, address, target);
  return async (signal, terms) => {
    const path = pathOf(terms.wire);
    const metadata = checkMetadata(grpcJs, await metadataOf(grpc.metadata, address, signal), address, target);
    const watch = new SocketWatch();
    const credentials = watch.around(
      given ??
        (context === undefined
          ? grpcJs.ChannelCredentials.createInsecure()
          : tlsCredentials(grpcJs, context, name ?? host)),
    );
    const client = new grpcJs.Client(targetOf(host, port), credentials, clientOptions(target, name, terms));
    const same = (bytes: Buffer): Buffer => bytes;
    const stream = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same, metadata);
    const link = new ClientStream({ client, stream, watch, path }, terms);
    await link.ready(signal, address, (status) => grpcDialError({ address, path, name }, status, watch.error));
    const { remoteAddress = hostAndPort(host, port), identity } = watch;
    return { channel: link.channel, remoteAddress, ...(identity !== undefined && { identity }) };
  };
}

/** Verifies as the other transports over TLS do; `name` is whom the certificate must be for. */
function tlsCredentials(grpcJs: GrpcPackage, context: tls.SecureContext, name: string): ChannelCredentials {
  return grpcJs.ChannelCredentials.createFromSecureContext(context, {
    // Said aloud, so that an environment variable cannot switch it off.
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
  });
}

/** A target in the words of grpc-js: addresses are not looked up. */
function targetOf(host: string, port: number): string {
  if (isIP(host) === 0) return `dns:///${host}:${port}`;
  return isIPv6(host) ? `ipv6:[${host}]:${port}` : `ipv4:${host}:${port}`;
}

function clientOptions(target: GrpcTarget, name: string | undefined, terms: LinkTerms): ClientOptions {
  const { grpc = {} } = target;
  return {
    // One connection for each link, which is dialled again by nobody but the client.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": receiveLimit(terms),
    "grpc.max_send_message_length": -1,
    ...keepaliveOptions(grpc.keepalive ?? clientKeepalive(terms)),
    ...(name !== undefined && serverName(name)),
    ...grpc.channelOptions,
    ...(grpc.interceptors !== undefined && { interceptors: [...grpc.interceptors] }),
  } as ClientOptions;
}

/** An IP address is no name that TLS may ask for, and grpc-js would: on this machine any name does. */
function serverName(name: string): ClientOptions {
  if (isIP(name) === 0) return { "grpc.ssl_target_name_override": name };
  return isLoopback(name) ? { "grpc.ssl_target_name_override": "localhost" } : {};
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

async function metadataOf(
  given: GrpcConnectOptions["metadata"],
  address: string,
  signal: AbortSignal,
): Promise<GrpcMetadata> {
  if (typeof given !== "function") return given ?? {};
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(givenUp(address, signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([given(), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Writes the metadata, unless it has credentials that anybody on the way could read. */
function checkMetadata(
  grpcJs: GrpcPackage,
  entries: GrpcMetadata,
  address: string,
  { host = LOOPBACK, secure = false, grpc = {} }: GrpcTarget,
): Metadata {
  const metadata = toMetadata(grpcJs, entries);
  const secret = CREDENTIALS.find((each) => Object.hasOwn(entries, each));
  if (secret === undefined || secure || grpc.insecure === true || isLoopback(host)) return metadata;
  throw new TypeError(
    `The metadata "${secret}" would go to ${address} in the clear. Use grpcs://, or grpc: { insecure: true } where the network is trusted`,
  );
}

function checkCredentials(
  { ChannelCredentials }: GrpcPackage,
  given: object,
  address: string,
  secure: boolean,
): ChannelCredentials {
  if (!(given instanceof ChannelCredentials)) {
    throw new TypeError(
      "grpc.credentials must be ChannelCredentials of the package @grpc/grpc-js that is installed here",
    );
  }
  if (given._isSecure() === secure) return given;
  throw new TypeError(
    secure
      ? `grpc.credentials are insecure and do not belong to ${address}: write grpc://, or leave them out`
      : `grpc.credentials are secure and do not belong to ${address}: write grpcs://`,
  );
}
