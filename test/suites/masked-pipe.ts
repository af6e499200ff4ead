import type { Pipe } from "../../src/core/channel.ts";
import { bytesOf } from "../../src/core/text.ts";

/** A pipe whose every byte is turned over on its way: stands for compression and encryption. The other end needs it too. */
export function masked(pipe: Pipe): Pipe {
  const mask = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes).map((byte) => byte ^ 0xff);
  return {
    open: (sink) =>
      pipe.open({
        data: (bytes) => sink.data(mask(bytes)),
        ended: () => sink.ended(),
        closed: (reason) => sink.closed(reason),
      }),
    write: (bytes) => pipe.write(mask(bytesOf(bytes))),
    close: (reason) => pipe.close(reason),
  };
}
