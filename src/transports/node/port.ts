import type { Socket } from "node:net";
import { TLSSocket, type TlsOptions } from "node:tls";
import type { Beginning } from "../../core/detection.ts";
import type { Accept, Listen, Listener, Wire } from "../../core/wire.ts";
import { formatAddress } from "./address.ts";
import { checkApart, type Door, isWire, type OpenService, type Served, type SocketService } from "./port-doors.ts";
import { Entrance, TLS } from "./port-entrance.ts";
import { allFlushed, httpDoor } from "./port-http.ts";
import { socketPipe } from "./socket.ts";
import { hostAndPort, LOOPBACK, remoteAddressOf, type TcpTarget, tcpSockets } from "./tcp.ts";
import { identityOf, type TlsServeOptions, tlsServerOptions } from "./tls.ts";
import { type UnixListenTarget, unixSockets } from "./unix.ts";

/** Where a port shall be that serves several wires, and what it serves. */
export type PortTarget = PortContent & (TcpTarget | UnixListenTarget);

/** What a port serves. */
export interface PortContent {
  /** No two of them begin alike. */
  readonly wires: readonly Served[];
  /** Takes TLS in front of any of them. */
  readonly tls?: TlsServeOptions | undefined;
  /** Nobody gets in without TLS. Default: with and without it. */
  readonly secure?: boolean | undefined;
}

/**
 * Listens on one port for all of them: the first bytes of a connection say which it is, and nothing of it is lost. Whoever
 * speaks none of them is told what is spoken here, as far as it has words for it. Throws `TypeError` at once for wires of which
 * one cannot be found by how it begins, or two cannot be told apart, and for certificates that cannot be used.
 */
export function portListen(target: PortTarget): Listen {
  const { secure = false } = target;
  const { wires, services } = sorted(target.wires);
  checkApart([...wires, ...services, ...(target.tls === undefined || secure ? [] : [TLS])]);
  const { sockets, address, path } = placeOf(target);
  const tls = target.tls ?? (secure ? {} : undefined);
  const settings = (timeoutMs: number): TlsOptions | undefined => tls && tlsServerOptions(address, tls, timeoutMs);
  // What is wrong with a certificate shows here.
  settings(0);
  return async (accept, terms) => {
    const opened: OpenService[] = [];
    const close = async (): Promise<void> => {
      await Promise.all(opened.map((service) => service.close()));
    };
    try {
      const doors = wires.map((wire) => wireDoor(wire, accept, path));
      for (const service of services) {
        const { name, begins } = service;
        const open = await service.open(accept, terms);
        opened.push(open);
        doors.push({ name, begins, enter: (socket) => open.take(socket) });
      }
      const entrance = new Entrance(doors, terms, {
        tls: settings(terms.handshakeTimeoutMs),
        protocols: services.flatMap(({ protocols = [] }) => protocols),
        secure,
      });
      const listener = await sockets((socket) => entrance.take(socket));
      return {
        address: listener.address,
        async close() {
          await listener.close();
          entrance.close();
          await close();
        },
        flushed: (withinMs) => allFlushed(opened, withinMs),
      };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  };
}

/** Where sockets come from, its address, and the one of whoever comes over a Unix socket. */
function placeOf(target: PortTarget): {
  readonly sockets: (take: (socket: Socket) => void) => Promise<Listener>;
  readonly address: string;
  readonly path?: string;
} {
  if ("path" in target) {
    const address = formatAddress({ kind: "unix", path: target.path });
    return { sockets: unixSockets(target), address, path: address };
  }
  const scheme = target.secure === true ? "tls" : "tcp";
  const address = `${scheme}://${hostAndPort(target.host ?? LOOPBACK, target.port)}`;
  return { sockets: tcpSockets(target, scheme), address };
}

/** Sorts what is served, with one door for everything that HTTP has. Throws `TypeError` for what one port cannot serve. */
function sorted(served: readonly Served[]): {
  readonly wires: readonly SpokenWire[];
  readonly services: readonly SocketService[];
} {
  if (served.length === 0) throw new TypeError("The option wires is empty: list what the port shall speak");
  const wires: SpokenWire[] = [];
  const services: SocketService[] = [];
  const overHttp = served.filter((each) => "listenAt" in each);
  for (const each of served) {
    if (isWire(each)) wires.push(checked(each));
    else if (!("listenAt" in each)) services.push(each);
  }
  if (overHttp.length > 0) {
    const page = [
      "This is Convoke: remote calls. The port looks at how a connection begins, and answers in kind:",
      "",
      ...served.map(({ name }) => `  ${name}`),
      "",
    ].join("\n");
    services.push(httpDoor(overHttp, page));
  }
  return { wires, services };
}

/** A wire that can be found by how it begins. */
type SpokenWire = Wire & { readonly begins: Beginning };

function checked(wire: Wire): SpokenWire {
  const { begins } = wire;
  if (begins !== undefined) return wire as SpokenWire;
  throw new TypeError(
    `The wire "${wire.name}" has no beginning of its own, so a port with several cannot find it: serve it at an address of its own`,
  );
}

function wireDoor(wire: SpokenWire, accept: Accept, path: string | undefined): Door {
  return {
    name: wire.name,
    begins: wire.begins,
    enter(socket) {
      const remoteAddress = path ?? remoteAddressOf(socket);
      const identity = socket instanceof TLSSocket ? identityOf(socket) : undefined;
      accept({
        pipe: socketPipe(socket),
        wire,
        ...(remoteAddress !== undefined && { remoteAddress }),
        ...(identity !== undefined && { identity }),
      });
    },
  };
}
