import type { Socket } from "node:net";
import { type Beginning, beginsWith } from "../../core/detection.ts";
import type { Logger } from "../../core/logger.ts";
import { refuseUpgrade } from "./http-host-refusal.ts";
import type { Door } from "./port-doors.ts";
import { refuseHttp2 } from "./port-http2.ts";
import { remoteAddressOf } from "./tcp.ts";

/** How long a client that was refused may take to go. */
const LINGER_MS = 1000;

/** A request of HTTP/1: a method, and a blank after it. That of HTTP/2's preface is not one. */
export const beginsHttp: Beginning = (head) => {
  const [, method = "", blank] = /^([A-Z]{0,20})(.?)/s.exec(Buffer.from(head).toString("latin1")) ?? [];
  if (method === "" || method === "PRI") return method === "PRI" && blank === "" ? undefined : false;
  if (blank === "") return method.length < 20 ? undefined : false;
  return blank === " ";
};

/** What a client of HTTP/2 sends first, when it knows that the server speaks it (RFC 9113, 3.4). */
export const beginsHttp2: Beginning = beginsWith([...Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]);

/** A handshake record of TLS (RFC 8446, 5.1): its type, and the first byte of its version. */
export const beginsTls: Beginning = beginsWith([0x16, 0x03]);

/**
 * Those who come often and are not served: each is told what the port speaks, in its own words where it has some. A door of
 * these is asked only when nobody who is served wants the connection.
 */
export function strangers(speaks: string, logger: Logger): readonly Door[] {
  const refusing = (name: string, begins: Beginning, say: (socket: Socket) => void): Door => ({
    name,
    begins,
    enter(socket) {
      logger.warn(`Refused ${remoteAddressOf(socket) ?? "a client"}: it speaks ${name}, this port speaks ${speaks}`);
      say(socket);
    },
  });
  const text = `This port speaks ${speaks}, and not`;
  return [
    refusing("HTTP", beginsHttp, (socket) => refuseUpgrade(socket, 400, `${text} HTTP`)),
    refusing("HTTP/2", beginsHttp2, (socket) => void refuseHttp2(socket, `${text} HTTP/2 or gRPC`)),
    refusing("TLS", beginsTls, (socket) => partWith(socket, HANDSHAKE_FAILURE)),
  ];
}

/** Sends last words, and closes the socket. */
export function partWith(socket: Socket, words?: Uint8Array): void {
  socket.on("error", () => {});
  // What is unread when a socket is destroyed resets it, and eats the words at the other side.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  if (words === undefined) socket.end();
  else socket.end(words);
}

/** A fatal alert of TLS, `handshake_failure` (RFC 8446, 6): the port has no certificate. */
const HANDSHAKE_FAILURE: Uint8Array = Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28);
