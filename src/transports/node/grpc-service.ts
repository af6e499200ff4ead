import type { Server, ServerDuplexStream } from "@grpc/grpc-js";
import { after } from "../../core/clock.ts";
import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Accept, LinkTerms } from "../../core/wire.ts";
import { GrpcChannel, type GrpcContent, type GrpcEnds } from "./grpc-channel.ts";
import { fromMetadata } from "./grpc-metadata.ts";
import { type GrpcIdentify, pathOf } from "./grpc-options.ts";
import type { GrpcPackage } from "./grpc-package.ts";
import { statusOf } from "./grpc-status.ts";
import { onStall } from "./stream-pipe.ts";
import { hostAndPort } from "./tcp.ts";
import { identityIn, type TlsIdentity } from "./tls.ts";

/** How long a stream may take to end once all was written. */
const LINGER_MS = 1000;

type Stream = ServerDuplexStream<Buffer, Buffer>;

/** What a service is made with. */
export interface GrpcServiceOptions {
  readonly identify?: GrpcIdentify | undefined;
  /** What TLS has verified about the client of a stream. */
  readonly identityOf: (stream: Stream, remoteAddress: string | undefined) => unknown;
  /** The service was closed and its last stream has ended. */
  readonly onIdle?: (() => void) | undefined;
}

/** A wire on a server of grpc-js: each stream at the wire's path is a connection. */
export class GrpcService {
  readonly path: string;
  readonly #grpc: GrpcPackage;
  readonly #server: Server;
  readonly #accept: Accept;
  readonly #terms: LinkTerms;
  readonly #options: GrpcServiceOptions;
  readonly #streams = new Set<ServerStream>();
  #isClosed = false;

  /** Throws `TypeError` when the server has something at this path already. */
  constructor(grpc: GrpcPackage, server: Server, accept: Accept, terms: LinkTerms, options: GrpcServiceOptions) {
    this.#grpc = grpc;
    this.#server = server;
    this.#accept = accept;
    this.#terms = terms;
    this.#options = options;
    this.path = pathOf(terms.wire);
    const take = (stream: Stream): void => void this.#take(stream);
    const same = (bytes: Buffer): Buffer => bytes;
    if (server.register(this.path, take, same, same, "bidi")) return;
    throw new TypeError(`The gRPC server has something at ${this.path} already: a path can be served once`);
  }

  /** Its name, as the health service has it. */
  get name(): string {
    return this.path.slice(1, this.path.lastIndexOf("/"));
  }

  /** Takes no more streams and leaves those alone that there are. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#server.unregister(this.path);
    if (this.#streams.size === 0) this.#options.onIdle?.();
  }

  async #take(stream: Stream): Promise<void> {
    const { wire, limits, logger } = this.#terms;
    const remoteAddress = peerOf(stream);
    const content = { isBare: wire.path !== undefined, maxFrameBytes: limits.maxFrameBytes };
    const link = new ServerStream(stream, content, () => {
      this.#streams.delete(link);
      if (this.#isClosed && this.#streams.size === 0) this.#options.onIdle?.();
    });
    this.#streams.add(link);
    try {
      const identity = await this.#identityOf(stream, remoteAddress);
      if (this.#isClosed) throw new RpcError("unavailable", "The server is closing", { executed: "no" });
      // At once, so that a client knows that its path is served before anybody says anything.
      stream.sendMetadata(new this.#grpc.Metadata());
      // And at once through proxies as well: some hold the head of an answer until there is a body.
      if (wire.path === undefined) stream.write(Buffer.alloc(0));
      this.#accept({
        channel: link.channel,
        ...(remoteAddress !== undefined && { remoteAddress }),
        ...(identity !== undefined && { identity }),
      });
    } catch (thrown) {
      const error = RpcError.from(thrown);
      const trace = error.trace === undefined ? "" : `, trace ${error.trace}`;
      logger.warn(`Refused ${remoteAddress ?? "a client"}: ${printable(error.message)}${trace}`, error.cause);
      link.channel.close({ message: error.message, error });
    }
  }

  async #identityOf(stream: Stream, remoteAddress: string | undefined): Promise<unknown> {
    const { identify, identityOf } = this.#options;
    const identity = identityOf(stream, remoteAddress);
    if (identify === undefined) return identity;
    const { clock, handshakeTimeoutMs } = this.#terms;
    let stop = (): void => {};
    const late = new Promise<never>((_, reject) => {
      const why = `The client was not identified within ${handshakeTimeoutMs} ms`;
      stop = after(clock, handshakeTimeoutMs, () => reject(new RpcError("deadline_exceeded", why, { executed: "no" })));
    });
    try {
      const about = { remoteAddress, identity };
      return (await Promise.race([identify(fromMetadata(stream.metadata), about), late])) ?? identity;
    } finally {
      stop();
    }
  }
}

/** The accepting end of one stream. */
class ServerStream implements GrpcEnds {
  readonly stream: Stream;
  readonly channel: GrpcChannel;
  readonly #gone: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #unwatch: (() => void) | undefined = undefined;
  #isOver = false;

  constructor(stream: Stream, content: GrpcContent, gone: () => void) {
    this.stream = stream;
    this.#gone = gone;
    this.channel = new GrpcChannel(this, content);
    // A stream that is cancelled ends first, and that is no half-close.
    stream.on("end", () => void setImmediate(() => this.channel.inputOver()));
    // Also when all has ended well: then it is the close of this end that counts.
    stream.on("cancelled", () => this.#over());
    stream.on("close", () => this.#over());
  }

  end(): void {
    this.#unwatch = onStall(this.stream, () => this.#over());
    this.stream.once("finish", () => this.#linger());
    this.stream.end();
  }

  /** What was written goes first. Who does not read gets the status when he reads on: there is no way to be harder. */
  fail(error: RpcError): void {
    const status = statusOf(error);
    this.stream.emit("error", Object.assign(new Error(status.details), status));
    this.#linger();
  }

  #linger(): void {
    this.#stop();
    if (!this.#isOver) this.#timer = setTimeout(() => this.#over(), LINGER_MS).unref();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop();
    const message = "The stream was cancelled, or its connection was lost";
    this.channel.finished({ message, error: new RpcError("unavailable", message) });
    this.#gone();
  }

  #stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    clearTimeout(this.#timer);
  }
}

/** What TLS has verified about the client, as far as grpc-js tells: older versions do not. */
export function identityOf(stream: Partial<Pick<Stream, "getAuthContext">>): TlsIdentity | undefined {
  const certificate = stream.getAuthContext?.()?.sslPeerCertificate;
  return certificate === undefined ? undefined : identityIn(certificate);
}

/** Where a stream comes from, written as the other transports do. */
function peerOf(stream: Stream): string | undefined {
  const [, host, port] = /^(.*):(\d+)$/.exec(stream.getPeer()) ?? [];
  if (host === undefined || port === undefined) return undefined;
  return hostAndPort(host.replace(/^::ffff:(?=\d+\.)/i, ""), Number(port));
}
