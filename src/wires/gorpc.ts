import { GorpcCodec, type GorpcOptions } from "../codecs/gorpc/codec.ts";
import type { Wire } from "../core/wire.ts";
import { gobMessages } from "../framings/gob-messages.ts";
import { preamble } from "../framings/preamble.ts";
import type { Compression } from "./native.ts";

/** The options of gorpc's wire: those of the codec, and the first byte. */
export interface GorpcWireOptions extends GorpcOptions {
  /** The dialler asks for compression, which holds in both directions. An accepter takes what it is asked for. Default: false. */
  readonly compress?: boolean | undefined;
}

/** Makes the wire on a platform that has raw deflate. */
export function gorpcWith(compression: Compression, options: GorpcWireOptions = {}): Wire {
  const { compress = false } = options;
  if (typeof compress !== "boolean") throw new TypeError(`compress must be true or false, not ${String(compress)}`);
  const frames = gobMessages();
  return {
    name: "gorpc",
    framing(pipe, link) {
      const chosen = preamble(pipe, link, compress ? 1 : 0, (byte, rest) =>
        byte === 0 ? rest : compression.wrap(rest, link.limits),
      );
      return frames(chosen, link);
    },
    ordered: false,
    codec: (link) => new GorpcCodec(link, options),
  };
}
