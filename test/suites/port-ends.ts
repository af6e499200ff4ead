import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";
import tls from "node:tls";
import { onTestFinished } from "vitest";
import { turn, until } from "./support.ts";

/** The accepting ends of the sockets that came to one port, by the port that they came from. */
class AcceptedSockets {
  readonly #sockets = new Map<number, Socket>();
  readonly #note: (message: unknown) => void;

  constructor(port: number) {
    this.#note = (message) => {
      const { socket } = message as { readonly socket: Socket };
      // Two connections may come from the same port, if they go to different ones.
      if (socket.localPort === port && socket.remotePort !== undefined) this.#sockets.set(socket.remotePort, socket);
    };
  }

  watch(): void {
    subscribe("net.server.socket", this.#note);
  }

  unwatch(): void {
    unsubscribe("net.server.socket", this.#note);
    this.#sockets.clear();
  }

  /** How many bytes the other end of this socket has read. */
  bytesRead({ localPort = 0 }: Socket): number {
    return this.#sockets.get(localPort)?.bytesRead ?? 0;
  }
}

/** Stands before a port. */
export interface Splitter {
  readonly port: number;
  /** How long the first chunks were, each once. */
  readonly lengths: ReadonlySet<number>;
  /** After which byte the first chunks of the next connections are cut, one for each; all others are cut after each byte. */
  readonly cuts: number[];
}

/** Brings the first chunk of each connection in pieces to a port, each when the one before was read. */
export async function splitterBefore(port: number, over?: tls.ConnectionOptions): Promise<Splitter> {
  const accepted = new AcceptedSockets(port);
  accepted.watch();
  const sockets = new Set<Socket>();
  const lengths = new Set<number>();
  const cuts: number[] = [];
  const bring = async (first: Buffer, far: Socket, raw: Socket): Promise<void> => {
    const cut = cuts.shift();
    const ends = cut === undefined ? first.keys() : [Math.min(cut, first.length)];
    let start = 0;
    for (const end of [...ends, first.length]) {
      if (end === start) continue;
      const before = accepted.bytesRead(raw);
      far.write(first.subarray(start, end));
      // What TLS makes of them is more.
      await until(() => accepted.bytesRead(raw) >= before + end - start || raw.destroyed);
      await turn(2);
      start = end;
    }
  };
  const server = net.createServer({ noDelay: true }, (near) => {
    const raw = net.connect({ port, host: "127.0.0.1", noDelay: true });
    const far = over === undefined ? raw : tls.connect({ ...over, socket: raw });
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    const ready = once(far, over === undefined ? "connect" : "secureConnect").catch(() => {});
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (chunks.length === 1) void forward();
    };
    const forward = async (): Promise<void> => {
      await ready;
      // All that the client says by itself, and the last of a TLS handshake is no part of it.
      await turn();
      near.off("data", collect).pause();
      const first = Buffer.concat(chunks);
      lengths.add(first.length);
      await bring(first, far, raw);
      near.pipe(far);
    };
    near.on("data", collect);
    far.pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    accepted.unwatch();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    lengths,
    cuts,
  };
}
