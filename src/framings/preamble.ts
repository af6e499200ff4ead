import type { LinkContext, Pipe } from "../core/channel.ts";
import { after } from "../core/clock.ts";
import { RpcError } from "../core/errors.ts";
import { AwaitingPipe } from "./awaiting.ts";

/**
 * One byte that the dialler writes before anything else and the accepter waits for; `choose` makes the rest of the
 * stream of it. The pipe that it gives opens its `rest` inside its own `open`. What the accepter writes before the byte
 * came is held back, since only the byte says in which form it goes out. After `timeoutMs` without a byte, or when
 * `choose` throws, the link ends. (gorpc: the compression byte.)
 */
export function preamble(
  pipe: Pipe,
  link: LinkContext,
  byte: number,
  choose: (byte: number, rest: Pipe) => Pipe,
  timeoutMs = 10_000,
): Pipe {
  return link.role === "client" ? sayer(pipe, byte, choose) : accepter(pipe, link, choose, timeoutMs);
}

/** The dialler's end. */
function sayer(pipe: Pipe, byte: number, choose: (byte: number, rest: Pipe) => Pipe): Pipe {
  let said = false;
  const say = (): void => {
    if (said) return;
    said = true;
    void pipe.write(Uint8Array.of(byte));
  };
  const inner = choose(byte, {
    open: (sink) => pipe.open(sink),
    write(bytes) {
      say();
      return pipe.write(bytes);
    },
    close: (reason) => pipe.close(reason),
  });
  return {
    open(sink) {
      inner.open(sink);
      say();
    },
    write: (bytes) => inner.write(bytes),
    close: (reason) => inner.close(reason),
  };
}

/** The accepter's end. */
function accepter(pipe: Pipe, link: LinkContext, choose: (byte: number, rest: Pipe) => Pipe, timeoutMs: number): Pipe {
  let stop: () => void = () => {};
  const awaiting = new AwaitingPipe(pipe, {
    bytes: 1,
    choose([byte = 0], rest) {
      stop();
      return choose(byte, rest);
    },
  });
  return {
    open(sink) {
      stop = after(link.clock, timeoutMs, () => {
        const why = `The first byte did not come within ${timeoutMs} ms: is this the same wire?`;
        awaiting.fail(new RpcError("deadline_exceeded", why));
      });
      awaiting.open({
        data: (bytes) => sink.data(bytes),
        ended() {
          stop();
          sink.ended();
        },
        closed(reason) {
          stop();
          sink.closed(reason);
        },
      });
    },
    write: (bytes) => awaiting.write(bytes),
    close(reason) {
      stop();
      awaiting.close(reason);
    },
  };
}
