import { RpcError } from "./errors.ts";
import { printable } from "./text.ts";

/**
 * What an authenticator says to a dialler that has none: a record with an `error` whose `code` is no number, as it is in
 * JSON-RPC. `undefined` for everything else.
 */
export function refusedUnasked(record: unknown): RpcError | undefined {
  if (typeof record !== "object" || record === null || !Object.hasOwn(record, "error")) return undefined;
  const { error } = record as { readonly error?: { readonly code?: unknown; readonly message?: unknown } | null };
  if (typeof error?.message !== "string" || typeof error.code === "number") return undefined;
  const why = `The other side wants to know who this end is (option authenticator): ${printable(error.message)}`;
  return new RpcError("unauthenticated", why, { executed: "no" });
}
