import { NativeCodec, type NativeOptions } from "../codecs/native/codec.ts";
import type { Wire } from "../core/wire.ts";
import { lengthPrefix } from "../framings/length-prefix.ts";

/** The wire of two Convoke ends: the fastest and the most complete one. Throws `TypeError` for a body that there is not. */
export function native(options: NativeOptions = {}): Wire {
  const { body } = options;
  if (body !== undefined && body !== "json" && body !== "msgpack") {
    throw new TypeError(`body must be "json" or "msgpack", not ${String(body)}`);
  }
  return {
    name: "native",
    framing: lengthPrefix(),
    ordered: false,
    codec: (link) => new NativeCodec(link, options),
  };
}
