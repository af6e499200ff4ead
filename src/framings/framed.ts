import type { Channel, Frame, Pipe } from "../core/channel.ts";
import { protocolError, RpcError } from "../core/errors.ts";
import { Outlet } from "./outlet.ts";

/** The part of a framing that knows its format; one per link. What it throws breaks the link. */
export interface Cutter {
  /** Takes the next bytes, its own until it returns, and gives what they complete to `out`. */
  cut(bytes: Uint8Array, out: Outlet): void;
  /** The stream has ended: gives what may stand without an end, or throws. */
  end(out: Outlet): void;
  /** Makes one write of frames. */
  pack(frames: readonly Frame[]): Uint8Array | string;
}

/**
 * Makes a channel of a pipe. Frames that came before a break are delivered, nothing after it; the same holds for the
 * owner's own `close`.
 */
export function framed(pipe: Pipe, cutter: Cutter): Channel {
  let out: Outlet | undefined;
  /** Broken or closed: nothing more is cut. */
  let over = false;
  const fail = (thrown: unknown): void => {
    over = true;
    const error = RpcError.is(thrown) ? thrown : protocolError("Cannot read the stream", { cause: thrown });
    pipe.close({ message: error.message, error });
  };
  return {
    open(sink) {
      const outlet = new Outlet(sink);
      out = outlet;
      const attempt = (cut: () => void): void => {
        try {
          cut();
        } catch (thrown) {
          over = true;
          outlet.next(() => fail(thrown));
        }
      };
      pipe.open({
        data(bytes) {
          if (over) return;
          attempt(() => cutter.cut(bytes, outlet));
          return outlet.flush();
        },
        ended() {
          if (over) return;
          attempt(() => {
            cutter.end(outlet);
            outlet.next(() => sink.ended());
          });
          void outlet.flush();
        },
        closed(reason) {
          over = true;
          outlet.stop();
          sink.closed(reason);
        },
      });
    },
    send(frames) {
      if (frames.length === 0 || over) return;
      let packed: Uint8Array | string;
      try {
        packed = cutter.pack(frames);
      } catch (thrown) {
        out?.stop();
        fail(thrown);
        return;
      }
      return pipe.write(packed);
    },
    close(reason) {
      over = true;
      out?.stop();
      pipe.close(reason);
    },
  };
}
