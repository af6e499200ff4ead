import type { PerMessageDeflateOptions } from "ws";
import type { Limits } from "../../core/limits.ts";

/** `ws` keeps this number in 32 bits, and 0 or less means no limit there. */
const LARGEST_PAYLOAD = 2 ** 31 - 1;
/** A message may come in pieces of so many bytes on average, and not in smaller ones: each costs more than its bytes. */
const LEAST_PIECE_BYTES = 256;
const LEAST_PIECES = 1024;

/** What both ends tell `ws` about a link. */
export interface WsOptions {
  readonly maxPayload: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: PerMessageDeflateOptions | false;
}

/** The limits of a link in the words of `ws`. Compressed messages share no state: what one took is free after it. */
export function wsOptionsOf({ maxFrameBytes }: Limits, deflate = false): WsOptions {
  const maxPayload = Math.min(maxFrameBytes, LARGEST_PAYLOAD);
  return {
    maxPayload,
    maxBufferedChunks: Math.max(LEAST_PIECES, Math.ceil(maxPayload / LEAST_PIECE_BYTES)),
    perMessageDeflate: deflate && { serverNoContextTakeover: true, clientNoContextTakeover: true },
  };
}
