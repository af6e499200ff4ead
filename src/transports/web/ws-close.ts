import type { CloseReason } from "../../core/channel.ts";
import { type Code, RpcError } from "../../core/errors.ts";
import { bytesOf, printable, textOf } from "../../core/text.ts";

/** The body of a control frame has at most 125 bytes, and two of them are the code (RFC 6455, 5.5). */
const MAX_TEXT_BYTES = 123;

const NORMAL = 1000;
const FAILED = 1011;
/** What the browser says when no close frame came. */
const LOST = 1006;

/** What an end of Convoke says when an error ends the link and nobody chose a code; anything else is `FAILED`. */
const CODES: { readonly [code in Code]?: number } = {
  data_loss: 1002,
  unauthenticated: 1008,
  permission_denied: 1008,
  resource_exhausted: 1013,
};
/** The codes from 1001 on belong to the protocol: a page says them from here on, 4011 for 1011. */
const PAGE_CODES = 3000;

/**
 * What a page says in its close frame. It may say 1000 and 3000 to 4999 (the WebSocket standard, `close()`): an error whose
 * code is another one is told by the code 3000 above it, anything else is a normal close.
 */
export function closeFrameOf({ message, closeCode, error }: CloseReason): {
  readonly code: number;
  readonly text: string;
} {
  const text = cut(message);
  if (closeCode === NORMAL || isFree(closeCode)) return { code: closeCode, text };
  if (error === undefined) return { code: NORMAL, text };
  const isSaid = closeCode !== undefined && closeCode > NORMAL && isFree(closeCode + PAGE_CODES);
  return { code: PAGE_CODES + (isSaid ? closeCode : (CODES[error.code] ?? FAILED)), text };
}

/** Why the link ended, of the other side's close frame or of its absence. */
export function reasonOfClose(closeCode: number, text: string): CloseReason {
  const said = text === "" ? "" : `: ${printable(text)}`;
  const message =
    closeCode === LOST
      ? "The WebSocket was lost without a close frame (1006)"
      : `The other side closed the WebSocket with ${closeCode}${said}`;
  // Normal, going away, and no code at all.
  if (closeCode === NORMAL || closeCode === 1001 || closeCode === 1005) return { message, closeCode };
  const code = closeCode === 1009 ? "resource_exhausted" : "unavailable";
  return { message, closeCode, error: new RpcError(code, message, { wireCode: closeCode }) };
}

function isFree(code: number | undefined): code is number {
  return code !== undefined && Number.isInteger(code) && code >= 3000 && code <= 4999;
}

function cut(message: string): string {
  const bytes = bytesOf(message.toWellFormed());
  let end = Math.min(bytes.length, MAX_TEXT_BYTES);
  // Not in the middle of a character: the bytes of one begin with two bits 10, all but the first.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return textOf(bytes.subarray(0, end));
}
