import type { CloseReason } from "../../core/channel.ts";
import { type Code, protocolError, RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { codeOf, explain } from "./system-error.ts";

/** The body of a control frame has at most 125 bytes, and two of them are the code (RFC 6455, 5.5). */
const MAX_TEXT_BYTES = 123;

/** The codes of RFC 6455, 7.4.1 that are spoken here, and 1013 of the register that goes with it. */
export const CLOSE: {
  readonly normal: 1000;
  readonly goingAway: 1001;
  readonly protocolError: 1002;
  readonly noCode: 1005;
  readonly lost: 1006;
  readonly badText: 1007;
  readonly refused: 1008;
  readonly tooLarge: 1009;
  readonly failed: 1011;
  readonly overloaded: 1013;
} = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  noCode: 1005,
  lost: 1006,
  badText: 1007,
  refused: 1008,
  tooLarge: 1009,
  failed: 1011,
  overloaded: 1013,
};

/** What this end says when an error ends the link and nobody chose a code; anything else is `failed`. */
const CODES: ReadonlyMap<Code, number> = new Map([
  ["data_loss", CLOSE.protocolError],
  ["unauthenticated", CLOSE.refused],
  ["permission_denied", CLOSE.refused],
  ["resource_exhausted", CLOSE.overloaded],
]);

/** How the other side ends a link when nothing is wrong. */
const PLAIN: ReadonlySet<number> = new Set([CLOSE.normal, CLOSE.goingAway, CLOSE.noCode]);

/**
 * What a frame was that `ws` did not take, by its error codes; the others that begin with `WS_ERR_` break the protocol, and
 * those of zlib mean that a message cannot be inflated.
 */
const FAULTS: ReadonlyMap<string, readonly [closeCode: number, code: Code]> = new Map([
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", [CLOSE.tooLarge, "resource_exhausted"]],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", [CLOSE.tooLarge, "resource_exhausted"]],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", [CLOSE.refused, "resource_exhausted"]],
  ["WS_ERR_INVALID_UTF8", [CLOSE.badText, "data_loss"]],
  ["Z_DATA_ERROR", [CLOSE.badText, "data_loss"]],
  ["Z_BUF_ERROR", [CLOSE.badText, "data_loss"]],
]);

/** What this end says in its close frame. A code that may not be sent is replaced by that of the error. */
export function closeFrameOf({ message, closeCode, error }: CloseReason): {
  readonly code: number;
  readonly text: Buffer;
} {
  const ofError = error === undefined ? CLOSE.normal : (CODES.get(error.code) ?? CLOSE.failed);
  const code = closeCode !== undefined && maySend(closeCode) ? closeCode : ofError;
  const text = Buffer.from(message);
  let end = Math.min(text.length, MAX_TEXT_BYTES);
  // Not in the middle of a character: the bytes of one begin with two bits 10, all but the first.
  while (end < text.length && ((text[end] ?? 0) & 0xc0) === 0x80) end--;
  return { code, text: text.subarray(0, end) };
}

/** Why the link ended, of the other side's close frame, or of its absence (1006) and what the system said then. */
export function reasonOfClose(closeCode: number, text: Buffer, cause: Error | null | undefined): CloseReason {
  const said = text.length > 0 ? `: ${printable(text.toString())}` : "";
  if (closeCode === CLOSE.lost) {
    const why = cause === undefined || cause === null ? "" : `: ${explain(cause)}`;
    const message = `The WebSocket was lost without a close frame (1006)${why}`;
    return { message, closeCode, error: new RpcError("unavailable", message, { cause, wireCode: closeCode }) };
  }
  if (closeCode === CLOSE.tooLarge) {
    const message = `The other side closed the WebSocket with 1009, a message was above its limit${said}`;
    return { message, closeCode, error: new RpcError("resource_exhausted", message, { wireCode: closeCode }) };
  }
  const message = `The other side closed the WebSocket ${closeCode === CLOSE.noCode ? "without a code" : `with ${closeCode}${said}`}`;
  if (PLAIN.has(closeCode)) return { message, closeCode };
  return { message, closeCode, error: new RpcError("unavailable", message, { wireCode: closeCode }) };
}

/** Why this end breaks a link whose message is above the limit. */
export function tooLarge(maxFrameBytes: number, cause?: Error): CloseReason {
  const closeCode = CLOSE.tooLarge;
  const message = `A WebSocket message is above the limit of ${maxFrameBytes} bytes (maxFrameBytes)`;
  return { message, closeCode, error: new RpcError("resource_exhausted", message, { cause, wireCode: closeCode }) };
}

/** Why a link ends for which `ws` reported an error. */
export function reasonOfFault(cause: Error, maxFrameBytes: number): CloseReason {
  const name = codeOf(cause);
  const known = FAULTS.get(name);
  if (known?.[0] === CLOSE.tooLarge) return tooLarge(maxFrameBytes, cause);
  const message = printable(cause.message);
  if (known !== undefined) {
    const [closeCode, code] = known;
    return { message, closeCode, error: new RpcError(code, message, { cause, wireCode: closeCode }) };
  }
  if (name.startsWith("WS_ERR_")) {
    const wireCode = CLOSE.protocolError;
    return { message, closeCode: wireCode, error: protocolError(message, { cause, wireCode }) };
  }
  return reasonOfClose(CLOSE.lost, Buffer.alloc(0), cause);
}

/** The codes that may stand in a close frame (RFC 6455, 7.4). */
function maySend(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CLOSE.noCode && code !== CLOSE.lost;
}
