import type { Server, Socket } from "node:net";
import type { CloseReason, Pipe } from "../../core/channel.ts";
import { nameOf, RpcError } from "../../core/errors.ts";
import type { Listener } from "../../core/wire.ts";
import { onStall, type StreamEnds, StreamPipe } from "./stream-pipe.ts";
import { cannotConnect, codeOf, explain } from "./system-error.ts";

/** How long a closed socket waits for the other side to end too. */
const LINGER_MS = 1000;

/**
 * How often a socket is asked for errors whose other side has ended. Nothing is read there any more, and so nothing tells that
 * the other side is gone altogether.
 */
const ASK_MS = 1000;

/** What the sockets of tcp, tls and unix are made with. */
export const SOCKET_OPTIONS: {
  readonly allowHalfOpen: true;
  readonly highWaterMark: number;
} = {
  allowHalfOpen: true,
  /** A flush that fits is not called full. Node 22's own default; that of Node 20 is a quarter. */
  highWaterMark: 64 << 10,
};

/**
 * A pipe over a connected socket that was made with `SOCKET_OPTIONS`. It owns the socket from now on.
 *
 * A close without an error sends what was written and FIN, reads on and discards until the other side ends too, and
 * destroys the socket a second after FIN, or when nothing is taken for 5 s. A close with an error says `closed` at
 * once, but leaves the socket that second to send what was written: usually that is the reply that says what was wrong,
 * and destroying a socket with unread bytes sends a reset, which would eat it at the other side.
 */
export function socketPipe(socket: Socket): Pipe {
  const ends = new SocketEnds(socket);
  if (socket.destroyed) ends.pipe.finished(reasonOf(socket.errored));
  return ends.pipe;
}

/** The socket knows its ends, so that all sockets share the listeners. */
const ENDS: unique symbol = Symbol("ends");

type Piped = Socket & { [ENDS]?: SocketEnds };

/** A socket as both streams of a pipe, and its end: whether there is still somebody to answer, FIN after what was written, the wait for the other side's. */
class SocketEnds implements StreamEnds {
  readonly input: Socket;
  readonly pipe: StreamPipe;
  #broken: Error | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #asking: NodeJS.Timeout | undefined = undefined;
  #unwatch: (() => void) | undefined = undefined;

  constructor(socket: Piped) {
    this.input = socket;
    socket[ENDS] = this;
    socket.on("error", onError);
    this.pipe = new StreamPipe(this);
    socket.on("end", onEnd);
    socket.on("close", onClose);
  }

  get output(): Socket {
    return this.input;
  }

  end(atOnce: boolean): void {
    clearInterval(this.#asking);
    if (atOnce) return this.#finish();
    this.#unwatch = onStall(this.input, () => this.input.destroy());
    this.input.once("finish", () => this.#finish());
    this.input.end();
  }

  /** The other side has ended (called by the socket). A write of nothing sends nothing, and fails when nobody can be reached. */
  ended(): void {
    this.#asking = setInterval(() => this.input.write(""), ASK_MS).unref();
  }

  /** The socket broke (called by it). */
  broke(error: Error): void {
    this.#broken = error;
  }

  /** The socket has closed (called by it). */
  closed(): void {
    this.#stop();
    this.pipe.finished(reasonOf(this.#broken));
  }

  #finish(): void {
    this.#stop();
    this.input.end();
    this.#timer = setTimeout(() => this.input.destroy(), LINGER_MS).unref();
  }

  #stop(): void {
    this.#unwatch?.();
    clearInterval(this.#asking);
    clearTimeout(this.#timer);
  }
}

function onError(this: Piped, error: Error): void {
  this[ENDS]?.broke(error);
}

function onEnd(this: Piped): void {
  this[ENDS]?.ended();
}

function onClose(this: Piped): void {
  this[ENDS]?.closed();
}

/** Why a socket closed that nobody closed here. */
function reasonOf(broken: Error | null | undefined): CloseReason {
  if (broken === undefined || broken === null) return { message: "The other side closed the connection" };
  const words = explain(broken);
  const message = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return { message, error: new RpcError("unavailable", message, { cause: broken }) };
}

/**
 * Waits until the socket that `connect` makes is ready. Rejects with `unavailable` when it fails or the signal fires
 * first; the signal has no say afterwards. `event` is what says that it is ready.
 */
export function dialSocket<Kind extends Socket>(
  address: string,
  signal: AbortSignal,
  connect: () => Kind,
  event = "connect",
): Promise<Kind> {
  if (signal.aborted) return Promise.reject(givenUp(address, signal));
  return new Promise((resolve, reject) => {
    const socket = connect();
    // An error that nobody listens to ends the process, also between our listener and that of the pipe.
    socket.on("error", () => {});
    const settle = (): void => {
      signal.removeEventListener("abort", onAbort);
      socket.off(event, onReady);
      socket.off("error", onError);
    };
    const onReady = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error): void => {
      settle();
      reject(dialError(address, error));
    };
    // Not the `signal` option of net.connect: that one would end the connection too, long after the attempt.
    const onAbort = (): void => {
      settle();
      socket.destroy();
      reject(givenUp(address, signal));
    };
    socket.on(event, onReady);
    socket.on("error", onError);
    signal.addEventListener("abort", onAbort);
  });
}

/** Makes the error of an attempt that its signal ended. */
export function givenUp(address: string, signal: AbortSignal): RpcError {
  const reason: unknown = signal.reason;
  const why =
    nameOf(reason) === "TimeoutError" ? "no answer in time. Is the address right?" : "the attempt was given up";
  return cannotConnect(`Cannot connect to ${address}: ${why}`, reason);
}

/** Makes the error of an attempt that the system ended. */
export function dialError(address: string, error: Error): RpcError {
  const advice: Readonly<Record<string, string>> = {
    ECONNREFUSED: ". Is the server running?",
    ENOENT: ". Is the server running?",
    ENOTFOUND: ". Is its name right?",
    ETIMEDOUT: ". Is the address right, and open in the firewall?",
  };
  return cannotConnect(`Cannot connect to ${address}: ${explain(error)}${advice[codeOf(error)] ?? ""}`, error);
}

/** Binds by calling `listen`, which starts it; rejects with the system's error. Errors of later accepts are passing and are ignored. */
export function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      // Out of file descriptors, say: the connections that there are live on, and the next accept is tried again.
      server.on("error", () => {});
      resolve();
    });
    listen();
  });
}

/** Makes the error of a listener that could not be bound. */
export function listenError(address: string, error: unknown, advice = ""): RpcError {
  return new RpcError("unavailable", `Cannot listen on ${address}: ${explain(error)}${advice}`, { cause: error });
}

/** A listener over a bound server. Its `close` does not wait for the connections, which live on. */
export function listenerOf(server: Server, address: string): Listener {
  return {
    address,
    close() {
      // The port or path is free when this returns; the callback would wait for the last connection.
      server.close();
      return Promise.resolve();
    },
  };
}
