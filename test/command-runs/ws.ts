import { once } from "node:events";
import { WebSocket } from "ws";
import { Client, type ConnectOptions } from "../../src/client/client.ts";
import type { Dialer, Wire } from "../../src/core/wire.ts";
import { type ServeOptions, Server } from "../../src/server/server.ts";
import { wsDialer } from "../../src/transports/node/ws-dialer.ts";
import { type WsServeOptions, wsListen } from "../../src/transports/node/ws-listen.ts";
import { until } from "../suites/support.ts";

/** A message as a plain WebSocket got it. */
interface Message {
  readonly text: string;
  readonly isBinary: boolean;
}

/** A plain WebSocket. */
export interface PlainSocket {
  /** Waits for so many messages, and gives all. */
  messages(count: number): Promise<readonly Message[]>;
  send(text: string): void;
  /** Waits for its end: `1000 text`. */
  readonly closed: Promise<string>;
  close(code?: number): void;
}

/** A server of ours on a real socket. */
export interface WsStage {
  readonly server: Server;
  readonly url: string;
  /** When it was dialled by clients of ours. */
  readonly dials: number[];
  /** A client of ours. */
  connect(options?: ConnectOptions<never>): Promise<Client>;
  /** A plain WebSocket, which is open. */
  open(options?: { readonly origin?: string }): Promise<PlainSocket>;
}

/** Serves on a free port while the run plays, and closes whatever it opened. */
export async function overWs(
  wire: Wire,
  options: ServeOptions<never> & { readonly listen?: WsServeOptions },
  play: (stage: WsStage) => Promise<string>,
): Promise<string> {
  const { listen, ...more } = options;
  const server = await Server.open([wsListen({ port: 0, path: "/v1/ws", ...listen })], wire, {
    logger: false,
    ...more,
  });
  const url = server.addresses[0] ?? "";
  const ends: { close(): unknown }[] = [];
  const dials: number[] = [];
  try {
    return await play({
      server,
      url,
      dials,
      connect: async (given = {}) => {
        const dial: Dialer = (signal, terms) => {
          dials.push(Date.now());
          return wsDialer({ url })(signal, terms);
        };
        const client = await Client.open(dial, wire, { logger: false, redial: { baseMs: 1, maxMs: 2 }, ...given });
        ends.push({ close: () => client.close({ graceMs: 0 }) });
        return client;
      },
      open: async ({ origin } = {}) => {
        const socket = new WebSocket(url, { perMessageDeflate: false, ...(origin !== undefined && { origin }) });
        const plain = plainSocket(socket);
        await once(socket, "open");
        ends.push(plain);
        return plain;
      },
    });
  } finally {
    await Promise.all(ends.map((end) => end.close()));
    await server.close({ graceMs: 0 });
  }
}

function plainSocket(socket: WebSocket): PlainSocket {
  const got: Message[] = [];
  socket.on("message", (data, isBinary) => got.push({ text: String(data), isBinary }));
  const closed = new Promise<string>((resolve) => {
    socket.on("close", (code, reason) => resolve(`${code} ${reason.toString()}`));
  });
  return {
    async messages(count) {
      await until(() => got.length >= count || socket.readyState === WebSocket.CLOSED);
      return got;
    },
    send: (text) => socket.send(text),
    closed,
    close: (code) => socket.close(code),
  };
}
