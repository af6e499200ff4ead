import { NativeCodec, type NativeOptions, newStores } from "../codecs/native/codec.ts";
import type { Pipe } from "../core/channel.ts";
import { beginsWith } from "../core/detection.ts";
import type { Limits } from "../core/limits.ts";
import type { Wire } from "../core/wire.ts";
import { greeting } from "../framings/greeting.ts";
import { lengthPrefix } from "../framings/length-prefix.ts";

/** The options of the native wire: those of the codec, and what stands around it on a pipe. */
export interface NativeWireOptions extends NativeOptions {
  /** Compresses the whole stream when both ends have it: `deflate()` of `convoke/node`. Default: none. */
  readonly compression?: Compression | undefined;
}

/** A way to compress a stream, which both ends know by one bit of the greeting. */
export interface Compression {
  /** The bit: 1 is deflate. */
  readonly bit: number;
  /** Makes a pipe whose bytes cross `pipe` compressed; it must bound what comes out of it. */
  wrap(pipe: Pipe, limits: Limits): Pipe;
}

/** "CVK" after a byte that begins no text. */
const MAGIC = [0x93, 0x43, 0x56, 0x4b];
/** Of the greeting and the frames; hello has its own for what is in them. */
const VERSION = 1;

/**
 * The wire of two Convoke ends: the fastest and the most complete one. docs/wires/native.md has its bytes. Throws
 * `TypeError` for a body that there is not.
 */
export function native(options: NativeWireOptions = {}): Wire {
  const { body, compression } = options;
  if (body !== undefined && body !== "json" && body !== "msgpack") {
    throw new TypeError(`body must be "json" or "msgpack", not ${String(body)}`);
  }
  const frames = lengthPrefix();
  const stores = newStores();
  return {
    name: "native",
    framing(pipe, link) {
      const greeted = greeting(pipe, link, {
        magic: MAGIC,
        version: VERSION,
        offers: compression?.bit ?? 0,
        agree: (offers, rest) =>
          offers === 0 || compression === undefined ? rest : compression.wrap(rest, link.limits),
      });
      return frames(greeted, link);
    },
    ordered: false,
    begins: beginsWith(MAGIC),
    codec: (link) => new NativeCodec(link, options, stores),
  };
}
