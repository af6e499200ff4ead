import type { CloseReason } from "../../core/channel.ts";
import { RpcError } from "../../core/errors.ts";
import type { Ending } from "./envelope.ts";

/** How long an end that was closed waits until the other side has all that was sent before. */
export const LINGER_MS = 5000;

/** What the other side is told of a close. */
export function endingOf({ message, closeCode, error }: CloseReason): Ending {
  return { message, closeCode, code: error?.code };
}

/** Why the link ended, of what the other side said. */
export function reasonOf({ message, closeCode, code }: Ending): CloseReason {
  const numbered = closeCode === undefined ? {} : { closeCode };
  if (code === undefined) return { message: `Closed by the other side: ${message}`, ...numbered };
  return { message, ...numbered, error: new RpcError(code, message, { wireCode: closeCode }) };
}

/** A link that is lost: the other side is gone, or nobody knows what became of it. */
export function lost(message: string, cause?: unknown): CloseReason {
  return { message, error: new RpcError("unavailable", message, { cause }) };
}
