import net from "node:net";

/** A wire between a client and a TCP server that a test can cut or stop. */
export interface Relay {
  /** Where clients connect. */
  readonly port: number;
  /** Sockets that are open: two for each connection that is whole. */
  readonly open: number;
  /** Forwards nothing any more, in neither direction, and leaves the connections open: the other side looks frozen. */
  freeze(): void;
  /** Breaks every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** Listens on the loopback and forwards to `port` there. */
export async function relayTo(port: number): Promise<Relay> {
  const sockets = new Set<net.Socket>();
  let isFrozen = false;
  const join = (from: net.Socket, to: net.Socket): void => {
    sockets.add(from);
    from.on("error", () => {});
    from.on("data", (bytes) => {
      if (!isFrozen) to.write(bytes);
    });
    from.on("close", () => {
      sockets.delete(from);
      if (!isFrozen) to.destroy();
    });
  };
  const server = net.createServer((near) => {
    const far = net.connect({ port, host: "127.0.0.1" });
    join(near, far);
    join(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    get open() {
      return sockets.size;
    },
    port: (server.address() as net.AddressInfo).port,
    freeze: () => {
      isFrozen = true;
    },
    cut,
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
