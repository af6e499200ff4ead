import { RpcError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";

/** The system's error codes in words that follow a colon. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "the address is in use",
  EADDRNOTAVAIL: "this machine has no such address",
  EAI_AGAIN: "the name cannot be looked up now",
  ECONNABORTED: "the connection was aborted",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was reset by the other side",
  EHOSTUNREACH: "no route to the host",
  EMFILE: "too many open files",
  ENETUNREACH: "the network cannot be reached",
  ENOENT: "no such file",
  ENOTFOUND: "unknown host",
  EPERM: "not permitted",
  EPIPE: "the other side closed the connection",
  ETIMEDOUT: "the other side no longer answers",
};

/** The code of a system error (`ECONNREFUSED`), or the empty string. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** Says in words what the system reported, to follow a colon: "connection refused". */
export function explain(error: unknown): string {
  const code = codeOf(error);
  const words = WORDS[code];
  if (words !== undefined) return words;
  const message = error instanceof Error ? error.message : String(error);
  return printable(message === "" ? code : message);
}

/** An error of a connection that could not be made: nothing was sent, so nothing can have run. */
export function cannotConnect(message: string, cause: unknown): RpcError {
  return new RpcError("unavailable", message, { cause, executed: "no" });
}
