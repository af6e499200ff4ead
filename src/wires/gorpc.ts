import { GorpcCodec, type GorpcOptions } from "../codecs/gorpc/codec.ts";
import { beginsWithOneOf } from "../core/detection.ts";
import { protocolError } from "../core/errors.ts";
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
    insteadOfAuthenticator: "TLS certificates, wrapPipe or onConnect",
    framing(pipe, link) {
      const chosen = preamble(pipe, link, compress ? 1 : 0, (byte, rest) => {
        if (byte === 0) return rest;
        if (isLetter(byte)) throw protocolError("The other side speaks another wire: it began with text, as HTTP does");
        return compression.wrap(rest, link.limits);
      });
      return frames(chosen, link);
    },
    ordered: false,
    // The byte that asks for compression, or does not.
    begins: beginsWithOneOf([0, 1], { afterBlanks: false }),
    codec: (link) => new GorpcCodec(link, options),
  };
}

/** ASCII: what the method of an HTTP request begins with. No client of gorpc has ever said that. */
function isLetter(byte: number): boolean {
  return /[a-z]/i.test(String.fromCharCode(byte));
}
