import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { verdict } from "./tls.ts";
import { type TlsFault, tlsFault } from "./tls-error.ts";

/** How far the connection of one request has come. */
type Stage = "handshake" | "verdict" | "open";

/**
 * Watches the requests of one agent of HTTPS. Nothing of a request leaves before the handshake is over, and on the first
 * connections not before the server has judged this end's certificate either, as `tlsDialer` has it; that is when `ready` is
 * called. What a watch gives says what an error of its request means: `undefined` when it has nothing to do with TLS.
 */
export function tlsRequests(
  name: string,
  hasCertificate: boolean,
): (sent: ClientRequest, ready: () => void) => (error: Error) => TlsFault | undefined {
  // Who was let in once need not wait for it again.
  let isLetIn = false;
  return (sent, ready) => {
    let stage: Stage = "open";
    const open = (): void => {
      stage = "open";
      ready();
    };
    sent.once("socket", (socket: Socket) => {
      if (!(socket instanceof TLSSocket && socket.connecting)) return open();
      stage = "handshake";
      if (isLetIn) return void socket.once("secureConnect", open);
      socket.cork();
      socket.once("secureConnect", () => {
        stage = "verdict";
        verdict(socket).then(
          () => {
            isLetIn = true;
            open();
            socket.uncork();
          },
          // The request hears of it from the socket.
          () => {},
        );
      });
    });
    return (error) => (stage === "open" ? undefined : tlsFault(name, error, stage === "verdict" && hasCertificate));
  };
}
