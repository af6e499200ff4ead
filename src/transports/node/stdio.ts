import type { Readable, Writable } from "node:stream";
import type { CloseReason, Pipe } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import type { Accept, Listener, RawConnection } from "../../core/wire.ts";
import { onStall, StreamPipe } from "./stream-pipe.ts";
import { codeOf, explain } from "./system-error.ts";

/** The two streams to talk over; by default those of this process. */
export interface StdioStreams {
  readonly input?: Readable;
  readonly output?: Writable;
}

/**
 * Makes a connection of this process's standard input and output, or of two other streams. It owns both: nothing else
 * may read the one or write the other while it lasts.
 *
 * A close waits until the output has taken everything (at most 5 s without progress) and destroys the input, so that
 * the process may end. The process's own standard output stays usable, and the other side sees its end when the
 * process does; any other output is ended.
 */
export function stdioConnection({ input = process.stdin, output = process.stdout }: StdioStreams = {}): RawConnection {
  return { pipe: stdioPipe(input, output), remoteAddress: "stdio:", once: true };
}

/** Listens on the standard streams: accepts exactly one connection, which is there from the start. */
export function stdioListen(streams: StdioStreams = {}): (accept: Accept) => Promise<Listener> {
  return (accept) => {
    let closed = false;
    // Whoever waits for the listener gets it before its connection, as with every other transport.
    setImmediate(() => {
      if (!closed) accept(stdioConnection(streams));
    });
    return Promise.resolve({
      address: "stdio:",
      close() {
        closed = true;
        return Promise.resolve();
      },
    });
  };
}

function stdioPipe(input: Readable, output: Writable): Pipe {
  const finish = (reason: CloseReason): void => {
    input.destroy();
    pipe.finished(reason);
  };
  const end = once(() => flush(output, () => finish({ message: "Closed by this end" })));
  const pipe = new StreamPipe({ input, output, end });
  /** Nobody reads us any more; what was said to us before is heard first. */
  const unread = once((reason: CloseReason) => {
    if (pipe.closing) finish(reason);
    else pipe.afterInput(() => finish(reason));
  });
  input.on("error", (error) => finish(broken("reading the standard input", error)));
  input.once("close", () => {
    if (!input.readableEnded && !pipe.closing) finish({ message: "The standard input was closed" });
  });
  // The listeners stay: what was written before may fail long after the close, and must not end the process.
  output.on("error", (error) => {
    if (codeOf(error) === "EPIPE") unread({ message: "The other side closed our standard output" });
    else finish(broken("writing the standard output", error));
  });
  output.once("close", () => unread({ message: "The standard output was closed" }));
  return pipe;
}

/** Calls `flushed` when the output has taken everything, or takes nothing for long. Ends it if it is not the process's own. */
function flush(output: Writable, flushed: () => void): void {
  const done = once(() => {
    stopWatch();
    flushed();
  });
  const stopWatch = onStall(output, done);
  if (output === process.stdout) output.write("", done);
  else output.end(done);
}

function once<Arguments extends unknown[]>(action: (...given: Arguments) => void): (...given: Arguments) => void {
  let called = false;
  return (...given) => {
    if (called) return;
    called = true;
    action(...given);
  };
}

function broken(action: string, cause: Error): CloseReason {
  const message = `The connection failed while ${action}: ${explain(cause)}`;
  return { message, error: new RpcError("unavailable", message, { cause }) };
}
