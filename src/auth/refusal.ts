import { isCode, RpcError } from "../core/errors.ts";
import { printable } from "../core/text.ts";

/** Close codes of WebSocket that an authenticator uses: a handshake that is wrong, and a key that nobody knows. */
export const CLOSE: { readonly refused: 1008; readonly unknownKey: 4100 } = { refused: 1008, unknownKey: 4100 };

/** What those who dial compare to know that dialling again is no use, so it stays word for word. (Hemi: bfg.) */
const UNKNOWN_KEY = "invalid public key";

/** Makes the error of an end that does not let the other one in: `unauthenticated`, with a close code. */
export function refusal(message: string, closeCode: number = CLOSE.refused, cause?: unknown): RpcError {
  return new RpcError("unauthenticated", message, { executed: "no", wireCode: closeCode, cause });
}

/** Makes the error for a key that is proven and that nobody knows: 4100 `invalid public key`. */
export function unknownKey(): RpcError {
  return refusal(UNKNOWN_KEY, CLOSE.unknownKey);
}

/** Makes the error of an end that was not given what it cannot do without. */
export function notConfigured(message: string, cause?: unknown): RpcError {
  return new RpcError("failed_precondition", message, { executed: "no", wireCode: CLOSE.refused, cause });
}

/** An error as it stands in a frame. */
export interface ErrorRecord {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly closeCode?: unknown;
}

/** Makes the error of an end that was not let in, of what the other side said; `remote` is set. */
export function refusedByOther({ code, message, closeCode }: ErrorRecord): RpcError {
  const why = typeof message === "string" && message !== "" ? printable(message) : "no reason given";
  const isNumber = typeof closeCode === "number" && Number.isInteger(closeCode);
  return new RpcError(isCode(code) ? code : "unauthenticated", `Refused by the other side: ${why}`, {
    executed: "no",
    remote: true,
    wireCode: isNumber ? closeCode : CLOSE.refused,
  });
}
