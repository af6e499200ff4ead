import type { Client, ClientDuplexStream, connectivityState, Metadata } from "@grpc/grpc-js";
import type { RpcError } from "../../core/errors.ts";
import type { LinkTerms } from "../../core/wire.ts";
import { GrpcChannel, type GrpcEnds } from "./grpc-channel.ts";
import type { SocketWatch } from "./grpc-socket-watch.ts";
import { type GrpcStatus, reasonOfStatus } from "./grpc-status.ts";
import { givenUp } from "./socket.ts";
import { onStall } from "./stream-pipe.ts";

/** How long a stream that was ended waits for the server's status, and a connection that was closed for its end. */
const LINGER_MS = 1000;
/** `connectivityState.READY`. */
const READY: connectivityState.READY = 2;

type Stream = ClientDuplexStream<Buffer, Buffer>;

/** A stream and what it has for itself. */
export interface Dialled {
  readonly client: Client;
  readonly stream: Stream;
  readonly watch: SocketWatch;
  readonly path: string;
}

/** The dialling end of one stream: with it ends the connection. */
export class ClientStream implements GrpcEnds {
  readonly stream: Stream;
  readonly channel: GrpcChannel;
  readonly #client: Client;
  readonly #watch: SocketWatch;
  readonly #path: string;
  readonly #bare: boolean;
  #status: GrpcStatus | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #unwatch: (() => void) | undefined = undefined;
  /** Told of the status while the stream is being made. */
  #onStatus: ((status: GrpcStatus) => void) | undefined = undefined;

  constructor({ client, stream, watch, path }: Dialled, { wire, limits }: LinkTerms) {
    this.stream = stream;
    this.#client = client;
    this.#watch = watch;
    this.#path = path;
    this.#bare = wire.path !== undefined;
    // The status says the same; but an error that nobody listens to ends the process.
    stream.on("error", () => {});
    stream.on("status", (status) => this.#over(status));
    stream.on("end", () => this.#drained());
    this.channel = new GrpcChannel(this, { isBare: this.#bare, maxFrameBytes: limits.maxFrameBytes });
  }

  /**
   * Resolves when the server has taken the stream. On a path of another protocol that is when the connection is up, since a
   * server may say nothing before its first message. Rejects with why it did not, and then nothing is left of it.
   */
  ready(signal: AbortSignal, address: string, errorOf: (status: GrpcStatus) => RpcError): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: RpcError): void => {
        signal.removeEventListener("abort", onAbort);
        this.stream.off("metadata", onTaken);
        this.#onStatus = undefined;
        if (error === undefined) return resolve();
        this.stream.cancel();
        this.#client.close();
        this.#watch.destroy();
        reject(error);
      };
      const onAbort = (): void => settle(givenUp(address, signal));
      const onTaken = (metadata: Metadata): void => {
        // Who speaks HTTP and no gRPC answers too; how the stream ends says what it is.
        if (/^application\/grpc/.test(String(metadata.get("content-type")[0]))) settle();
      };
      this.#onStatus = (status) => settle(errorOf(status));
      this.stream.on("metadata", onTaken);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) return onAbort();
      if (this.#bare) this.#whenConnected(() => settle());
    });
  }

  end(): void {
    const cancel = (): void => this.stream.cancel();
    this.#unwatch = onStall(this.stream, cancel);
    this.stream.once("finish", () => {
      this.#stop();
      if (this.#status === undefined) this.#timer = setTimeout(cancel, LINGER_MS).unref();
    });
    this.stream.end();
  }

  fail(): void {
    this.#stop();
    this.stream.cancel();
  }

  #whenConnected(connected: () => void): void {
    const channel = this.#client.getChannel();
    const look = (): void => {
      if (this.#onStatus === undefined) return;
      const state = channel.getConnectivityState(false);
      if (state === READY) return connected();
      channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
    };
    look();
  }

  /** The server has ended the stream, or it is lost. */
  #over(status: GrpcStatus): void {
    this.#status = status;
    this.#onStatus?.(status);
    // What came before a good end is still on its way to the sink.
    if (status.code !== 0 || this.channel.closing !== undefined || this.stream.readableEnded) this.#finish(status);
  }

  /** All that came was taken. */
  #drained(): void {
    if (this.#status !== undefined) this.#finish(this.#status);
  }

  #finish(status: GrpcStatus): void {
    this.#stop();
    this.channel.finished(reasonOfStatus(status, this.#path));
    this.#client.close();
    // It ends by itself, unless the other side is frozen or gone.
    setTimeout(() => this.#watch.destroy(), LINGER_MS).unref();
  }

  #stop(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    clearTimeout(this.#timer);
  }
}
