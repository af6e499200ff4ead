import type { IncomingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";

/** How long a client may take to ask and to read the answer. */
const LINGER_MS = 5000;
/** How gRPC says that there is no such service. */
const UNIMPLEMENTED = 12;

/**
 * Answers whatever a client of HTTP/2 asks first with the text, in the way of gRPC where it speaks that, otherwise with 505, and
 * closes the connection.
 */
export async function refuseHttp2(socket: Socket, text: string): Promise<void> {
  socket.on("error", ignore);
  // HTTP/2 ends as a whole.
  socket.allowHalfOpen = false;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
  // Hardly anybody needs it.
  const { performServerHandshake } = await import("node:http2");
  if (socket.destroyed) return;
  const session = performServerHandshake(socket, { settings: { maxConcurrentStreams: 1 } });
  session.on("error", ignore);
  session.on("stream", (stream, headers) => {
    stream.on("error", ignore);
    if (isGrpc(headers)) {
      const said = { "grpc-status": String(UNIMPLEMENTED), "grpc-message": encodeURI(text) };
      stream.respond({ ":status": 200, "content-type": "application/grpc", ...said }, { endStream: true });
    } else {
      stream.respond({
        ":status": 505,
        "content-type": "text/plain; charset=utf-8",
        "x-content-type-options": "nosniff",
      });
      stream.end(`${text}\n`);
    }
    session.close();
  });
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

function ignore(): void {}
